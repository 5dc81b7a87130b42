//! Decoders. Each format has its own file or folder, which defines its decoder.
//!
//! To add a format, add a module with a [`Decoder`], and add the decoder to [`DECODERS`].

mod avif;
mod bmp;
mod canvas;
mod components;
mod decoder;
mod frame;
mod gif;
mod headroom;
mod jpeg;
mod png;
mod svg;
mod tiff;
mod webp;

use super::limits::Limits;
use crate::error::ThumbnailError;
pub use components::{Component, Components, Range};
use decoder::Decoder;
pub use decoder::{Completeness, DecodeRequest, Sink, Source};
pub use frame::{DecodedFrame, Pixels, Rows};
use raster::Size;

/// The decoders, in the order in which they check the first bytes.
const DECODERS: [&Decoder; 8] = [
    &jpeg::DECODER,
    &png::DECODER,
    &webp::DECODER,
    &gif::DECODER,
    &bmp::DECODER,
    &avif::DECODER,
    &tiff::DECODER,
    &svg::DECODER,
];

/// Read the header of an image. The format is determined from the first bytes, not from a file
/// name. This does not allocate memory in proportion to the number of pixels.
///
/// # Errors
/// [`ThumbnailError::TooLarge`] if there are more bytes than allowed,
/// [`ThumbnailError::Unsupported`] if the first bytes do not match a known format,
/// [`ThumbnailError::Corrupt`] if the header is damaged, and [`ThumbnailError::UnsupportedFeature`]
/// if it is of an unknown kind.
pub fn open<'a>(source: &'a [u8], limits: &Limits) -> Result<Box<dyn Source + 'a>, ThumbnailError> {
    limits.check_bytes(source.len() as u64)?;
    let decoder = DECODERS
        .into_iter()
        .find(|decoder| (decoder.sniff)(source))
        .ok_or(ThumbnailError::Unsupported)?;
    let opened = (decoder.open)(source)?;
    if opened.header().size.pixels() == 0 {
        return Err(ThumbnailError::corrupt(decoder.format, "one of its sides is zero"));
    }
    Ok(opened)
}

/// The number of bytes that one frame takes when it is decoded for a small thumbnail.
#[must_use]
pub fn least_bytes(source: &dyn Source, limits: &Limits) -> u64 {
    let request = DecodeRequest {
        size: Size { width: 1, height: 1 },
        half_chroma: false,
        all_frames: false,
        is_partial: false,
        limits,
        expired: &|| false,
    };
    source.decoded_pixels(request).saturating_mul(source.pixel_bytes())
}
