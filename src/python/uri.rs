//! `encode_path`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use pyo3::prelude::*;

use crate::uri;

/// The canonical percent-encoding of a path.
#[pyfunction]
#[pyo3(signature = (path, /))]
pub(super) fn encode_path(path: OsString) -> String {
    uri::encode_path(path.as_bytes())
}
