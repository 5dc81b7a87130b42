//! TIFF by the `image` crate: the first page.

use image::ImageDecoder;

use super::super::color::Profile;
use super::super::exif;
use super::super::format::SourceFormat;
use super::super::probe::Header;
use super::whole;
use crate::error::ThumbnailError;
use raster::Picture;

fn open(source: &[u8]) -> Result<Box<dyn ImageDecoder + '_>, ThumbnailError> {
    raster::tiff(source).map_err(|error| whole::failed(SourceFormat::Tiff, &error))
}

pub(super) fn header(source: &[u8]) -> Result<Header, ThumbnailError> {
    // EXIF borrowed its tags from TIFF, so the reader for the one reads the other.
    Ok(whole::header(&mut open(source)?, SourceFormat::Tiff, exif::orientation(source)))
}

pub(super) fn profile(source: &[u8]) -> Option<Profile> {
    open(source).ok()?.icc_profile().ok()?.map(Profile::Icc)
}

pub(super) fn decode(source: &[u8]) -> Result<Picture, ThumbnailError> {
    whole::decode(open(source)?, SourceFormat::Tiff)
}
