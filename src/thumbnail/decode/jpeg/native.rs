//! Decodes JPEG without libjpeg if that is faster: at one eighth of the size from only the DC
//! coefficients, and progressive files at any scale.

use jpeg_dc::{Chroma, Color, Options, Plane, Planes, Scale};
use raster::{Picture, PixelKind, Size};
use turbojpeg::ScalingFactor;

use super::super::components::{Components, Range};
use super::super::decoder::DecodeRequest;
use super::scale::without_invisible;

/// Decode at this scale, or return `None` if libjpeg has to decode the image.
pub(super) fn decode(
    source: &[u8],
    scaling: ScalingFactor,
    is_subsampled: bool,
    request: DecodeRequest<'_>,
) -> Option<Picture> {
    // libjpeg enlarges chroma more carefully, which is visible if the result is not averaged
    // afterwards.
    let may_repeat = request.half_chroma && scaling != ScalingFactor::ONE;
    let may_scale = !request.is_partial && (may_repeat || !is_subsampled);
    let image = planes(source, scaling, may_repeat, may_scale)?;
    let (kind, data) = match image.color {
        Color::Gray => (PixelKind::Luma, image.to_gray()),
        Color::YCbCr | Color::Rgb => (PixelKind::Rgb, image.to_rgb()),
        _ => return None,
    };
    let (width, height) = (image.width.try_into().ok()?, image.height.try_into().ok()?);
    Some(Picture { width, height, kind, data })
}

/// The components at this scale. Chroma has half the resolution if luma has twice the resolution of
/// chroma in both directions. `None` for other components, or if libjpeg has to decode the image.
pub(super) fn components(
    source: &[u8],
    scaling: ScalingFactor,
    is_partial: bool,
) -> Option<Components> {
    let image = planes(source, scaling, true, !is_partial)?;
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

/// The planes at this scale, equal to libjpeg's or, with `half_chroma`, with less chroma. Scales
/// above one eighth are for progressive files only, and only if `may_scale`.
fn planes(
    source: &[u8],
    scaling: ScalingFactor,
    half_chroma: bool,
    may_scale: bool,
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
    if !may_scale {
        return None;
    }
    let source = without_invisible(source, scaling);
    jpeg_dc::decode_progressive(&source, scale, &Options::new()).ok()
}
