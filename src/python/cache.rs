//! `Cache` and `CacheLock`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Mutex;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyAny;

use crate::cache;

/// The directory of finished thumbnails.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct Cache {
    cache: cache::Cache,
}

/// A held lock; a context manager that releases it.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct CacheLock {
    lock: Mutex<Option<cache::Lock>>,
}

#[pymethods]
impl Cache {
    #[new]
    #[pyo3(signature = (directory, /))]
    fn new(directory: PathBuf) -> Self {
        Self { cache: cache::Cache::new(directory) }
    }

    #[pyo3(signature = (uri, /))]
    fn path(&self, uri: &str) -> PyResult<OsString> {
        Ok(self.cache.path(uri)?.into())
    }

    #[pyo3(signature = (uri, /))]
    fn lock(&self, py: Python<'_>, uri: &str) -> PyResult<CacheLock> {
        let lock = py.detach(|| self.cache.lock(uri))?;
        Ok(CacheLock { lock: Mutex::new(Some(lock)) })
    }

    #[pyo3(signature = (uri, data, /))]
    fn publish(&self, py: Python<'_>, uri: &str, data: &[u8]) -> PyResult<OsString> {
        Ok(py.detach(|| self.cache.publish(uri, data))?.into())
    }
}

#[pymethods]
impl CacheLock {
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
        let mut lock =
            self.lock.lock().map_err(|_| PyRuntimeError::new_err("the lock is poisoned"))?;
        *lock = None;
        Ok(())
    }
}
