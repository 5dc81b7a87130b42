//! The effects on the pixels of the thumbnail at its final size: colour adjustment, pixelation,
//! blurring and sharpening.

use raster::Picture;

use super::spec::{Hundredths, Spec};
use super::{adjust, pixelate};
use crate::error::ThumbnailError;

/// Applies `brightness`, `contrast`, `saturation`, `grayscale`, `pixelate`, `blur`, `detail` and
/// `sharpen`. `density` is the number of thumbnail pixels per pixel of the box.
///
/// # Errors
/// [`ThumbnailError::Internal`], which does not occur for valid images.
pub fn apply(mut picture: Picture, spec: &Spec, density: f64) -> Result<Picture, ThumbnailError> {
    #[expect(clippy::cast_possible_truncation, reason = "two decimals")]
    let sigma = |option: Hundredths| option.to_f64() as f32;
    picture = adjust::apply(picture, spec);
    if spec.grayscale {
        picture = picture.into_grayscale();
    }
    if let Some(side) = spec.pixelate {
        picture = pixelate::apply(picture, side.to_f64() * density);
    }
    if let Some(blur) = spec.blur {
        picture = raster::blur(picture, sigma(blur))?;
    }
    if spec.detail {
        picture = raster::detail(picture)?;
    }
    if let Some(sharpen) = spec.sharpen {
        picture = raster::sharpen(picture, sigma(sharpen))?;
    }
    Ok(picture)
}

/// Whether [`apply`] changes the picture.
#[must_use]
pub fn has_any(spec: &Spec) -> bool {
    adjust::has_any(spec)
        || spec.grayscale
        || spec.pixelate.is_some()
        || spec.blur.is_some()
        || spec.detail
        || spec.sharpen.is_some()
}
