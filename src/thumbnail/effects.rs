//! The effects on the pixels of the thumbnail at its final size: shades of gray, blurring and
//! sharpening.

use raster::Picture;

use super::spec::{Hundredths, Spec};
use crate::error::ThumbnailError;

/// Apply `grayscale`, `blur`, `detail` and `sharpen`.
///
/// # Errors
/// [`ThumbnailError::Internal`], which does not occur for valid images.
pub fn apply(mut picture: Picture, spec: &Spec) -> Result<Picture, ThumbnailError> {
    #[expect(clippy::cast_possible_truncation, reason = "two decimals")]
    let sigma = |option: Hundredths| option.to_f64() as f32;
    if spec.grayscale {
        picture = picture.into_grayscale();
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
    spec.grayscale || spec.blur.is_some() || spec.detail || spec.sharpen.is_some()
}
