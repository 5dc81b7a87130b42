//! Resize by convolution with a Lanczos kernel, opacity premultiplied.

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::crop::Window;
use super::picture::{Picture, PixelKind, Size};
use crate::error::ThumbnailError;

/// Resize a part of a picture.
///
/// # Errors
/// [`ThumbnailError::Internal`], which none of the sizes of a plan can cause.
pub fn resize(picture: Picture, window: Window, size: Size) -> Result<Picture, ThumbnailError> {
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    let left = (window.left * width).clamp(0.0, width);
    let top = (window.top * height).clamp(0.0, height);
    let window_width = (window.width * width).min(width - left);
    let window_height = (window.height * height).min(height - top);
    if size == picture.size() && window_width >= width && window_height >= height {
        return Ok(picture);
    }
    let pixel_type = match picture.kind {
        PixelKind::Luma => PixelType::U8,
        PixelKind::Rgb => PixelType::U8x3,
        PixelKind::Rgba => PixelType::U8x4,
    };
    let internal = |error: &dyn std::fmt::Display| ThumbnailError::Internal(error.to_string());
    let source = Image::from_vec_u8(picture.width, picture.height, picture.data, pixel_type)
        .map_err(|error| internal(&error))?;
    let mut resized = Image::new(size.width, size.height, pixel_type);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(left, top, window_width, window_height);
    Resizer::new().resize(&source, &mut resized, &options).map_err(|error| internal(&error))?;
    Ok(Picture {
        width: size.width,
        height: size.height,
        kind: picture.kind,
        data: resized.into_vec(),
    })
}
