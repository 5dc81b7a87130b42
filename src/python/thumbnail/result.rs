//! The results of the thumbnail functions.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::sandbox::messages::Info;
use crate::thumbnail::format::OutputFormat;
use crate::thumbnail::header::Header;
use crate::thumbnail::{Durations, Thumbnail as CoreThumbnail};
use raster::Size;

/// A finished thumbnail.
#[pyclass(frozen, get_all, module = "xaccel._core")]
pub(in super::super) struct Thumbnail {
    data: Py<PyBytes>,
    width: u32,
    height: u32,
    format: &'static str,
    media_type: &'static str,
    is_complete: bool,
    decode_seconds: Option<f64>,
    encode_seconds: Option<f64>,
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
        let CoreThumbnail { data, width, height, format, is_complete } = thumbnail;
        Self::from_parts(py, data, Size { width: *width, height: *height }, *format, *is_complete)
    }

    pub(in super::super) fn from_parts(
        py: Python<'_>,
        data: &[u8],
        size: Size,
        format: OutputFormat,
        is_complete: bool,
    ) -> Self {
        Self {
            data: PyBytes::new(py, data).unbind(),
            width: size.width,
            height: size.height,
            format: format.name(),
            media_type: format.media_type(),
            is_complete,
            decode_seconds: None,
            encode_seconds: None,
        }
    }

    /// The same thumbnail, and how long it took to decode the source and to encode the thumbnail.
    pub(in super::super) fn timed(self, durations: Durations) -> Self {
        let Durations { decoding, encoding } = durations;
        let [decode_seconds, encode_seconds] =
            [decoding, encoding].map(|duration| Some(duration.as_secs_f64()));
        Self { decode_seconds, encode_seconds, ..self }
    }
}

/// The header of an image; width and height refer to the upright image.
#[pyclass(frozen, get_all, eq, module = "xaccel._core")]
#[derive(PartialEq)]
pub(in super::super) struct ImageInfo {
    width: u32,
    height: u32,
    format: String,
    orientation: u16,
    frames: u32,
    pages: u32,
    is_film: bool,
    has_alpha: bool,
    icc: bool,
    decoded_size: u64,
}

#[pymethods]
impl ImageInfo {
    #[new]
    #[pyo3(signature = (width, height, format, *, orientation=1, frames=1, pages=1,
        is_film=false, has_alpha=false, icc=false, decoded_size=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword-only in Python")]
    fn py_new(
        width: u32,
        height: u32,
        format: String,
        orientation: u16,
        frames: u32,
        pages: u32,
        is_film: bool,
        has_alpha: bool,
        icc: bool,
        decoded_size: Option<u64>,
    ) -> PyResult<Self> {
        let counts = [("width", width), ("height", height), ("frames", frames), ("pages", pages)];
        for (name, number) in counts {
            if number == 0 {
                return Err(PyValueError::new_err(format!("{name} must be at least 1")));
            }
        }
        if !(1..=8).contains(&orientation) {
            let message = format!("orientation must be 1 to 8, not {orientation}");
            return Err(PyValueError::new_err(message));
        }
        let decoded_size = decoded_size.unwrap_or_else(|| {
            Size { width, height }.pixels().saturating_mul(if has_alpha { 4 } else { 3 })
        });
        Ok(Self {
            width,
            height,
            format,
            orientation,
            frames,
            pages,
            is_film,
            has_alpha,
            icc,
            decoded_size,
        })
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let options = PyDict::new(py);
        options.set_item("orientation", self.orientation)?;
        options.set_item("frames", self.frames)?;
        options.set_item("pages", self.pages)?;
        options.set_item("is_film", self.is_film)?;
        options.set_item("has_alpha", self.has_alpha)?;
        options.set_item("icc", self.icc)?;
        options.set_item("decoded_size", self.decoded_size)?;
        ((self.width, self.height, &self.format), options).into_pyobject(py)
    }

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
            format: header.format.name().into(),
            orientation: header.orientation,
            frames: header.frames,
            pages: header.pages,
            is_film: false,
            has_alpha: header.has_alpha,
            icc: header.has_icc,
            decoded_size,
        }
    }

    /// The properties in a message from a worker. Each must be in its range.
    pub(in super::super) fn from_message(info: Info) -> PyResult<Self> {
        let Info { width, height, format, orientation, frames, pages, .. } = info;
        let (film, alpha, icc) = (info.is_film, info.has_alpha, info.icc);
        let size = Some(info.decoded_size);
        Self::py_new(width, height, format, orientation, frames, pages, film, alpha, icc, size)
    }

    /// The properties for a message to the app.
    pub(in super::super) fn message(&self) -> Info {
        let Self { width, height, ref format, orientation, frames, pages, .. } = *self;
        Info {
            width,
            height,
            format: format.clone(),
            orientation,
            frames,
            pages,
            is_film: self.is_film,
            has_alpha: self.has_alpha,
            icc: self.icc,
            decoded_size: self.decoded_size,
        }
    }

    /// The size of the upright image.
    pub(super) const fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }

    /// Whether the source is a film.
    pub(super) const fn is_film(&self) -> bool {
        self.is_film
    }

    /// The number of pages.
    pub(super) const fn pages(&self) -> u32 {
        self.pages
    }
}
