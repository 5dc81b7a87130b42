//! `PathMap` and `Location`.

use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::exceptions::{ConfigError, FileNotFound};
use crate::error::{PathError, PathMapError};
use crate::path_map::{self, Root};

impl From<PathMapError> for PyErr {
    fn from(error: PathMapError) -> Self {
        ConfigError::new_err(error.to_string())
    }
}

fn not_found(path: &Path, error: PathError) -> PyErr {
    FileNotFound::new_err(format!("{path:?} may not be sent: {error}"))
}

/// A regular file under a root.
#[pyclass(frozen, get_all, module = "xaccel._core")]
pub(super) struct Location {
    path: OsString,
    root: OsString,
    url: String,
    size: u64,
    mtime: i64,
    device: u64,
    inode: u64,
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
        let located = py
            .detach(|| self.map.locate(&path, self.follow_symlinks))
            .map_err(|error| not_found(&path, error))?;
        let directory = located.root.directory();
        let mtime = located.metadata.mtime();
        Ok(Location {
            path: directory.join(&located.relative).into(),
            root: directory.into(),
            url: located.root.url(&located.relative),
            size: located.metadata.len(),
            mtime,
            device: located.metadata.dev(),
            inode: located.metadata.ino(),
        })
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
