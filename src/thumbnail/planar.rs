//! The planar path: conversions from JPEG or lossy WebP to either of these formats, without a
//! conversion to RGB.
//!
//! Both formats store luma separately from chroma, and usually store chroma at half the resolution.
//! If only size and orientation change, each component is resized separately. This halves the
//! number of samples to resize and to keep in memory, and avoids converting them.

use super::color::Converter;
use super::decode::{Components, Range, Source};
use super::effects;
use super::encode::{self, Metadata};
use super::format::OutputFormat;
use super::notice::Notice;
use super::orient::{self, Transform};
use super::plan::RenderPlan;
use super::quality;
use super::resize::{Averaging, resize_component};
use super::spec::Gravity;
use crate::error::ThumbnailError;
use raster::{PixelKind, Size};

/// Encode the thumbnail, or return `None` if the planar path does not apply. `encoding` is called
/// before the thumbnail is encoded.
pub(super) fn render(
    source: &mut dyn Source,
    plan: &RenderPlan<'_>,
    colors: &mut Converter,
    notice: &Notice,
    encoding: &dyn Fn(),
) -> Result<Option<Vec<u8>>, ThumbnailError> {
    let RenderPlan { options, geometry, .. } = plan;
    if !source.has_components() || !applies(plan) || !colors.is_identity(PixelKind::Rgb) {
        return Ok(None);
    }
    let Some(components) = source.components(plan.request)? else { return Ok(None) };
    options.check_time()?;
    let Components { size: picture, .. } = components;
    let window = geometry.window(options.spec.gravity.unwrap_or(Gravity::CENTER));
    let size = geometry.stored_size();
    let range = match plan.format {
        OutputFormat::WebP => Range::Limited,
        _ => Range::Full,
    };
    let [luma, blue, red] = components.each();
    let [luma, blue, red] = [(luma, 1), (blue, 2), (red, 2)].map(|(component, covers)| {
        let mut resized = resize_component(&component, picture, window, size, covers)?;
        if let Some(table) = components.range.table(range, covers == 1) {
            for sample in &mut resized.data {
                *sample = table.get(usize::from(*sample)).copied().unwrap_or_default();
            }
        }
        Ok::<_, ThumbnailError>(orient::apply(resized, geometry.transform))
    });
    let resized = [luma?, blue?, red?];
    drop(components);
    options.check_time()?;
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

fn applies(plan: &RenderPlan<'_>) -> bool {
    let RenderPlan { options, geometry, .. } = plan;
    let Size { width, height } = geometry.canvas;
    let spec = options.spec;
    let is_smart = spec.gravity == Some(Gravity::Smart) && geometry.choice().is_some();
    // If an image of odd size is mirrored, different pairs of pixels share a chroma sample.
    let keeps_pairs = width.is_multiple_of(2) && height.is_multiple_of(2)
        || geometry.transform == Transform::default();
    matches!(plan.format, OutputFormat::Jpeg | OutputFormat::WebP)
        && plan.request.half_chroma
        && plan.target.is_none()
        && options.averaging == Averaging::Encoded
        && geometry.canvas == geometry.size
        && !effects::has_any(spec)
        && spec.radius.is_none()
        && options.watermark.is_none()
        && !is_smart
        && keeps_pairs
}
