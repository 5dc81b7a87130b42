//! What the decoders of PNG images share.

use std::io::{Cursor, ErrorKind};

use png::{ColorType, Decoder, DecodingError, Reader, Transformations};
use raster::{PixelKind, Size};

use super::super::super::format::{OutputFormat, SourceFormat};
use crate::error::ThumbnailError;

/// The memory that the decoder may allocate for profiles and rows in addition to the picture, in
/// bytes.
pub(super) const MAX_OVERHEAD: usize = 8 * 1024 * 1024;

pub(super) const FORMAT: SourceFormat = SourceFormat::new("png", OutputFormat::Png);

pub(super) fn corrupt(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(FORMAT, error)
}

/// Reads the chunks before the pixels.
pub(super) fn read_info(source: &[u8]) -> Result<Reader<Cursor<&[u8]>>, DecodingError> {
    let limits = png::Limits { bytes: MAX_OVERHEAD };
    let mut decoder = Decoder::new_with_limits(Cursor::new(source), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.read_info()
}

/// The sample of a missing pixel: transparent or, in an opaque picture, gray.
pub(super) const fn missing(kind: PixelKind) -> u8 {
    match kind {
        PixelKind::Rgba => 0,
        PixelKind::Luma | PixelKind::Rgb | PixelKind::Cmyk => 128,
    }
}

/// Whether the data of an image is undamaged. The function is called after all rows of the image
/// have been read. Anything after the rows may be missing, because it does not affect them.
pub(super) fn ends_well(reader: &mut Reader<Cursor<&[u8]>>) -> bool {
    match reader.next_row() {
        Err(DecodingError::IoError(error)) => error.kind() == ErrorKind::UnexpectedEof,
        outcome => outcome.is_ok(),
    }
}

/// The size of the default image.
pub(super) fn size(reader: &Reader<Cursor<&[u8]>>) -> Size {
    let info = reader.info();
    let (width, height) =
        info.frame_control.map_or_else(|| info.size(), |frame| (frame.width, frame.height));
    Size { width, height }
}

/// The kind of pixels in a picture with this colour type.
pub(super) fn kind(color: ColorType) -> Result<PixelKind, ThumbnailError> {
    match color {
        ColorType::Grayscale => Ok(PixelKind::Luma),
        ColorType::Rgb => Ok(PixelKind::Rgb),
        ColorType::Rgba | ColorType::GrayscaleAlpha => Ok(PixelKind::Rgba),
        ColorType::Indexed => Err(corrupt("it has no palette")),
    }
}

pub(super) const fn from_gray([luma, alpha]: [u8; 2]) -> [u8; 4] {
    [luma, luma, luma, alpha]
}
