//! GIF by the `gif` crate.

use std::io::Cursor;
use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, Decoder, DisposalMethod, MemoryLimit, Repeat};

use super::super::format::SourceFormat;
use super::super::orient::Transform;
use super::super::probe::Header;
use super::Sink;
use super::canvas::{Canvas, Disposal, Part};
use crate::error::ThumbnailError;
use raster::Size;

/// A file with more frames is not counted to its end, only refused whatever the limit.
const MAX_FRAMES: u32 = 10_000;

/// Pixels that a frame may have whatever the size of the canvas.
const SMALL_FRAME: u64 = 1024 * 1024;

fn corrupt(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(SourceFormat::Gif, error)
}

fn open(
    source: &[u8],
    limit: u64,
    skip_pixels: bool,
) -> Result<Decoder<Cursor<&[u8]>>, ThumbnailError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(MemoryLimit::Bytes(NonZeroU64::new(limit).unwrap_or(NonZeroU64::MIN)));
    options.skip_frame_decoding(skip_pixels);
    options.read_info(Cursor::new(source)).map_err(corrupt)
}

pub(super) fn header(source: &[u8]) -> Result<Header, ThumbnailError> {
    let mut decoder = open(source, u64::MAX, true)?;
    let size = Size { width: decoder.width().into(), height: decoder.height().into() };
    let mut frames = 0_u32;
    let mut has_alpha = false;
    // What is damaged further on is cut off; the frames before it can be shown.
    while let Ok(Some(frame)) = decoder.next_frame_info() {
        frames += 1;
        has_alpha |= frame.transparent.is_some();
        if frames > MAX_FRAMES {
            frames = u32::MAX;
            break;
        }
    }
    if frames == 0 {
        return Err(corrupt("it has no frame"));
    }
    Ok(Header {
        format: SourceFormat::Gif,
        size,
        orientation: 1,
        transform: Transform::default(),
        frames,
        has_alpha,
        has_icc: decoder.icc_profile().is_some(),
        // The extension counts repetitions, its absence says to play once.
        plays: match decoder.repeat() {
            Repeat::Infinite => 0,
            Repeat::Finite(repetitions) => repetitions.saturating_add(1),
        },
    })
}

pub(super) fn frames(
    source: &[u8],
    header: &Header,
    all: bool,
    sink: Sink<'_>,
) -> Result<(), ThumbnailError> {
    // A frame that is larger than the canvas is an oversight, unless it costs memory.
    let limit = header.size.pixels().max(SMALL_FRAME);
    let mut decoder = open(source, limit.saturating_add(1), false)?;
    let global = decoder.global_palette().map(<[u8]>::to_vec);
    let mut canvas = Canvas::new(header.size);
    let mut shown = 0_u32;
    loop {
        let frame = match decoder.read_next_frame() {
            Ok(Some(frame)) => frame,
            Err(error) if shown == 0 => return Err(corrupt(error)),
            // The frames before the damage can be shown.
            Ok(None) | Err(_) => break,
        };
        let part = Part {
            left: frame.left.into(),
            top: frame.top.into(),
            width: frame.width.into(),
            height: frame.height.into(),
        };
        let disposal = match frame.dispose {
            DisposalMethod::Any | DisposalMethod::Keep => Disposal::Keep,
            DisposalMethod::Background => Disposal::Clear,
            DisposalMethod::Previous => Disposal::Restore,
        };
        let palette = frame.palette.as_deref().or(global.as_deref()).unwrap_or_default();
        canvas.show(part, disposal, u32::from(frame.delay) * 10, sink, |canvas| {
            draw(canvas, part, frame, palette);
        })?;
        shown += 1;
        if !all {
            break;
        }
    }
    if shown == 0 { Err(corrupt("it has no frame")) } else { Ok(()) }
}

fn draw(canvas: &mut Canvas, part: Part, frame: &gif::Frame<'_>, palette: &[u8]) {
    let (colors, _) = palette.as_chunks::<3>();
    let lines = frame.buffer.chunks_exact(part.width.max(1));
    for (row, line) in canvas.rows(part).zip(lines) {
        for (pixel, &index) in row.iter_mut().zip(line) {
            if frame.transparent != Some(index) {
                let [red, green, blue] =
                    colors.get(usize::from(index)).copied().unwrap_or_default();
                *pixel = [red, green, blue, 255];
            }
        }
    }
}
