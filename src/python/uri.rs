//! `encode_path`.

use pyo3::prelude::*;

use crate::uri;

#[pyfunction]
#[pyo3(signature = (path, /))]
pub(super) fn encode_path(path: &str) -> String {
    uri::encode_path(path.as_bytes())
}
