//! JPEG at one eighth of its size, from the DC coefficients alone.

use jpeg_dc::{Chroma, Color, Options};

use super::components::Components;
use raster::{Picture, PixelKind, Size};

/// Decode what the DC coefficients tell; `None` when the full decoder has to.
///
/// `half_chroma` says whether colour may have half the resolution.
pub(super) fn decode(source: &[u8], half_chroma: bool) -> Option<Picture> {
    let chroma = if half_chroma { Chroma::Dc } else { Chroma::Full };
    let image = jpeg_dc::decode(source, &Options::new().chroma(chroma)).ok()?;
    if !half_chroma && !image.is_exact() {
        return None;
    }
    let (kind, data) = match image.color() {
        Color::Gray => (PixelKind::Luma, image.to_gray()),
        Color::YCbCr | Color::Rgb => (PixelKind::Rgb, image.to_rgb()),
        _ => return None,
    };
    let (width, height) = (image.width().try_into().ok()?, image.height().try_into().ok()?);
    Some(Picture { width, height, kind, data })
}

/// The components, colour at half the resolution where luma has twice as much both ways; `None`
/// when it has others, or the full decoder has to.
pub(super) fn components(source: &[u8]) -> Option<Components> {
    let image = jpeg_dc::decode(source, &Options::new().chroma(Chroma::Dc)).ok()?;
    if image.color() != Color::YCbCr {
        return None;
    }
    let mut samples = Vec::with_capacity(image.width() * image.height() * 3);
    let mut planes = Vec::with_capacity(3);
    for plane in image.planes() {
        plane.rows().for_each(|row| samples.extend_from_slice(row));
        let covers = (plane.scale.0.try_into().ok()?, plane.scale.1.try_into().ok()?);
        planes.push((Size::try_from((plane.width, plane.height)).ok()?, covers));
    }
    let size = (image.width(), image.height()).try_into().ok()?;
    Some(Components::new(size, samples, planes.try_into().ok()?))
}
