//! TIFF by the `tiff` crate: the first page.

use raster::{Picture, Tiff, TiffError};

use super::super::color::Profile;
use super::super::exif;
use super::super::format::SourceFormat;
use super::super::orient::Transform;
use super::super::probe::Header;
use crate::error::ThumbnailError;

fn failed(error: TiffError) -> ThumbnailError {
    match error {
        TiffError::Unsupported => {
            ThumbnailError::UnsupportedFeature { feature: "TIFF with such samples or compression" }
        }
        error @ TiffError::Corrupt(_) => ThumbnailError::corrupt(SourceFormat::Tiff, error),
    }
}

pub(super) fn header(source: &[u8]) -> Result<Header, ThumbnailError> {
    let mut tiff = Tiff::new(source).map_err(failed)?;
    // EXIF borrowed its tags from TIFF, so the reader for the one reads the other.
    let orientation = exif::orientation(source);
    Ok(Header {
        format: SourceFormat::Tiff,
        size: tiff.size(),
        orientation,
        transform: Transform::from_exif(orientation),
        frames: 1,
        plays: 1,
        has_alpha: tiff.has_alpha(),
        has_icc: tiff.icc_profile().is_some(),
    })
}

pub(super) fn profile(source: &[u8]) -> Option<Profile> {
    Tiff::new(source).ok()?.icc_profile().map(Profile::Icc)
}

pub(super) fn decode(source: &[u8]) -> Result<Picture, ThumbnailError> {
    Tiff::new(source).and_then(Tiff::decode).map_err(failed)
}
