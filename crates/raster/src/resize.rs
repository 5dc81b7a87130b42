//! Resizes by convolution, with premultiplied opacity.

use std::f64::consts::PI;
use std::rc::Rc;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::pixels::{U8, U8x3, U8x4, U16, U16x4};
use fast_image_resize::{
    Filter as Kernel, FilterType, ImageView, ImageViewMut, PixelComponentMapper, PixelTrait,
    PixelType, ResizeAlg, ResizeOptions, Resizer, create_srgb_mapper,
};

use crate::error::RasterError;
use crate::picture::{Picture, PixelKind, Size};

/// The number of bytes of the intermediate picture between the two directions of a resize, unless
/// the result has more. If the intermediate picture is larger, it is resized in bands, and the
/// weights of columns are computed again for each band.
const BETWEEN: usize = 256 * 1024;

/// The kernel of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// The mean of the covered pixels. If there are many, it is the mean of sixteen of them.
    Box,
    /// A cubic kernel of radius 2.
    CatmullRom,
    /// A windowed sinc of radius 3: the sharpest filter.
    Lanczos3,
}

impl From<Filter> for ResizeAlg {
    fn from(filter: Filter) -> Self {
        match filter {
            Filter::Box => Self::SuperSampling(FilterType::Box, 4),
            Filter::CatmullRom => Self::Convolution(FilterType::CatmullRom),
            Filter::Lanczos3 => Self::Convolution(
                Kernel::new("Lanczos3", lanczos3, LANCZOS_RADIUS)
                    .map_or(FilterType::Lanczos3, FilterType::Custom),
            ),
        }
    }
}

/// [`Filter::Lanczos3`], with weights beyond its radius that are rounded to zero later.
fn padded_lanczos3(x: f64) -> f64 {
    if x.abs() < LANCZOS_RADIUS { lanczos3(x) } else { 1e-9 }
}

/// The radius of [`Filter::Lanczos3`].
pub(crate) const LANCZOS_RADIUS: f64 = 3.0;

/// `sinc(x) * sinc(x / 3)` with one sine instead of two, because `sin 3a = 3 sin a - 4 sin³ a`. At
/// large sizes, computing the weights takes a tenth of the time of a thumbnail.
pub(crate) fn lanczos3(x: f64) -> f64 {
    const ONE_THIRD: f64 = PI / 3.0;
    if x == 0.0 {
        return 1.0;
    }
    let third = x.abs() * ONE_THIRD;
    if third >= PI {
        return 0.0;
    }
    let sine = sine(third);
    let ratio = sine / third;
    ratio * ratio * (1.0 - 4.0 / 3.0 * (sine * sine))
}

/// The number of samples of one component that the library multiplies at once.
const LANES: f64 = 8.0;

/// [`Filter::Lanczos3`] for the columns of one component, if each pixel of the result stands for
/// `scale` pixels. It covers a multiple of [`LANES`] pixels, because the library would multiply the
/// others one by one. The weights beyond the filter's radius are too small to count, but not zero.
pub(crate) fn lanczos3_in_lanes(scale: f64) -> ResizeAlg {
    let scale = scale.max(1.0);
    let pixels = 2.0 * LANCZOS_RADIUS * scale;
    // An odd number of pixels touches one more if it begins within a pixel.
    let padded = ((pixels + 1.0) / LANES).ceil() * LANES - 1.0;
    let radius = padded / 2.0 / scale;
    let kernel = Kernel::new("Lanczos3", padded_lanczos3, radius);
    kernel.map_or_else(
        |_| Filter::Lanczos3.into(),
        |kernel| ResizeAlg::Convolution(FilterType::Custom(kernel)),
    )
}

/// The factors of the powers 3, 5, 7 to 21 of an angle in the Taylor series of its sine.
const SINE: [f64; 10] = {
    let mut factors = [0.0; 10];
    let (mut rest, mut factor, mut power) = (factors.as_mut_slice(), 1.0, 1.0);
    while let Some((place, others)) = rest.split_first_mut() {
        factor /= -(power + 1.0) * (power + 2.0);
        *place = factor;
        (rest, power) = (others, power + 2.0);
    }
    factors
};

/// The sine of an angle between 0 and π, by its Taylor series. It is as exact as the standard
/// library's, and takes a fraction of the time. The processor can add up the parts of the series
/// at the same time.
fn sine(angle: f64) -> f64 {
    let angle = angle.min(PI - angle);
    let x2 = angle * angle;
    let x4 = x2 * x2;
    let x8 = x4 * x4;
    let [t3, t5, t7, t9, t11, t13, t15, t17, t19, t21] = SINE;
    let low = (1.0 + t3 * x2) + (t5 + t7 * x2) * x4;
    let middle = (t9 + t11 * x2) + (t13 + t15 * x2) * x4;
    let high = (t17 + t19 * x2) + t21 * x4;
    angle * (low + (middle + high * x8) * x8)
}

/// A part of a picture in pixels, within its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "its upper left corner, width and height")]
pub struct Area {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// Resizes a part of a picture.
///
/// # Errors
/// Fails if the area lies outside the picture, if the size is zero, or if the data does not match
/// the picture's size.
pub fn resize(
    picture: &Picture,
    area: Area,
    size: Size,
    filter: Filter,
) -> Result<Picture, RasterError> {
    let samples = samples(picture.kind);
    let source = ImageRef::new(picture.width, picture.height, &picture.data, samples)
        .map_err(RasterError::new)?;
    if filter == Filter::Lanczos3 && picture.kind != PixelKind::Rgba {
        return resize_bands(&source, area, size, picture.kind);
    }
    let mut resized = Image::new(size.width, size.height, samples);
    let options = options(area, filter, picture.kind == PixelKind::Rgba);
    convolve(&mut Resizer::new(), &source, &mut resized, &options)?;
    Ok(finished(resized, picture.kind))
}

/// Resizes a part of a picture that has no alpha channel by [`Filter::Lanczos3`], in bands. The
/// rows of the intermediate picture are as wide as the rows of the source.
fn resize_bands(
    source: &ImageRef<'_>,
    area: Area,
    to: Size,
    kind: PixelKind,
) -> Result<Picture, RasterError> {
    let stride = to.width as usize * kind.bytes();
    let between = BETWEEN.max(stride * to.height as usize);
    let most = between / (source.width() as usize * kind.bytes()).max(1);
    let most = u32::try_from(most).unwrap_or(u32::MAX).clamp(1, to.height.max(1));
    let scale = area.height / f64::from(to.height);
    let mut data = vec![0; stride * to.height as usize];
    let mut engine = Resizer::new();
    let starts = (0..to.height).step_by(most as usize);
    for (start, band) in starts.zip(data.chunks_mut((most as usize * stride).max(1))) {
        let rows = most.min(to.height - start);
        let top = area.top + f64::from(start) * scale;
        let height = (f64::from(rows) * scale).min(f64::from(source.height()) - top);
        let mut resized = Image::from_slice_u8(to.width, rows, band, source.pixel_type())
            .map_err(RasterError::new)?;
        let options = options(Area { top, height, ..area }, Filter::Lanczos3, false);
        convolve(&mut engine, source, &mut resized, &options)?;
    }
    Ok(Picture { width: to.width, height: to.height, kind, data })
}

/// The library's type for one kind of pixel.
pub(crate) const fn samples(kind: PixelKind) -> PixelType {
    match kind {
        PixelKind::Luma => PixelType::U8,
        PixelKind::Rgb => PixelType::U8x3,
        PixelKind::Rgba | PixelKind::Cmyk => PixelType::U8x4,
    }
}

/// Resizes a part of a picture whose samples are bytes.
pub(crate) fn convolve(
    engine: &mut Resizer,
    source: &ImageRef<'_>,
    resized: &mut Image<'_>,
    options: &ResizeOptions,
) -> Result<(), RasterError> {
    match source.pixel_type() {
        PixelType::U8 => {
            run::<U8>(engine, source.typed_image(), resized.typed_image_mut(), options)
        }
        PixelType::U8x3 => {
            run::<U8x3>(engine, source.typed_image(), resized.typed_image_mut(), options)
        }
        _ => run::<U8x4>(engine, source.typed_image(), resized.typed_image_mut(), options),
    }
}

thread_local! {
    /// The transfer function of sRGB. Computing its tables takes a few milliseconds. Each thread
    /// has its own tables, because a lock that all threads share would not survive a fork.
    static SRGB: Rc<PixelComponentMapper> = Rc::new(create_srgb_mapper());
}

/// Resizes a part of a picture with an opacity in linear light.
pub(crate) fn resize_with_opacity(
    picture: &Picture,
    area: Area,
    size: Size,
) -> Result<Picture, RasterError> {
    let mapper = SRGB.with(Rc::clone);
    let source = ImageRef::new(picture.width, picture.height, &picture.data, PixelType::U8x4)
        .map_err(RasterError::new)?;
    let mut light = Image::new(picture.width, picture.height, PixelType::U16x4);
    mapper.forward_map(&source, &mut light).map_err(RasterError::new)?;
    let mut small = Image::new(size.width, size.height, PixelType::U16x4);
    let options = options(area, Filter::Lanczos3, picture.kind == PixelKind::Rgba);
    let (light, resized) = (light.typed_image(), small.typed_image_mut());
    run::<U16x4>(&mut Resizer::new(), light, resized, &options)?;
    let mut resized = Image::new(size.width, size.height, PixelType::U8x4);
    mapper.backward_map(&small, &mut resized).map_err(RasterError::new)?;
    Ok(finished(resized, picture.kind))
}

/// Resizes a part of one plane of samples by [`Filter::CatmullRom`]. If `wide` is true, each sample
/// has two bytes.
///
/// # Errors
/// Fails if there are fewer samples than the size requires.
pub fn resize_plane(
    samples: &[u8],
    from: Size,
    area: Area,
    to: Size,
    wide: bool,
) -> Result<Vec<u8>, RasterError> {
    let kind = if wide { PixelType::U16 } else { PixelType::U8 };
    let source = ImageRef::new(from.width, from.height, samples, kind).map_err(RasterError::new)?;
    let mut resized = Image::new(to.width, to.height, kind);
    let (mut engine, options) = (Resizer::new(), options(area, Filter::CatmullRom, false));
    if wide {
        run::<U16>(&mut engine, source.typed_image(), resized.typed_image_mut(), &options)?;
    } else {
        run::<U8>(&mut engine, source.typed_image(), resized.typed_image_mut(), &options)?;
    }
    Ok(resized.into_vec())
}

fn finished(image: Image<'_>, kind: PixelKind) -> Picture {
    Picture { width: image.width(), height: image.height(), kind, data: image.into_vec() }
}

pub(crate) fn options(area: Area, filter: impl Into<ResizeAlg>, has_alpha: bool) -> ResizeOptions {
    let Area { left, top, width, height } = area;
    let options = ResizeOptions::new().resize_alg(filter.into()).use_alpha(has_alpha);
    options.crop(left, top, width, height)
}

/// Resizes pixels of one kind. The dynamic interface of the library would compile code for kinds
/// that never occur.
fn run<P: PixelTrait>(
    engine: &mut Resizer,
    source: Option<impl ImageView<Pixel = P>>,
    resized: Option<impl ImageViewMut<Pixel = P>>,
    options: &ResizeOptions,
) -> Result<(), RasterError> {
    let (Some(source), Some(mut resized)) = (source, resized) else {
        return Err(RasterError::new("the pixels are of a different kind"));
    };
    engine.resize_typed(&source, &mut resized, options).map_err(RasterError::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanczos_is_a_windowed_sinc() {
        let sinc = |x: f64| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
        for step in -3200..=3200 {
            let x = f64::from(step) / 1000.0;
            let expected = if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 };
            assert!((lanczos3(x) - expected).abs() < 1e-14, "{x}");
        }
    }

    /// Bands look like the whole picture. Weights are rounded according to the largest one of a band.
    #[test]
    fn bands_do_not_show() {
        let mut state = 1_u32;
        let data = (0..640 * 800 * 3).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        });
        let picture =
            Picture { width: 640, height: 800, kind: PixelKind::Rgb, data: data.collect() };
        let area = Area { left: 3.5, top: 1.25, width: 630.0, height: 797.5 };
        let (size, samples) = (Size { width: 300, height: 390 }, PixelType::U8x3);
        assert!(picture.stride() * 390 > BETWEEN.max(300 * 390 * 3), "one band suffices");
        let source = ImageRef::new(640, 800, &picture.data, samples).unwrap();
        let mut whole = Image::new(size.width, size.height, samples);
        let options = options(area, Filter::Lanczos3, false);
        convolve(&mut Resizer::new(), &source, &mut whole, &options).unwrap();
        let bands = resize(&picture, area, size, Filter::Lanczos3).unwrap();
        let differences = bands.data.iter().zip(whole.buffer());
        assert!(differences.map(|(&one, &other)| one.abs_diff(other)).max() <= Some(1));
    }
}
