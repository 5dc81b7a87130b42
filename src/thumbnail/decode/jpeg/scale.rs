//! The scale at which a JPEG is decoded, and the scans that are needed at this scale.

use std::borrow::Cow;

use turbojpeg::ScalingFactor;

use super::super::headroom::has_headroom;
use super::scans::{Shrink, without_last_refinement};
use raster::Size;

/// The scale at which an image of size `full` is decoded when `requested` is needed.
pub(super) fn scaling(full: Size, requested: Size) -> ScalingFactor {
    [ScalingFactor::ONE_EIGHTH, ScalingFactor::ONE_QUARTER, ScalingFactor::ONE_HALF]
        .into_iter()
        .find(|&factor| has_headroom(scaled(full, factor), requested))
        .unwrap_or(ScalingFactor::ONE)
}

/// The size at which an image of size `full` is decoded at a scale.
pub(super) fn scaled(full: Size, factor: ScalingFactor) -> Size {
    let side = |side: u32| u32::try_from(factor.scale(side as usize)).unwrap_or(u32::MAX);
    Size { width: side(full.width), height: side(full.height) }
}

/// Returns the same image without any large scans that would be invisible at this scale.
pub(super) fn without_invisible(source: &[u8], scaling: ScalingFactor) -> Cow<'_, [u8]> {
    let shorter = match scaling {
        ScalingFactor::ONE_HALF => without_last_refinement(source, Shrink::Half),
        ScalingFactor::ONE_QUARTER => without_last_refinement(source, Shrink::Quarter),
        _ => None,
    };
    shorter.map_or(Cow::Borrowed(source), Cow::Owned)
}
