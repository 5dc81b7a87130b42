//! GIF by the `gif` crate.

use std::io::Cursor;
use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, Decoder, DisposalMethod, MemoryLimit, Repeat};

use super::super::format::{OutputFormat, SourceFormat};
use super::super::header::Header;
use super::canvas::{Canvas, Disposal, Part};
use super::decoder::{DecodeRequest, Decoder as FormatDecoder, Sink, Source};
use crate::error::ThumbnailError;
use raster::Size;

/// Frames are counted up to this number. A file with more is refused at any limit.
const MAX_FRAMES: u32 = 10_000;

/// Pixels that a frame may have on a canvas of any size.
const SMALL_FRAME: u64 = 1024 * 1024;

const FORMAT: SourceFormat = SourceFormat::new("gif", OutputFormat::Gif);

pub(super) const DECODER: FormatDecoder = FormatDecoder { format: FORMAT, sniff, open };

fn sniff(source: &[u8]) -> bool {
    matches!(source, [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..])
}

fn corrupt(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(FORMAT, error)
}

struct Gif<'a> {
    source: &'a [u8],
    header: Header,
}

/// A decoder at the first frame.
fn start(
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

fn open(source: &[u8]) -> Result<Box<dyn Source + '_>, ThumbnailError> {
    let mut decoder = start(source, u64::MAX, true)?;
    let size = Size { width: decoder.width().into(), height: decoder.height().into() };
    let mut frames = 0_u32;
    let mut has_alpha = false;
    // Damage cuts the file off; the frames before it can be shown.
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
    let header = Header {
        frames,
        has_alpha,
        has_icc: decoder.icc_profile().is_some(),
        // The extension counts repetitions. Without it an animation plays once.
        plays: match decoder.repeat() {
            Repeat::Infinite => 0,
            Repeat::Finite(repetitions) => repetitions.saturating_add(1),
        },
        ..Header::still(FORMAT, size)
    };
    Ok(Box::new(Gif { source, header }))
}

impl Source for Gif<'_> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn frames(
        self: Box<Self>,
        request: DecodeRequest,
        sink: Sink<'_>,
    ) -> Result<(), ThumbnailError> {
        play(self.source, &self.header, request.all_frames, sink)
    }
}

/// Decode from the start again: counting the frames has used up the first decoder.
fn play(source: &[u8], header: &Header, all: bool, sink: Sink<'_>) -> Result<(), ThumbnailError> {
    // A frame larger than the canvas is a mistake that only matters when it costs memory.
    let limit = header.size.pixels().max(SMALL_FRAME);
    let mut decoder = start(source, limit.saturating_add(1), false)?;
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
