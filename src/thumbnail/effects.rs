//! Blur and sharpen, on the finished size, opacity premultiplied.

use fast_image_resize::images::Image;
use fast_image_resize::{MulDiv, PixelType};
use image::{ImageBuffer, Luma, Pixel, Rgb, Rgba, imageops};

use super::picture::{Picture, PixelKind};
use super::spec::Spec;
use crate::error::ThumbnailError;

/// Above this sigma three running means are as good as a Gaussian kernel, and take a time that
/// does not grow with it.
const WIDE: f32 = 4.0;

/// Apply `blur` and `sharpen`.
///
/// # Errors
/// [`ThumbnailError::Internal`], which no picture can cause.
pub fn apply(picture: Picture, spec: &Spec) -> Result<Picture, ThumbnailError> {
    let sigma = |option: Option<super::spec::Hundredths>| {
        #[expect(clippy::cast_possible_truncation, reason = "two decimals")]
        option.map(|sigma| sigma.to_f64() as f32)
    };
    let picture = match sigma(spec.blur) {
        Some(sigma) => premultiplied(picture, |picture| blur(picture, sigma))?,
        None => picture,
    };
    match sigma(spec.sharpen) {
        Some(sigma) => premultiplied(picture, |picture| sharpen(picture, sigma)),
        None => Ok(picture),
    }
}

fn blur(picture: Picture, sigma: f32) -> Picture {
    match picture.kind {
        PixelKind::Luma => by_kind::<Luma<u8>>(picture, |image| blur_image(image, sigma)),
        PixelKind::Rgb => by_kind::<Rgb<u8>>(picture, |image| blur_image(image, sigma)),
        PixelKind::Rgba | PixelKind::Cmyk => {
            by_kind::<Rgba<u8>>(picture, |image| blur_image(image, sigma))
        }
    }
}

fn sharpen(picture: Picture, sigma: f32) -> Picture {
    match picture.kind {
        PixelKind::Luma => by_kind::<Luma<u8>>(picture, |i| imageops::unsharpen(i, sigma, 0)),
        PixelKind::Rgb => by_kind::<Rgb<u8>>(picture, |i| imageops::unsharpen(i, sigma, 0)),
        PixelKind::Rgba | PixelKind::Cmyk => {
            by_kind::<Rgba<u8>>(picture, |i| imageops::unsharpen(i, sigma, 0))
        }
    }
}

type Buffer<P> = ImageBuffer<P, Vec<u8>>;

fn blur_image<P: Pixel<Subpixel = u8> + 'static>(image: &Buffer<P>, sigma: f32) -> Buffer<P> {
    if sigma < WIDE { imageops::blur(image, sigma) } else { imageops::fast_blur(image, sigma) }
}

fn by_kind<P: Pixel<Subpixel = u8>>(
    picture: Picture,
    work: impl FnOnce(&Buffer<P>) -> Buffer<P>,
) -> Picture {
    let Picture { width, height, kind, data } = picture;
    // The buffer takes the data only if they are as many as the size says; they always are.
    match Buffer::<P>::from_raw(width, height, data) {
        Some(image) => Picture { width, height, kind, data: work(&image).into_raw() },
        None => Picture { width: 0, height: 0, kind, data: Vec::new() },
    }
}

fn premultiplied(
    picture: Picture,
    work: impl FnOnce(Picture) -> Picture,
) -> Result<Picture, ThumbnailError> {
    if picture.kind != PixelKind::Rgba {
        return Ok(work(picture));
    }
    let internal = |error: &dyn std::fmt::Display| ThumbnailError::Internal(error.to_string());
    let weigh = |picture: Picture, divide: bool| {
        let Picture { width, height, kind, data } = picture;
        let mut image = Image::from_vec_u8(width, height, data, PixelType::U8x4)
            .map_err(|error| internal(&error))?;
        let tool = MulDiv::new();
        if divide {
            tool.divide_alpha_inplace(&mut image).map_err(|error| internal(&error))?;
        } else {
            tool.multiply_alpha_inplace(&mut image).map_err(|error| internal(&error))?;
        }
        Ok(Picture { width, height, kind, data: image.into_vec() })
    };
    weigh(work(weigh(picture, false)?), true)
}
