//! Resizes a picture while only a strip of it is in memory.

use fast_image_resize::images::{Image, ImageRef, TypedImage};
use fast_image_resize::pixels::U8x4;
use fast_image_resize::{MulDiv, ResizeOptions, Resizer};

use crate::error::RasterError;
use crate::picture::{Picture, PixelKind, Size};
use crate::resize::{Area, Filter, LANCZOS_RADIUS, convolve, lanczos3_in_lanes, options, samples};

/// The number of rows that are resized to their final width at once. The weights of columns are
/// computed each time.
const BAND: u32 = 256;

/// Resizes a part of a picture by [`Filter::Lanczos3`], while the picture's rows arrive from top to
/// bottom, a strip at a time.
///
/// The result is the same as that of [`resize`](crate::resize()), except that some samples differ
/// by one, or by two if the picture is enlarged vertically. This is because row weights are rounded
/// according to the largest weight, which may differ between a strip and the whole picture.
///
/// Get [`room`](Self::room), fill it with the next rows, call [`advance`](Self::advance), and
/// repeat until `room` returns `None`.
pub struct StripResizer {
    from: Size,
    kind: PixelKind,
    to: Size,
    across: Axis,
    down: Axis,
    /// The columns of the picture that are used: the first, and the one after the last.
    columns: (u32, u32),
    /// Whether samples are first multiplied by their opacity.
    has_alpha: bool,
    engine: Resizer,
    /// The minimum number of rows that arrive at once.
    strip: u32,
    /// The rows of the picture that are still needed, and room for the next ones.
    rows: Vec<u8>,
    /// The first row of the picture that is in `rows`.
    first: u32,
    /// The row after the last one in `rows`.
    end: u32,
    /// The maximum number of rows of the result that are computed at once.
    most_in_band: u32,
    /// The finished rows of the band. Each row covers the range of columns in use.
    band: Vec<u8>,
    /// The number of rows in the band.
    in_band: u32,
    resized: Vec<u8>,
    /// The number of finished rows of the result.
    finished: u32,
}

impl StripResizer {
    /// Creates a resizer for a part of a picture with this size and kind. `strip` is the number of
    /// bytes in a strip, unless a strip needs more for the radius of the filter.
    #[must_use]
    pub fn new(from: Size, kind: PixelKind, area: Area, to: Size, strip: usize) -> Self {
        let stride = (from.width as usize * kind.bytes()).max(1);
        let strip = u32::try_from(strip / stride).unwrap_or(u32::MAX);
        Self::with_rows(strip, BAND, from, kind, area, to)
    }

    fn with_rows(strip: u32, band: u32, from: Size, kind: PixelKind, area: Area, to: Size) -> Self {
        let across = Axis::new(area.left, area.width, from.width, to.width);
        let down = Axis::new(area.top, area.height, from.height, to.height);
        let columns = (across.span(0).0, across.span(to.width.saturating_sub(1)).1);
        let most_in_band = band.min(to.height);
        let band = most_in_band as usize * columns.1.saturating_sub(columns.0) as usize;
        // The number of rows in a strip is at least the maximum number of kept rows, so that moving
        // the kept rows takes little time.
        let strip = strip.max(down.reach());
        let rows = strip.saturating_add(down.reach()).min(from.height);
        let rows = rows as usize * from.width as usize;
        Self {
            from,
            kind,
            to,
            across,
            down,
            columns,
            has_alpha: kind == PixelKind::Rgba && !(across.is_copied() && down.is_copied()),
            engine: Resizer::new(),
            strip,
            rows: vec![0; rows * kind.bytes()],
            first: 0,
            end: 0,
            most_in_band,
            band: vec![0; band * kind.bytes()],
            in_band: 0,
            resized: vec![0; to.width as usize * to.height as usize * kind.bytes()],
            finished: 0,
        }
    }

    /// Returns the room for the next rows of the picture, or `None` after the last row.
    pub fn room(&mut self) -> Option<&mut [u8]> {
        let rows = self.strip_rows();
        let start = self.bytes(self.end - self.first);
        let end = start + self.bytes(rows);
        self.rows.get_mut(start..end).filter(|_| rows > 0)
    }

    /// Resizes as far as possible, after [`room`](Self::room) has been filled.
    ///
    /// # Errors
    /// Fails if the area lies outside the picture.
    pub fn advance(&mut self) -> Result<(), RasterError> {
        let added = self.strip_rows();
        if self.has_alpha && self.needed() < self.end + added {
            let start = self.bytes(self.end - self.first);
            let rows = self.rows.get_mut(start..).unwrap_or_default();
            multiply_alpha(rows, Size { height: added, ..self.from })?;
        }
        self.end += added;
        while let rows @ 1.. = self.complete() {
            self.resize_down(rows)?;
            if self.in_band == self.most_in_band || self.next() == self.to.height {
                self.resize_across()?;
            }
        }
        let needed = self.needed().clamp(self.first, self.end);
        let (from, to) = (self.bytes(needed - self.first), self.bytes(self.end - self.first));
        self.rows.copy_within(from..to, 0);
        self.first = needed;
        Ok(())
    }

    /// Returns the resized part, once [`room`](Self::room) has returned `None`.
    #[must_use]
    pub fn finish(self) -> Picture {
        let Self { to: Size { width, height }, kind, resized: data, .. } = self;
        Picture { width, height, kind, data }
    }

    /// The number of rows in the next strip.
    const fn strip_rows(&self) -> u32 {
        let rest = self.from.height - self.end;
        if self.strip < rest { self.strip } else { rest }
    }

    fn bytes(&self, rows: u32) -> usize {
        rows as usize * self.from.width as usize * self.kind.bytes()
    }

    /// The next row of the result.
    const fn next(&self) -> u32 {
        self.finished + self.in_band
    }

    /// The first row of the picture that is needed for the next row of the result.
    fn needed(&self) -> u32 {
        if self.next() < self.to.height { self.down.span(self.next()).0 } else { self.from.height }
    }

    /// The number of rows of the result that can be computed and fit in the band.
    fn complete(&self) -> u32 {
        let end = self.to.height.min(self.finished.saturating_add(self.most_in_band));
        (self.next()..end)
            .take_while(|&row| self.down.span(row).1 <= self.end)
            .last()
            .map_or(0, |last| last + 1 - self.next())
    }

    /// Computes the next rows of the result at their original width.
    fn resize_down(&mut self, rows: u32) -> Result<(), RasterError> {
        let known = Size { width: self.from.width, height: self.end - self.first };
        let (left, right) = self.columns;
        let to = Size { width: right - left, height: rows };
        let (top, height) = self.down.part(self.next(), rows, (self.first, self.end));
        let area = Area { left: left.into(), top, width: to.width.into(), height };
        let stride = to.width as usize * self.kind.bytes();
        let start = self.in_band as usize * stride;
        let end = start + rows as usize * stride;
        let band = self.band.get_mut(start..end).unwrap_or_default();
        let options = options(area, Filter::Lanczos3, false);
        resize_into(&mut self.engine, &self.rows, known, &options, self.kind, band, to)?;
        self.in_band += rows;
        Ok(())
    }

    /// Resizes the rows of the band to their final width, which completes them.
    fn resize_across(&mut self) -> Result<(), RasterError> {
        let height = self.in_band;
        let (first, end) = self.columns;
        let from = Size { width: end - first, height };
        let to = Size { width: self.to.width, height };
        let (left, width) = self.across.part(0, to.width, self.columns);
        let area = Area { left, top: 0.0, width, height: height.into() };
        let stride = to.width as usize * self.kind.bytes();
        let start = self.finished as usize * stride;
        let resized = self.resized.get_mut(start..start + height as usize * stride);
        let resized = resized.unwrap_or_default();
        let kernel = if self.kind == PixelKind::Luma {
            lanczos3_in_lanes(self.across.scale)
        } else {
            Filter::Lanczos3.into()
        };
        let options = options(area, kernel, false);
        resize_into(&mut self.engine, &self.band, from, &options, self.kind, resized, to)?;
        if self.has_alpha {
            divide_alpha(resized, to)?;
        }
        self.finished += height;
        self.in_band = 0;
        Ok(())
    }
}

/// One direction of a resize.
#[derive(Debug, Clone, Copy)]
struct Axis {
    /// The start of the part.
    start: f64,
    /// The number of pixels of the picture per pixel of the result.
    scale: f64,
    /// The number of pixels of the picture.
    from: u32,
}

impl Axis {
    fn new(start: f64, length: f64, from: u32, to: u32) -> Self {
        Self { start, scale: length / f64::from(to), from }
    }

    /// The first pixel of the picture that a pixel of the result needs, and the one after the last.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels")]
    fn span(self, index: u32) -> (u32, u32) {
        let middle = self.start + (f64::from(index) + 0.5) * self.scale;
        let radius = LANCZOS_RADIUS * self.scale.max(1.0);
        let pixel = |place: f64| (place as u32).min(self.from);
        (pixel((middle - radius).floor()), pixel((middle + radius).ceil()))
    }

    /// The maximum number of pixels of the picture that a pixel of the result needs.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels")]
    fn reach(self) -> u32 {
        (2.0 * LANCZOS_RADIUS * self.scale.max(1.0)).ceil() as u32 + 1
    }

    /// The start and length of `count` pixels of the result, relative to a part of the picture. The
    /// part goes from `first` to `end`, and contains all pixels that these pixels need.
    fn part(self, index: u32, count: u32, (first, end): (u32, u32)) -> (f64, f64) {
        const ROUNDING: f64 = 1e-6;
        let start = self.start + f64::from(index) * self.scale - f64::from(first);
        let length = f64::from(count) * self.scale;
        let rest = f64::from(end - first) - start;
        (start, if (0.0..ROUNDING).contains(&(length - rest)) { rest } else { length })
    }

    /// Whether the pixels of the result are copies of pixels of the picture.
    #[expect(clippy::float_cmp, reason = "the library does the same")]
    fn is_copied(self) -> bool {
        self.scale == 1.0 && self.start == self.start.round()
    }
}

fn resize_into(
    engine: &mut Resizer,
    data: &[u8],
    from: Size,
    options: &ResizeOptions,
    kind: PixelKind,
    resized: &mut [u8],
    to: Size,
) -> Result<(), RasterError> {
    let samples = samples(kind);
    let source = ImageRef::new(from.width, from.height, data, samples).map_err(RasterError::new)?;
    let mut resized =
        Image::from_slice_u8(to.width, to.height, resized, samples).map_err(RasterError::new)?;
    convolve(engine, &source, &mut resized, options)
}

fn multiply_alpha(data: &mut [u8], size: Size) -> Result<(), RasterError> {
    let mut pixels =
        TypedImage::<U8x4>::from_buffer(size.width, size.height, data).map_err(RasterError::new)?;
    MulDiv::new().multiply_alpha_inplace_typed(&mut pixels).map_err(RasterError::new)
}

fn divide_alpha(data: &mut [u8], size: Size) -> Result<(), RasterError> {
    let mut pixels =
        TypedImage::<U8x4>::from_buffer(size.width, size.height, data).map_err(RasterError::new)?;
    MulDiv::new().divide_alpha_inplace_typed(&mut pixels).map_err(RasterError::new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::resize;

    /// Patches of noise, edges between them, and pixels that are transparent.
    fn picture(size: Size, kind: PixelKind, seed: u32) -> Picture {
        let mut state = seed | 1;
        let mut noise = move || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            u8::try_from(state >> 24).unwrap()
        };
        let Size { width, height } = size;
        let patches: Vec<u8> = (0..64).map(|_| noise()).collect();
        let data = (0..height as usize)
            .flat_map(|y| (0..width as usize).map(move |x| (y / 7 * 8 + x / 9) % 64))
            .flat_map(|patch| vec![patch; kind.bytes()])
            .map(|patch| patches[patch].saturating_add(noise() >> 4))
            .collect();
        Picture { width, height, kind, data }
    }

    fn by_strips(picture: &Picture, area: Area, to: Size, strip: u32, band: u32) -> Picture {
        let mut strips =
            StripResizer::with_rows(strip, band, picture.size(), picture.kind, area, to);
        let mut rest = picture.data.as_slice();
        while let Some(room) = strips.room() {
            let rows;
            (rows, rest) = rest.split_at(room.len());
            room.copy_from_slice(rows);
            strips.advance().unwrap();
        }
        assert!(rest.is_empty());
        strips.finish()
    }

    /// The largest difference between samples. With an opacity, it is the largest difference
    /// between opacities or premultiplied samples.
    fn difference(one: &Picture, other: &Picture) -> u32 {
        assert_eq!((one.size(), one.kind), (other.size(), other.kind));
        if one.kind != PixelKind::Rgba {
            let pairs = one.data.iter().zip(&other.data);
            return pairs.map(|(one, other)| one.abs_diff(*other).into()).max().unwrap_or(0);
        }
        let shown = |picture: &Picture| -> Vec<u32> {
            let (pixels, _) = picture.data.as_chunks::<4>();
            let shown = |&[r, g, b, a]: &[u8; 4]| {
                [r, g, b, 255].map(|sample| (u32::from(sample) * u32::from(a) + 127) / 255)
            };
            pixels.iter().flat_map(shown).collect()
        };
        let pairs = shown(one).into_iter().zip(shown(other));
        pairs.map(|(one, other)| one.abs_diff(other)).max().unwrap_or(0)
    }

    fn kind() -> impl Strategy<Value = PixelKind> {
        use PixelKind::{Cmyk, Luma, Rgb, Rgba};
        prop::sample::select(vec![Luma, Rgb, Rgba, Cmyk])
    }

    /// The start and length of a part of a side: the whole side, whole pixels, or fractions of
    /// pixels.
    fn part() -> impl Strategy<Value = (f64, f64, bool)> {
        prop_oneof![Just((0.0, 1.0, true)), (0.0..0.9, 0.01..1.0, any::<bool>()),]
    }

    fn along((start, length, whole): (f64, f64, bool), side: u32) -> (f64, f64) {
        let side = f64::from(side);
        let start = start * side;
        let length = (length * side).min(side - start);
        if whole { (start.floor(), length.floor().max(1.0)) } else { (start, length) }
    }

    #[test]
    fn an_area_beyond_the_picture_is_an_error() {
        let size = Size { width: 4, height: 4 };
        for (top, height) in [(0.0, 5.0), (3.5, 1.0), (4.0, 1.0)] {
            let area = Area { left: 0.0, top, width: 4.0, height };
            let mut strips = StripResizer::new(size, PixelKind::Luma, area, size, 1);
            strips.room().unwrap();
            assert!(strips.advance().is_err(), "{top} {height}");
        }
    }

    proptest! {
        #[test]
        fn strips_make_what_the_whole_makes(
            (width, height) in (1..100_u32, 1..150_u32),
            (columns, rows) in (part(), part()),
            (to_width, to_height) in (1..90_u32, 1..160_u32),
            kind in kind(),
            (strip, band) in (1..170_u32, 1..170_u32),
            seed in any::<u32>(),
        ) {
            let picture = picture(Size { width, height }, kind, seed);
            let ((left, width), (top, height)) = (along(columns, width), along(rows, height));
            let area = Area { left, top, width, height };
            let to = Size { width: to_width, height: to_height };
            let whole = resize(&picture, area, to, Filter::Lanczos3).unwrap();
            let made = by_strips(&picture, area, to, strip, band);
            let pairs = made.data.iter().zip(&whole.data);
            let differing = pairs.filter(|(made, whole)| made != whole).count();
            prop_assert!(differing <= 9 + made.data.len() / 20, "{differing} differ");
            // Samples differ by at most one after the columns, and by two after the rows. Then
            // colours are divided by the opacity.
            let most = if kind == PixelKind::Rgba { 3 } else { 2 };
            let difference = difference(&made, &whole);
            prop_assert!(difference <= most, "{difference}");
        }
    }
}
