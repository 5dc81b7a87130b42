//! Between JPEG and lossy WebP, and from each to itself, without a detour by red, green and blue.
//!
//! Both keep luma apart from colour, and colour at half the resolution mostly. Where nothing but
//! the size and the direction changes, each component is resized by itself: half the samples to
//! resize and to keep in memory, and none to convert.

use super::color::Converter;
use super::crop::Plan;
use super::decode::{self, Components, Range};
use super::format::{OutputFormat, SourceFormat};
use super::orient::{self, Transform};
use super::probe::Header;
use super::resize::{Light, resize_component};
use super::spec::Gravity;
use super::{Job, Outline, encode};
use crate::error::ThumbnailError;
use raster::{PixelKind, Size};

/// Make a thumbnail if this is a way to it.
pub(super) fn render(
    source: &[u8],
    Outline { header, plan, wanted }: &Outline,
    colors: &mut Converter,
    job: &Job<'_>,
) -> Result<Option<Vec<u8>>, ThumbnailError> {
    if !is_possible(header, plan, job) || !colors.is_idle(PixelKind::Rgb) {
        return Ok(None);
    }
    let Some(components) = decode::components(source, header, *wanted) else { return Ok(None) };
    job.check_time()?;
    let Size { width, height } = plan.stored_size();
    let Components { size: picture, .. } = components;
    let window = plan.window(job.spec.gravity.unwrap_or(Gravity::CENTER));
    let range = match job.format {
        OutputFormat::WebP => Range::Limited,
        _ => Range::Full,
    };
    let [luma, blue, red] = components.each();
    let [luma, blue, red] = [(luma, 1), (blue, 2), (red, 2)].map(|(component, covers)| {
        let size = Size { width, height };
        let mut resized = resize_component(&component, picture, window, size, covers)?;
        if let Some(table) = components.range.table(range, covers == 1) {
            for sample in &mut resized.data {
                *sample = table.get(usize::from(*sample)).copied().unwrap_or_default();
            }
        }
        Ok::<_, ThumbnailError>(orient::apply(resized, plan.transform))
    });
    let resized = [luma?, blue?, red?];
    drop(components);
    job.check_time()?;
    encode::encode_components(&resized, job.format, job.quality(), job.style).map(Some)
}

fn is_possible(header: &Header, plan: &Plan, job: &Job<'_>) -> bool {
    let Job { spec, .. } = job;
    let is_smart = spec.gravity == Some(Gravity::Smart) && plan.choice().is_some();
    // Mirrored, the first pair of columns would be the last one.
    let is_even = plan.canvas.width.is_multiple_of(2) && plan.canvas.height.is_multiple_of(2);
    matches!(header.format, SourceFormat::Jpeg | SourceFormat::WebP)
        && matches!(job.format, OutputFormat::Jpeg | OutputFormat::WebP)
        && job.halves_chroma()
        && job.light == Light::Encoded
        && plan.canvas == plan.size
        && spec.blur.is_none()
        && spec.sharpen.is_none()
        && !is_smart
        && (is_even || plan.transform == Transform::default())
}
