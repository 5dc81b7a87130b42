//! Encoders, with one file for each format.

mod avif;
mod gif;
mod jpeg;
mod metadata;
mod palette;
mod png;
mod style;
mod webp;

use super::format::OutputFormat;
use super::limits::CheckTime;
use super::spec::Subsampling;
use crate::error::ThumbnailError;
use raster::{Frame, Picture};

pub use avif::AvifSpeed;
pub use metadata::Metadata;
pub use palette::{Colors, main_colors};
pub use style::Style;

/// Whether an encoder stores chroma at half the width and height (4:2:0).
#[must_use]
pub fn halves_chroma(format: OutputFormat, quality: u8, style: Style) -> bool {
    match format {
        OutputFormat::Jpeg => style.subsampling == Subsampling::Half,
        OutputFormat::WebP => webp::is_lossy(quality),
        OutputFormat::Avif => avif::halves_chroma(quality),
        OutputFormat::Png | OutputFormat::Gif => false,
    }
}

/// Encodes luma and chroma as a lossy WebP or a JPEG. Cb and Cr have half the width and height of
/// luma, rounded up. The samples must be in the range that the format uses.
///
/// # Errors
/// [`ThumbnailError::Internal`] when the encoder fails, or an error from `check_time`.
pub fn encode_components(
    components: &[Picture; 3],
    format: OutputFormat,
    quality: u8,
    style: Style,
    metadata: &Metadata,
    check_time: CheckTime<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    match format {
        OutputFormat::WebP => webp::encode_components(components, quality, metadata, check_time),
        _ => jpeg::encode_components(components, quality, style, metadata),
    }
}

/// Encodes a still image or, if the format supports it, an animation. In other formats, only the
/// first frame is encoded. The images are gray, RGB or RGBA. An animation plays `plays` times (0
/// means forever). GIF has no metadata.
///
/// # Errors
/// [`ThumbnailError::Internal`] when the encoder fails, or an error from `check_time`.
pub fn encode(
    frames: &[Frame],
    plays: u16,
    format: OutputFormat,
    quality: u8,
    style: Style,
    metadata: &Metadata,
    check_time: CheckTime<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    let Some(Frame { picture: first, .. }) = frames.first() else {
        return Err(ThumbnailError::Internal("a thumbnail needs at least one picture".into()));
    };
    match format {
        OutputFormat::Jpeg => jpeg::encode(first, quality, style, metadata),
        OutputFormat::Png => png::encode(first, style.colors, metadata, check_time),
        OutputFormat::WebP if frames.len() > 1 => {
            webp::encode_animation(frames, plays, quality, metadata, check_time)
        }
        OutputFormat::WebP => webp::encode(first, quality, metadata, check_time),
        OutputFormat::Gif => {
            gif::encode(frames, plays, style.colors.unwrap_or_default(), check_time)
        }
        OutputFormat::Avif => avif::encode(first, quality, style.avif_speed, metadata, check_time),
    }
}
