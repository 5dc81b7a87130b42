//! `PathMap`, `Location` and `OpenedFile`.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyBytes};

use super::exceptions::{ConfigError, FileNotFound};
use crate::error::{PathError, PathMapError};
use crate::path_map::{self, Located, Root};

impl From<PathMapError> for PyErr {
    fn from(error: PathMapError) -> Self {
        ConfigError::new_err(error.to_string())
    }
}

/// The exception for a file that may not be sent. The process's or the disk's own trouble is not
/// the file's.
fn refusal(path: &Path, error: PathError) -> PyErr {
    match error {
        PathError::Os(number) if !is_permission(number) => {
            io::Error::from_raw_os_error(number).into()
        }
        error => FileNotFound::new_err(format!("{path:?} may not be sent: {error}")),
    }
}

fn is_permission(number: i32) -> bool {
    matches!(io::Error::from_raw_os_error(number).kind(), io::ErrorKind::PermissionDenied)
}

/// A regular file under a root.
#[pyclass(frozen, get_all, module = "xaccel._core")]
pub(super) struct Location {
    path: OsString,
    root: OsString,
    url: String,
    size: u64,
    mtime: i64,
    mtime_ns: i128,
    device: u64,
    inode: u64,
}

impl From<Located<'_>> for Location {
    fn from(located: Located<'_>) -> Self {
        let Located { root, relative, metadata } = located;
        Self {
            path: root.directory().join(&relative).into(),
            root: root.directory().into(),
            url: root.url(&relative),
            size: metadata.len(),
            mtime: metadata.mtime(),
            mtime_ns: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

#[pymethods]
impl Location {
    #[pyo3(signature = (limit, /))]
    fn read<'py>(
        &self,
        py: Python<'py>,
        limit: u64,
    ) -> PyResult<Option<(Bound<'py, PyBytes>, i64)>> {
        let path = Path::new(&self.path);
        let is_located = |found: &Metadata| (found.dev(), found.ino()) == (self.device, self.inode);
        let content = py.detach(|| path_map::read(path, limit, is_located));
        match content {
            Ok(Some((content, metadata))) => {
                Ok(Some((PyBytes::new(py, &content), metadata.mtime())))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(FileNotFound::new_err(format!("{path:?} can't be read: {error}"))),
        }
    }
}

/// An open file under a root.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct OpenedFile {
    #[pyo3(get)]
    location: Py<Location>,
    file: Mutex<Option<File>>,
}

impl OpenedFile {
    /// Does something with the file, as long as it is neither closed nor handed over.
    fn with<T>(&self, action: impl FnOnce(&mut Option<File>) -> T) -> PyResult<T> {
        let mut file =
            self.file.lock().map_err(|_| PyRuntimeError::new_err("the file's lock is poisoned"))?;
        Ok(action(&mut file))
    }

    fn closed() -> PyErr {
        PyValueError::new_err("the file is closed or its descriptor detached")
    }
}

#[pymethods]
impl OpenedFile {
    fn fileno(&self) -> PyResult<i32> {
        self.with(|file| file.as_ref().map(AsRawFd::as_raw_fd))?.ok_or_else(Self::closed)
    }

    fn detach(&self) -> PyResult<i32> {
        self.with(|file| file.take().map(IntoRawFd::into_raw_fd))?.ok_or_else(Self::closed)
    }

    #[pyo3(signature = (limit, /))]
    fn read<'py>(&self, py: Python<'py>, limit: u64) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let size = self.location.get().size;
        if size > limit {
            return Ok(None);
        }
        let content = py.detach(|| {
            self.with(|file| {
                let file = file.as_ref()?;
                let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
                Some(file.take(size).read_to_end(&mut content).map(|_| content))
            })
        });
        let content = content?.ok_or_else(Self::closed)??;
        Ok(Some(PyBytes::new(py, &content)))
    }

    fn close(&self) -> PyResult<()> {
        self.with(|file| drop(file.take()))
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (_kind = None, _value = None, _traceback = None, /))]
    fn __exit__(
        &self,
        _kind: Option<&Bound<'_, PyAny>>,
        _value: Option<&Bound<'_, PyAny>>,
        _traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        self.close()
    }
}

/// Directories and the internal prefixes at which the web server sees them.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct PathMap {
    map: path_map::PathMap,
    follow_symlinks: bool,
}

#[pymethods]
impl PathMap {
    #[new]
    #[pyo3(signature = (roots, /, *, follow_symlinks = false))]
    fn new(roots: Vec<(PathBuf, String)>, follow_symlinks: bool) -> PyResult<Self> {
        let roots = roots
            .iter()
            .map(|(directory, prefix)| Root::new(directory, prefix))
            .collect::<Result<_, _>>()?;
        Ok(Self { map: path_map::PathMap::new(roots)?, follow_symlinks })
    }

    #[staticmethod]
    #[pyo3(signature = (header, /, *, follow_symlinks = false))]
    fn parse(header: &str, follow_symlinks: bool) -> PyResult<Self> {
        Ok(Self { map: path_map::PathMap::parse(header)?, follow_symlinks })
    }

    #[getter]
    fn roots(&self) -> Vec<(OsString, &str)> {
        self.map
            .roots()
            .iter()
            .map(|root| (root.directory().as_os_str().to_owned(), root.prefix()))
            .collect()
    }

    #[pyo3(signature = (path, /))]
    fn find(&self, path: PathBuf) -> Option<String> {
        self.map.find(&path).ok().map(|(root, relative)| root.url(relative))
    }

    #[pyo3(signature = (path, /))]
    fn locate(&self, py: Python<'_>, path: PathBuf) -> PyResult<Location> {
        let located = py.detach(|| self.map.locate(&path, self.follow_symlinks));
        Ok(located.map_err(|error| refusal(&path, error))?.into())
    }

    #[pyo3(signature = (path, /))]
    fn open(&self, py: Python<'_>, path: PathBuf) -> PyResult<OpenedFile> {
        let opened = py.detach(|| self.map.open(&path, self.follow_symlinks));
        let (located, file) = opened.map_err(|error| refusal(&path, error))?;
        let location = Py::new(py, Location::from(located))?;
        Ok(OpenedFile { location, file: Mutex::new(Some(file)) })
    }

    fn __repr__(&self) -> String {
        let roots: Vec<_> = self
            .map
            .roots()
            .iter()
            .map(|root| format!("({:?}, {:?})", root.directory(), root.prefix()))
            .collect();
        format!("PathMap([{}])", roots.join(", "))
    }
}
