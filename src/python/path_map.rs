//! `PathMap`, `Location` and `OpenedFile`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyBytes};

use super::exceptions::{ConfigError, FileNotFound};
use super::numbers;
use crate::error::{PathError, PathMapError};
use crate::path_map::{self, Located, Root};

impl From<PathMapError> for PyErr {
    fn from(error: PathMapError) -> Self {
        ConfigError::new_err(error.to_string())
    }
}

/// The exception for a file that may not be sent, or an `OSError` if the process or the disk caused
/// the error.
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

/// A map, and whether links may point outside its roots.
struct Map {
    map: path_map::PathMap,
    follow_symlinks: bool,
}

/// A regular file under a root.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct Location {
    map: Arc<Map>,
    #[pyo3(get)]
    path: OsString,
    #[pyo3(get)]
    root: OsString,
    #[pyo3(get)]
    url: String,
    #[pyo3(get)]
    size: u64,
    #[pyo3(get)]
    mtime: i64,
    #[pyo3(get)]
    mtime_ns: i64,
    #[pyo3(get)]
    device: u64,
    #[pyo3(get)]
    inode: u64,
}

impl Location {
    fn new(map: &Arc<Map>, located: Located<'_>) -> Self {
        let Located { root, relative, metadata } = located;
        Self {
            map: Arc::clone(map),
            path: root.directory().join(&relative).into(),
            root: root.directory().into(),
            url: root.url(&relative),
            size: metadata.len(),
            mtime: metadata.mtime(),
            // 64 bits are enough until the year 2262.
            mtime_ns: metadata
                .mtime()
                .saturating_mul(1_000_000_000)
                .saturating_add(metadata.mtime_nsec()),
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

#[pymethods]
impl Location {
    fn open(&self, py: Python<'_>) -> PyResult<OpenedFile> {
        let path = Path::new(&self.path);
        let opened = OpenedFile::new(py, &self.map, path)?;
        let location = opened.location.get();
        if (location.device, location.inode) != (self.device, self.inode) {
            let message = format!("{path:?} may not be sent: it has just been replaced");
            return Err(FileNotFound::new_err(message));
        }
        Ok(opened)
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
    fn new(py: Python<'_>, map: &Arc<Map>, path: &Path) -> PyResult<Self> {
        let opened = py.detach(|| map.map.open(path, map.follow_symlinks));
        let (located, file) = opened.map_err(|error| refusal(path, error))?;
        let location = Py::new(py, Location::new(map, located))?;
        Ok(Self { location, file: Mutex::new(Some(file)) })
    }

    /// Calls a function with the file, unless it is closed or its descriptor is detached.
    fn with<T>(&self, action: impl FnOnce(&mut Option<File>) -> T) -> PyResult<T> {
        let mut file =
            self.file.lock().map_err(|_| PyRuntimeError::new_err("the file's lock is poisoned"))?;
        Ok(action(&mut file))
    }

    /// Returns a copy of the descriptor, and the path of the file.
    pub(super) fn copy(&self) -> PyResult<(File, PathBuf)> {
        let file = self.with(|file| file.as_ref().map(File::try_clone))?;
        Ok((file.ok_or_else(Self::closed)??, PathBuf::from(&self.location.get().path)))
    }

    fn closed() -> PyErr {
        PyValueError::new_err("the file is closed or its descriptor is detached")
    }
}

#[pymethods]
impl OpenedFile {
    #[getter]
    fn size(&self) -> u64 {
        self.location.get().size
    }

    fn fileno(&self) -> PyResult<i32> {
        self.with(|file| file.as_ref().map(AsRawFd::as_raw_fd))?.ok_or_else(Self::closed)
    }

    fn detach(&self) -> PyResult<i32> {
        self.with(|file| file.take().map(IntoRawFd::into_raw_fd))?.ok_or_else(Self::closed)
    }

    #[pyo3(signature = (limit, /))]
    fn read<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = numbers::limit)] limit: u64,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
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

/// Maps directories to the internal prefixes under which the web server serves them.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct PathMap(Arc<Map>);

impl PathMap {
    fn of(map: path_map::PathMap, follow_symlinks: bool) -> Self {
        Self(Arc::new(Map { map, follow_symlinks }))
    }
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
        Ok(Self::of(path_map::PathMap::new(roots)?, follow_symlinks))
    }

    #[staticmethod]
    #[pyo3(signature = (header, /, *, follow_symlinks = false))]
    fn parse(header: &str, follow_symlinks: bool) -> PyResult<Self> {
        Ok(Self::of(path_map::PathMap::parse(header)?, follow_symlinks))
    }

    #[getter]
    fn roots(&self) -> Vec<(OsString, &str)> {
        self.0
            .map
            .roots()
            .iter()
            .map(|root| (root.directory().as_os_str().to_owned(), root.prefix()))
            .collect()
    }

    #[pyo3(signature = (path, /))]
    fn find(&self, path: PathBuf) -> Option<String> {
        self.0.map.find(&path).ok().map(|(root, relative)| root.url(relative))
    }

    #[pyo3(signature = (path, /))]
    fn locate(&self, py: Python<'_>, path: PathBuf) -> PyResult<Location> {
        let located = py.detach(|| self.0.map.locate(&path, self.0.follow_symlinks));
        Ok(Location::new(&self.0, located.map_err(|error| refusal(&path, error))?))
    }

    #[pyo3(signature = (path, /))]
    fn open(&self, py: Python<'_>, path: PathBuf) -> PyResult<OpenedFile> {
        OpenedFile::new(py, &self.0, &path)
    }

    fn __repr__(&self) -> String {
        let roots: Vec<_> = self
            .0
            .map
            .roots()
            .iter()
            .map(|root| format!("({:?}, {:?})", root.directory(), root.prefix()))
            .collect();
        format!("PathMap([{}])", roots.join(", "))
    }
}
