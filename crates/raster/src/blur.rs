//! Blurs and sharpens, with premultiplied opacity.

use fast_image_resize::images::Image;
use fast_image_resize::{MulDiv, PixelType};
use image::{ImageBuffer, Luma, Pixel, Rgb, Rgba, imageops};

use crate::error::RasterError;
use crate::picture::{Picture, PixelKind};

/// Above this sigma, three box blurs are as good as a Gaussian kernel, and their running time does
/// not depend on sigma.
const WIDE: f32 = 4.0;

/// Blurs with a Gaussian of this standard deviation in pixels.
///
/// # Errors
/// Fails if the data does not match the picture's size.
pub fn blur(picture: Picture, sigma: f32) -> Result<Picture, RasterError> {
    premultiplied(picture, |picture| match picture.kind {
        PixelKind::Luma => by_kind::<Luma<u8>>(picture, |image| blur_image(image, sigma)),
        PixelKind::Rgb => by_kind::<Rgb<u8>>(picture, |image| blur_image(image, sigma)),
        PixelKind::Rgba | PixelKind::Cmyk => {
            by_kind::<Rgba<u8>>(picture, |image| blur_image(image, sigma))
        }
    })
}

/// Sharpens with an unsharp mask of this standard deviation in pixels.
///
/// # Errors
/// Fails if the data does not match the picture's size.
pub fn sharpen(picture: Picture, sigma: f32) -> Result<Picture, RasterError> {
    premultiplied(picture, |picture| match picture.kind {
        PixelKind::Luma => by_kind::<Luma<u8>>(picture, |i| imageops::unsharpen(i, sigma, 0)),
        PixelKind::Rgb => by_kind::<Rgb<u8>>(picture, |i| imageops::unsharpen(i, sigma, 0)),
        PixelKind::Rgba | PixelKind::Cmyk => {
            by_kind::<Rgba<u8>>(picture, |i| imageops::unsharpen(i, sigma, 0))
        }
    })
}

type Buffer<P> = ImageBuffer<P, Vec<u8>>;

fn blur_image<P: Pixel<Subpixel = u8> + 'static>(image: &Buffer<P>, sigma: f32) -> Buffer<P> {
    if sigma < WIDE { imageops::blur(image, sigma) } else { imageops::fast_blur(image, sigma) }
}

fn by_kind<P: Pixel<Subpixel = u8>>(
    picture: Picture,
    work: impl FnOnce(&Buffer<P>) -> Buffer<P>,
) -> Result<Picture, RasterError> {
    let Picture { width, height, kind, data } = picture;
    let image = Buffer::<P>::from_raw(width, height, data)
        .ok_or_else(|| RasterError::new("the picture has fewer pixels than its size requires"))?;
    Ok(Picture { width, height, kind, data: work(&image).into_raw() })
}

/// Applies a function to colours that are multiplied by their opacity.
pub(crate) fn premultiplied(
    picture: Picture,
    work: impl FnOnce(Picture) -> Result<Picture, RasterError>,
) -> Result<Picture, RasterError> {
    if picture.kind != PixelKind::Rgba {
        return work(picture);
    }
    let weigh = |picture: Picture, divide: bool| {
        let Picture { width, height, kind, data } = picture;
        let mut image =
            Image::from_vec_u8(width, height, data, PixelType::U8x4).map_err(RasterError::new)?;
        let tool = MulDiv::new();
        if divide {
            tool.divide_alpha_inplace(&mut image).map_err(RasterError::new)?;
        } else {
            tool.multiply_alpha_inplace(&mut image).map_err(RasterError::new)?;
        }
        Ok(Picture { width, height, kind, data: image.into_vec() })
    };
    weigh(work(weigh(picture, false)?)?, true)
}
