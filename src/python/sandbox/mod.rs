//! The sandbox: its layers, and the messages between the app's process and a worker.

mod jobs;
mod replies;
mod worker;

use std::path::PathBuf;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

use crate::sandbox::{self, Layer};
use crate::thumbnail::decode::svg::Fonts;
pub(super) use jobs::JobEncoder;
pub(super) use replies::ReplyReader;
pub(super) use worker::answer_jobs;

/// Return the names of the layers that the kernel supports.
#[pyfunction]
pub(super) fn sandbox_layers() -> Vec<&'static str> {
    Layer::ALL.into_iter().filter(|layer| layer.is_available()).map(Layer::name).collect()
}

/// Enter a layer, which applies until the process ends.
#[pyfunction]
#[pyo3(signature = (layer, /))]
pub(super) fn enter_sandbox(layer: &str) -> PyResult<()> {
    let layer = Layer::from_name(layer).ok_or_else(|| {
        let names = Layer::ALL.map(Layer::name).join(" or ");
        PyValueError::new_err(format!("the layer must be {names}, not {layer:?}"))
    })?;
    layer.enter().map_err(|error| PyOSError::new_err(error.to_string()))
}

/// Prepare the process for the layers.
#[pyfunction]
pub(super) fn harden_process() -> PyResult<()> {
    sandbox::harden_process().map_err(|error| PyOSError::new_err(error.to_string()))
}

/// Load fonts, and keep the contents of their files in memory.
#[pyfunction]
#[pyo3(signature = (fonts=None, /))]
pub(super) fn load_fonts(py: Python<'_>, fonts: Option<Vec<PathBuf>>) {
    py.detach(|| fonts.map_or(Fonts::SYSTEM, Fonts::of).preload());
}

/// Return the number of fonts, and a short fingerprint of them.
#[pyfunction]
#[pyo3(signature = (fonts=None, /))]
pub(super) fn font_fingerprint(py: Python<'_>, fonts: Option<Vec<PathBuf>>) -> (usize, String) {
    py.detach(|| fonts.map_or(Fonts::SYSTEM, Fonts::of).fingerprint())
}
