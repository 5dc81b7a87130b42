//! Thumbnails: the description of a thumbnail ([`spec`]) and the steps that render it ([`render`]).
//!
//! | step | module | works on |
//! |---|---|---|
//! | read the header | [`decode::open`] | the first bytes |
//! | choose the frame, for `frame` | `still` | the header |
//! | cut off the border, for `trim` | `trim` with `border` | the source at full size, or some of its tiles |
//! | plan the sizes, the format and the limits | `plan` with [`crop`], [`limits`] | the header |
//! | decode, at a smaller size if the codec can | [`decode`] | the source |
//! | find the crop, for `g-smart` | [`smart`] | pixels |
//! | resize | [`resize`] | pixels, or rows as they are decoded |
//! | convert to sRGB, except for `keep-icc` | [`color`] | pixels of the thumbnail |
//! | turn upright, rotate and mirror | [`orient`] | pixels of the thumbnail |
//! | change colours, pixelate, blur and sharpen | [`effects`] with [`adjust`], [`pixelate`] | pixels of the thumbnail |
//! | round the corners | [`corners`] | pixels of the thumbnail |
//! | flatten and pad | [`background`] | pixels of the thumbnail |
//! | lay the watermark over the thumbnail | [`watermark`] | pixels of the thumbnail |
//! | choose the quality, for `q-auto` and `max-bytes` | `quality` with `score` | pixels of the thumbnail |
//! | encode | [`encode`] | pixels of the thumbnail |
//!
//! For conversions from JPEG and lossy WebP to one of these two formats, `planar` is a shortcut.

pub mod adjust;
pub mod background;
mod blurhash;
mod border;
pub mod codecs;
pub mod color;
mod copyright;
pub mod corners;
pub mod crop;
pub mod decode;
pub mod effects;
pub mod encode;
pub mod exif;
pub mod format;
pub mod header;
pub mod iptc;
pub mod limits;
pub mod many;
pub mod notice;
pub mod options;
pub mod orient;
pub mod partial;
pub mod pixelate;
pub mod placeholder;
mod plan;
mod planar;
mod quality;
pub mod resize;
mod saliency;
mod score;
pub mod smart;
pub mod spec;
mod still;
#[cfg(test)]
mod tests;
mod trim;
pub mod watermark;
pub mod xmp;

use std::time::Duration;

use crate::error::ThumbnailError;
use color::Converter;
use crop::{Geometry, Window};
use decode::{Completeness, DecodedFrame, Input, Pixels, Source};
use encode::Metadata;
use format::OutputFormat;
use options::RenderOptions;
use plan::RenderPlan;
pub use plan::size_to_decode;
use raster::{Frame, Picture, Size};
pub use score::score;
use spec::{Fit, Gravity, Spec};

/// A finished thumbnail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// The encoded file.
    pub data: Vec<u8>,
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
    /// The format.
    pub format: OutputFormat,
    /// Whether the source contained all pixels that the thumbnail shows. If not, the source is
    /// damaged or has not yet arrived completely.
    pub is_complete: bool,
}

/// How long the two steps of [`render_in_two_steps`] took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Durations {
    /// The time for all steps before encoding.
    pub decoding: Duration,
    /// The time for encoding.
    pub encoding: Duration,
}

/// Makes a thumbnail of an image.
///
/// # Errors
/// Fails if the source exceeds a limit, if it is not a readable image, or if the time limit is
/// exceeded.
pub fn render<'a>(
    source: impl Into<Input<'a>>,
    options: &RenderOptions<'_>,
) -> Result<Thumbnail, ThumbnailError> {
    render_in_two_steps(source, options, &|| ())
}

/// Makes a thumbnail of an image as [`render`] does. Calls `encoding` before the last step, when
/// the pixels are finished and only have to be encoded.
///
/// # Errors
/// See [`render`].
pub fn render_in_two_steps<'a>(
    source: impl Into<Input<'a>>,
    options: &RenderOptions<'_>,
    encoding: &dyn Fn(),
) -> Result<Thumbnail, ThumbnailError> {
    let mut source = match options.spec.trim {
        Some(tolerance) => trim::open(source.into(), options, tolerance)?,
        None => still::open(source.into(), options)?,
    };
    let plan = RenderPlan::new(source.as_ref(), options)?;
    let mut colors = plan.converter(source.profile());
    let notice = plan.notice(source.as_mut());
    let (data, completeness) = if let Some(data) =
        planar::render(source.as_mut(), &plan, &mut colors, &notice, encoding)?
    {
        (data, Completeness::Whole)
    } else {
        let (frames, completeness) = frames(source, &plan, &mut colors)?;
        encoding();
        let metadata = Metadata::new(colors.kept(), &notice);
        (quality::encode(&frames, &metadata, &plan)?, completeness)
    };
    let Size { width, height } = plan.geometry.canvas;
    let is_complete = completeness == Completeness::Whole;
    Ok(Thumbnail { data, width, height, format: plan.format, is_complete })
}

/// Computes the `ThumbHash` of an image, for [`placeholder::draw`]. Only the options `limits`,
/// `expired` and `is_partial` are used.
///
/// # Errors
/// See [`render`].
pub fn thumbhash<'a>(
    source: impl Into<Input<'a>>,
    options: &RenderOptions<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    small_picture(source.into(), options).map(placeholder::hash)
}

/// Computes the `BlurHash` of an image, for [`placeholder::draw_blurhash`]. This function uses the
/// same options as [`thumbhash()`].
///
/// # Errors
/// See [`render`].
pub fn blur_hash<'a>(
    source: impl Into<Input<'a>>,
    options: &RenderOptions<'_>,
) -> Result<String, ThumbnailError> {
    small_picture(source.into(), options).map(placeholder::blur_hash)
}

/// Returns the main colours of an encoded image, most frequent first. This function uses the same
/// options as [`thumbhash()`].
///
/// # Errors
/// See [`render`].
pub fn main_colors<'a>(
    source: impl Into<Input<'a>>,
    options: &RenderOptions<'_>,
    most: encode::Colors,
) -> Result<Vec<spec::Rgb>, ThumbnailError> {
    encode::main_colors(small_picture(source.into(), options)?, most)
}

/// The image from which a placeholder is computed.
fn small_picture(
    source: Input<'_>,
    options: &RenderOptions<'_>,
) -> Result<Picture, ThumbnailError> {
    // PNG preserves transparency, and has a single frame.
    let options =
        RenderOptions { spec: &placeholder::spec(), format: Some(OutputFormat::Png), ..*options };
    first_picture(source, &options)
}

fn first_picture(
    source: Input<'_>,
    options: &RenderOptions<'_>,
) -> Result<Picture, ThumbnailError> {
    let mut source = decode::open(source, options.limits)?;
    source.set_fonts(options.fonts)?;
    let plan = RenderPlan::new(source.as_ref(), options)?;
    let mut colors = Converter::new(source.profile());
    let (frames, _) = frames(source, &plan, &mut colors)?;
    let frame = frames.into_iter().next();
    let frame = frame.ok_or_else(|| ThumbnailError::Internal("a picture is missing".into()))?;
    Ok(frame.picture)
}

/// Decodes each frame, and performs all steps before encoding.
fn frames(
    mut source: Box<dyn Source + '_>,
    plan: &RenderPlan<'_>,
    colors: &mut Converter,
) -> Result<(Vec<Frame>, Completeness), ThumbnailError> {
    let RenderPlan { options, geometry, .. } = plan;
    if let Some(picture) = planar::picture(source.as_mut(), plan)? {
        let picture = finished(picture, plan, colors)?;
        return Ok((vec![Frame { picture, delay: 0 }], Completeness::Whole));
    }
    let mut window = None;
    let mut frames: Vec<Frame> = Vec::new();
    let completeness = source.frames(plan.request, &mut |DecodedFrame { mut pixels, delay }| {
        options.check_time()?;
        // All frames share one window, because an animation must not jump.
        let window = match window {
            Some(window) => window,
            None => *window.insert(crop_window(&mut pixels, geometry, options.spec)?),
        };
        let size = geometry.stored_size();
        let picture =
            resize::resize(pixels, window, size, options.averaging, &|| options.check_time())?;
        options.check_time()?;
        frames.push(Frame { picture: finished(picture, plan, colors)?, delay });
        Ok(())
    })?;
    Ok((frames, completeness))
}

/// Performs all steps between resizing and encoding.
fn finished(
    picture: Picture,
    plan: &RenderPlan<'_>,
    colors: &mut Converter,
) -> Result<Picture, ThumbnailError> {
    let RenderPlan { options, geometry, .. } = plan;
    let picture = colors.convert(picture);
    let picture = orient::apply(picture, geometry.transform);
    let picture = effects::apply(picture, options.spec, geometry.density)?;
    let picture = match options.spec.radius {
        Some(radius) => corners::round(picture, radius.to_f64() * geometry.density),
        None => picture,
    };
    let background = background::color(options.spec, plan.format);
    let background = background.map(|color| colors.color_from_srgb(color));
    let picture = background::apply(picture, geometry, options.spec, background);
    let Some(watermark) = options.watermark else { return Ok(picture) };
    let scale = |source: &[u8], size, limits: &limits::Limits| {
        stretched(source, size, &RenderOptions { limits, ..**options })
    };
    watermark.apply(picture, colors, &scale, &|| options.check_time())
}

/// Decodes the first frame of an image at exactly this size, upright and in sRGB.
fn stretched(
    source: &[u8],
    size: Size,
    options: &RenderOptions<'_>,
) -> Result<Picture, ThumbnailError> {
    let (width, height) = (Some(size.width), Some(size.height));
    let spec = Spec { width, height, fit: Fit::Fill, upscale: true, ..Spec::default() };
    let options = RenderOptions {
        spec: &spec,
        format: Some(OutputFormat::Png),
        watermark: None,
        is_partial: false,
        ..*options
    };
    first_picture(Input::Encoded(source), &options)
}

/// The part of the source that the thumbnail shows.
fn crop_window(
    pixels: &mut Pixels<'_>,
    geometry: &Geometry,
    spec: &Spec,
) -> Result<Window, ThumbnailError> {
    let gravity = spec.gravity.unwrap_or(Gravity::CENTER);
    match geometry.choice() {
        Some(choice) if gravity == Gravity::Smart => smart::window(pixels.whole()?, choice),
        _ => Ok(geometry.window(gravity)),
    }
}
