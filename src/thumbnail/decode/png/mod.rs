//! Decodes PNG with the `png` crate.

mod format;
mod rows;
mod text;

use std::io::Cursor;

use png::{
    Adam7Info, BlendOp, ColorType, DisposeOp, FrameControl, Info, InterlaceInfo, OutputInfo,
    Reader, expand_interlaced_row, splat_interlaced_row,
};

use super::super::color::Profile;
use super::super::exif;
use super::super::header::Header;
use super::super::notice::Notice;
use super::canvas::{Canvas, Disposal, Part};
use super::decoder::{Completeness, DecodeRequest, Decoder, Sink, Source};
use crate::error::ThumbnailError;
use format::{FORMAT, corrupt, ends_well, from_gray, kind, missing, read_info, size};
use raster::{Frame, Picture, Size};

pub(super) const DECODER: Decoder = Decoder { format: FORMAT, sniff, open };

fn sniff(source: &[u8]) -> bool {
    source.starts_with(b"\x89PNG\r\n\x1a\n")
}

struct Png<'a> {
    source: &'a [u8],
    header: Header,
    reader: Reader<Cursor<&'a [u8]>>,
}

fn open(source: &[u8]) -> Result<Box<dyn Source + '_>, ThumbnailError> {
    let reader = read_info(source).map_err(corrupt)?;
    let info = reader.info();
    let header = Header {
        frames: info.animation_control.map_or(1, |animation| animation.num_frames),
        plays: info
            .animation_control
            .map_or(1, |animation| u16::try_from(animation.num_plays).unwrap_or(u16::MAX)),
        has_alpha: matches!(info.color_type, ColorType::GrayscaleAlpha | ColorType::Rgba)
            || info.trns.is_some(),
        has_icc: info.icc_profile.is_some(),
        ..Header::still(FORMAT, Size { width: info.width, height: info.height })
    };
    let exif = info.exif_metadata.as_deref().and_then(exif::orientation);
    let orientation = exif.or_else(|| text::orientation(source)).unwrap_or(1);
    Ok(Box::new(Png { source, header: header.oriented(orientation), reader }))
}

impl Source for Png<'_> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn pixel_bytes(&self) -> u64 {
        match self.reader.output_color_type().0 {
            ColorType::Grayscale if self.header.frames == 1 => 1,
            ColorType::Rgb if self.header.frames == 1 => 3,
            _ => 4,
        }
    }

    fn profile(&mut self) -> Option<Profile> {
        profile(self.reader.info())
    }

    fn notice(&mut self) -> Notice {
        let text::Blocks { exif, iptc, xmp } = text::blocks(self.source);
        let own = self.reader.info().exif_metadata.as_deref();
        let xmp = xmp.as_deref().map(str::as_bytes);
        Notice::read(own.or(exif.as_deref()), iptc.as_deref(), xmp)
    }

    fn frames(
        self: Box<Self>,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        let Self { source, header, reader } = *self;
        // Programs without support for animations show the default image, even if it is not part of
        // the animation.
        let frames = header.frames.min(request.max_frames);
        if frames == 1 {
            return still(source, reader, request, sink);
        }
        let shown = play(reader, header.size, frames, request, sink)?;
        if shown == 0 {
            // Part of the default image may be present.
            return still(source, read_info(source).map_err(corrupt)?, request, sink);
        }
        Ok(Completeness::whole_if(shown == frames))
    }
}

/// Passes the default image to the sink.
fn still(
    source: &[u8],
    reader: Reader<Cursor<&[u8]>>,
    request: DecodeRequest<'_>,
    sink: Sink<'_>,
) -> Result<Completeness, ThumbnailError> {
    if reader.info().interlaced {
        interlaced(source, reader, request, sink)
    } else {
        rows::rows(source, reader, request, sink)
    }
}

/// The colour space of the samples, in the order of precedence that the PNG specification defines
/// (third edition, 4.3).
fn profile(info: &Info<'_>) -> Option<Profile> {
    if let Some(points) = info.coding_independent_code_points {
        let (primaries, transfer) = (points.color_primaries, points.transfer_function);
        return Some(Profile::CodePoints { primaries, transfer });
    }
    if let Some(icc) = &info.icc_profile {
        return Some(Profile::Icc(icc.to_vec()));
    }
    if info.srgb.is_some() {
        return None;
    }
    info.gama_chunk.map(|gamma| Profile::Gamma(gamma.into_value()))
}

/// A buffer for a picture.
fn buffer(reader: &Reader<Cursor<&[u8]>>) -> Result<Vec<u8>, ThumbnailError> {
    let bytes = reader.output_buffer_size().ok_or_else(|| corrupt("it is too large"))?;
    Ok(vec![0; bytes])
}

/// Passes an interlaced default image to the sink. Its rows arrive in several passes.
fn interlaced(
    source: &[u8],
    mut reader: Reader<Cursor<&[u8]>>,
    request: DecodeRequest<'_>,
    sink: Sink<'_>,
) -> Result<Completeness, ThumbnailError> {
    let color = reader.output_color_type().0;
    let size = size(&reader);
    let mut data = buffer(&reader)?;
    data.truncate(size.width as usize * color.samples() * size.height as usize);
    let read = passes(&mut reader, &mut data, expand_interlaced_row, request)?;
    if read == 0 {
        return Err(corrupt("it has no pixels"));
    }
    let has_all = read == rows_of_passes(size);
    if !has_all {
        // Decode again, so that pixels from the available passes fill the gaps.
        data.fill(missing(kind(color)?));
        let mut reader = read_info(source).map_err(corrupt)?;
        passes(&mut reader, &mut data, splat_interlaced_row, request)?;
    }
    let picture = picture(size, color, data)?;
    sink(Frame { picture, delay: 0 }.into())?;
    Ok(Completeness::whole_if(has_all && ends_well(&mut reader)))
}

/// Writes the pixels of one row of a pass to a picture. The arguments are the picture's bytes, the
/// number of bytes in each of its rows, the row of the pass, the position of that row, and the
/// number of bits per pixel.
type WriteRow = fn(&mut [u8], usize, &[u8], &Adam7Info, u8);

/// Reads the rows of all passes, up to the first missing row. Returns the number of rows read.
fn passes(
    reader: &mut Reader<Cursor<&[u8]>>,
    data: &mut [u8],
    write: WriteRow,
    request: DecodeRequest<'_>,
) -> Result<u32, ThumbnailError> {
    let samples = reader.output_color_type().0.samples();
    let size = size(reader);
    let stride = size.width as usize * samples;
    let bits = u8::try_from(8 * samples).unwrap_or(u8::MAX);
    for read in 0..rows_of_passes(size) {
        request.check_time()?;
        let Ok(Some(row)) = reader.next_interlaced_row() else { return Ok(read) };
        if let InterlaceInfo::Adam7(place) = row.interlace() {
            write(data, stride, row.data(), place, bits);
        }
    }
    Ok(rows_of_passes(size))
}

/// The number of rows of all passes over an image (PNG specification, third edition, 8).
fn rows_of_passes(Size { width, height }: Size) -> u32 {
    // The first row and column of each pass, and the distance from one row to the next.
    const PASSES: [(u32, u32, u32); 7] =
        [(0, 0, 8), (0, 4, 8), (4, 0, 8), (0, 2, 4), (2, 0, 4), (0, 1, 2), (1, 0, 2)];
    let passes = PASSES.into_iter().filter(|&(_, column, _)| column < width);
    passes.map(|(row, _, step)| height.saturating_sub(row).div_ceil(step)).sum()
}

/// Passes this number of frames of an animation to the sink, but stops before the first damaged
/// frame. Returns the number of frames that were passed.
fn play(
    mut reader: Reader<Cursor<&[u8]>>,
    size: Size,
    frames: u32,
    request: DecodeRequest<'_>,
    sink: Sink<'_>,
) -> Result<u32, ThumbnailError> {
    let mut data = buffer(&reader)?;
    let mut canvas = Canvas::new(size);
    let mut shown = 0;
    while shown < frames {
        request.check_time()?;
        // The frames before the damaged one can be shown.
        let Ok(output) = reader.next_frame(&mut data) else { break };
        let Some(control) = reader.info().frame_control else { continue };
        let size = Size { width: output.width, height: output.height };
        let drawn = picture(size, output.color_type, lines(&reader, &output, &data))?;
        let part = part(&control);
        canvas.show(part, disposal(control.dispose_op), delay(&control), sink, |canvas| {
            draw(canvas, part, &drawn.into_rgba(), control.blend_op);
        })?;
        shown += 1;
    }
    Ok(shown)
}

/// Returns the rows of a frame without gaps between them.
fn lines(reader: &Reader<Cursor<&[u8]>>, output: &OutputInfo, data: &[u8]) -> Vec<u8> {
    // The rows of an interlaced frame are as long as the rows of the canvas.
    let info = reader.info();
    let whole = info.interlaced.then(|| reader.output_line_size(info.width)).flatten();
    data.chunks(whole.unwrap_or(output.line_size).max(1))
        .take(output.height as usize)
        .flat_map(|line| line.get(..output.line_size).unwrap_or_default())
        .copied()
        .collect()
}

fn picture(size: Size, color: ColorType, data: Vec<u8>) -> Result<Picture, ThumbnailError> {
    let Size { width, height } = size;
    let data = if color == ColorType::GrayscaleAlpha {
        data.as_chunks().0.iter().copied().flat_map(from_gray).collect()
    } else {
        data
    };
    Ok(Picture { width, height, kind: kind(color)?, data })
}

const fn part(control: &FrameControl) -> Part {
    Part {
        left: control.x_offset as usize,
        top: control.y_offset as usize,
        width: control.width as usize,
        height: control.height as usize,
    }
}

const fn disposal(operation: DisposeOp) -> Disposal {
    match operation {
        DisposeOp::None => Disposal::Keep,
        DisposeOp::Background => Disposal::Clear,
        DisposeOp::Previous => Disposal::Restore,
    }
}

/// Converts a fraction of a second to milliseconds; a denominator of 0 means 100.
fn delay(control: &FrameControl) -> u32 {
    let parts = if control.delay_den == 0 { 100 } else { control.delay_den };
    u32::from(control.delay_num) * 1000 / u32::from(parts)
}

fn draw(canvas: &mut Canvas, part: Part, picture: &Picture, blend: BlendOp) {
    let (pixels, _) = picture.data.as_chunks::<4>();
    for (row, line) in canvas.rows(part).zip(pixels.chunks_exact(part.width.max(1))) {
        for (pixel, &front) in row.iter_mut().zip(line) {
            *pixel = match blend {
                BlendOp::Source => front,
                BlendOp::Over => over(front, *pixel),
            };
        }
    }
}

/// Draws a pixel over another. Neither is premultiplied.
fn over(front: [u8; 4], back: [u8; 4]) -> [u8; 4] {
    let ([.., front_alpha], [.., back_alpha]) = (front, back);
    match (front_alpha, back_alpha) {
        (255, _) | (_, 0) => return front,
        (0, _) => return back,
        _ => {}
    }
    let front_share = u32::from(front_alpha) * 255;
    let back_share = u32::from(back_alpha) * (255 - u32::from(front_alpha));
    let both = front_share + back_share;
    let mut mixed = [0; 4];
    for (mixed, (front, back)) in mixed.iter_mut().zip(front.into_iter().zip(back)) {
        let sum = u32::from(front) * front_share + u32::from(back) * back_share;
        *mixed = u8::try_from((sum + both / 2) / both).unwrap_or(255);
    }
    let [red, green, blue, _] = mixed;
    [red, green, blue, u8::try_from((both + 127) / 255).unwrap_or(255)]
}
