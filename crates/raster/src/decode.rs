//! The decoder of the `image` crate that the engine uses, for sources in memory.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{ImageDecoder, ImageResult};

/// Read the header of a BMP file.
///
/// # Errors
/// What is wrong with it.
pub fn bmp(source: &[u8]) -> ImageResult<Box<dyn ImageDecoder + '_>> {
    Ok(Box::new(BmpDecoder::new(Cursor::new(source))?))
}
