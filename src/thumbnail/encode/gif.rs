//! Encodes GIF with the `gif` crate. Each frame has its own palette, and contains only the part
//! that changed.

use gif::{DisposalMethod, Encoder, Frame as GifFrame, Repeat};

use super::super::limits::CheckTime;
use super::palette::{self, Colors, Indexed};
use crate::error::ThumbnailError;
use raster::{Frame, Picture, PixelKind};

fn internal(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::Internal(error.to_string())
}

pub(super) fn encode(
    frames: &[Frame],
    plays: u16,
    most: Colors,
    check_time: CheckTime<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    let Some(Frame { picture: first, .. }) = frames.first() else {
        return Err(internal("a thumbnail needs at least one picture"));
    };
    let short = |side: u32| u16::try_from(side).map_err(internal);
    let (width, height) = (short(first.width)?, short(first.height)?);
    let mut data = Vec::new();
    let mut encoder = Encoder::new(&mut data, width, height, &[]).map_err(internal)?;
    match plays {
        _ if frames.len() < 2 => {}
        0 => encoder.set_repeat(Repeat::Infinite).map_err(internal)?,
        1 => {}
        plays => encoder.set_repeat(Repeat::Finite(plays - 1)).map_err(internal)?,
    }
    let pictures: Vec<Picture> =
        frames.iter().map(|frame| binary_alpha(frame.picture.clone())).collect();
    // If all pixels are opaque, each frame can remain visible below the next one.
    let opaque = pictures.iter().all(is_opaque);
    let mut before: Option<&Picture> = None;
    for (frame, picture) in frames.iter().zip(&pictures) {
        check_time()?;
        let delay = u16::try_from((frame.delay + 5) / 10).unwrap_or(u16::MAX);
        let changed = before.map_or(Part::all(picture), |before| Part::changed(before, picture));
        let mut drawn = part(picture, changed, most)?;
        drawn.delay = delay;
        drawn.dispose = if opaque { DisposalMethod::Keep } else { DisposalMethod::Background };
        encoder.write_frame(&drawn).map_err(internal)?;
        before = opaque.then_some(picture);
    }
    drop(encoder);
    Ok(data)
}

/// Makes each pixel either opaque or fully transparent, because GIF does not support translucency.
fn binary_alpha(picture: Picture) -> Picture {
    let mut picture = picture.into_rgba();
    let (pixels, _) = picture.data.as_chunks_mut::<4>();
    for pixel in pixels {
        let [red, green, blue, alpha] = *pixel;
        *pixel = if alpha < 128 { [0; 4] } else { [red, green, blue, 255] };
    }
    picture
}

fn is_opaque(picture: &Picture) -> bool {
    let (pixels, _) = picture.data.as_chunks::<4>();
    pixels.iter().all(|&[.., alpha]| alpha == 255)
}

/// A rectangle in an image, with at least one pixel.
#[derive(Clone, Copy)]
struct Part {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Part {
    fn all(picture: &Picture) -> Self {
        Self { left: 0, top: 0, right: picture.width as usize, bottom: picture.height as usize }
    }

    /// Returns the smallest rectangle that contains all differences between two images.
    fn changed(before: &Picture, after: &Picture) -> Self {
        let stride = after.stride().max(1);
        let rows = before.data.chunks_exact(stride).zip(after.data.chunks_exact(stride));
        let mut found: Option<Self> = None;
        for (y, (before, after)) in rows.enumerate() {
            if before == after {
                continue;
            }
            let differs = |(one, other): (&[u8; 4], &[u8; 4])| one != other;
            let (one, other) = (before.as_chunks::<4>().0, after.as_chunks::<4>().0);
            let left = one.iter().zip(other).position(differs).unwrap_or_default();
            let right = one.iter().zip(other).rposition(differs).unwrap_or_default() + 1;
            let part = found.get_or_insert(Self { left, top: y, right, bottom: y });
            part.left = part.left.min(left);
            part.right = part.right.max(right);
            part.bottom = y + 1;
        }
        found.unwrap_or(Self { left: 0, top: 0, right: 1, bottom: 1 })
    }
}

fn part(picture: &Picture, part: Part, most: Colors) -> Result<GifFrame<'static>, ThumbnailError> {
    let Part { left, top, right, bottom } = part;
    let data: Vec<u8> = picture
        .data
        .chunks_exact(picture.stride().max(1))
        .skip(top)
        .take(bottom - top)
        .flat_map(|row| row.get(left * 4..right * 4).unwrap_or_default())
        .copied()
        .collect();
    let short = |side: usize| u16::try_from(side).map_err(internal);
    let cut = Picture {
        width: u32::from(short(right - left)?),
        height: u32::from(short(bottom - top)?),
        kind: PixelKind::Rgba,
        data,
    };
    let Indexed { colors, indices } = palette::best(&cut, most)?;
    let transparent = colors.iter().position(|&[.., alpha]| alpha < 128);
    Ok(GifFrame {
        left: short(left)?,
        top: short(top)?,
        width: short(right - left)?,
        height: short(bottom - top)?,
        palette: Some(
            colors.iter().flat_map(|&[red, green, blue, _]| [red, green, blue]).collect(),
        ),
        transparent: transparent.and_then(|index| u8::try_from(index).ok()),
        buffer: indices.into(),
        ..GifFrame::default()
    })
}
