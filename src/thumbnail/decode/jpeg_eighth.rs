//! JPEG at one eighth of its size, from the DC coefficients alone.

use jpeg_dc::{Chroma, Color, Options};

use raster::{Picture, PixelKind};

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
