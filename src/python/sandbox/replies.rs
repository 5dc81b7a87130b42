//! `Reply` and `ReplyReader`.

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

use super::super::exceptions::{
    BadSize, ConfigError, CorruptImage, FileNotFound, ImageTooLarge, InvalidReply, RenderStopped,
    RenderTimeout, SpecError, ThumbnailError, UnsupportedImage,
};
use super::super::thumbnail::{Thumbnail, output_format};
use crate::error::InvalidMessage;
use crate::sandbox::messages::{self, ErrorKind};
use crate::thumbnail::format::OutputFormat;
use raster::Size;

/// A reply of a worker.
#[pyclass(frozen, module = "xaccel._core")]
pub(in super::super) struct Reply(Outcome);

/// The outcome of a job.
enum Outcome {
    Thumbnail(Py<Thumbnail>),
    Text(String),
    Error(ErrorKind, String),
    OsError(i32, String),
}

#[pymethods]
impl Reply {
    fn result<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.0 {
            Outcome::Thumbnail(thumbnail) => Ok(thumbnail.bind(py).clone().into_any()),
            Outcome::Text(text) => Ok(text.into_pyobject(py)?.into_any()),
            Outcome::Error(kind, message) => Err(exception(*kind, message.clone())),
            Outcome::OsError(0, message) => Err(PyOSError::new_err(message.clone())),
            Outcome::OsError(number, message) => {
                Err(PyOSError::new_err((*number, message.clone())))
            }
        }
    }
}

impl Reply {
    fn new(py: Python<'_>, reply: &messages::Reply<'_>) -> PyResult<Self> {
        Ok(Self(match *reply {
            messages::Reply::Thumbnail { data, width, height, format, is_complete } => {
                let size = Size { width, height };
                let thumbnail = Thumbnail::from_parts(py, data, size, format, is_complete);
                Outcome::Thumbnail(Py::new(py, thumbnail)?)
            }
            messages::Reply::Text(text) => Outcome::Text(text.into()),
            messages::Reply::Error(kind, message) => Outcome::Error(kind, message.into()),
            messages::Reply::OsError(number, message) => Outcome::OsError(number, message.into()),
        }))
    }
}

fn exception(kind: ErrorKind, message: String) -> PyErr {
    match kind {
        ErrorKind::BadSize => BadSize::new_err(message),
        ErrorKind::ConfigError => ConfigError::new_err(message),
        ErrorKind::CorruptImage => CorruptImage::new_err(message),
        ErrorKind::FileNotFound => FileNotFound::new_err(message),
        ErrorKind::ImageTooLarge => ImageTooLarge::new_err(message),
        ErrorKind::RenderStopped => RenderStopped::new_err(message),
        ErrorKind::RenderTimeout => RenderTimeout::new_err(message),
        ErrorKind::SpecError => SpecError::new_err(message),
        ErrorKind::ThumbnailError => ThumbnailError::new_err(message),
        ErrorKind::UnsupportedImage => UnsupportedImage::new_err(message),
    }
}

/// Reads one reply of a worker, which arrives in pieces.
#[pyclass(module = "xaccel._core")]
pub(in super::super) struct ReplyReader {
    reader: messages::ReplyReader,
    /// The format of the thumbnail; `None` for a placeholder.
    format: Option<OutputFormat>,
}

#[pymethods]
impl ReplyReader {
    #[new]
    #[pyo3(signature = (image_format, /))]
    fn new(image_format: &str) -> PyResult<Self> {
        let format = (!image_format.is_empty()).then(|| output_format(image_format)).transpose()?;
        Ok(Self { reader: messages::ReplyReader::default(), format })
    }

    #[pyo3(signature = (piece, /))]
    fn read(&mut self, py: Python<'_>, piece: &[u8]) -> PyResult<Option<Reply>> {
        let invalid = |error: InvalidMessage| InvalidReply::new_err(error.to_string());
        let Some(reply) = self.reader.read(piece).map_err(invalid)? else { return Ok(None) };
        let is_expected = match reply {
            messages::Reply::Thumbnail { format, .. } => self.format == Some(format),
            messages::Reply::Text(_) => self.format.is_none(),
            messages::Reply::Error(..) | messages::Reply::OsError(..) => true,
        };
        if !is_expected {
            return Err(invalid(InvalidMessage::Kind));
        }
        Reply::new(py, &reply).map(Some)
    }
}
