//! Resizes a part of an image to the size of the thumbnail.

use std::{iter, mem};

use raster::{Area, Filter, Picture, PixelKind, RasterError, Size, StripResizer};

use super::crop::Window;
use super::decode::{Pixels, Rows};
use super::limits::CheckTime;
use crate::error::ThumbnailError;

/// The number of bytes of a picture that are resized at once.
const STRIP: usize = 256 * 1024;

/// The number of bytes of a component that are resized at once. The strips of three components fit
/// in a processor's cache.
const COMPONENT_STRIP: usize = 64 * 1024;

/// The values that are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Averaging {
    /// Gamma-encoded sRGB samples, as in browsers and most programs.
    #[default]
    Encoded,
    /// Linear light: samples are linearised before resizing, and gamma-encoded again afterwards.
    LinearLight,
}

/// Resizes a part of an image. Rows that are decoded on demand are resized in strips, and the time
/// limit is checked before each strip.
///
/// # Errors
/// Fails if the source is damaged, or if `check_time` fails. The sizes in a [`Geometry`] never
/// cause [`ThumbnailError::Internal`].
///
/// [`Geometry`]: super::crop::Geometry
pub fn resize(
    pixels: Pixels<'_>,
    window: Window,
    size: Size,
    averaging: Averaging,
    check_time: CheckTime<'_>,
) -> Result<Picture, ThumbnailError> {
    let from = pixels.size();
    let area = area(from, window);
    let is_whole = area.width >= f64::from(from.width) && area.height >= f64::from(from.height);
    if size == from && is_whole {
        return pixels.into_picture();
    }
    match (averaging, pixels) {
        (Averaging::Encoded, Pixels::Rows(rows)) => resize_rows(rows, area, size, check_time),
        (Averaging::LinearLight, Pixels::Reduced(picture, variances)) => {
            Ok(raster::resize_linear(&picture, Some(&variances), area, size)?)
        }
        (averaging, pixels) => {
            let picture = pixels.into_picture()?;
            // Linear light is not defined for inks.
            if averaging == Averaging::LinearLight && picture.kind != PixelKind::Cmyk {
                return Ok(raster::resize_linear(&picture, None, area, size)?);
            }
            Ok(raster::resize(&picture, area, size, Filter::Lanczos3)?)
        }
    }
}

fn resize_rows(
    Rows { size: from, kind, read }: Rows<'_>,
    area: Area,
    size: Size,
    check_time: CheckTime<'_>,
) -> Result<Picture, ThumbnailError> {
    let mut strips = StripResizer::new(from, kind, area, size, STRIP);
    while let Some(room) = strips.room() {
        check_time()?;
        read(room)?;
        strips.advance()?;
    }
    Ok(strips.finish())
}

/// Resizes a part of one component of an image, while its rows arrive from top to bottom.
pub struct ComponentResizer {
    strips: StripResizer,
    /// The number of samples, across and down.
    from: Size,
    /// The same, including repetitions of the last sample of each row and column.
    extended: Size,
    /// The number of bytes in the current strip.
    filled: usize,
    /// The last row, if it has to be repeated.
    last: Vec<u8>,
    error: Option<RasterError>,
}

impl ComponentResizer {
    /// Creates a resizer for a component with `from` samples, each of which covers `covered` pixels
    /// of the image. `picture` is the size of the image, and `size` that of the result. Each sample
    /// of the result covers `covers` pixels in each direction. The last sample may extend beyond
    /// the edge of the image. The part then extends beyond it, too.
    #[must_use]
    pub fn new(
        from: Size,
        covered: (f64, f64),
        picture: Size,
        window: Window,
        size: Size,
        covers: u32,
    ) -> Self {
        let area = area(picture, window);
        let (across, down) = covered;
        let along = |start: f64, length: f64, covered: f64, side: u32| {
            let to = side.div_ceil(covers);
            let scale = length / f64::from(side) / covered;
            (start / covered, f64::from(to * covers) * scale, to)
        };
        let (left, width, columns) = along(area.left, area.width, across, size.width);
        let (top, height, rows) = along(area.top, area.height, down, size.height);
        let extended = Size {
            width: from.width.max(whole(left + width)),
            height: from.height.max(whole(top + height)),
        };
        let width = width.min(f64::from(extended.width) - left);
        let height = height.min(f64::from(extended.height) - top);
        let area = Area { left, top, width, height };
        let to = Size { width: columns, height: rows };
        let strips = StripResizer::new(extended, PixelKind::Luma, area, to, COMPONENT_STRIP);
        Self { strips, from, extended, filled: 0, last: Vec::new(), error: None }
    }

    /// Adds one or more rows, without padding.
    pub fn add(&mut self, rows: &[u8]) {
        let Self { from, extended, .. } = *self;
        let stride = (from.width as usize).max(1);
        let more = (extended.width - from.width) as usize;
        if more == 0 {
            self.push(rows);
        } else {
            rows.chunks_exact(stride).for_each(|row| self.push(&with_end(row, more)));
        }
        if extended.height > from.height
            && let Some(row) = rows.rchunks_exact(stride).next()
        {
            self.last = with_end(row, more);
        }
    }

    fn push(&mut self, mut samples: &[u8]) {
        while let (false, None) = (samples.is_empty(), &self.error) {
            let Some(room) = self.strips.room() else { return };
            let room = room.get_mut(self.filled..).unwrap_or_default();
            let (now, later) = samples.split_at(room.len().min(samples.len()));
            room.iter_mut().zip(now).for_each(|(to, &from)| *to = from);
            self.filled += now.len();
            if now.len() == room.len() {
                self.filled = 0;
                self.error = self.strips.advance().err();
            }
            samples = later;
        }
    }

    /// Returns the resized part, once all rows have been added.
    ///
    /// # Errors
    /// [`ThumbnailError::Internal`]. This never happens with sizes from a
    /// [`Geometry`](super::crop::Geometry).
    pub fn finish(mut self) -> Result<Picture, ThumbnailError> {
        let last = mem::take(&mut self.last);
        for _ in self.from.height..self.extended.height {
            self.push(&last);
        }
        match self.error {
            Some(error) => Err(error.into()),
            None => Ok(self.strips.finish()),
        }
    }
}

/// Repeats the last sample of a row.
fn with_end(row: &[u8], more: usize) -> Vec<u8> {
    let last = row.last().copied().unwrap_or_default();
    row.iter().copied().chain(iter::repeat_n(last, more)).collect()
}

/// The maximum error, in pixels, of a position that is computed from fractions.
const ROUNDING: f64 = 1e-6;

/// Rounds up to a whole number of samples, ignoring rounding errors.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a side of a picture")]
fn whole(length: f64) -> u32 {
    (length - ROUNDING).ceil() as u32
}

/// Returns a small copy of a part of an image, for colour analysis.
///
/// # Errors
/// [`ThumbnailError::Internal`]. This never happens with sizes from a
/// [`Geometry`](super::crop::Geometry).
pub fn shrunk_copy(
    picture: &Picture,
    window: Window,
    size: Size,
) -> Result<Picture, ThumbnailError> {
    Ok(raster::resize(picture, area(picture.size(), window), size, Filter::Box)?)
}

fn area(size: Size, window: Window) -> Area {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let left = snapped(window.left * width).clamp(0.0, width);
    let top = snapped(window.top * height).clamp(0.0, height);
    Area {
        left,
        top,
        width: snapped(window.width * width).min(width - left),
        height: snapped(window.height * height).min(height - top),
    }
}

/// Rounds to a whole number of pixels if the difference is small enough to be a rounding error.
fn snapped(pixels: f64) -> f64 {
    if (pixels - pixels.round()).abs() < ROUNDING { pixels.round() } else { pixels }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn no_row_is_decoded_after_the_time_limit() {
        let from = Size { width: 1000, height: 3000 };
        let read = Cell::new(0);
        let check_time =
            || if read.get() >= 1_000_000 { Err(ThumbnailError::Timeout) } else { Ok(()) };
        let mut count = |rows: &mut [u8]| {
            read.set(read.get() + rows.len());
            Ok(())
        };
        let rows = Rows { size: from, kind: PixelKind::Luma, read: &mut count };
        let window = Window { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };
        let size = Size { width: 100, height: 300 };
        let resized = resize(Pixels::Rows(rows), window, size, Averaging::Encoded, &check_time);
        assert_eq!(resized, Err(ThumbnailError::Timeout));
        assert!((1_000_000..2_000_000).contains(&read.get()), "{}", read.get());
    }

    /// Chroma of half the resolution, whose last column and row extend beyond the edge of the image:
    /// the result is that of a plane that repeats the last samples.
    #[test]
    fn components_extend_beyond_the_edge() {
        let window = Window { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };
        for (width, height, covers) in
            [(40_u32, 30_u32, 1), (41, 31, 1), (41, 31, 2), (640, 401, 2)]
        {
            let from = Size { width: width.div_ceil(2), height: height.div_ceil(2) };
            let size = Size { width: width / 3, height: height / 3 };
            let samples: Vec<u8> = (0..from.width * from.height)
                .map(|at| u8::try_from(at * at / 7 % 256).unwrap())
                .collect();
            let resized = |rows: usize| {
                let picture = Size { width, height };
                let mut resizer =
                    ComponentResizer::new(from, (2.0, 2.0), picture, window, size, covers);
                samples.chunks(rows * from.width as usize).for_each(|rows| resizer.add(rows));
                resizer.finish().unwrap()
            };
            let made = resized(1);
            assert_eq!(made, resized(7));
            let to =
                Size { width: size.width.div_ceil(covers), height: size.height.div_ceil(covers) };
            let length = |full: u32, size: u32, to: u32| {
                f64::from(full) / 2.0 * f64::from(to * covers) / f64::from(size)
            };
            let area = Area {
                left: 0.0,
                top: 0.0,
                width: length(width, size.width, to.width),
                height: length(height, size.height, to.height),
            };
            // The last column and row are repeated as often as the area needs.
            let columns = (0..from.width).chain(iter::repeat(from.width - 1));
            let rows = (0..from.height).chain(iter::repeat(from.height - 1));
            let across = from.width.max(whole(area.width));
            let down = from.height.max(whole(area.height));
            let data = rows.take(down as usize).flat_map(|y| {
                let row = columns.clone().take(across as usize);
                row.map(|x| samples[(y * from.width + x) as usize]).collect::<Vec<_>>()
            });
            let data = data.collect();
            let extended = Picture { width: across, height: down, kind: PixelKind::Luma, data };
            let expected = raster::resize(&extended, area, to, Filter::Lanczos3).unwrap();
            assert_eq!(made.size(), to);
            let pairs = made.data.iter().zip(&expected.data);
            assert!(pairs.into_iter().all(|(one, other)| one.abs_diff(*other) <= 2), "{width}");
        }
    }

    #[test]
    fn a_window_of_whole_pixels_is_an_area_of_whole_pixels() {
        for side in [97, 300, 641, 997, 4001] {
            for (first, end) in [(0, side), (0, side - 1), (13, 57), (side / 3, side / 3 * 2)] {
                let whole = f64::from(side);
                let (left, width) = (f64::from(first) / whole, f64::from(end - first) / whole);
                let window = Window { left, top: left, width, height: width };
                let area = area(Size { width: side, height: side }, window);
                let expected = (f64::from(first), f64::from(end - first));
                assert_eq!([(area.left, area.width), (area.top, area.height)], [expected; 2]);
            }
        }
    }
}
