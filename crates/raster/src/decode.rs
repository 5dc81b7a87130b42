//! The decoders of the `image` crate that the engine uses, for sources in memory.

use std::io::Cursor;

use image::codecs::{bmp::BmpDecoder, tiff::TiffDecoder};
use image::{ImageDecoder, ImageResult};

/// Read the header of a BMP file.
///
/// # Errors
/// What is wrong with it.
pub fn bmp(source: &[u8]) -> ImageResult<Box<dyn ImageDecoder + '_>> {
    Ok(Box::new(BmpDecoder::new(Cursor::new(source))?))
}

/// Read the header of the first page of a TIFF file.
///
/// # Errors
/// What is wrong with it.
pub fn tiff(source: &[u8]) -> ImageResult<Box<dyn ImageDecoder + '_>> {
    Ok(Box::new(TiffDecoder::new(Cursor::new(source))?))
}
