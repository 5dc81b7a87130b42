//! PNG by the `png` crate.

use std::io::Cursor;

use png::{
    BlendOp, ColorType, Decoder, DecodingError, DisposeOp, FrameControl, OutputInfo, Reader,
    Transformations,
};

use super::super::color::Profile;
use super::super::exif;
use super::super::format::SourceFormat;
use super::super::orient::Transform;
use super::super::probe::Header;
use super::Sink;
use super::canvas::{Canvas, Disposal, Part};
use crate::error::ThumbnailError;
use raster::{Frame, Picture, PixelKind, Size};

/// What the decoder may allocate beside the picture: profiles and rows.
const MAX_OVERHEAD: usize = 8 * 1024 * 1024;

fn corrupt(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(SourceFormat::Png, error)
}

fn open(source: &[u8]) -> Result<Reader<Cursor<&[u8]>>, DecodingError> {
    let limits = png::Limits { bytes: MAX_OVERHEAD };
    let mut decoder = Decoder::new_with_limits(Cursor::new(source), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.read_info()
}

pub(super) fn header(source: &[u8]) -> Result<Header, ThumbnailError> {
    let reader = open(source).map_err(corrupt)?;
    let info = reader.info();
    let orientation = info.exif_metadata.as_deref().map_or(1, exif::orientation);
    Ok(Header {
        format: SourceFormat::Png,
        size: Size { width: info.width, height: info.height },
        orientation,
        transform: Transform::from_exif(orientation),
        frames: info.animation_control.map_or(1, |animation| animation.num_frames),
        plays: info
            .animation_control
            .map_or(1, |animation| u16::try_from(animation.num_plays).unwrap_or(u16::MAX)),
        has_alpha: matches!(info.color_type, ColorType::GrayscaleAlpha | ColorType::Rgba)
            || info.trns.is_some(),
        has_icc: info.icc_profile.is_some(),
    })
}

/// What the samples mean, by the precedence of the PNG specification (third edition, 4.3).
pub(super) fn profile(source: &[u8]) -> Option<Profile> {
    let reader = open(source).ok()?;
    let info = reader.info();
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

pub(super) fn frames(
    source: &[u8],
    header: &Header,
    all: bool,
    sink: Sink<'_>,
) -> Result<(), ThumbnailError> {
    let mut reader = open(source).map_err(corrupt)?;
    let bytes = reader.output_buffer_size().ok_or_else(|| corrupt("it is too large"))?;
    let mut data = vec![0; bytes];
    // Programs that know no animations show the first picture, be it a part of one or not.
    if !all || header.frames == 1 {
        let output = reader.next_frame(&mut data).map_err(corrupt)?;
        data.truncate(output.buffer_size());
        return sink(Frame { picture: picture(&output, data)?, delay: 0 });
    }
    let mut canvas = Canvas::new(header.size);
    let mut shown = 0;
    while shown < header.frames {
        let output = match reader.next_frame(&mut data) {
            Ok(output) => output,
            Err(error) if shown == 0 => return Err(corrupt(error)),
            // The frames before the damage can be shown.
            Err(_) => break,
        };
        let Some(control) = reader.info().frame_control else { continue };
        let (drawn, part) = (picture(&output, lines(&reader, &output, &data))?, part(&control));
        canvas.show(part, disposal(control.dispose_op), delay(&control), sink, |canvas| {
            draw(canvas, part, &drawn.into_rgba(), control.blend_op);
        })?;
        shown += 1;
    }
    Ok(())
}

/// The rows of a frame without gaps between them.
fn lines(reader: &Reader<Cursor<&[u8]>>, output: &OutputInfo, data: &[u8]) -> Vec<u8> {
    // What is interlaced is put together with rows as long as the canvas's.
    let info = reader.info();
    let whole = info.interlaced.then(|| reader.output_line_size(info.width)).flatten();
    data.chunks(whole.unwrap_or(output.line_size).max(1))
        .take(output.height as usize)
        .flat_map(|line| line.get(..output.line_size).unwrap_or_default())
        .copied()
        .collect()
}

fn picture(output: &OutputInfo, data: Vec<u8>) -> Result<Picture, ThumbnailError> {
    let (kind, data) = match output.color_type {
        ColorType::Grayscale => (PixelKind::Luma, data),
        ColorType::GrayscaleAlpha => {
            let (pixels, _) = data.as_chunks::<2>();
            (PixelKind::Rgba, pixels.iter().flat_map(|&[l, a]| [l, l, l, a]).collect())
        }
        ColorType::Rgb => (PixelKind::Rgb, data),
        ColorType::Rgba => (PixelKind::Rgba, data),
        ColorType::Indexed => return Err(corrupt("it has no palette")),
    };
    Ok(Picture { width: output.width, height: output.height, kind, data })
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

/// A fraction of a second in milliseconds; a denominator of 0 stands for 100.
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

/// A pixel over another, neither premultiplied.
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
