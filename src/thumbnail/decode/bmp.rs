//! BMP by the `image` crate.

use image::{DynamicImage, ImageDecoder, ImageError, Limits};

use super::super::format::SourceFormat;
use super::super::orient::Transform;
use super::super::probe::Header;
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind, Size};

/// What the decoder may allocate for itself.
const OVERHEAD: u64 = 16 * 1024 * 1024;

fn failed(error: ImageError) -> ThumbnailError {
    match error {
        ImageError::Unsupported(_) => {
            ThumbnailError::UnsupportedFeature { feature: "BMP of this kind" }
        }
        error => ThumbnailError::corrupt(SourceFormat::Bmp, error),
    }
}

pub(super) fn header(source: &[u8]) -> Result<Header, ThumbnailError> {
    let decoder = raster::bmp(source).map_err(failed)?;
    let (width, height) = decoder.dimensions();
    Ok(Header {
        format: SourceFormat::Bmp,
        size: Size { width, height },
        orientation: 1,
        transform: Transform::from_exif(1),
        frames: 1,
        plays: 1,
        has_alpha: decoder.color_type().has_alpha(),
        has_icc: false,
    })
}

pub(super) fn decode(source: &[u8]) -> Result<Picture, ThumbnailError> {
    let mut decoder = raster::bmp(source).map_err(failed)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(decoder.total_bytes().saturating_mul(2).saturating_add(OVERHEAD));
    decoder.set_limits(limits).map_err(failed)?;
    let image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    let (width, height) = (image.width(), image.height());
    let color = image.color();
    let (kind, data) = match (color.has_color(), color.has_alpha()) {
        (_, true) => (PixelKind::Rgba, image.into_rgba8().into_raw()),
        (true, false) => (PixelKind::Rgb, image.into_rgb8().into_raw()),
        (false, false) => (PixelKind::Luma, image.into_luma8().into_raw()),
    };
    Ok(Picture { width, height, kind, data })
}
