//! Blurs and sharpens the thumbnail at its final size.

use raster::Picture;

use super::spec::{Hundredths, Spec};
use crate::error::ThumbnailError;

/// Apply `blur` and `sharpen`.
///
/// # Errors
/// [`ThumbnailError::Internal`], which does not occur for valid images.
pub fn apply(mut picture: Picture, spec: &Spec) -> Result<Picture, ThumbnailError> {
    #[expect(clippy::cast_possible_truncation, reason = "two decimals")]
    let sigma = |option: Hundredths| option.to_f64() as f32;
    if let Some(blur) = spec.blur {
        picture = raster::blur(picture, sigma(blur))?;
    }
    if let Some(sharpen) = spec.sharpen {
        picture = raster::sharpen(picture, sigma(sharpen))?;
    }
    Ok(picture)
}
