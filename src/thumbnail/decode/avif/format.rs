//! The name of the format, and the error for a corrupt file.

use super::super::super::format::{OutputFormat, SourceFormat};
use crate::error::ThumbnailError;

pub(super) const FORMAT: SourceFormat = SourceFormat::new("avif", OutputFormat::Avif);

pub(super) fn corrupt(reason: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(FORMAT, reason)
}
