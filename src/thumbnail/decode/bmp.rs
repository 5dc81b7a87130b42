//! BMP by the `image` crate.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;

use super::super::format::SourceFormat;
use super::super::picture::Picture;
use super::super::probe::Header;
use super::whole;
use crate::error::ThumbnailError;

fn open(source: &[u8]) -> Result<BmpDecoder<Cursor<&[u8]>>, ThumbnailError> {
    BmpDecoder::new(Cursor::new(source))
        .map_err(|error| ThumbnailError::corrupt(SourceFormat::Bmp, error))
}

pub(super) fn header(source: &[u8]) -> Result<Header, ThumbnailError> {
    Ok(whole::header(&mut open(source)?, SourceFormat::Bmp, 1))
}

pub(super) fn decode(source: &[u8]) -> Result<Picture, ThumbnailError> {
    whole::decode(open(source)?, SourceFormat::Bmp)
}
