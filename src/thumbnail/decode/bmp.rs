//! BMP by the `image` crate.

use image::ImageDecoder;
use raster::Picture;

use super::super::format::SourceFormat;
use super::super::probe::Header;
use super::whole;
use crate::error::ThumbnailError;

fn open(source: &[u8]) -> Result<Box<dyn ImageDecoder + '_>, ThumbnailError> {
    raster::bmp(source).map_err(|error| whole::failed(SourceFormat::Bmp, &error))
}

pub(super) fn header(source: &[u8]) -> Result<Header, ThumbnailError> {
    Ok(whole::header(&mut open(source)?, SourceFormat::Bmp, 1))
}

pub(super) fn decode(source: &[u8]) -> Result<Picture, ThumbnailError> {
    whole::decode(open(source)?, SourceFormat::Bmp)
}
