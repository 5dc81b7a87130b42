//! Encoders: one module a format.

mod avif;
mod gif;
mod jpeg;
mod palette;
mod png;
mod webp;

use super::format::OutputFormat;
use crate::error::ThumbnailError;
use raster::Frame;

/// Encode a still, or an animation where the format has it; others get the first frame. The
/// pictures are gray, RGB or RGBA; `plays` is how often an animation plays, 0 = for ever.
/// Metadata are not written.
///
/// # Errors
/// [`ThumbnailError::Internal`] when the encoder fails.
pub fn encode(
    frames: &[Frame],
    plays: u16,
    format: OutputFormat,
    quality: u8,
) -> Result<Vec<u8>, ThumbnailError> {
    let Some(Frame { picture: first, .. }) = frames.first() else {
        return Err(ThumbnailError::Internal("there is no picture to encode".into()));
    };
    match format {
        OutputFormat::Jpeg => jpeg::encode(first, quality),
        OutputFormat::Png => png::encode(first),
        OutputFormat::WebP if frames.len() > 1 => webp::encode_animation(frames, plays, quality),
        OutputFormat::WebP => webp::encode(first, quality),
        OutputFormat::Gif => gif::encode(frames, plays),
        OutputFormat::Avif => avif::encode(first, quality),
    }
}
