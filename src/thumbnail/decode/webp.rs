//! WebP by libwebp.

use super::super::color::Profile;
use super::super::exif;
use super::super::format::SourceFormat;
use super::super::orient::Transform;
use super::super::probe::Header;
use super::super::resize;
use super::super::webp_ffi;
use super::Sink;
use super::components::{Components, Range};
use crate::error::ThumbnailError;
use raster::{Frame, Picture, PixelKind, Size};

fn corrupt(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(SourceFormat::WebP, error)
}

/// The chunks of a RIFF file (RFC 9649, section 2.3): name and content.
fn chunks(source: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = source.get(12..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let content = after.get(..length)?;
        rest = after.get(length.checked_next_multiple_of(2)?..).unwrap_or_default();
        Some((name, content))
    })
}

pub(super) fn header(source: &[u8]) -> Result<Header, ThumbnailError> {
    let features = webp_ffi::features(source).map_err(corrupt)?;
    let mut orientation = 1;
    let mut frames = 0;
    let mut plays = 1;
    let mut has_icc = false;
    for (name, content) in chunks(source) {
        match name {
            b"EXIF" => orientation = exif::orientation(content),
            b"ANMF" => frames += 1,
            b"ANIM" => {
                if let [_, _, _, _, low, high, ..] = *content {
                    plays = u16::from_le_bytes([low, high]);
                }
            }
            b"ICCP" => has_icc = true,
            _ => {}
        }
    }
    Ok(Header {
        format: SourceFormat::WebP,
        size: features.size,
        orientation,
        transform: Transform::from_exif(orientation),
        frames: if features.has_animation { frames.max(1) } else { 1 },
        plays,
        has_alpha: features.has_alpha,
        has_icc,
    })
}

pub(super) fn profile(source: &[u8]) -> Option<Profile> {
    chunks(source)
        .find(|(name, _)| *name == b"ICCP")
        .map(|(_, content)| Profile::Icc(content.to_vec()))
}

pub(super) fn frames(
    source: &[u8],
    header: &Header,
    needed: Size,
    all: bool,
    sink: Sink<'_>,
) -> Result<(), ThumbnailError> {
    if !is_animated(source) {
        return sink(Frame { picture: still(source, header, needed)?, delay: 0 }.into());
    }
    let mut decoder = webp_ffi::AnimationDecoder::new(source, header.size).map_err(corrupt)?;
    let mut shown = 0_u32;
    loop {
        match decoder.next_frame() {
            Ok(Some(frame)) => sink(frame.into())?,
            Err(error) if shown == 0 => return Err(corrupt(error)),
            // The frames before the damage can be shown.
            Ok(None) | Err(_) => break,
        }
        shown += 1;
        if !all {
            break;
        }
    }
    if shown == 0 { Err(corrupt("it has no frame")) } else { Ok(()) }
}

fn is_animated(source: &[u8]) -> bool {
    chunks(source).any(|(name, _)| name == b"ANIM")
}

fn still(source: &[u8], header: &Header, needed: Size) -> Result<Picture, ThumbnailError> {
    let kind = if header.has_alpha { PixelKind::Rgba } else { PixelKind::Rgb };
    let size = resize::roomy(header.size, needed);
    webp_ffi::decode(source, header.size, size, kind).map_err(corrupt)
}

/// The components of a lossy still without opacity.
pub(super) fn components(source: &[u8], header: &Header, needed: Size) -> Option<Components> {
    if !webp_ffi::features(source).is_ok_and(|features| features.is_lossy && !features.has_alpha) {
        return None;
    }
    let size = resize::roomy(header.size, needed);
    let [luma, blue, red] = webp_ffi::decode_components(source, header.size, size).ok()?;
    let half = webp_ffi::half(size);
    let planes = [(luma, size, (1, 1)), (blue, half, (2, 2)), (red, half, (2, 2))];
    Some(Components::separate(Range::Limited, planes))
}
