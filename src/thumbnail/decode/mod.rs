//! Decoders. Each format has its own file or folder, which defines its decoder.
//!
//! To add a format, add a module with a [`Decoder`], and add the decoder to [`DECODERS`].

mod avif;
mod bmp;
mod canvas;
mod components;
mod decoded;
mod decoder;
mod frame;
mod gif;
mod headroom;
mod jpeg;
mod jxl;
mod png;
pub mod svg;
mod tiff;
mod webp;

use super::limits::Limits;
use crate::error::ThumbnailError;
pub use components::{ComponentStrips, Components, Range};
pub use decoded::{DECODED, DecodedImage, Layout};
use decoder::Decoder;
pub use decoder::{Completeness, DecodeRequest, Sink, Source, Tiles, first_picture};
pub use frame::{DecodedFrame, Pixels, Rows};
use raster::Size;

/// The decoders, in the order in which they check the first bytes.
const DECODERS: [&Decoder; 9] = [
    &jpeg::DECODER,
    &png::DECODER,
    &webp::DECODER,
    &gif::DECODER,
    &bmp::DECODER,
    &avif::DECODER,
    &jxl::DECODER,
    &tiff::DECODER,
    &svg::DECODER,
];

/// The number of bytes at the start of a file that identify its format.
pub const SNIFFED: usize = 4096;

/// The source of an image.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// An encoded image.
    Encoded(&'a [u8]),
    /// The pixels from a decoder that is not part of this crate.
    Decoded(&'a DecodedImage<'a>),
}

impl<'a> From<&'a [u8]> for Input<'a> {
    fn from(source: &'a [u8]) -> Self {
        Self::Encoded(source)
    }
}

/// Whether this module decodes images that start with these bytes. [`SNIFFED`] bytes are enough.
#[must_use]
pub fn is_known(start: &[u8]) -> bool {
    DECODERS.into_iter().any(|decoder| (decoder.sniff)(start))
}

/// Reads the header of an image. The format is determined from the first bytes, not from a file
/// name. No memory is allocated in proportion to the number of pixels.
///
/// # Errors
/// [`ThumbnailError::TooLarge`] if there are more bytes than allowed,
/// [`ThumbnailError::Unsupported`] if the first bytes do not match a known format,
/// [`ThumbnailError::Corrupt`] if the header is damaged, and [`ThumbnailError::UnsupportedFeature`]
/// if the image uses an unsupported feature of its format.
pub fn open<'a>(
    input: impl Into<Input<'a>>,
    limits: &Limits,
) -> Result<Box<dyn Source + 'a>, ThumbnailError> {
    let source = match input.into() {
        Input::Encoded(source) => source,
        Input::Decoded(image) => return Ok(image.source()),
    };
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

/// The number of bytes that a single frame occupies when it is decoded for a small thumbnail.
#[must_use]
pub fn least_bytes(source: &dyn Source, limits: &Limits) -> u64 {
    let request = DecodeRequest::still(Size { width: 1, height: 1 }, limits, &|| false);
    source.decoded_pixels(request).saturating_mul(source.pixel_bytes())
}
