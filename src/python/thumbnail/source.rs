//! The sources of images, and the exceptions that name them.

use std::fs::File;
use std::io::{self, Write as _};
use std::ops::Deref;
use std::os::fd::IntoRawFd;
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use super::super::exceptions::FileNotFound;
use super::super::numbers;
use super::super::path_map::OpenedFile;
use super::arguments::{Arguments, Limits};
use super::failure::exception;
use super::plugin::Plugin;
use crate::error::ThumbnailError;
use crate::thumbnail::decode::{self, Input};
use crate::thumbnail::options::RenderOptions;
use crate::thumbnail::partial::{self, SourceFile, StreamedSource};

/// A source that arrives in pieces.
#[pyclass(name = "StreamedSource", module = "xaccel._core")]
pub(in super::super) struct PyStreamedSource(StreamedSource);

#[pymethods]
impl PyStreamedSource {
    #[new]
    #[pyo3(signature = (capacity, /))]
    fn new(#[pyo3(from_py_with = numbers::capacity)] capacity: usize) -> Self {
        Self(StreamedSource::new(capacity))
    }

    #[pyo3(signature = (piece, /))]
    fn feed(&mut self, piece: &[u8]) -> bool {
        self.0.feed(piece)
    }

    #[getter]
    fn needs_all(&self) -> bool {
        self.0.needs_all()
    }

    fn to_memory_file(&self) -> PyResult<i32> {
        let mut file = memory_file()?;
        file.write_all(self.0.content())?;
        Ok(file.into_raw_fd())
    }

    fn __len__(&self) -> usize {
        self.0.content().len()
    }
}

/// Bytes in memory.
pub(in super::super) enum Content {
    Python(PyBackedBytes),
    Streamed(Arc<Vec<u8>>),
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Python(bytes) => bytes,
            Self::Streamed(bytes) => bytes,
        }
    }
}

/// The source of an image.
pub(in super::super) enum ImageSource {
    Bytes(Content),
    /// Only the start of a JPEG; see [`StreamedSource`].
    Partial(Content),
    Path(PathBuf),
    /// An open file, and the path to show in messages.
    File(File, Option<PathBuf>),
}

impl ImageSource {
    /// Accept bytes, a path, an opened file, a source that has arrived in pieces, or a binary file.
    /// A binary file is read no further than one byte beyond the limit.
    pub(super) fn new(source: &Bound<'_, PyAny>, limits: &Limits) -> PyResult<Self> {
        if let Ok(bytes) = source.extract::<PyBackedBytes>() {
            return Ok(Self::Bytes(Content::Python(bytes)));
        }
        if let Ok(streamed) = source.cast::<PyStreamedSource>() {
            return Ok(Self::Bytes(Content::Streamed(Arc::clone(streamed.borrow().0.content()))));
        }
        if let Ok(opened) = source.cast::<OpenedFile>() {
            let (file, path) = opened.get().copy()?;
            return Ok(Self::File(file, Some(path)));
        }
        if let Ok(path) = source.extract::<PathBuf>() {
            return Ok(Self::Path(path));
        }
        let Ok(read) = source.getattr("read") else {
            let kind = source.get_type().name()?;
            let message = format!("source must be bytes, a path or a binary file, not {kind}");
            return Err(PyTypeError::new_err(message));
        };
        Self::read_all(&read, limits.max_bytes.saturating_add(1))
    }

    /// Call `read()` until the file ends or has returned `most` bytes. A single call may return
    /// fewer.
    fn read_all(read: &Bound<'_, PyAny>, most: u64) -> PyResult<Self> {
        let mut content = Vec::new();
        loop {
            let missing = most.saturating_sub(content.len() as u64);
            let piece: PyBackedBytes = read.call1((missing,))?.extract().map_err(|_| {
                let message = "source.read() must return bytes; open the file in binary mode";
                PyTypeError::new_err(message)
            })?;
            content.extend_from_slice(&piece);
            if piece.is_empty() || content.len() as u64 >= most {
                let content = PyBytes::new(read.py(), &content);
                return Ok(Self::Bytes(Content::Python(content.into())));
            }
        }
    }

    /// All bytes of the source.
    pub(super) fn contents(&self, limits: &Limits) -> PyResult<Vec<u8>> {
        let read = || {
            let mut file = match SourceFile::from_file(self.to_file()?, &limits.core())? {
                Ok(file) => file,
                Err(error) => return Ok(Err(error)),
            };
            Ok(Ok(file.all()?.to_vec()))
        };
        match self {
            Self::Bytes(bytes) | Self::Partial(bytes) => Ok(bytes.to_vec()),
            Self::Path(_) | Self::File(..) => self.result(read()),
        }
    }

    /// Accept a file that another process opened, and the path to show in messages. If the file
    /// contains only the start of a JPEG, `start` is the number of its bytes.
    pub(in super::super) fn passed(
        file: File,
        path: Option<PathBuf>,
        start: Option<u64>,
    ) -> PyResult<Self> {
        let Some(length) = start else { return Ok(Self::File(file, path)) };
        let mut content = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut content, 0)?;
        Ok(Self::Partial(Content::Streamed(Arc::new(content))))
    }

    /// Mark bytes as the start of a JPEG.
    pub(super) fn partial(self, is_partial: bool) -> Self {
        match self {
            Self::Bytes(bytes) if is_partial => Self::Partial(bytes),
            source => source,
        }
    }

    /// Process the image, detached from the interpreter; see [`Self::process`].
    pub(super) fn with<T: Send>(
        &self,
        py: Python<'_>,
        arguments: &Arguments,
        work: impl Fn(Input<'_>, &RenderOptions<'_>) -> Result<T, ThumbnailError> + Send + Sync,
    ) -> PyResult<T> {
        py.detach(|| self.process(arguments, work))
    }

    /// Call `work` with the bytes of the image as in [`Self::read`], or with pixels from a plug-in
    /// if the core does not know the format. This thread must not be attached to the interpreter.
    pub(in super::super) fn process<T: Send>(
        &self,
        arguments: &Arguments,
        work: impl Fn(Input<'_>, &RenderOptions<'_>) -> Result<T, ThumbnailError> + Sync,
    ) -> PyResult<T> {
        let deadline = arguments.limits.deadline();
        let outcome = self.read(&arguments.limits, |bytes, is_partial| {
            arguments.with_options(deadline, is_partial, |options| work(bytes.into(), options))
        });
        if !self.is_unknown(&outcome) {
            return self.result(outcome);
        }
        Python::attach(|py| {
            let Some(plugin) = self.plugin(py, arguments, deadline)? else {
                return self.result(outcome);
            };
            plugin.process(py, |image| {
                let work = || {
                    arguments.with_options(deadline, false, |options| {
                        work(Input::Decoded(image), options)
                    })
                };
                self.result(Ok(guarded(work)))
            })
        })
    }

    /// Whether the source is in a format that only a plug-in may decode.
    pub(super) const fn is_unknown<T>(
        &self,
        outcome: &io::Result<Result<T, ThumbnailError>>,
    ) -> bool {
        matches!(outcome, Ok(Err(ThumbnailError::Unsupported))) && !matches!(self, Self::Partial(_))
    }

    /// Find an enabled plug-in for the source, or return `None` if there is none.
    pub(super) fn plugin<'a, 'py>(
        &self,
        py: Python<'py>,
        arguments: &'a Arguments,
        deadline: Option<Instant>,
    ) -> PyResult<Option<Plugin<'a, 'py>>> {
        let file = self.to_file().map_err(|error| self.not_readable(error))?;
        Plugin::open(py, file, self.label(), arguments, deadline)
    }

    /// The source as a file. Copies of an opened file share their position.
    fn to_file(&self) -> io::Result<File> {
        match self {
            Self::Bytes(bytes) | Self::Partial(bytes) => {
                let mut file = memory_file()?;
                file.write_all(bytes)?;
                Ok(file)
            }
            Self::Path(path) => partial::open(path),
            Self::File(file, _) => file.try_clone(),
        }
    }

    /// Call `work` with the bytes. The first call may receive only the initial bytes, with true as
    /// the second argument. If they are not enough, a second call receives all bytes. The outer
    /// error means that the source can't be read.
    pub(super) fn read<T>(
        &self,
        limits: &Limits,
        work: impl Fn(&[u8], bool) -> Result<T, ThumbnailError>,
    ) -> io::Result<Result<T, ThumbnailError>> {
        let guarded = |bytes: &[u8], is_partial| guarded(|| work(bytes, is_partial));
        let opened = match self {
            Self::Bytes(bytes) => return Ok(guarded(bytes, false)),
            Self::Partial(bytes) => return Ok(guarded(bytes, true)),
            Self::Path(path) => SourceFile::open(path, &limits.core())?,
            Self::File(file, _) => SourceFile::from_file(file.try_clone()?, &limits.core())?,
        };
        let mut file = match opened {
            Ok(file) => file,
            Err(error) => return Ok(Err(error)),
        };
        if let Some(start) = file.start()? {
            match guarded(start, true) {
                Err(ThumbnailError::Corrupt { .. }) => {}
                outcome => return Ok(outcome),
            }
        }
        if !decode::is_known(file.head(decode::SNIFFED)?) {
            return Ok(Err(ThumbnailError::Unsupported));
        }
        Ok(guarded(file.all()?, false))
    }

    /// Return the value, or the exception for the error.
    pub(super) fn result<T>(&self, outcome: io::Result<Result<T, ThumbnailError>>) -> PyResult<T> {
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(exception(&self.label(), &error)),
            Err(error) => Err(self.not_readable(error)),
        }
    }

    /// The start of error messages, which names the path; empty for bytes.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Bytes(_) | Self::Partial(_) | Self::File(_, None) => String::new(),
            Self::Path(path) | Self::File(_, Some(path)) => format!("{path:?}: "),
        }
    }

    fn not_readable(&self, error: io::Error) -> PyErr {
        let reason = match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, Some(_)) => {
                "there is no such file".into()
            }
            (io::ErrorKind::NotFound | io::ErrorKind::InvalidInput, _) => error.to_string(),
            _ => return error.into(),
        };
        FileNotFound::new_err(format!("{}{reason}", self.label()))
    }
}

/// Call the engine. Codecs process hostile input; if one panics, only this call fails.
fn guarded<T>(work: impl FnOnce() -> Result<T, ThumbnailError>) -> Result<T, ThumbnailError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(ThumbnailError::Panic))
}

/// A file without a name.
fn memory_file() -> io::Result<File> {
    #[cfg(target_os = "linux")]
    return Ok(rustix::fs::memfd_create("xaccel", rustix::fs::MemfdFlags::CLOEXEC)?.into());
    #[cfg(not(target_os = "linux"))]
    tempfile::tempfile()
}
