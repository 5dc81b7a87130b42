//! Decodes GIF with the `gif` crate.

use std::io::{Chain, Cursor, Read};

use gif::{ColorOutput, DecodeOptions, Decoder, DisposalMethod, Repeat};

use super::super::format::{OutputFormat, SourceFormat};
use super::super::header::Header;
use super::canvas::{Canvas, Disposal, Part};
use super::decoder::{Completeness, DecodeRequest, Decoder as FormatDecoder, Sink, Source};
use crate::error::ThumbnailError;
use raster::Size;

/// The maximum number of frames that are counted and decoded, regardless of the limits.
const MAX_FRAMES: u32 = 10_000;

/// The number of pixels that a frame may always have, even on a smaller canvas.
const SMALL_FRAME: u64 = 1024 * 1024;

const TOO_LARGE: &str = "a frame is larger than the canvas";

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

/// The byte that ends a file.
const TRAILER: &[u8] = b";";

/// The number of bytes before the global palette.
const HEADER: usize = 13;

/// The flag for a global palette, and the number that stands for 256 colours.
const HAS_PALETTE: u8 = 0x80;
const MOST_COLORS: u8 = 7;

/// A source with an additional end marker, in case the file ends after its last frame without a
/// marker. If the file ends at any other position, the additional marker has no effect. A source
/// without a global palette gets a gray one, as in other decoders.
type Ended<'a> = Chain<Chain<Cursor<Vec<u8>>, &'a [u8]>, &'static [u8]>;

fn ended(source: &[u8]) -> Ended<'_> {
    let (start, rest) = match source.split_first_chunk::<HEADER>() {
        Some((&start, rest)) if start[10] & HAS_PALETTE == 0 => {
            let mut start = start.to_vec();
            if let Some(flags) = start.get_mut(10) {
                *flags |= HAS_PALETTE | MOST_COLORS;
            }
            start.extend((0..=255).flat_map(|gray| [gray; 3]));
            (start, rest)
        }
        _ => (Vec::new(), source),
    };
    Cursor::new(start).chain(rest).chain(TRAILER)
}

/// Creates a decoder at the start of the first frame.
fn start(source: &[u8], skip_pixels: bool) -> Result<Decoder<Ended<'_>>, ThumbnailError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.skip_frame_decoding(skip_pixels);
    options.read_info(ended(source)).map_err(corrupt)
}

fn open(source: &[u8]) -> Result<Box<dyn Source + '_>, ThumbnailError> {
    let mut decoder = start(source, true)?;
    let size = Size { width: decoder.width().into(), height: decoder.height().into() };
    let mut frames = 0_u32;
    let mut has_alpha = false;
    // A damaged file is treated as truncated; the frames before the damage can be shown.
    while frames < MAX_FRAMES
        && let Ok(Some(frame)) = decoder.next_frame_info()
    {
        frames += 1;
        has_alpha |= frame.transparent.is_some();
    }
    if frames == 0 {
        return Err(corrupt("it has no frame"));
    }
    let header = Header {
        frames,
        has_alpha,
        has_icc: decoder.icc_profile().is_some(),
        // The extension contains the number of repetitions. Without it, an animation plays once.
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

    /// Every pixel has an opacity, because the canvas is transparent.
    fn pixel_bytes(&self) -> u64 {
        4
    }

    fn frames(
        self: Box<Self>,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        play(self.source, &self.header, request, sink)
    }
}

/// Decodes from the start again, because counting the frames has used up the first decoder.
fn play(
    source: &[u8],
    header: &Header,
    request: DecodeRequest<'_>,
    sink: Sink<'_>,
) -> Result<Completeness, ThumbnailError> {
    // A frame that is larger than the canvas is invalid, but this matters only if the frame costs
    // memory.
    let limit = header.size.pixels().max(SMALL_FRAME);
    let mut decoder = start(source, false)?;
    let global = decoder.global_palette().map(<[u8]>::to_vec);
    let mut canvas = Canvas::new(header.size);
    let mut shown = 0_u32;
    loop {
        let frame = match decoder.next_frame_info() {
            Ok(Some(frame)) => frame.clone(),
            Ok(None) => break,
            Err(error) if shown == 0 => return Err(corrupt(error)),
            // The frames before the damaged one can be shown.
            Err(_) => return Ok(Completeness::Part),
        };
        if u64::from(frame.width) * u64::from(frame.height) > limit {
            return if shown == 0 { Err(corrupt(TOO_LARGE)) } else { Ok(Completeness::Part) };
        }
        let lines = lines(&mut decoder, &frame, request)?;
        let is_whole = lines.count == usize::from(frame.height);
        match (is_whole, shown, lines.count) {
            (false, 0, 0) => return Err(corrupt("it has no pixels")),
            // After the first frame, a partial frame would show less than the frame before it.
            (false, 1.., _) => return Ok(Completeness::Part),
            _ => {}
        }
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
            draw(canvas, part, &frame, &lines, palette);
        })?;
        shown += 1;
        if !is_whole {
            return Ok(Completeness::Part);
        }
        if shown == request.max_frames.min(MAX_FRAMES) {
            break;
        }
    }
    if shown == 0 { Err(corrupt("it has no frame")) } else { Ok(Completeness::Whole) }
}

/// The lines of a frame, in file order.
struct Lines {
    samples: Vec<u8>,
    /// The number of lines that the file contains.
    count: usize,
}

/// Reads the lines of a frame, up to the first missing one.
fn lines(
    decoder: &mut Decoder<Ended<'_>>,
    frame: &gif::Frame<'_>,
    request: DecodeRequest<'_>,
) -> Result<Lines, ThumbnailError> {
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));
    let mut samples = vec![0; width * height];
    for (count, line) in samples.chunks_exact_mut(width.max(1)).enumerate() {
        request.check_time()?;
        if !matches!(decoder.fill_buffer(line), Ok(true)) {
            return Ok(Lines { samples, count });
        }
    }
    Ok(Lines { samples, count: height })
}

impl Lines {
    /// The line to show in a row of an interlaced frame (`GIF89a`, appendix E). If it is missing,
    /// the nearest line above it from the previous passes is shown.
    fn interlaced(row: usize, height: usize, count: usize) -> Option<usize> {
        let place = |row: usize| {
            let passes = [height.div_ceil(8), (height + 3) / 8, (height + 1) / 4];
            let before = |passes: &[usize]| passes.iter().sum::<usize>();
            let [first, second, third] = passes;
            match row % 8 {
                0 => row / 8,
                4 => first + row / 8,
                2 | 6 => before(&[first, second]) + row / 4,
                _ => before(&[first, second, third]) + row / 2,
            }
        };
        [row, row & !1, row & !3, row & !7].into_iter().map(place).find(|&line| line < count)
    }
}

fn draw(canvas: &mut Canvas, part: Part, frame: &gif::Frame<'_>, lines: &Lines, palette: &[u8]) {
    let (colors, _) = palette.as_chunks::<3>();
    for (row, pixels) in canvas.rows(part).enumerate() {
        let place = if frame.interlaced {
            Lines::interlaced(row, part.height, lines.count)
        } else {
            (row < lines.count).then_some(row)
        };
        let Some(place) = place else { continue };
        let line = lines.samples.get(place * part.width..).unwrap_or_default();
        for (pixel, &index) in pixels.iter_mut().zip(line.iter().take(part.width)) {
            if frame.transparent != Some(index) {
                let [red, green, blue] =
                    colors.get(usize::from(index)).copied().unwrap_or_default();
                *pixel = [red, green, blue, 255];
            }
        }
    }
}
