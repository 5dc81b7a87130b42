//! Decodes WebP with libwebp.

use super::super::color::Profile;
use super::super::exif;
use super::super::format::{OutputFormat, SourceFormat};
use super::super::header::Header;
use super::super::notice::Notice;
use super::super::xmp;
use super::components::{Components, Range};
use super::decoder::{Completeness, DecodeRequest, Decoder, Sink, Source};
use super::headroom::with_headroom;
use crate::error::ThumbnailError;
use crate::ffi::webp::{self, AnimationDecoder, WebPError};
use raster::{Frame, PixelKind};

const FORMAT: SourceFormat = SourceFormat::new("webp", OutputFormat::WebP);

pub(super) const DECODER: Decoder = Decoder { format: FORMAT, sniff, open };

fn sniff(source: &[u8]) -> bool {
    matches!(source, [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..])
}

fn failed(error: WebPError) -> ThumbnailError {
    match error {
        WebPError::Stopped => ThumbnailError::Timeout,
        error => corrupt(error),
    }
}

fn corrupt(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(FORMAT, error)
}

/// The chunks of a RIFF file (RFC 9649, section 2.3), each as its name and its content.
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

struct WebP<'a> {
    source: &'a [u8],
    header: Header,
    icc: Option<&'a [u8]>,
    is_animated: bool,
    /// Whether the image is a lossy still.
    is_lossy: bool,
}

fn open(source: &[u8]) -> Result<Box<dyn Source + '_>, ThumbnailError> {
    let features = webp::features(source).map_err(corrupt)?;
    let (mut orientation, mut orientation_in_xmp) = (None, None);
    let mut frames = 0;
    let mut plays = 1;
    let mut icc = None;
    let mut is_animated = false;
    for (name, content) in chunks(source) {
        match name {
            b"EXIF" => orientation = exif::orientation(content),
            b"XMP " => orientation_in_xmp = xmp::orientation(content),
            b"ANMF" => frames += 1,
            b"ANIM" => {
                is_animated = true;
                if let [_, _, _, _, low, high, ..] = *content {
                    plays = u16::from_le_bytes([low, high]);
                }
            }
            b"ICCP" => icc = icc.or(Some(content)),
            _ => {}
        }
    }
    let header = Header {
        frames: if features.has_animation { frames.max(1) } else { 1 },
        plays,
        has_alpha: features.has_alpha,
        has_icc: icc.is_some(),
        ..Header::still(FORMAT, features.size)
    };
    let orientation = orientation.or(orientation_in_xmp).unwrap_or(1);
    let (header, is_lossy) = (header.oriented(orientation), features.is_lossy);
    Ok(Box::new(WebP { source, header, icc, is_animated, is_lossy }))
}

impl Source for WebP<'_> {
    fn header(&self) -> &Header {
        &self.header
    }

    /// Every pixel of an animation has an opacity, because the canvas is transparent.
    fn pixel_bytes(&self) -> u64 {
        if self.header.has_alpha || self.is_animated { 4 } else { 3 }
    }

    fn profile(&mut self) -> Option<Profile> {
        self.icc.map(|icc| Profile::Icc(icc.to_vec()))
    }

    fn notice(&mut self) -> Notice {
        let find = |wanted| chunks(self.source).find(|(name, _)| *name == wanted);
        let (exif, xmp) = (find(b"EXIF"), find(b"XMP "));
        Notice::read(exif.map(|(_, data)| data), None, xmp.map(|(_, data)| data))
    }

    fn has_components(&self) -> bool {
        self.is_lossy && !self.header.has_alpha
    }

    fn components(
        &mut self,
        request: DecodeRequest<'_>,
    ) -> Result<Option<Components>, ThumbnailError> {
        if !self.has_components() {
            return Ok(None);
        }
        let full = self.header.size;
        let size = with_headroom(full, request.size);
        let goes_on = &|| request.check_time().is_ok();
        let [luma, blue, red] = match webp::decode_components(self.source, full, size, goes_on) {
            Ok(components) => components,
            Err(WebPError::Stopped) => return Err(ThumbnailError::Timeout),
            Err(_) => return Ok(None),
        };
        let half = webp::half(size);
        let planes = [(luma, size, (1, 1)), (blue, half, (2, 2)), (red, half, (2, 2))];
        Ok(Some(Components::separate(size, Range::Limited, planes)))
    }

    fn frames(
        self: Box<Self>,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        let Header { size: full, has_alpha, .. } = self.header;
        if self.is_animated {
            if self.header.frames > request.max_frames {
                // libwebp would read the headers of all frames.
                return self.play_start(request, sink);
            }
            return match AnimationDecoder::new(self.source, full) {
                Ok(decoder) => play(decoder, request, sink),
                // libwebp rejects an animation whose end is missing.
                Err(_) => self.play_start(request, sink),
            };
        }
        let kind = if has_alpha { PixelKind::Rgba } else { PixelKind::Rgb };
        let size = with_headroom(full, request.size);
        let goes_on = &|| request.check_time().is_ok();
        let decoded = webp::decode(self.source, full, size, kind, goes_on);
        let (picture, is_whole) = decoded.map_err(failed)?;
        sink(Frame { picture, delay: 0 }.into())?;
        Ok(Completeness::whole_if(is_whole))
    }
}

impl WebP<'_> {
    /// Passes the complete frames at the start of an animation to the sink.
    fn play_start(
        &self,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        let (start, rest) = whole_chunks(self.source, request.max_frames);
        let decoder = AnimationDecoder::new(&start, self.header.size).map_err(corrupt)?;
        // Frames after the last one to decode may be missing. Metadata may be missing, too, because
        // it contains no pixels.
        let has_all = self.header.frames >= request.max_frames
            || rest.starts_with(b"EXIF")
            || rest.starts_with(b"XMP ");
        match play(decoder, request, sink)? {
            Completeness::Whole => Ok(Completeness::whole_if(has_all)),
            part @ Completeness::Part => Ok(part),
        }
    }
}

/// Returns two parts: a file that consists of the complete chunks up to the last frame to decode,
/// and the rest of the source.
fn whole_chunks(source: &[u8], max_frames: u32) -> (Vec<u8>, &[u8]) {
    let mut start = b"RIFF\0\0\0\0WEBP".to_vec();
    let mut rest = source.get(start.len()..).unwrap_or_default();
    let mut frames = 0;
    for (name, content) in chunks(source) {
        if name == b"ANMF" {
            if frames == max_frames {
                break;
            }
            frames += 1;
        }
        let padded = content.len() + content.len() % 2;
        let whole = rest.get(..8 + padded).unwrap_or(rest);
        start.extend_from_slice(whole);
        rest = rest.get(whole.len()..).unwrap_or_default();
    }
    // The padding byte of the last chunk may be missing.
    start.resize(start.len().next_multiple_of(2), 0);
    let size = u32::try_from(start.len() - 8).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(place) = start.get_mut(4..8) {
        place.copy_from_slice(&size);
    }
    (start, rest)
}

fn play(
    mut decoder: AnimationDecoder<'_>,
    request: DecodeRequest<'_>,
    sink: Sink<'_>,
) -> Result<Completeness, ThumbnailError> {
    let mut shown = 0_u32;
    loop {
        request.check_time()?;
        match decoder.next_frame() {
            Ok(Some(frame)) => sink(frame.into())?,
            Err(error) if shown == 0 => return Err(corrupt(error)),
            // The frames before the damaged one can be shown.
            Err(_) => return Ok(Completeness::Part),
            Ok(None) => break,
        }
        shown += 1;
        if shown == request.max_frames {
            break;
        }
    }
    if shown == 0 { Err(corrupt("it has no frame")) } else { Ok(Completeness::Whole) }
}
