//! How much a decoder may shrink an image while decoding it.

use raster::Size;

/// The factor by which an image must remain larger than requested when its codec shrinks it. Codecs
/// shrink with a box filter or something similar. This leaves aliasing, which the final resize has
/// to suppress. With a factor of 1.9, the SSIM of busy JPEG photographs is up to 0.0027 lower than
/// with libvips. With a factor of 2, it is the same.
const HEADROOM: u32 = 2;

/// The size at which a codec may decode an image of size `full` if the size `requested` is needed.
/// At this size, the final resize causes no visible loss.
pub(super) fn with_headroom(full: Size, requested: Size) -> Size {
    let side = |full: u32, requested: u32| requested.saturating_mul(HEADROOM).min(full);
    Size { width: side(full.width, requested.width), height: side(full.height, requested.height) }
}

/// Whether an image of this size leaves room for the final resize to the requested size.
pub(super) fn has_headroom(size: Size, requested: Size) -> bool {
    let suffices = |side: u32, requested: u32| side >= requested.saturating_mul(HEADROOM);
    suffices(size.width, requested.width) && suffices(size.height, requested.height)
}
