//! `wm`: lays a watermark over the finished thumbnail, including its padding.
//!
//! Its position and size are fractions of the thumbnail, so it looks the same at every density.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::color::Converter;
use super::decode::{self, Input};
use super::limits::Limits;
use super::spec::Compass;
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind, Size};

/// The number of scaled copies of a watermark that are kept for later thumbnails.
const KEPT: usize = 16;

/// The maximum number of pixels of a watermark that is kept.
const KEPT_PIXELS: u64 = 256 * 1024;

/// The position and appearance of a watermark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// The edge or corner of the thumbnail at which the watermark is placed.
    pub gravity: Compass,
    /// The distance from that edge or corner, as fractions of the thumbnail's width and height. In
    /// a direction without an edge, it is the distance to the right of the centre, or below it.
    /// With [`tiled`](Self::tiled), it is the size of the gaps between the copies.
    pub offset: (f64, f64),
    /// The size of the box into which the watermark fits, as a fraction of the thumbnail's size. It
    /// is above 0, and at most 1.
    pub scale: f64,
    /// The opacity of the watermark, from 0 to 1. It is multiplied by the opacity of the image.
    pub opacity: f64,
    /// Whether copies of the watermark cover the whole thumbnail.
    pub tiled: bool,
}

/// Decodes the first frame of an image at an exact size, within the limits.
pub type Scale<'a> = dyn Fn(&[u8], Size, &Limits) -> Result<Picture, ThumbnailError> + 'a;

/// An image to lay over thumbnails.
#[derive(Debug)]
pub struct Watermark {
    source: Vec<u8>,
    placement: Placement,
    /// The size of the upright image.
    size: Size,
    /// The scaled watermarks, with the most recently used one last. If a process forks while a
    /// thread holds this lock, the child can never acquire it. The child then decodes the watermark
    /// each time.
    scaled: Mutex<VecDeque<Arc<Picture>>>,
}

impl PartialEq for Watermark {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.placement == other.placement
    }
}

impl Watermark {
    /// Reads the header of an encoded image. The first render decodes the pixels.
    ///
    /// # Errors
    /// See [`decode::open`]. The error is also [`ThumbnailError::TooLarge`] if the decoded image
    /// exceeds the default limits.
    pub fn new(source: Vec<u8>, placement: Placement) -> Result<Self, ThumbnailError> {
        let limits = Limits::default();
        let size = {
            let opened = decode::open(Input::Encoded(&source), &limits)?;
            let header = opened.header();
            limits.check_source(header.size.pixels(), opened.pixel_bytes(), 1)?;
            header.upright_size()
        };
        Ok(Self { source, placement, size, scaled: Mutex::default() })
    }

    /// The encoded image.
    #[must_use]
    pub fn source(&self) -> &[u8] {
        &self.source
    }

    /// The position and appearance.
    #[must_use]
    pub const fn placement(&self) -> Placement {
        self.placement
    }

    /// Lays the watermark over a thumbnail with these colours. `scale` decodes the image at exactly
    /// the given size.
    ///
    /// # Errors
    /// [`ThumbnailError::Timeout`], or [`ThumbnailError::Internal`] if the watermark is damaged.
    pub fn apply(
        &self,
        picture: Picture,
        colors: &Converter,
        scale: &Scale<'_>,
        check_time: &dyn Fn() -> Result<(), ThumbnailError>,
    ) -> Result<Picture, ThumbnailError> {
        let canvas = picture.size();
        let scaled = self.scaled_to(self.size_on(canvas), scale)?;
        let mark = colors.from_srgb(&scaled);
        let mut picture = if picture.kind == PixelKind::Luma && !is_gray(&mark) {
            picture.into_color()
        } else {
            picture
        };
        let Placement { gravity, offset, tiled, .. } = self.placement;
        let (x, y) = gravity.position();
        let columns = along(canvas.width, mark.width, x, offset.0, tiled);
        for top in along(canvas.height, mark.height, y, offset.1, tiled) {
            check_time()?;
            for &left in &columns {
                lay_over(&mut picture, &mark, left, top);
            }
        }
        Ok(picture.without_idle_alpha())
    }

    /// The size of the watermark on a thumbnail of this size.
    fn size_on(&self, canvas: Size) -> Size {
        let (width, height) = (f64::from(self.size.width), f64::from(self.size.height));
        let ratio = (f64::from(canvas.width) / width).min(f64::from(canvas.height) / height);
        let ratio = ratio * self.placement.scale;
        Size {
            width: whole(width * ratio).clamp(1, canvas.width),
            height: whole(height * ratio).clamp(1, canvas.height),
        }
    }

    /// The watermark at this size, with its final opacities.
    fn scaled_to(&self, size: Size, scale: &Scale<'_>) -> Result<Arc<Picture>, ThumbnailError> {
        if let Ok(mut scaled) = self.scaled.try_lock()
            && let Some(index) = scaled.iter().position(|mark| mark.size() == size)
            && let Some(mark) = scaled.remove(index)
        {
            scaled.push_back(Arc::clone(&mark));
            return Ok(mark);
        }
        let mark = match scale(&self.source, size, &Limits::default()) {
            Err(ThumbnailError::Timeout) => return Err(ThumbnailError::Timeout),
            Err(error) => {
                let problem = format!("the watermark can't be decoded: {error}");
                return Err(ThumbnailError::Internal(problem));
            }
            Ok(mark) => Arc::new(weighed(mark.into_rgba(), self.placement.opacity)),
        };
        if size.pixels() <= KEPT_PIXELS
            && let Ok(mut scaled) = self.scaled.try_lock()
            && scaled.iter().all(|other| other.size() != size)
        {
            if scaled.len() >= KEPT {
                scaled.pop_front();
            }
            scaled.push_back(Arc::clone(&mark));
        }
        Ok(mark)
    }
}

/// The positions of the watermark and its copies along one side. They may lie outside the
/// thumbnail. `gravity` is 0 at the start of the side and 1 at its end.
fn along(side: u32, mark: u32, gravity: f64, offset: f64, tiled: bool) -> Vec<i64> {
    let (side, mark) = (i64::from(side), i64::from(mark));
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a side")]
    let (free, distance) =
        (((side - mark) as f64 * gravity).floor() as i64, (side as f64 * offset).round() as i64);
    if !tiled {
        return vec![if gravity > 0.5 { free - distance } else { free + distance }];
    }
    let step = (mark + distance).max(1);
    let mut start = free % step;
    if start > 0 {
        start -= step;
    }
    let mut positions = Vec::new();
    while start < side {
        positions.push(start);
        start += step;
    }
    positions
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a side")]
fn whole(length: f64) -> u32 {
    length.round() as u32
}

/// Multiplies the opacities of an RGBA picture.
fn weighed(mut picture: Picture, opacity: f64) -> Picture {
    let (pixels, _) = picture.data.as_chunks_mut::<4>();
    for [.., alpha] in pixels {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
        let weighed = (f64::from(*alpha) * opacity).round() as u8;
        *alpha = weighed;
    }
    picture
}

/// Whether all visible pixels of an RGBA picture are gray.
fn is_gray(picture: &Picture) -> bool {
    let (pixels, _) = picture.data.as_chunks::<4>();
    pixels.iter().all(|&[red, green, blue, alpha]| alpha == 0 || red == green && green == blue)
}

/// Composites an RGBA picture over all or part of another picture.
fn lay_over(picture: &mut Picture, mark: &Picture, left: i64, top: i64) {
    let bytes = picture.kind.bytes();
    let clip = |position: i64, length: u32, side: u32| {
        let start = position.clamp(0, i64::from(side));
        let end = (position + i64::from(length)).clamp(start, i64::from(side));
        let skipped = usize::try_from(start - position).unwrap_or_default();
        let start = usize::try_from(start).unwrap_or_default();
        (start, usize::try_from(end).unwrap_or_default() - start, skipped)
    };
    let (left, columns, skipped_columns) = clip(left, mark.width, picture.width);
    let (top, rows, skipped_rows) = clip(top, mark.height, picture.height);
    if columns == 0 {
        return;
    }
    let (kind, stride) = (picture.kind, picture.stride());
    let below = picture.data.chunks_exact_mut(stride).skip(top).take(rows);
    let above = mark.data.chunks_exact(mark.stride()).skip(skipped_rows);
    for (below, above) in below.zip(above) {
        let (above, _) = above.as_chunks::<4>();
        let above = above.iter().skip(skipped_columns).take(columns);
        let below = below.chunks_exact_mut(bytes).skip(left);
        for (below, above) in below.zip(above) {
            match (kind, below) {
                (_, _) if above[3] == 0 => {}
                (PixelKind::Luma, [luma]) => *luma = mixed(*luma, above[0], above[3]),
                (PixelKind::Rgb, [red, green, blue]) => {
                    *red = mixed(*red, above[0], above[3]);
                    *green = mixed(*green, above[1], above[3]);
                    *blue = mixed(*blue, above[2], above[3]);
                }
                (_, [red, green, blue, alpha]) => {
                    over([red, green, blue, alpha], *above);
                }
                _ => {}
            }
        }
    }
}

/// Composites a sample over an opaque sample.
fn mixed(below: u8, above: u8, opacity: u8) -> u8 {
    let opacity = u32::from(opacity);
    let sum = u32::from(above) * opacity + u32::from(below) * (255 - opacity);
    u8::try_from((sum + 127) / 255).unwrap_or(255)
}

/// Composites one pixel over another. Either may be translucent.
fn over(below: [&mut u8; 4], [red, green, blue, alpha]: [u8; 4]) {
    let [below_red, below_green, below_blue, below_alpha] = below;
    let front = u32::from(alpha) * 255;
    let back = u32::from(*below_alpha) * (255 - u32::from(alpha));
    let total = front + back;
    let mix = |below: &mut u8, above: u8| {
        let sum = u32::from(above) * front + u32::from(*below) * back;
        *below = u8::try_from((sum + total / 2) / total).unwrap_or(255);
    };
    mix(below_red, red);
    mix(below_green, green);
    mix(below_blue, blue);
    *below_alpha = u8::try_from((total + 127) / 255).unwrap_or(255);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_start_at_the_gravity() {
        assert_eq!(along(100, 20, 0.0, 0.05, false), [5]);
        assert_eq!(along(100, 20, 0.5, 0.05, false), [45]);
        assert_eq!(along(100, 20, 1.0, 0.05, false), [75]);
        assert_eq!(along(100, 20, 0.0, 0.1, true), [0, 30, 60, 90]);
        assert_eq!(along(100, 20, 1.0, 0.1, true), [-10, 20, 50, 80]);
        assert_eq!(along(20, 20, 0.5, 0.0, true), [0]);
    }

    #[test]
    fn composes_pixels() {
        for below in [0, 77, 255] {
            assert_eq!(mixed(below, 200, 0), below);
            assert_eq!(mixed(below, 200, 255), 200);
        }
        let mut pixel = [10, 20, 30, 0];
        let [red, green, blue, alpha] = &mut pixel;
        over([red, green, blue, alpha], [200, 100, 50, 128]);
        assert_eq!(pixel, [200, 100, 50, 128]);
    }
}
