//! `ReplyReader`.

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

use super::super::exceptions::{
    BadSize, ConfigError, CorruptImage, FileNotFound, ImageTooLarge, InvalidReply, RenderStopped,
    RenderTimeout, SpecError, ThumbnailError, UnsupportedImage,
};
use super::super::thumbnail::{ImageInfo, Thumbnail};
use crate::error::InvalidMessage;
use crate::sandbox::messages::{self, ErrorKind, Info, Reply};
use raster::Size;

/// Reads one reply of a worker, which arrives in pieces.
#[pyclass(module = "xaccel._core")]
pub(in super::super) struct ReplyReader(messages::ReplyReader);

#[pymethods]
impl ReplyReader {
    #[new]
    fn new() -> Self {
        Self(messages::ReplyReader::default())
    }

    #[pyo3(signature = (piece, /))]
    fn read<'py>(&mut self, py: Python<'py>, piece: &[u8]) -> PyResult<Option<Bound<'py, PyAny>>> {
        let reply = self.0.read(piece).map_err(invalid)?;
        reply.map(|reply| outcome(py, &reply)).transpose()
    }
}

fn invalid(error: InvalidMessage) -> PyErr {
    InvalidReply::new_err(error.to_string())
}

/// The result or the exception in a reply.
fn outcome<'py>(py: Python<'py>, reply: &Reply<'_>) -> PyResult<Bound<'py, PyAny>> {
    let error = match *reply {
        Reply::Thumbnail { data, width, height, format, is_complete, durations } => {
            let size = Size { width, height };
            let thumbnail = Thumbnail::from_parts(py, data, size, format, is_complete);
            let thumbnail = thumbnail.timed(durations);
            return Ok(Bound::new(py, thumbnail)?.into_any());
        }
        Reply::Text(text) => return Ok(text.into_pyobject(py)?.into_any()),
        Reply::Info(body) => {
            let info = ImageInfo::from_message(Info::decode(body).map_err(invalid)?)
                .map_err(|_| invalid(InvalidMessage::Value))?;
            return Ok(Bound::new(py, info)?.into_any());
        }
        Reply::Error(kind, message) => exception(kind, message.into()),
        Reply::OsError(0, message) => PyOSError::new_err(message.to_owned()),
        Reply::OsError(number, message) => PyOSError::new_err((number, message.to_owned())),
    };
    Ok(error.into_value(py).into_bound(py).into_any())
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
