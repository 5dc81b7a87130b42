//! Encodes WebP with libwebp: lossy, or lossless at quality 100.

use std::borrow::Cow;

use super::super::limits::CheckTime;
use crate::error::ThumbnailError;
use crate::ffi::webp::{self, WebPError};
use raster::{Frame, Picture, PixelKind};

/// The flag in the VP8X chunk for images that may be transparent (RFC 9649, section 2.7).
const ALPHA_FLAG: u8 = 0x10;

/// Whether this quality is lossy.
pub(super) const fn is_lossy(quality: u8) -> bool {
    quality < webp::LOSSLESS
}

fn failed(error: WebPError) -> ThumbnailError {
    match error {
        WebPError::Stopped => ThumbnailError::Timeout,
        error => ThumbnailError::Internal(error.to_string()),
    }
}

fn in_color(picture: &Picture) -> Cow<'_, Picture> {
    match picture.kind {
        PixelKind::Luma => Cow::Owned(picture.clone().into_color()),
        _ => Cow::Borrowed(picture),
    }
}

pub(super) fn encode(
    picture: &Picture,
    quality: u8,
    check_time: CheckTime<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    webp::encode(&in_color(picture), quality, &|| check_time().is_ok()).map_err(failed)
}

pub(super) fn encode_components(
    components: &[Picture; 3],
    quality: u8,
    check_time: CheckTime<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    let goes_on = &|| check_time().is_ok();
    webp::encode_components(components.each_ref(), quality, goes_on).map_err(failed)
}

pub(super) fn encode_animation(
    frames: &[Frame],
    plays: u16,
    quality: u8,
    check_time: CheckTime<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    let size = frames.first().map(|frame| frame.picture.size());
    let Some(size) = size else { return Err(failed(WebPError::Size)) };
    let mut encoder = webp::AnimationEncoder::new(size, plays, quality).map_err(failed)?;
    for Frame { picture, delay } in frames {
        check_time()?;
        encoder.add(&in_color(picture), *delay).map_err(failed)?;
    }
    let mut data = encoder.finish().map_err(failed)?;
    // libwebp considers only the parts that it draws, not the transparent canvas around them.
    let has_alpha = frames.iter().any(|frame| frame.picture.kind == PixelKind::Rgba);
    if let (true, Some([b'V', b'P', b'8', b'X', _, _, _, _, flags])) =
        (has_alpha, data.get_mut(12..21))
    {
        *flags |= ALPHA_FLAG;
    }
    Ok(data)
}
