//! `Watermark`.

use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use sha2::{Digest as _, Sha256};

use super::arguments::Limits;
use super::failure::exception;
use super::source::ImageSource;
use crate::thumbnail::spec::Gravity;
use crate::thumbnail::watermark::{Placement, Watermark};

/// An image to lay over thumbnails.
#[pyclass(name = "Watermark", module = "xaccel._core", frozen, eq, hash)]
#[derive(PartialEq)]
pub(in super::super) struct PyWatermark(Arc<Watermark>);

impl Hash for PyWatermark {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.source().hash(state);
    }
}

/// Check that a number is in a range.
fn checked(keyword: &str, value: f64, range: &str, is_valid: bool) -> PyResult<f64> {
    let error = || PyValueError::new_err(format!("{keyword} must be {range}, not {value}"));
    if is_valid { Ok(value) } else { Err(error()) }
}

#[pymethods]
impl PyWatermark {
    #[new]
    #[pyo3(
        signature = (image, /, *, gravity="se", offset=(0.0, 0.0), scale=0.25, opacity=1.0,
            tiled=false),
        text_signature = "(image, /, *, gravity='se', offset=(0.0, 0.0), scale=0.25, opacity=1.0, \
            tiled=False)"
    )]
    fn new(
        image: &Bound<'_, PyAny>,
        gravity: &str,
        offset: (f64, f64),
        scale: f64,
        opacity: f64,
        tiled: bool,
    ) -> PyResult<Self> {
        let Some(Gravity::Compass(gravity)) = Gravity::parse(gravity) else {
            let right = "n, ne, e, se, s, sw, w, nw or c";
            return Err(PyValueError::new_err(format!("gravity must be {right}, not {gravity:?}")));
        };
        for offset in [offset.0, offset.1] {
            let is_valid = if tiled { 0.0..=1.0 } else { -1.0..=1.0 }.contains(&offset);
            let range = if tiled {
                "two fractions of the thumbnail's sides from 0 to 1"
            } else {
                "two fractions of the thumbnail's sides from -1 to 1"
            };
            checked("offset", offset, range, is_valid)?;
        }
        let placement = Placement {
            gravity,
            offset,
            scale: checked("scale", scale, "from 0.01 to 1", (0.01..=1.0).contains(&scale))?,
            opacity: checked("opacity", opacity, "from 0 to 1", (0.0..=1.0).contains(&opacity))?,
            tiled,
        };
        let limits = Limits::default();
        let source = ImageSource::new(image, &limits)?;
        let watermark = Watermark::new(source.contents(&limits)?, placement)
            .map_err(|error| exception(&source.label(), &error))?;
        Ok(Self(Arc::new(watermark)))
    }

    fn __repr__(&self) -> String {
        let mut digest = String::new();
        for byte in Sha256::digest(self.0.source()).iter().take(8) {
            let _ = write!(digest, "{byte:02x}");
        }
        let Placement { gravity, offset, scale, opacity, tiled } = self.0.placement();
        let tiled = if tiled { "True" } else { "False" };
        let gravity = Gravity::Compass(gravity);
        format!(
            "Watermark(<image {digest}>, gravity='{gravity}', offset=({}, {}), scale={scale}, \
             opacity={opacity}, tiled={tiled})",
            offset.0, offset.1
        )
    }

    /// The arguments that `pickle` uses to make a copy.
    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<((Bound<'py, PyBytes>,), Bound<'py, PyDict>)> {
        let Placement { gravity, offset, scale, opacity, tiled } = self.0.placement();
        let options = PyDict::new(py);
        options.set_item("gravity", Gravity::Compass(gravity).to_string())?;
        options.set_item("offset", offset)?;
        options.set_item("scale", scale)?;
        options.set_item("opacity", opacity)?;
        options.set_item("tiled", tiled)?;
        Ok(((PyBytes::new(py, self.0.source()),), options))
    }
}

impl PyWatermark {
    pub(super) fn core(&self) -> Arc<Watermark> {
        Arc::clone(&self.0)
    }
}

/// Read the argument `watermark` of a function that has no settings.
pub(in super::super) fn given(value: &Bound<'_, PyAny>) -> PyResult<Option<Arc<Watermark>>> {
    if value.is_none() {
        return Ok(None);
    }
    let watermark = value.cast::<PyWatermark>().map_err(|_| {
        let shown = value.repr().map(|shown| shown.to_string()).unwrap_or_default();
        PyTypeError::new_err(format!("watermark must be a Watermark, not {shown}"))
    })?;
    Ok(Some(watermark.get().core()))
}
