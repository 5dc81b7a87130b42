//! Resize a part of a picture to the size of the thumbnail.

use raster::{Area, Filter, Picture, PixelKind, Size};

use super::crop::Window;
use crate::error::ThumbnailError;

/// Whether the samples are averaged as they are, as browsers and most programs do it, or as
/// the light that they stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Light {
    /// As they are, with the gamma of sRGB.
    #[default]
    Encoded,
    /// Made linear before, and encoded again after.
    Linear,
}

/// Resize a part of a picture.
///
/// # Errors
/// [`ThumbnailError::Internal`], which none of the sizes of a plan can cause.
pub fn resize(
    picture: Picture,
    window: Window,
    size: Size,
    light: Light,
) -> Result<Picture, ThumbnailError> {
    let area = area(&picture, window);
    let is_whole =
        area.width >= f64::from(picture.width) && area.height >= f64::from(picture.height);
    if size == picture.size() && is_whole {
        return Ok(picture);
    }
    // Inks are no light.
    if light == Light::Linear && picture.kind != PixelKind::Cmyk {
        return Ok(raster::resize_linear(&picture, area, size)?);
    }
    Ok(raster::resize(&picture, area, size, Filter::Lanczos3)?)
}

/// A small copy of a part of a picture, for looking at its colours only.
///
/// # Errors
/// [`ThumbnailError::Internal`], which none of the sizes of a plan can cause.
pub fn shrunk_copy(
    picture: &Picture,
    window: Window,
    size: Size,
) -> Result<Picture, ThumbnailError> {
    Ok(raster::resize(picture, area(picture, window), size, Filter::Box)?)
}

/// A size between full and needed at which a decoder may shrink by means of its own, without
/// a loss that can be seen after the final resize.
#[must_use]
pub fn roomy(full: Size, needed: Size) -> Size {
    let side = |full: u32, needed: u32| needed.saturating_mul(2).min(full);
    Size { width: side(full.width, needed.width), height: side(full.height, needed.height) }
}

fn area(picture: &Picture, window: Window) -> Area {
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    let left = (window.left * width).clamp(0.0, width);
    let top = (window.top * height).clamp(0.0, height);
    Area {
        left,
        top,
        width: (window.width * width).min(width - left),
        height: (window.height * height).min(height - top),
    }
}
