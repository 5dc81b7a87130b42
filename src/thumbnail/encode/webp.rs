//! Encodes WebP with libwebp: lossy, or lossless at quality 100.

use std::borrow::Cow;

use super::super::limits::CheckTime;
use super::metadata::Metadata;
use crate::error::ThumbnailError;
use crate::ffi::webp::{self, WebPError};
use raster::{Frame, Picture, PixelKind, Size};

/// The flag in the VP8X chunk for images that may be transparent (RFC 9649, section 2.7).
const ALPHA_FLAG: u8 = 0x10;

/// The flag in the VP8X chunk for an ICC profile.
const ICC_FLAG: u8 = 0x20;

/// The flags for EXIF and XMP data.
const EXIF_FLAG: u8 = 0x08;
const XMP_FLAG: u8 = 0x04;

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
    metadata: &Metadata,
    check_time: CheckTime<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    let file = webp::encode(&in_color(picture), quality, &|| check_time().is_ok());
    Ok(with_metadata(file.map_err(failed)?, picture.size(), metadata))
}

pub(super) fn encode_components(
    components: &[Picture; 3],
    quality: u8,
    metadata: &Metadata,
    check_time: CheckTime<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    let goes_on = &|| check_time().is_ok();
    let [luma, ..] = components;
    let file = webp::encode_components(components.each_ref(), quality, goes_on).map_err(failed)?;
    Ok(with_metadata(file, luma.size(), metadata))
}

pub(super) fn encode_animation(
    frames: &[Frame],
    plays: u16,
    quality: u8,
    metadata: &Metadata,
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
    Ok(with_metadata(data, size, metadata))
}

/// The number of bytes before the first chunk.
const RIFF: usize = 12;

/// The number of bytes in a VP8X chunk, including its name and length.
const VP8X: usize = 18;

/// Returns the file with metadata. A file with metadata needs a VP8X chunk at the start (RFC 9649,
/// section 2.7).
fn with_metadata(file: Vec<u8>, size: Size, metadata: &Metadata) -> Vec<u8> {
    let Metadata { icc, exif, xmp } = metadata;
    if *metadata == Metadata::default() {
        return file;
    }
    let chunk = |name: &[u8; 4], content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes();
        let mut chunk = [name, &length[..], content].concat();
        chunk.resize(chunk.len().next_multiple_of(2), 0);
        chunk
    };
    let (_, chunks) = file.split_at_checked(RIFF).unwrap_or((&file, &[]));
    let (mut flags, chunks) = match *chunks {
        [b'V', b'P', b'8', b'X', _, _, _, _, flags, ..] => {
            (flags, chunks.get(VP8X..).unwrap_or_default())
        }
        // A lossless image has a bit that says whether it is transparent (section 3.4).
        [b'V', b'P', b'8', b'L', _, _, _, _, 0x2f, _, _, _, last, ..] if last & 0x10 != 0 => {
            (ALPHA_FLAG, chunks)
        }
        _ => (0, chunks),
    };
    let mut content = b"WEBP".to_vec();
    for (flag, is_set) in
        [(ICC_FLAG, icc.is_some()), (EXIF_FLAG, exif.is_some()), (XMP_FLAG, xmp.is_some())]
    {
        flags |= if is_set { flag } else { 0 };
    }
    let mut canvas = vec![flags, 0, 0, 0];
    for side in [size.width, size.height] {
        canvas.extend(side.saturating_sub(1).to_le_bytes().into_iter().take(3));
    }
    content.extend(chunk(b"VP8X", &canvas));
    content.extend(icc.iter().flat_map(|icc| chunk(b"ICCP", icc)));
    content.extend(chunks);
    content.extend(exif.iter().flat_map(|exif| chunk(b"EXIF", exif)));
    content.extend(xmp.iter().flat_map(|xmp| chunk(b"XMP ", xmp.as_bytes())));
    chunk(b"RIFF", &content)
}
