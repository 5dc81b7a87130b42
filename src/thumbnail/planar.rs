//! The planar path: conversions from JPEG or lossy WebP to either of these formats.
//!
//! Both formats store luma separately from chroma, and usually store chroma at half the resolution.
//! Each component is resized separately. This halves the number of samples to resize and to keep in
//! memory. If only size and orientation change, the components are encoded without a conversion to
//! RGB. Otherwise, only the pixels of the thumbnail are converted, which are fewer than those of
//! the source. A gray JPEG consists of luma alone.

use super::color::Converter;
use super::crop::Window;
use super::decode::{ComponentStrips, Range, Source};
use super::effects;
use super::encode::{self, Metadata};
use super::format::OutputFormat;
use super::notice::Notice;
use super::orient::{self, Transform};
use super::plan::RenderPlan;
use super::quality;
use super::resize::{Averaging, ComponentResizer};
use super::spec::Gravity;
use crate::error::ThumbnailError;
use jpeg_dc::{Color, Plane, Planes};
use raster::{Picture, PixelKind, Size};

/// Encodes the thumbnail, or returns `None` if the planar path does not apply. `encoding` is called
/// before the thumbnail is encoded.
pub(super) fn render(
    source: &mut dyn Source,
    plan: &RenderPlan<'_>,
    colors: &mut Converter,
    notice: &Notice,
    encoding: &dyn Fn(),
) -> Result<Option<Vec<u8>>, ThumbnailError> {
    let RenderPlan { options, .. } = plan;
    if !applies(plan) || !keeps_components(plan) || !colors.is_identity(PixelKind::Rgb) {
        return Ok(None);
    }
    let range = match plan.format {
        OutputFormat::WebP => Range::Limited,
        _ => Range::Full,
    };
    let Some(resized) = resized(source, plan, range, 2)? else { return Ok(None) };
    let resized = resized.map(|component| orient::apply(component, plan.geometry.transform));
    encoding();
    let metadata = Metadata::new(colors.kept(), notice);
    let encode = |quality| {
        let RenderPlan { format, style, .. } = *plan;
        let check_time = &|| options.check_time();
        encode::encode_components(&resized, format, quality, style, &metadata, check_time)
    };
    let file = encode(plan.quality)?;
    quality::reduce(file, plan, encode).map(Some)
}

/// Decodes the source, and resizes it to the pixels of the thumbnail. Returns `None` if the planar
/// path does not apply.
pub(super) fn picture(
    source: &mut dyn Source,
    plan: &RenderPlan<'_>,
) -> Result<Option<Picture>, ThumbnailError> {
    if !applies(plan) {
        return Ok(None);
    }
    if let Some(gray) = gray(source, plan)? {
        return Ok(Some(gray));
    }
    let resized = resized(source, plan, Range::Full, 1)?;
    Ok(resized.map(|components| {
        let Size { width, height } = plan.geometry.stored_size();
        let (columns, rows) = (width as usize, height as usize);
        let plane = |Picture { data, .. }: Picture| Plane {
            width: columns,
            height: rows,
            stride: columns,
            scale: (1, 1),
            data,
        };
        let planes = components.into_iter().map(plane).collect();
        let image = Planes {
            width: columns,
            height: rows,
            color: Color::YCbCr,
            planes,
            variances: Vec::new(),
        };
        Picture { width, height, kind: PixelKind::Rgb, data: image.to_rgb() }
    }))
}

/// Decodes and resizes an image without chroma.
fn gray(source: &mut dyn Source, plan: &RenderPlan<'_>) -> Result<Option<Picture>, ThumbnailError> {
    let Some(strips) = source.luma_strips(plan.request) else { return Ok(None) };
    let ComponentStrips { size, shown, parts: [luma], read, .. } = strips;
    let mut luma = resizer(plan, size, shown, luma, 1);
    if read([&mut |rows: &[u8]| luma.add(rows)])? { luma.finish().map(Some) } else { Ok(None) }
}

/// Decodes and resizes each component. In the result, each sample of chroma covers `covers` pixels
/// of the thumbnail in each direction.
fn resized(
    source: &mut dyn Source,
    plan: &RenderPlan<'_>,
    range: Range,
    covers: u32,
) -> Result<Option<[Picture; 3]>, ThumbnailError> {
    let RenderPlan { options, .. } = plan;
    if !source.has_components() {
        return Ok(None);
    }
    if let Some(strips) = source.component_strips(plan.request) {
        let ComponentStrips { size, range: from, shown, parts, read } = strips;
        let [mut luma, mut blue, mut red] = resizers(plan, size, shown, parts, covers);
        let mut luma_sink = |rows: &[u8]| luma.add(rows);
        let mut blue_sink = |rows: &[u8]| blue.add(rows);
        let mut red_sink = |rows: &[u8]| red.add(rows);
        if read([&mut luma_sink, &mut blue_sink, &mut red_sink])? {
            options.check_time()?;
            return finished([luma, blue, red], from, range).map(Some);
        }
    }
    let Some(components) = source.components(plan.request)? else { return Ok(None) };
    options.check_time()?;
    let parts = components.each().map(|part| {
        let (across, down) = part.covers;
        (part.size, (across.into(), down.into()))
    });
    let mut resizers = resizers(plan, components.size, components.shown, parts, covers);
    for (resizer, part) in resizers.iter_mut().zip(components.each()) {
        resizer.add(part.samples);
    }
    options.check_time()?;
    finished(resizers, components.range, range).map(Some)
}

/// Creates a resizer for each component of an image of this size. A part consists of the number of
/// samples, and the number of pixels that each of them covers.
fn resizers(
    plan: &RenderPlan<'_>,
    picture: Size,
    shown: Window,
    parts: [(Size, (f64, f64)); 3],
    covers: u32,
) -> [ComponentResizer; 3] {
    let [luma, blue, red] = parts;
    [(luma, 1), (blue, covers), (red, covers)]
        .map(|(part, covers)| resizer(plan, picture, shown, part, covers))
}

fn resizer(
    plan: &RenderPlan<'_>,
    picture: Size,
    shown: Window,
    (samples, covered): (Size, (f64, f64)),
    covers: u32,
) -> ComponentResizer {
    let RenderPlan { options, geometry, .. } = plan;
    let window = geometry.window(options.spec.gravity.unwrap_or(Gravity::CENTER)).within(shown);
    ComponentResizer::new(samples, covered, picture, window, geometry.stored_size(), covers)
}

/// Returns luma and chroma in a different range.
fn finished(
    resizers: [ComponentResizer; 3],
    from: Range,
    to: Range,
) -> Result<[Picture; 3], ThumbnailError> {
    let [luma, blue, red] = resizers;
    let [luma, blue, red] =
        [(luma, true), (blue, false), (red, false)].map(|(resizer, is_luma)| {
            let mut resized = resizer.finish()?;
            if let Some(table) = from.table(to, is_luma) {
                for sample in &mut resized.data {
                    *sample = table.get(usize::from(*sample)).copied().unwrap_or_default();
                }
            }
            Ok::<_, ThumbnailError>(resized)
        });
    Ok([luma?, blue?, red?])
}

/// Whether the thumbnail is made from components.
fn applies(plan: &RenderPlan<'_>) -> bool {
    let RenderPlan { options, geometry, .. } = plan;
    let is_smart = options.spec.gravity == Some(Gravity::Smart) && geometry.choice().is_some();
    plan.request.half_chroma
        && plan.target.is_none()
        && options.averaging == Averaging::Encoded
        && !is_smart
}

/// Whether the thumbnail consists of the resized components.
fn keeps_components(plan: &RenderPlan<'_>) -> bool {
    let RenderPlan { options, geometry, .. } = plan;
    let Size { width, height } = geometry.canvas;
    let spec = options.spec;
    // If an image of odd size is mirrored, different pairs of pixels share a chroma sample.
    let keeps_pairs = width.is_multiple_of(2) && height.is_multiple_of(2)
        || geometry.transform == Transform::default();
    matches!(plan.format, OutputFormat::Jpeg | OutputFormat::WebP)
        && geometry.canvas == geometry.size
        && !effects::has_any(spec)
        && spec.radius.is_none()
        && options.watermark.is_none()
        && keeps_pairs
}
