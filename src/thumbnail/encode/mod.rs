//! Encoders: one module a format.

mod avif;
mod gif;
mod jpeg;
mod palette;
mod png;
mod webp;

use super::format::OutputFormat;
use crate::error::ThumbnailError;
use raster::{Frame, Picture};

pub(super) use super::webp_ffi::LOSSLESS as LOSSLESS_WEBP;
pub(super) use avif::halves_chroma as halves_chroma_of_avif;
pub use palette::Colors;

/// The resolution at which a JPEG keeps colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subsampling {
    /// That of the picture: 4:4:4.
    Full,
    /// Half of it both ways, 4:2:0: half the bytes, and thin coloured lines are soft.
    #[default]
    Half,
}

impl Subsampling {
    /// The one with this name: `4:4:4` or `4:2:0`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "4:4:4" => Some(Self::Full),
            "4:2:0" => Some(Self::Half),
            _ => None,
        }
    }
}

/// How a file is written, beside its format and quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// JPEG: in scans from coarse to fine, instead of from top to bottom.
    pub progressive: bool,
    /// JPEG: the resolution of colour.
    pub subsampling: Subsampling,
    /// PNG and GIF: the most colours of a palette. Without, a GIF has as many as fit, and a PNG
    /// a palette only where that loses nothing.
    pub colors: Option<Colors>,
}

/// Encode luma, and the differences of blue and red at half its resolution both ways (a side of an
/// odd number rounded up), in the range of the format: as a lossy WebP, or as a JPEG.
///
/// # Errors
/// [`ThumbnailError::Internal`] when the encoder fails.
pub fn encode_components(
    components: &[Picture; 3],
    format: OutputFormat,
    quality: u8,
    style: Style,
) -> Result<Vec<u8>, ThumbnailError> {
    match format {
        OutputFormat::WebP => webp::encode_components(components, quality),
        _ => jpeg::encode_components(components, quality, style),
    }
}

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
    style: Style,
) -> Result<Vec<u8>, ThumbnailError> {
    let Some(Frame { picture: first, .. }) = frames.first() else {
        return Err(ThumbnailError::Internal("there is no picture to encode".into()));
    };
    match format {
        OutputFormat::Jpeg => jpeg::encode(first, quality, style),
        OutputFormat::Png => png::encode(first, style.colors),
        OutputFormat::WebP if frames.len() > 1 => webp::encode_animation(frames, plays, quality),
        OutputFormat::WebP => webp::encode(first, quality),
        OutputFormat::Gif => gif::encode(frames, plays, style.colors.unwrap_or_default()),
        OutputFormat::Avif => avif::encode(first, quality),
    }
}
