//! Resize a picture of which only a strip is in memory.

use fast_image_resize::Resizer;
use fast_image_resize::images::{Image, ImageRef};

use crate::resize::{LANCZOS_RADIUS, convolve, samples};
use crate::{Area, Filter, Picture, PixelKind, RasterError, Size};

/// Bytes of a strip: so many that what is reckoned once for each does not count.
const STRIP: usize = 1 << 20;

/// What may be wrong with a number of rows that has been reckoned.
const ROUNDING: f64 = 1e-6;

/// Resizes a part of a picture whose rows come from top to bottom, a strip at a time, by
/// [`Filter::Lanczos3`].
///
/// The result is that of [`resize`](crate::resize()), but for some samples that differ by one, or
/// two where rows are added: the weights of rows are rounded, how finely depends on the largest, and
/// that of a strip may not be that of the whole picture.
///
/// Ask for [`room`](Self::room), fill it with the next rows and [`advance`](Self::advance), until there
/// is no more room.
pub struct StripResizer {
    from: Size,
    kind: PixelKind,
    area: Area,
    to: Size,
    strip: u32,
    engine: Resizer,
    /// Rows of the picture that are needed still, and room for those that come.
    rows: Vec<u8>,
    /// The first row of the picture that is in `rows`.
    first: u32,
    /// The row after the last one.
    end: u32,
    resized: Vec<u8>,
    /// Rows of the result that are finished.
    finished: u32,
}

impl StripResizer {
    /// For a part of a picture of this size and kind.
    #[must_use]
    pub fn new(from: Size, kind: PixelKind, area: Area, to: Size) -> Self {
        Self::with_strips_of(STRIP, from, kind, area, to)
    }

    fn with_strips_of(bytes: usize, from: Size, kind: PixelKind, area: Area, to: Size) -> Self {
        let stride = (from.width as usize * kind.bytes()).max(1);
        let strip = u32::try_from(bytes / stride).unwrap_or(u32::MAX);
        let resized = vec![0; to.width as usize * to.height as usize * kind.bytes()];
        let (engine, rows) = (Resizer::new(), Vec::new());
        let (first, end, finished) = (0, 0, 0);
        Self { from, kind, area, to, strip, engine, rows, first, end, resized, finished }
    }

    /// Where the next rows of the picture go, as many as there is room for; nothing when it has no
    /// more.
    pub fn room(&mut self) -> Option<&mut [u8]> {
        let rows = self.strip_rows();
        if rows == 0 {
            return None;
        }
        let start = self.bytes(self.end - self.first);
        let end = start + self.bytes(rows);
        if self.rows.len() < end {
            self.rows.resize(end, 0);
        }
        self.rows.get_mut(start..end)
    }

    /// Resize what can be of the rows that are there, the last [`room`](Self::room) having been filled.
    ///
    /// # Errors
    /// An area beyond the picture.
    pub fn advance(&mut self) -> Result<(), RasterError> {
        self.end += self.strip_rows();
        let next = (self.finished..self.to.height)
            .take_while(|&row| self.span(row).1 <= self.end)
            .last()
            .map_or(self.finished, |row| row + 1);
        if next > self.finished {
            self.resize_until(next)?;
            self.finished = next;
        }
        let needed =
            if self.finished < self.to.height { self.span(self.finished).0 } else { self.end };
        let needed = needed.clamp(self.first, self.end);
        let (from, to) = (self.bytes(needed - self.first), self.bytes(self.end - self.first));
        self.rows.copy_within(from..to, 0);
        self.first = needed;
        Ok(())
    }

    /// The resized part, once there is no more room.
    #[must_use]
    pub fn finish(self) -> Picture {
        let Self { to: Size { width, height }, kind, resized: data, .. } = self;
        Picture { width, height, kind, data }
    }

    /// Rows of the next strip: no fewer than are kept of the last one, so that none takes long to
    /// move.
    fn strip_rows(&self) -> u32 {
        self.strip.max(self.end - self.first).max(1).min(self.from.height - self.end)
    }

    fn bytes(&self, rows: u32) -> usize {
        rows as usize * self.from.width as usize * self.kind.bytes()
    }

    /// Rows of the picture that a row of the result covers.
    fn scale(&self) -> f64 {
        self.area.height / f64::from(self.to.height)
    }

    /// The first row of the picture that counts for a row of the result, and the one after the last.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rows")]
    fn span(&self, row: u32) -> (u32, u32) {
        let middle = self.area.top + (f64::from(row) + 0.5) * self.scale();
        let radius = LANCZOS_RADIUS * self.scale().max(1.0);
        let end = ((middle + radius).ceil() as u32).min(self.from.height);
        ((middle - radius).floor() as u32, end)
    }

    /// Resize from the first row that isn't finished to the one before this.
    fn resize_until(&mut self, end: u32) -> Result<(), RasterError> {
        let known = Size { width: self.from.width, height: self.end - self.first };
        let size = Size { width: self.to.width, height: end - self.finished };
        let top = self.area.top + f64::from(self.finished) * self.scale() - f64::from(self.first);
        let height = f64::from(size.height) * self.scale();
        let rest = f64::from(known.height) - top;
        let height = if (0.0..ROUNDING).contains(&(height - rest)) { rest } else { height };
        let area = Area { top, height, ..self.area };
        let samples = samples(self.kind);
        let source = ImageRef::new(known.width, known.height, &self.rows, samples);
        let stride = self.to.width as usize * self.kind.bytes();
        let rows = self.resized.get_mut(self.finished as usize * stride..end as usize * stride);
        let resized =
            Image::from_slice_u8(size.width, size.height, rows.unwrap_or_default(), samples);
        convolve(
            &mut self.engine,
            &source.map_err(RasterError::new)?,
            &mut resized.map_err(RasterError::new)?,
            self.kind,
            area,
            Filter::Lanczos3,
        )
    }
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

    fn by_strips(picture: &Picture, area: Area, to: Size, bytes: usize) -> Picture {
        let mut strips =
            StripResizer::with_strips_of(bytes, picture.size(), picture.kind, area, to);
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

    /// What differs most: samples, or for pixels with an opacity that and what it leaves of samples.
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

    /// Where a side begins and how long it is: all of it, whole pixels, or fractions.
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
            let mut strips = StripResizer::new(size, PixelKind::Luma, area, size);
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
            bytes in 1..20_000_usize,
            seed in any::<u32>(),
        ) {
            let picture = picture(Size { width, height }, kind, seed);
            let ((left, width), (top, height)) = (along(columns, width), along(rows, height));
            let area = Area { left, top, width, height };
            let to = Size { width: to_width, height: to_height };
            let whole = resize(&picture, area, to, Filter::Lanczos3).unwrap();
            let made = by_strips(&picture, area, to, bytes);
            let pairs = made.data.iter().zip(&whole.data);
            let differing = pairs.filter(|(made, whole)| made != whole).count();
            prop_assert!(differing <= 1 + made.data.len() / 20, "{differing} differ");
            // One after the columns, and two after the rows. Colours are divided by the opacity then.
            let most = if kind == PixelKind::Rgba { 3 } else { 2 };
            let difference = difference(&made, &whole);
            prop_assert!(difference <= most, "{difference}");
        }
    }
}
