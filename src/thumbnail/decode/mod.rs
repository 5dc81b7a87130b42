//! Decoders: one module a format, each with `header` and `decode`.

mod jpeg;
mod png;
mod webp;

use super::format::SourceFormat;
use super::picture::{Picture, Size};
use super::probe::Header;
use crate::error::ThumbnailError;

/// Read the header of a source of this format.
///
/// # Errors
/// [`ThumbnailError::Corrupt`], [`ThumbnailError::UnsupportedFeature`].
pub fn header(source: &[u8], format: SourceFormat) -> Result<Header, ThumbnailError> {
    match format {
        SourceFormat::Jpeg => jpeg::header(source),
        SourceFormat::Png => png::header(source),
        SourceFormat::WebP => webp::header(source),
    }
}

/// Decode a source. The picture is as large as the header says or, where the codec can shrink
/// while it decodes, smaller, but large enough to be resized to `needed` without a visible loss.
///
/// # Errors
/// [`ThumbnailError::Corrupt`], [`ThumbnailError::UnsupportedFeature`].
pub fn decode(source: &[u8], header: &Header, needed: Size) -> Result<Picture, ThumbnailError> {
    match header.format {
        SourceFormat::Jpeg => jpeg::decode(source, header, needed),
        SourceFormat::Png => png::decode(source),
        SourceFormat::WebP => webp::decode(source, header, needed),
    }
}
