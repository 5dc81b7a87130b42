//! The exceptions for the errors of the core.

use pyo3::PyErr;

use super::super::exceptions::{
    CorruptImage, ImageTooLarge, RenderTimeout, SpecError, ThumbnailError as PyThumbnailError,
    UnsupportedImage,
};
use crate::error::ThumbnailError;

/// The exception for an error. Its message begins with `label`, which names the source.
pub(super) fn exception(label: &str, error: &ThumbnailError) -> PyErr {
    let message = format!("{label}{error}");
    match error {
        ThumbnailError::TooLarge { .. } => ImageTooLarge::new_err(message),
        ThumbnailError::Timeout => RenderTimeout::new_err(message),
        ThumbnailError::Unsupported | ThumbnailError::UnsupportedFeature { .. } => {
            UnsupportedImage::new_err(message)
        }
        ThumbnailError::NoSuchPage { .. } | ThumbnailError::NoSuchFrame { .. } => {
            SpecError::new_err(message)
        }
        ThumbnailError::Corrupt { .. }
        | ThumbnailError::Hash
        | ThumbnailError::BlurHash
        | ThumbnailError::Panic => CorruptImage::new_err(message),
        ThumbnailError::Internal(_) => PyThumbnailError::new_err(message),
    }
}
