//! Undoes the filters of PNG (third edition, 9), several rows at a time.
//!
//! A filter predicts a pixel from the one to its left, so the pixels of a row have to wait for each
//! other. But once a row has its pixel at `x`, the row below it can have its pixel at `x - 1`. The
//! pixels that are computed at the same time lie on a diagonal, with one pixel in each row.

#![expect(clippy::inline_always, reason = "a call would lose the processor's vector instructions")]

use std::ops::Range;

use archmage::autoversion;

use crate::picture::PixelKind;

/// The maximum number of rows in a group.
pub const PNG_ROWS: usize = 8;

/// A pixel, and any bytes behind it.
type Padded = [u8; 4];

/// One pixel of each row of a group.
type Diagonal = [Padded; PNG_ROWS];

const ZERO: Diagonal = [[0; 4]; PNG_ROWS];

/// The number of diagonals that are read before they are written: few enough for the processor's
/// smallest cache.
const DIAGONALS: usize = 256;

/// Whether a row may begin with this byte, which is the type of its filter.
#[must_use]
pub const fn is_png_filter(kind: u8) -> bool {
    kind <= 4
}

/// Undoes the filters of a group of rows with 8 bits per sample.
///
/// `filtered` contains at most [`PNG_ROWS`] rows. Each begins with a byte for which
/// [`is_png_filter`] is true. `rows` receives the rows without this byte. `above` is the row before
/// them, or a row of zeros.
pub fn undo_png_filters(filtered: &[u8], above: &[u8], rows: &mut [u8], kind: PixelKind) {
    match kind {
        PixelKind::Luma => undo_1(filtered, above, rows),
        PixelKind::Rgb => undo_3(filtered, above, rows),
        PixelKind::Rgba | PixelKind::Cmyk => undo_4(filtered, above, rows),
    }
}

#[autoversion(v3)]
fn undo_1(filtered: &[u8], above: &[u8], rows: &mut [u8]) {
    undo::<1>(filtered, above, rows);
}

#[autoversion(v3)]
fn undo_3(filtered: &[u8], above: &[u8], rows: &mut [u8]) {
    undo::<3>(filtered, above, rows);
}

#[autoversion(v3)]
fn undo_4(filtered: &[u8], above: &[u8], rows: &mut [u8]) {
    undo::<4>(filtered, above, rows);
}

/// Undoes the filters of pixels that have `N` samples.
#[inline(always)]
fn undo<const N: usize>(filtered: &[u8], above: &[u8], rows: &mut [u8]) {
    let stride = above.len().max(1);
    let width = stride / N;
    let lines = || filtered.chunks_exact(stride + 1).filter_map(<[u8]>::split_first);
    let filters = Filters::new(&lines().map(|(&kind, _)| kind));
    let (mut above, _) = above.as_chunks::<N>();
    let mut diagonals = [ZERO; DIAGONALS];
    let mut last = Last { diagonal: ZERO, above: ZERO };
    let all = width + PNG_ROWS - 1;
    for start in (0..all).step_by(DIAGONALS) {
        let end = all.min(start + DIAGONALS);
        let (diagonals, _) = diagonals.split_at_mut(end - start);
        for (index, (_, line)) in lines().enumerate() {
            let Some(diagonals) = diagonals.get_mut(offset(start, index)..) else { continue };
            let pixels = line.as_chunks::<N>().0.get(pixels(start..end, index, width));
            read(pixels.unwrap_or_default(), diagonals, index);
        }
        let (now, later) = above.split_at(above.len().min(diagonals.len()));
        above = later;
        if filters.are_paeth {
            last.advance::<N, true>(&filters, now, diagonals);
        } else {
            last.advance::<N, false>(&filters, now, diagonals);
        }
        for (index, row) in rows.chunks_exact_mut(stride).enumerate() {
            let Some(diagonals) = diagonals.get(offset(start, index)..) else { continue };
            let pixels = row.as_chunks_mut::<N>().0.get_mut(pixels(start..end, index, width));
            write(diagonals, pixels.unwrap_or_default(), index);
        }
    }
}

/// The pixels of a row that lie on these diagonals.
fn pixels(diagonals: Range<usize>, row: usize, width: usize) -> Range<usize> {
    diagonals.start.saturating_sub(row)..diagonals.end.saturating_sub(row).min(width)
}

/// The first diagonal that contains a pixel of a row, relative to the diagonal at `start`.
const fn offset(start: usize, row: usize) -> usize {
    row.saturating_sub(start)
}

/// Moves the pixels of a row to the diagonals.
#[inline(always)]
fn read<const N: usize>(pixels: &[[u8; N]], diagonals: &mut [Diagonal], row: usize) {
    let fours = if N == 3 { pixels.as_flattened().as_chunks::<12>().0 } else { &[] };
    let (diagonals, rest) = diagonals.split_at_mut((4 * fours.len()).min(diagonals.len()));
    for (four, diagonals) in fours.iter().zip(diagonals.as_chunks_mut::<4>().0) {
        let (Some(&first), Some(&last)) = (four.first_chunk(), four.last_chunk()) else { continue };
        let (first, last) = (u64::from_le_bytes(first), u64::from_le_bytes(last));
        let pixels = [first, first >> 24, last >> 16, last >> 40];
        for (diagonal, pixel) in diagonals.iter_mut().zip(pixels) {
            let [red, green, blue, next, ..] = pixel.to_le_bytes();
            if let Some(to) = diagonal.get_mut(row) {
                *to = [red, green, blue, next];
            }
        }
    }
    let (_, pixels) = pixels.split_at((4 * fours.len()).min(pixels.len()));
    for (&pixel, diagonal) in pixels.iter().zip(rest) {
        if let Some(to) = diagonal.get_mut(row) {
            *to = padded(pixel);
        }
    }
}

/// Moves the pixels of a row from the diagonals.
#[inline(always)]
fn write<const N: usize>(diagonals: &[Diagonal], pixels: &mut [[u8; N]], row: usize) {
    let whole = if N == 3 { pixels.len() / 4 } else { 0 };
    let (fours, pixels) = pixels.split_at_mut(4 * whole);
    let (in_fours, diagonals) = diagonals.split_at((4 * whole).min(diagonals.len()));
    let (fours, _) = fours.as_flattened_mut().as_chunks_mut::<12>();
    for (four, diagonals) in fours.iter_mut().zip(in_fours.as_chunks::<4>().0) {
        let [one, two, three, last] = diagonals.each_ref().map(|diagonal| {
            let pixel = diagonal.get(row).copied().unwrap_or_default();
            u64::from(u32::from_le_bytes(pixel))
        });
        let (two, three) = (two & 0xff_ffff, three & 0xff_ffff);
        if let Some(to) = four.first_chunk_mut() {
            *to = (one & 0xff_ffff | two << 24 | three << 48).to_le_bytes();
        }
        if let Some(to) = four.last_chunk_mut() {
            *to = (two >> 8 | three << 16 | last << 40).to_le_bytes();
        }
    }
    for (pixel, diagonal) in pixels.iter_mut().zip(diagonals) {
        if let Some(from) = diagonal.get(row) {
            pixel.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
        }
    }
}

#[inline(always)]
fn padded<const N: usize>(pixel: [u8; N]) -> Padded {
    let mut padded = [0; 4];
    padded.iter_mut().zip(pixel).for_each(|(to, from)| *to = from);
    padded
}

/// The filters of the rows. Each array contains 255 for the samples of the rows with that filter, and
/// 0 for the others.
struct Filters {
    sub: Diagonal,
    up: Diagonal,
    average: Diagonal,
    paeth: Diagonal,
    /// Whether Paeth is the filter of all rows.
    are_paeth: bool,
}

impl Filters {
    fn new(kinds: &(impl Iterator<Item = u8> + Clone)) -> Self {
        let of = |kind| {
            let mut filters = ZERO;
            for (filter, found) in filters.iter_mut().zip(kinds.clone()) {
                *filter = [if found == kind { u8::MAX } else { 0 }; 4];
            }
            filters
        };
        let are_paeth = kinds.clone().all(|kind| kind == 4);
        Self { sub: of(1), up: of(2), average: of(3), paeth: of(4), are_paeth }
    }

    /// Undoes the filters of a diagonal, given the pixels to the left of, above, and to the upper
    /// left of its pixels.
    #[inline(always)]
    fn undo<const ARE_PAETH: bool>(
        &self,
        mut diagonal: Diagonal,
        left: &Diagonal,
        above: &Diagonal,
        corner: &Diagonal,
    ) -> Diagonal {
        let [left, above, corner] = [left, above, corner].map(|pixels| pixels.as_flattened());
        let samples = diagonal.as_flattened_mut().iter_mut().zip(left).zip(above).zip(corner);
        if ARE_PAETH {
            for (((sample, &left), &above), &corner) in samples {
                *sample = sample.wrapping_add(paeth(left, above, corner));
            }
        } else {
            let filters = [&self.sub, &self.up, &self.average, &self.paeth];
            let [sub, up, average, of_paeth] = filters.map(|filter| filter.as_flattened());
            let filters = sub.iter().zip(up).zip(average.iter().zip(of_paeth));
            for ((((sample, &left), &above), &corner), filters) in samples.zip(filters) {
                let ((sub, up), (average, of_paeth)) = filters;
                let predicted = (left & sub)
                    | (above & up)
                    | (left.midpoint(above) & average)
                    | (paeth(left, above, corner) & of_paeth);
                *sample = sample.wrapping_add(predicted);
            }
        }
        diagonal
    }
}

/// The neighbour that is the nearest to `left + above - corner`. The distance of `corner` matters
/// only if it lies between the others, and fits in a byte then.
#[inline(always)]
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let to_left = distance(above, corner);
    let to_above = distance(left, corner);
    let is_between = (left < corner) == (corner < above);
    let to_corner = if is_between { distance(to_left, to_above) } else { u8::MAX };
    if to_left <= to_above && to_left <= to_corner {
        left
    } else if to_above <= to_corner {
        above
    } else {
        corner
    }
}

/// The difference. `abs_diff` computes it with 32 bits, which makes vector code slow.
#[inline(always)]
fn distance(one: u8, other: u8) -> u8 {
    one.max(other).wrapping_sub(one.min(other))
}

/// The last diagonal, and the pixels above it.
struct Last {
    diagonal: Diagonal,
    above: Diagonal,
}

impl Last {
    /// Undoes the filters of the next diagonals. `above` contains the pixels above the first row.
    #[inline(always)]
    fn advance<const N: usize, const ARE_PAETH: bool>(
        &mut self,
        filters: &Filters,
        above: &[[u8; N]],
        diagonals: &mut [Diagonal],
    ) {
        let Self { diagonal: mut left, above: mut corner } = *self;
        let mut advance = |diagonal: &mut Diagonal, first| {
            let above = moved_down(&left, first);
            left = filters.undo::<ARE_PAETH>(*diagonal, &left, &above, &corner);
            corner = above;
            *diagonal = left;
        };
        // The last diagonals have no pixel in the first row.
        let (with_first, others) = diagonals.split_at_mut(above.len().min(diagonals.len()));
        for (diagonal, &first) in with_first.iter_mut().zip(above) {
            advance(diagonal, padded(first));
        }
        for diagonal in others {
            advance(diagonal, [0; 4]);
        }
        *self = Self { diagonal: left, above: corner };
    }
}

/// Moves each pixel to the next row.
#[inline(always)]
fn moved_down(diagonal: &Diagonal, first: Padded) -> Diagonal {
    let [one, two, three, four, five, six, seven, _] = *diagonal;
    [first, one, two, three, four, five, six, seven]
}
