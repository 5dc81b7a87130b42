//! The results of the thumbnail functions.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::thumbnail::Thumbnail as CoreThumbnail;
use crate::thumbnail::header::Header;

/// A finished thumbnail.
#[pyclass(frozen, get_all, module = "xaccel._core")]
pub(in super::super) struct Thumbnail {
    data: Py<PyBytes>,
    width: u32,
    height: u32,
    format: &'static str,
    media_type: &'static str,
    is_complete: bool,
}

#[pymethods]
impl Thumbnail {
    fn __repr__(&self, py: Python<'_>) -> String {
        let bytes = self.data.as_bytes(py).len();
        format!("<Thumbnail {}x{} {}, {bytes} bytes>", self.width, self.height, self.format)
    }
}

impl Thumbnail {
    pub(super) fn new(py: Python<'_>, thumbnail: &CoreThumbnail) -> Self {
        Self {
            data: PyBytes::new(py, &thumbnail.data).unbind(),
            width: thumbnail.width,
            height: thumbnail.height,
            format: thumbnail.format.name(),
            media_type: thumbnail.format.media_type(),
            is_complete: thumbnail.is_complete,
        }
    }
}

/// The header of an image; width and height refer to the upright image.
#[pyclass(frozen, get_all, module = "xaccel._core")]
pub(in super::super) struct ImageInfo {
    width: u32,
    height: u32,
    format: &'static str,
    orientation: u16,
    frames: u32,
    has_alpha: bool,
    icc: bool,
    decoded_size: u64,
}

#[pymethods]
impl ImageInfo {
    fn __repr__(&self) -> String {
        format!("<ImageInfo {}x{} {}>", self.width, self.height, self.format)
    }
}

impl ImageInfo {
    pub(super) fn new(header: &Header, decoded_size: u64) -> Self {
        let size = header.upright_size();
        Self {
            width: size.width,
            height: size.height,
            format: header.format.name(),
            orientation: header.orientation,
            frames: header.frames,
            has_alpha: header.has_alpha,
            icc: header.has_icc,
            decoded_size,
        }
    }
}
