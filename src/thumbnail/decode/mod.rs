//! Decoders: one module a format, each with `header` and `decode`, or `frames` where there may
//! be several.

mod av1;
mod avif;
mod bmp;
mod canvas;
mod components;
mod gif;
mod isobmff;
mod jpeg;
mod jpeg_components;
mod jpeg_planes;
mod jpeg_scans;
mod pixels;
mod planes;
mod png;
mod tiff;
mod webp;

use super::color::Profile;
use super::format::SourceFormat;
use super::probe::Header;
use crate::error::ThumbnailError;
pub use components::{Component, Components, Range};
pub use pixels::{Decoded, Pixels, Rows};
use raster::{Frame, Size};

/// Where the decoded frames go, one by one, so that no more than one is in memory at full size.
pub type Sink<'a> = &'a mut dyn FnMut(Decoded<'_>) -> Result<(), ThumbnailError>;

/// Read the header of a source of this format.
///
/// # Errors
/// [`ThumbnailError::Corrupt`], [`ThumbnailError::UnsupportedFeature`].
pub fn header(source: &[u8], format: SourceFormat) -> Result<Header, ThumbnailError> {
    match format {
        SourceFormat::Jpeg => jpeg::header(source),
        SourceFormat::Png => png::header(source),
        SourceFormat::WebP => webp::header(source),
        SourceFormat::Gif => gif::header(source),
        SourceFormat::Bmp => bmp::header(source),
        SourceFormat::Tiff => tiff::header(source),
        SourceFormat::Avif => avif::header(source),
    }
}

/// What the samples of a source mean, if it says so.
#[must_use]
pub fn profile(source: &[u8], format: SourceFormat) -> Option<Profile> {
    match format {
        SourceFormat::Jpeg => jpeg::profile(source),
        SourceFormat::Png => png::profile(source),
        SourceFormat::WebP => webp::profile(source),
        SourceFormat::Tiff => tiff::profile(source),
        SourceFormat::Avif => avif::profile(source),
        SourceFormat::Gif | SourceFormat::Bmp => None,
    }
}

/// What is wanted of a source.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// How large a picture has to be at least.
    pub size: Size,
    /// Whether colour may have half the resolution, as where it is written so again (4:2:0).
    pub half_chroma: bool,
    /// Whether all frames are wanted, or the first one only.
    pub all_frames: bool,
    /// Whether the source is but the start of a JPEG, which may be enough for a small picture.
    pub is_start: bool,
}

/// Decode a source. A picture is as large as the header says or, where the codec can shrink
/// while it decodes, smaller, but large enough to be resized to the wanted size without a
/// visible loss.
///
/// # Errors
/// [`ThumbnailError::Corrupt`], [`ThumbnailError::UnsupportedFeature`], or what `sink` says.
pub fn frames(
    source: &[u8],
    header: &Header,
    wanted: Wanted,
    sink: Sink<'_>,
) -> Result<(), ThumbnailError> {
    let Wanted { size: needed, all_frames: all, .. } = wanted;
    let picture = match header.format {
        SourceFormat::Gif => return gif::frames(source, header, all, sink),
        SourceFormat::Png => return png::frames(source, header, all, sink),
        SourceFormat::Avif => return avif::frames(source, header, needed, all, sink),
        SourceFormat::WebP => return webp::frames(source, header, needed, all, sink),
        SourceFormat::Jpeg => jpeg::decode(source, header, wanted)?,
        SourceFormat::Bmp => bmp::decode(source)?,
        SourceFormat::Tiff => tiff::decode(source)?,
    };
    sink(Frame { picture, delay: 0 }.into())
}

/// Decode a JPEG or a lossy WebP as far as its luma and differences of colour, these at half the
/// resolution maybe. Of the same size as by [`frames`]; `None` when it has no such components, or
/// is damaged.
#[must_use]
pub fn components(source: &[u8], header: &Header, wanted: Wanted) -> Option<Components> {
    match header.format {
        SourceFormat::Jpeg => jpeg_components::components(source, header.size, wanted),
        SourceFormat::WebP => webp::components(source, header, wanted.size),
        _ => None,
    }
}
