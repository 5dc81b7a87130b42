//! Encoders: one module a format.

mod jpeg;
mod png;
mod webp;

use super::format::OutputFormat;
use super::picture::Picture;
use crate::error::ThumbnailError;

/// Encode a picture. Metadata are not written.
///
/// # Errors
/// [`ThumbnailError::UnsupportedFeature`] for a format that is not written,
/// [`ThumbnailError::Internal`] when the encoder fails.
pub fn encode(
    picture: &Picture,
    format: OutputFormat,
    quality: u8,
) -> Result<Vec<u8>, ThumbnailError> {
    match format {
        OutputFormat::Jpeg => jpeg::encode(picture, quality),
        OutputFormat::Png => png::encode(picture),
        OutputFormat::WebP => webp::encode(picture, quality),
        OutputFormat::Avif => Err(ThumbnailError::UnsupportedFeature { feature: "writing AVIF" }),
        OutputFormat::Gif => Err(ThumbnailError::UnsupportedFeature { feature: "writing GIF" }),
    }
}
