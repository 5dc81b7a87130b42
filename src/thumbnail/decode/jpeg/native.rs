//! Decodes JPEG without libjpeg where that is faster: at one-eighth scale (from the DC coefficients
//! alone) and at larger scales. At full size, libjpeg decodes the pixels of sequential files.

use jpeg_dc::{
    Chroma, Color, DcImage, Error, Options, Plane, Planes, RgbVariances, Scale, Shape, Strips,
};
use raster::{Picture, PixelKind, Size, Variances};
use turbojpeg::ScalingFactor;

use super::super::components::{ComponentStrips, Components, Range, ReadStrips};
use super::super::decoder::DecodeRequest;
use super::scale::{
    above_one_eighth, chroma_scale, chroma_scale_linear, reduced, reduced_linear, scaling,
    without_invisible,
};
use super::segments::FrameHeader;
use crate::error::ThumbnailError;

/// Decode for this request, or return `None` if libjpeg has to decode the image.
///
/// # Errors
/// [`ThumbnailError::Timeout`].
pub(super) fn decode(
    source: &[u8],
    frame: FrameHeader,
    request: DecodeRequest<'_>,
) -> Result<Option<Picture>, ThumbnailError> {
    let FrameHeader { size: full, is_subsampled, .. } = frame;
    // libjpeg enlarges chroma more carefully, which is visible if the result is not averaged
    // afterwards.
    let scaling = scaling(full, request.size);
    let may_repeat = request.half_chroma && scaling != ScalingFactor::ONE;
    let smaller = if is_subsampled { None } else { reduced(full, request.size) };
    let scale = above_one_eighth(scaling).map(|scale| smaller.unwrap_or(scale));
    // At full size, the picture is the same as that of the tiles, which libjpeg decodes.
    let is_fast = scale != Some(Scale::Full) || frame.is_progressive();
    let may_scale = !request.is_partial && (may_repeat || !is_subsampled) && is_fast;
    let scale = scale.map(|scale| (scale, scale));
    let image = planes(source, scale, may_repeat, may_scale, request)?;
    Ok(image.as_ref().and_then(picture))
}

/// Decode a picture of reduced size that can be averaged in linear light, or return `None` if the
/// image has to be decoded at full size. `requested` is the size of the thumbnail.
///
/// # Errors
/// [`ThumbnailError::Timeout`].
pub(super) fn decode_linear(
    source: &[u8],
    frame: FrameHeader,
    requested: Size,
    request: DecodeRequest<'_>,
) -> Result<Option<(Picture, Variances)>, ThumbnailError> {
    let full = frame.size;
    let half = request.half_chroma;
    let Some(scale) = reduced_linear(full, requested, half) else { return Ok(None) };
    let chroma = chroma_scale_linear(scale, full, frame.chroma_covers, requested, half);
    // At larger scales, luma and subsampled chroma lack different frequencies, so that their variances
    // can't be added.
    let measured = if scale == Scale::Eighth || frame.chroma_covers == (1, 1) { 3 } else { 1 };
    let options = Options::new().chroma_scale(chroma).variances(measured);
    let decoded = jpeg_dc::decode_scaled_until(source, scale, &options, request.expired);
    let Some(image) = unless_expired(decoded)? else { return Ok(None) };
    // The variances are those of luma and chroma.
    if image.color == Color::Rgb {
        return Ok(None);
    }
    let of_block = (image.width * 8).div_ceil(full.width as usize);
    let variances = image.rgb_variances().map(|RgbVariances { side, across, values }| Variances {
        side: side * of_block,
        across,
        values,
    });
    Ok(picture(&image).zip(variances))
}

fn picture(image: &Planes) -> Option<Picture> {
    let (kind, data) = match image.color {
        Color::Gray => (PixelKind::Luma, image.to_gray()),
        Color::YCbCr | Color::Rgb => (PixelKind::Rgb, image.to_rgb()),
        _ => return None,
    };
    let (width, height) = (image.width.try_into().ok()?, image.height.try_into().ok()?);
    Some(Picture { width, height, kind, data })
}

/// The components of a progressive file, or of a sequential file at one eighth of its size. Returns
/// `None` for other components, or if libjpeg has to decode the image.
///
/// # Errors
/// [`ThumbnailError::Timeout`].
pub(super) fn components(
    source: &[u8],
    frame: FrameHeader,
    request: DecodeRequest<'_>,
) -> Result<Option<Components>, ThumbnailError> {
    let scales = scales(frame, request);
    if scales.is_some() && !frame.is_progressive() {
        return Ok(None);
    }
    let image = planes(source, scales, true, !request.is_partial, request)?;
    Ok(image.and_then(luma_and_chroma))
}

/// The components of a sequential file above one eighth of its size, if they are of this kind.
/// Returns `None` for other files.
pub(super) fn strips<'a, const N: usize>(
    source: &'a [u8],
    frame: FrameHeader,
    color: Color,
    request: DecodeRequest<'a>,
) -> Option<ComponentStrips<'a, N>> {
    if frame.is_progressive() || request.is_partial {
        return None;
    }
    let (scale, chroma) = scales(frame, request)?;
    let strips = Strips::new(source, scale, &Options::new().chroma_scale(chroma)).ok()?;
    if strips.color() != color {
        return None;
    }
    let size = Size::try_from(strips.size()).ok()?;
    let parts = strips.shapes().map(|Shape { width, height, covers }| {
        Size::try_from((width, height)).ok().map(|size| (size, covers))
    });
    let parts: Option<Vec<_>> = parts.collect();
    let parts = parts?.try_into().ok()?;
    let read: ReadStrips<'_, N> = Box::new(move |sinks| {
        let decoded = strips.read(sinks, request.expired);
        Ok(unless_expired(decoded)?.is_some())
    });
    Some(ComponentStrips::new(size, parts, read))
}

/// The scales of luma and chroma for this request; `None` stands for one eighth. Chroma is decoded
/// as large as needed: at half the size if the thumbnail stores it that way.
fn scales(frame: FrameHeader, request: DecodeRequest<'_>) -> Option<(Scale, Scale)> {
    let Size { width, height } = request.size;
    let full = frame.size;
    let chroma = if request.half_chroma {
        Size { width: width.div_ceil(2), height: height.div_ceil(2) }
    } else {
        request.size
    };
    above_one_eighth(scaling(full, request.size)).map(|scale| {
        let luma = reduced(full, request.size).unwrap_or(scale);
        let is_whole = frame.is_progressive();
        (luma, chroma_scale(luma, full, frame.chroma_covers, chroma, is_whole))
    })
}

fn luma_and_chroma(image: Planes) -> Option<Components> {
    if image.color != Color::YCbCr {
        return None;
    }
    let whole = Size::try_from((image.width, image.height)).ok()?;
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
    Some(Components::separate(whole, Range::Full, [luma?, blue?, red?]))
}

/// The planes of luma and chroma at these scales; `None` stands for one eighth. At one eighth, the
/// planes are equal to libjpeg's, except that `half_chroma` allows a lower chroma resolution.
/// Larger scales are used only if `may_scale` is set.
fn planes(
    source: &[u8],
    scale: Option<(Scale, Scale)>,
    half_chroma: bool,
    may_scale: bool,
    request: DecodeRequest<'_>,
) -> Result<Option<Planes>, ThumbnailError> {
    let Some((scale, chroma)) = scale else {
        let chroma = if half_chroma { Chroma::Dc } else { Chroma::Full };
        let options = Options::new().chroma(chroma);
        let image = unless_expired(jpeg_dc::decode_until(source, &options, request.expired))?;
        let image = image.filter(|image| half_chroma || image.is_exact());
        return Ok(image.map(DcImage::into_planes));
    };
    if !may_scale {
        return Ok(None);
    }
    let source = without_invisible(source, Some(scale));
    let options = Options::new().chroma_scale(chroma);
    unless_expired(jpeg_dc::decode_scaled_until(&source, scale, &options, request.expired))
}

/// Returns `None` for an image that libjpeg has to decode.
pub(super) fn unless_expired<T>(outcome: Result<T, Error>) -> Result<Option<T>, ThumbnailError> {
    match outcome {
        Err(Error::Expired) => Err(ThumbnailError::Timeout),
        outcome => Ok(outcome.ok()),
    }
}
