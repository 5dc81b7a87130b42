//! The components of a JPEG: without libjpeg-turbo where [`jpeg_planes`] can, else by it.

use raster::Size;
use turbojpeg::{Colorspace, Subsamp, YuvImage};

use super::Wanted;
use super::components::Components;
use super::jpeg::{self, Prepared};
use super::jpeg_planes;

/// Decode a JPEG of these usual kinds; `None` when it is of another one, or damaged.
pub(super) fn components(source: &[u8], full: Size, wanted: Wanted) -> Option<Components> {
    if !jpeg::has_three_components(source) {
        return None;
    }
    let scaling = jpeg::scaling(full, wanted.size);
    if let Some(components) = jpeg_planes::components(source, scaling, wanted) {
        return Some(components);
    }
    if wanted.is_start {
        return None;
    }
    let Prepared { mut decoder, source, found } = jpeg::prepare(source, scaling).ok()?;
    if found.colorspace != Colorspace::YCbCr {
        return None;
    }
    let covers = match found.subsamp {
        Subsamp::None => (1, 1),
        Subsamp::Sub2x1 => (2, 1),
        Subsamp::Sub2x2 => (2, 2),
        _ => return None,
    };
    let found = found.scaled(scaling);
    let image = YuvImage {
        pixels: (),
        width: found.width,
        align: 1,
        height: found.height,
        subsamp: found.subsamp,
    };
    let (stored, chroma) = (image.y_size(), image.uv_size());
    let mut samples = vec![0; stored.0 * stored.1 + 2 * chroma.0 * chroma.1];
    let image = YuvImage {
        pixels: samples.as_mut_slice(),
        width: image.width,
        align: image.align,
        height: image.height,
        subsamp: image.subsamp,
    };
    decoder.decompress_to_yuv(&source, image).ok()?;
    let size = (found.width, found.height);
    crop(&mut samples, stored, size);
    let (luma, chroma) = (size.try_into().ok()?, chroma.try_into().ok()?);
    Some(Components::in_a_row(samples, [(luma, (1, 1)), (chroma, covers), (chroma, covers)]))
}

/// Take away what the first plane of this size has beyond another size, to the right and below.
fn crop(samples: &mut Vec<u8>, stored: (usize, usize), size: (usize, usize)) {
    if stored == size {
        return;
    }
    for row in 1..size.1 {
        samples.copy_within(row * stored.0..row * stored.0 + size.0, row * size.0);
    }
    samples.drain(size.0 * size.1..stored.0 * stored.1);
}
