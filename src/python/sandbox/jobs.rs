//! `JobEncoder`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::super::numbers;
use super::super::spec::PySpec;
use super::super::thumbnail::{
    Limits, check_placeholder_kind, check_watermark, chroma_subsampling, given_watermark,
    output_format, qualities, speed_of_avif,
};
use crate::sandbox::messages::{Job, Render, SentWatermark, WATERMARKS, Work};
use crate::thumbnail::spec::Progressive;
use crate::thumbnail::watermark::Watermark;

/// Encodes the jobs for one worker.
#[pyclass(module = "xaccel._core")]
pub(in super::super) struct JobEncoder {
    /// The watermarks that the worker keeps, in the order of their places.
    watermarks: Vec<Arc<Watermark>>,
    /// The next place to overwrite once all are occupied.
    next: usize,
}

#[pymethods]
impl JobEncoder {
    #[new]
    const fn new() -> Self {
        Self { watermarks: Vec::new(), next: 0 }
    }

    #[pyo3(signature = (spec, /, *, path, start, timeout, format, quality, quality_target,
        progressive, subsampling, avif_speed, watermark, limits, decoders))]
    #[expect(clippy::too_many_arguments, reason = "keyword-only in Python")]
    fn render<'py>(
        &mut self,
        py: Python<'py>,
        spec: &PySpec,
        path: Option<PathBuf>,
        start: Option<u64>,
        timeout: f64,
        format: &str,
        #[pyo3(from_py_with = numbers::quality)] quality: Option<HashMap<String, u8>>,
        #[pyo3(from_py_with = numbers::quality_target)] quality_target: u8,
        progressive: bool,
        subsampling: &str,
        #[pyo3(from_py_with = numbers::avif_speed)] avif_speed: Option<u8>,
        #[pyo3(from_py_with = given_watermark)] watermark: Option<Arc<Watermark>>,
        limits: &Limits,
        decoders: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        check_watermark(spec, watermark.is_some())?;
        let work = Work::Render(Box::new(Render {
            spec: spec.0,
            format: output_format(format)?,
            qualities: qualities(quality.as_ref(), quality_target),
            progressive: Progressive(progressive),
            subsampling: chroma_subsampling(subsampling)?,
            avif_speed: speed_of_avif(avif_speed)?,
            watermark: watermark.as_ref().map(|watermark| self.sent(watermark)),
        }));
        encoded(py, &Job { path, start, limits: limits.core(), timeout, decoders, work })
    }

    #[pyo3(signature = (*, path, start, timeout, kind, limits, decoders))]
    #[expect(clippy::too_many_arguments, reason = "keyword-only in Python")]
    #[expect(clippy::unused_self, reason = "the same interface as for thumbnails")]
    fn placeholder<'py>(
        &self,
        py: Python<'py>,
        path: Option<PathBuf>,
        start: Option<u64>,
        timeout: f64,
        kind: Option<String>,
        limits: &Limits,
        decoders: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        check_placeholder_kind(kind.as_deref())?;
        let work = Work::Placeholder(kind);
        encoded(py, &Job { path, start, limits: limits.core(), timeout, decoders, work })
    }

    #[pyo3(signature = (*, path, start, timeout, limits, decoders))]
    #[expect(clippy::unused_self, reason = "the same interface as for thumbnails")]
    fn probe<'py>(
        &self,
        py: Python<'py>,
        path: Option<PathBuf>,
        start: Option<u64>,
        timeout: f64,
        limits: &Limits,
        decoders: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let limits = limits.core();
        encoded(py, &Job { path, start, limits, timeout, decoders, work: Work::Probe })
    }
}

impl JobEncoder {
    /// The watermark as part of a job. It includes the content if the worker does not keep it yet.
    fn sent<'a>(&mut self, watermark: &'a Arc<Watermark>) -> SentWatermark<'a> {
        let known = self.watermarks.iter().position(|other| Arc::ptr_eq(other, watermark));
        let place = known.unwrap_or_else(|| {
            if self.watermarks.len() < WATERMARKS {
                self.watermarks.push(Arc::clone(watermark));
                return self.watermarks.len() - 1;
            }
            let place = self.next;
            self.next = (place + 1) % WATERMARKS;
            if let Some(old) = self.watermarks.get_mut(place) {
                *old = Arc::clone(watermark);
            }
            place
        });
        let content = known.is_none().then(|| (watermark.source(), watermark.placement()));
        SentWatermark { place: u8::try_from(place).unwrap_or(u8::MAX), content }
    }
}

fn encoded<'py>(py: Python<'py>, job: &Job<'_>) -> PyResult<Bound<'py, PyBytes>> {
    let message = job.encode().map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(PyBytes::new(py, &message))
}
