//! `Cache` and `CacheLock`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyDict};

use super::numbers;
use crate::cache::{self, locks, sweep::Bounds};

/// A number of files and their size in bytes.
type Usage = (u64, u64);

fn pair(usage: cache::sweep::Usage) -> Usage {
    (usage.files, usage.bytes)
}

/// A time in seconds since 1970, which may be negative; `None` if the system can't represent it.
fn time(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

/// Ensures that forked children do not keep the locks of this process.
pub(super) fn register_at_fork(py: Python<'_>) -> PyResult<()> {
    #[pyfunction]
    fn before() {
        locks::before_fork();
    }
    #[pyfunction]
    fn after_in_parent() {
        locks::after_fork_in_parent();
    }
    #[pyfunction]
    fn after_in_child() {
        locks::after_fork_in_child();
    }
    let hooks = PyDict::new(py);
    hooks.set_item("before", wrap_pyfunction!(before, py)?)?;
    hooks.set_item("after_in_parent", wrap_pyfunction!(after_in_parent, py)?)?;
    hooks.set_item("after_in_child", wrap_pyfunction!(after_in_child, py)?)?;
    py.import("os")?.call_method("register_at_fork", (), Some(&hooks))?;
    Ok(())
}

/// The directory of finished thumbnails.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct Cache {
    cache: cache::Cache,
}

/// A held lock. It is a context manager that releases the lock on exit.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct CacheLock {
    lock: Mutex<Option<cache::locks::Lock>>,
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
    fn aside(&self, uri: &str) -> PyResult<OsString> {
        Ok(self.cache.aside(uri)?.into())
    }

    #[staticmethod]
    #[pyo3(signature = (uri, /))]
    fn lock_number(uri: &str) -> u64 {
        cache::Cache::lock_number(uri)
    }

    #[pyo3(signature = (number, /))]
    fn try_lock(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = numbers::number)] number: u64,
    ) -> PyResult<Option<CacheLock>> {
        Ok(py.detach(|| self.cache.try_lock(number))?.map(CacheLock::new))
    }

    #[pyo3(signature = (queue, /))]
    fn try_enqueue(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = numbers::queue)] queue: usize,
    ) -> PyResult<Option<CacheLock>> {
        Ok(py.detach(|| self.cache.try_enqueue(queue))?.map(CacheLock::new))
    }

    #[pyo3(signature = (renders, /))]
    fn try_admit(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = numbers::renders)] renders: usize,
    ) -> PyResult<Option<CacheLock>> {
        Ok(py.detach(|| self.cache.try_admit(renders))?.map(CacheLock::new))
    }

    #[pyo3(signature = (uri, data, /, *, modified = None))]
    fn publish(
        &self,
        py: Python<'_>,
        uri: &str,
        data: &[u8],
        #[pyo3(from_py_with = numbers::modified)] modified: Option<i64>,
    ) -> PyResult<OsString> {
        let modified = modified.and_then(time);
        Ok(py.detach(|| self.cache.publish(uri, data, modified))?.into())
    }

    #[pyo3(signature = (max_size, /))]
    fn is_sweep_due(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = numbers::max_size)] max_size: u64,
    ) -> PyResult<bool> {
        Ok(py.detach(|| self.cache.is_sweep_due(max_size))?)
    }

    #[pyo3(signature = (*, max_size, inactive))]
    fn sweep(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = numbers::max_size)] max_size: u64,
        #[pyo3(from_py_with = numbers::inactive)] inactive: u64,
    ) -> PyResult<Option<(Usage, Usage)>> {
        let bounds = Bounds { max_size, inactive: Duration::from_secs(inactive) };
        let swept = py.detach(|| self.cache.sweep(bounds, SystemTime::now()))?;
        Ok(swept.map(|swept| (pair(swept.removed), pair(swept.kept))))
    }

    #[pyo3(signature = (prefix, source, /))]
    fn purge(&self, py: Python<'_>, prefix: &str, source: &str) -> PyResult<u64> {
        Ok(py.detach(|| self.cache.purge(prefix, source))?)
    }

    fn usage(&self, py: Python<'_>) -> PyResult<Usage> {
        Ok(py.detach(|| self.cache.usage()).map(pair)?)
    }

    fn clear(&self, py: Python<'_>) -> PyResult<Usage> {
        Ok(py.detach(|| self.cache.clear()).map(pair)?)
    }
}

impl CacheLock {
    fn new(lock: cache::locks::Lock) -> Self {
        Self { lock: Mutex::new(Some(lock)) }
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
