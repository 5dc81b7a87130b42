//! Resizes a part of an image to the size of the thumbnail.

use std::borrow::Cow;
use std::iter;

use raster::{Area, Filter, Picture, PixelKind, Size, StripResizer};

use super::crop::Window;
use super::decode::{Component, Pixels, Rows};
use super::limits::CheckTime;
use crate::error::ThumbnailError;

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
    let mut strips = StripResizer::new(from, kind, area, size);
    while let Some(room) = strips.room() {
        check_time()?;
        read(room)?;
        strips.advance()?;
    }
    Ok(strips.finish())
}

/// Resizes a part of one component of an image. `picture` is the size of the image. Each sample of
/// the result covers `covers` pixels in each direction. The last sample may extend beyond the edge
/// of the image. The part then extends beyond it, too.
///
/// # Errors
/// [`ThumbnailError::Internal`]. This never happens with sizes from a
/// [`Geometry`](super::crop::Geometry).
pub fn resize_component(
    component: &Component<'_>,
    picture: Size,
    window: Window,
    size: Size,
    covers: u32,
) -> Result<Picture, ThumbnailError> {
    let area = area(picture, window);
    let (from, (across, down)) = (component.size, component.covers);
    let along = |start: f64, length: f64, covered: u32, side: u32| {
        let to = side.div_ceil(covers);
        let scale = length / f64::from(side) / f64::from(covered);
        (start / f64::from(covered), f64::from(to * covers) * scale, to)
    };
    let (left, width, columns) = along(area.left, area.width, across, size.width);
    let (top, height, rows) = along(area.top, area.height, down, size.height);
    let extended = Size {
        width: from.width.max(whole(left + width)),
        height: from.height.max(whole(top + height)),
    };
    let samples = extend(component.samples, from, extended);
    let width = width.min(f64::from(extended.width) - left);
    let height = height.min(f64::from(extended.height) - top);
    let area = Area { left, top, width, height };
    Ok(raster::resize_samples(&samples, extended, area, Size { width: columns, height: rows })?)
}

/// The maximum error, in pixels, of a position that is computed from fractions.
const ROUNDING: f64 = 1e-6;

/// Rounds up to a whole number of samples, ignoring rounding errors.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a side of a picture")]
fn whole(length: f64) -> u32 {
    (length - ROUNDING).ceil() as u32
}

/// Extends a plane by repeating its last column and row.
fn extend(samples: &[u8], from: Size, to: Size) -> Cow<'_, [u8]> {
    if from == to {
        return Cow::Borrowed(samples);
    }
    let (width, more) = (from.width as usize, (to.width - from.width) as usize);
    let mut extended = Vec::with_capacity(to.width as usize * to.height as usize);
    for row in samples.chunks_exact(width.max(1)) {
        extended.extend_from_slice(row);
        extended.extend(row.last().iter().flat_map(|&&last| iter::repeat_n(last, more)));
    }
    let last = extended.len().saturating_sub(to.width as usize);
    for _ in from.height..to.height {
        extended.extend_from_within(last..last + to.width as usize);
    }
    Cow::Owned(extended)
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
