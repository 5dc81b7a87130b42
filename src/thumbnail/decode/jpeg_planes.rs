//! JPEG without libjpeg where that is faster: at one eighth of the size from the DC coefficients
//! alone, and progressive files at any scale.

use jpeg_dc::{Chroma, Color, Options, Plane, Planes, Scale};
use raster::{Picture, PixelKind, Size};
use turbojpeg::ScalingFactor;

use super::Wanted;
use super::components::{Components, Range};
use super::jpeg::{is_subsampled, without_invisible};

/// Decode at this scale; `None` when libjpeg has to.
pub(super) fn decode(source: &[u8], scaling: ScalingFactor, wanted: Wanted) -> Option<Picture> {
    // Colour that is not averaged after is enlarged with more care by libjpeg.
    let may_repeat = wanted.half_chroma && scaling != ScalingFactor::ONE;
    let image = planes(source, scaling, wanted, may_repeat)?;
    let (kind, data) = match image.color {
        Color::Gray => (PixelKind::Luma, image.to_gray()),
        Color::YCbCr | Color::Rgb => (PixelKind::Rgb, image.to_rgb()),
        _ => return None,
    };
    let (width, height) = (image.width.try_into().ok()?, image.height.try_into().ok()?);
    Some(Picture { width, height, kind, data })
}

/// The components at this scale, colour at half the resolution where luma has twice as much both
/// ways; `None` when the image has others, or libjpeg has to.
pub(super) fn components(
    source: &[u8],
    scaling: ScalingFactor,
    wanted: Wanted,
) -> Option<Components> {
    let image = planes(source, scaling, wanted, true)?;
    if image.color != Color::YCbCr {
        return None;
    }
    let planes: [Plane; 3] = image.planes.try_into().ok()?;
    let [luma, blue, red] = planes.map(|plane| {
        let size = Size::try_from((plane.width, plane.height)).ok()?;
        let covers = (plane.scale.0.try_into().ok()?, plane.scale.1.try_into().ok()?);
        let samples = if plane.stride == plane.width {
            plane.data
        } else {
            plane.rows().collect::<Vec<_>>().concat()
        };
        Some((samples, size, covers))
    });
    Some(Components::separate(Range::Full, [luma?, blue?, red?]))
}

/// The planes at this scale, as libjpeg has them or, if `half_chroma`, less of colour.
fn planes(
    source: &[u8],
    scaling: ScalingFactor,
    wanted: Wanted,
    half_chroma: bool,
) -> Option<Planes> {
    let scale = match scaling {
        ScalingFactor::ONE_EIGHTH => {
            let chroma = if half_chroma { Chroma::Dc } else { Chroma::Full };
            let image = jpeg_dc::decode(source, &Options::new().chroma(chroma)).ok()?;
            return (half_chroma || image.is_exact()).then(|| image.into_planes());
        }
        ScalingFactor::ONE_QUARTER => Scale::Quarter,
        ScalingFactor::ONE_HALF => Scale::Half,
        ScalingFactor::ONE => Scale::Full,
        _ => return None,
    };
    if wanted.is_start || (!half_chroma && is_subsampled(source)) {
        return None;
    }
    let source = without_invisible(source, scaling);
    jpeg_dc::decode_progressive(&source, scale, &Options::new()).ok()
}
