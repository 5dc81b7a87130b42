//! The decoder of the `image` crate for BMP files.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{ImageDecoder, ImageResult};

/// Reads the header of a BMP file.
///
/// # Errors
/// When the header is invalid.
pub fn bmp(source: &[u8]) -> ImageResult<Box<dyn ImageDecoder + '_>> {
    Ok(Box::new(BmpDecoder::new(Cursor::new(source))?))
}
