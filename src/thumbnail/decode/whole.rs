//! What the decoders of the `image` crate have in common: they give the whole picture at once.

use image::{DynamicImage, ImageDecoder, ImageError, Limits};

use super::super::format::SourceFormat;
use super::super::orient::Transform;
use super::super::probe::Header;
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind, Size};

/// What a decoder may allocate for itself.
const OVERHEAD: u64 = 16 * 1024 * 1024;

/// What a decoder's complaint means.
pub(super) fn failed(format: SourceFormat, error: &ImageError) -> ThumbnailError {
    match (error, format) {
        (ImageError::Unsupported(_), SourceFormat::Tiff) => {
            ThumbnailError::UnsupportedFeature { feature: "TIFF with such samples or compression" }
        }
        (ImageError::Unsupported(_), _) => {
            ThumbnailError::UnsupportedFeature { feature: "BMP of this kind" }
        }
        _ => ThumbnailError::corrupt(format, error),
    }
}

pub(super) fn header(
    decoder: &mut impl ImageDecoder,
    format: SourceFormat,
    orientation: u16,
) -> Header {
    let (width, height) = decoder.dimensions();
    Header {
        format,
        size: Size { width, height },
        orientation,
        transform: Transform::from_exif(orientation),
        frames: 1,
        plays: 1,
        has_alpha: decoder.color_type().has_alpha(),
        has_icc: decoder.icc_profile().is_ok_and(|profile| profile.is_some()),
    }
}

pub(super) fn decode(
    mut decoder: impl ImageDecoder,
    format: SourceFormat,
) -> Result<Picture, ThumbnailError> {
    let failed = |error| failed(format, &error);
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
