//! Resize by convolution with a Lanczos kernel, opacity premultiplied.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::pixels::{U8, U8x3, U8x4, U16, U16x3, U16x4};
use fast_image_resize::{
    FilterType, ImageView, ImageViewMut, PixelTrait, PixelType, ResizeAlg, ResizeOptions, Resizer,
    create_srgb_mapper,
};

use super::crop::Window;
use super::picture::{Picture, PixelKind, Size};
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
    let area = Area::new(&picture, window);
    if size == picture.size() && area.is_whole(&picture) {
        return Ok(picture);
    }
    // Inks are no light.
    if light == Light::Linear && picture.kind != PixelKind::Cmyk {
        return resize_linear(&picture, area, size);
    }
    resize_encoded(&picture, area, size, FilterType::Lanczos3)
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
    resize_encoded(picture, Area::new(picture, window), size, FilterType::Box)
}

/// A size between full and needed at which a decoder may shrink by means of its own, without
/// a loss that can be seen after the final resize.
#[must_use]
pub fn roomy(full: Size, needed: Size) -> Size {
    let side = |full: u32, needed: u32| needed.saturating_mul(2).min(full);
    Size { width: side(full.width, needed.width), height: side(full.height, needed.height) }
}

/// Resize one plane of samples, of two bytes each if `wide`.
///
/// # Errors
/// [`ThumbnailError::Internal`] when the samples are fewer than the size says.
pub fn plane(samples: &[u8], from: Size, to: Size, wide: bool) -> Result<Vec<u8>, ThumbnailError> {
    let kind = if wide { PixelType::U16 } else { PixelType::U8 };
    let source = ImageRef::new(from.width, from.height, samples, kind).map_err(internal)?;
    let mut resized = Image::new(to.width, to.height, kind);
    let (width, height) = (f64::from(from.width), f64::from(from.height));
    let area = Area { left: 0.0, top: 0.0, width, height };
    let filter = FilterType::CatmullRom;
    if wide {
        run::<U16>(source.typed_image(), resized.typed_image_mut(), area, filter, false)?;
    } else {
        run::<U8>(source.typed_image(), resized.typed_image_mut(), area, filter, false)?;
    }
    Ok(resized.into_vec())
}

/// A part of a picture in pixels.
#[derive(Clone, Copy)]
struct Area {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Area {
    fn new(picture: &Picture, window: Window) -> Self {
        let (width, height) = (f64::from(picture.width), f64::from(picture.height));
        let left = (window.left * width).clamp(0.0, width);
        let top = (window.top * height).clamp(0.0, height);
        Self {
            left,
            top,
            width: (window.width * width).min(width - left),
            height: (window.height * height).min(height - top),
        }
    }

    fn is_whole(self, picture: &Picture) -> bool {
        self.width >= f64::from(picture.width) && self.height >= f64::from(picture.height)
    }
}

fn internal(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::Internal(error.to_string())
}

/// Resize pixels of one kind. The dynamic interface of the library would do for all kinds, and
/// so make code for many that never occur.
fn run<P: PixelTrait>(
    source: Option<impl ImageView<Pixel = P>>,
    resized: Option<impl ImageViewMut<Pixel = P>>,
    area: Area,
    filter: FilterType,
    has_alpha: bool,
) -> Result<(), ThumbnailError> {
    let (Some(source), Some(mut resized)) = (source, resized) else {
        return Err(internal("the pixels are of another kind"));
    };
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .use_alpha(has_alpha)
        .crop(area.left, area.top, area.width, area.height);
    Resizer::new().resize_typed(&source, &mut resized, &options).map_err(internal)
}

fn resize_encoded(
    picture: &Picture,
    area: Area,
    size: Size,
    filter: FilterType,
) -> Result<Picture, ThumbnailError> {
    let samples = match picture.kind {
        PixelKind::Luma => PixelType::U8,
        PixelKind::Rgb => PixelType::U8x3,
        PixelKind::Rgba | PixelKind::Cmyk => PixelType::U8x4,
    };
    let source =
        ImageRef::new(picture.width, picture.height, &picture.data, samples).map_err(internal)?;
    let mut resized = Image::new(size.width, size.height, samples);
    let has_alpha = picture.kind == PixelKind::Rgba;
    match picture.kind {
        PixelKind::Luma => {
            run::<U8>(source.typed_image(), resized.typed_image_mut(), area, filter, has_alpha)
        }
        PixelKind::Rgb => {
            run::<U8x3>(source.typed_image(), resized.typed_image_mut(), area, filter, has_alpha)
        }
        PixelKind::Rgba | PixelKind::Cmyk => {
            run::<U8x4>(source.typed_image(), resized.typed_image_mut(), area, filter, has_alpha)
        }
    }?;
    Ok(Picture {
        width: size.width,
        height: size.height,
        kind: picture.kind,
        data: resized.into_vec(),
    })
}

fn resize_linear(picture: &Picture, area: Area, size: Size) -> Result<Picture, ThumbnailError> {
    let (encoded, linear) = match picture.kind {
        PixelKind::Luma => (PixelType::U8, PixelType::U16),
        PixelKind::Rgb => (PixelType::U8x3, PixelType::U16x3),
        PixelKind::Rgba | PixelKind::Cmyk => (PixelType::U8x4, PixelType::U16x4),
    };
    let mapper = create_srgb_mapper();
    let source =
        ImageRef::new(picture.width, picture.height, &picture.data, encoded).map_err(internal)?;
    let mut light = Image::new(picture.width, picture.height, linear);
    mapper.forward_map(&source, &mut light).map_err(internal)?;
    let mut small = Image::new(size.width, size.height, linear);
    let has_alpha = picture.kind == PixelKind::Rgba;
    let filter = FilterType::Lanczos3;
    match picture.kind {
        PixelKind::Luma => {
            run::<U16>(light.typed_image(), small.typed_image_mut(), area, filter, has_alpha)
        }
        PixelKind::Rgb => {
            run::<U16x3>(light.typed_image(), small.typed_image_mut(), area, filter, has_alpha)
        }
        PixelKind::Rgba | PixelKind::Cmyk => {
            run::<U16x4>(light.typed_image(), small.typed_image_mut(), area, filter, has_alpha)
        }
    }?;
    let mut resized = Image::new(size.width, size.height, encoded);
    mapper.backward_map(&small, &mut resized).map_err(internal)?;
    Ok(Picture {
        width: size.width,
        height: size.height,
        kind: picture.kind,
        data: resized.into_vec(),
    })
}
