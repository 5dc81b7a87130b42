//! The conversion of RGB to luma and chroma (JFIF, ITU-R BT.601 in full range).
//!
//! The loops are written for vector code: one pixel per 32-bit word, and 15-bit factors.

use super::component::{Component, repeat_last};
use super::subsampling::Subsampling;

/// The number of bits of the factors.
const BITS: u32 = 15;

/// One half, as a factor.
const HALF: i32 = 1 << (BITS - 1);

/// The pixels of a row of units, with one word for each pixel. From the lowest byte up, a word
/// contains red, green and blue. Its highest byte is undefined.
pub(crate) struct Pixels {
    width: usize,
    stride: usize,
    words: Vec<u32>,
}

impl Pixels {
    pub(crate) fn new(width: usize, rows: usize) -> Self {
        // For subsampling, a last pixel without a neighbour counts twice.
        let stride = width.next_multiple_of(2);
        Self { width, stride, words: vec![0; stride * rows] }
    }

    /// Reads rows of 3 bytes per pixel.
    pub(crate) fn read<'a>(&mut self, rows: impl Iterator<Item = &'a [u8]>) {
        for (words, row) in self.words.chunks_exact_mut(self.stride).zip(rows) {
            let (groups, rest) = row.as_chunks::<12>();
            let (quads, _) = words.as_chunks_mut::<4>();
            for (words, &[a, b, c, d, e, f, g, h, i, j, k, l]) in quads.iter_mut().zip(groups) {
                let [first, second, third] =
                    [[a, b, c, d], [e, f, g, h], [i, j, k, l]].map(u32::from_le_bytes);
                *words = [first, first >> 24 | second << 8, second >> 16 | third << 16, third >> 8];
            }
            let others = words.iter_mut().skip(groups.len() * 4);
            for (word, &[red, green, blue]) in others.zip(rest.as_chunks::<3>().0) {
                *word = u32::from_le_bytes([red, green, blue, 0]);
            }
            if let Some((last, [neighbour])) = words.split_at_mut_checked(self.width)
                && let Some(last) = last.last()
            {
                *neighbour = *last;
            }
        }
    }

    fn rows(&self) -> impl Iterator<Item = &[u32]> {
        self.words.chunks_exact(self.stride)
    }

    pub(crate) fn write_luma(&self, luma: &mut Component) {
        for (row, words) in luma.rows_mut().zip(self.rows()) {
            for (sample, &word) in row.iter_mut().zip(words) {
                let [red, green, blue] = colors(word);
                *sample = sample_of((red * 9_798 + green * 19_235 + blue * 3_735 + HALF) >> BITS);
            }
            repeat_last(row, self.width);
        }
    }

    pub(crate) fn write_chroma(
        &self,
        subsampling: Subsampling,
        blue: &mut Component,
        red: &mut Component,
    ) {
        let width = blue.width;
        let down = if subsampling == Subsampling::Half { 2 } else { 1 };
        let rows = self.words.chunks_exact(self.stride * down);
        for ((blue, red), rows) in blue.rows_mut().zip(red.rows_mut()).zip(rows) {
            match (subsampling, rows.split_at(rows.len() / down)) {
                (Subsampling::Full, (row, _)) => full(row, blue, red),
                (Subsampling::HalfWidth, (row, _)) => half_width(row, blue, red),
                (Subsampling::Half, (upper, lower)) => half(upper, lower, blue, red),
            }
            repeat_last(blue, width);
            repeat_last(red, width);
        }
    }
}

#[inline(never)]
fn full(row: &[u32], blues: &mut [u8], reds: &mut [u8]) {
    for ((blue, red), &word) in blues.iter_mut().zip(reds).zip(row) {
        [*blue, *red] = chroma::<0>(colors(word));
    }
}

#[inline(never)]
fn half_width(row: &[u32], blues: &mut [u8], reds: &mut [u8]) {
    for ((blue, red), words) in blues.iter_mut().zip(reds).zip(row.as_chunks::<2>().0) {
        [*blue, *red] = chroma::<1>(sum(words.map(colors)));
    }
}

#[inline(never)]
fn half(upper: &[u32], lower: &[u32], blues: &mut [u8], reds: &mut [u8]) {
    /// A mask for the bytes of red and blue.
    const ODD: u32 = 0x00ff_00ff;
    let (uppers, upper_rest) = upper.as_chunks::<8>();
    let (lowers, lower_rest) = lower.as_chunks::<8>();
    let (blue_groups, blue_rest) = blues.split_at_mut((uppers.len() * 4).min(blues.len()));
    let (red_groups, red_rest) = reds.split_at_mut(blue_groups.len());
    let samples = blue_groups.as_chunks_mut::<4>().0.iter_mut();
    let samples = samples.zip(red_groups.as_chunks_mut::<4>().0);
    for ((upper, lower), (blue, red)) in uppers.iter().zip(lowers).zip(samples) {
        // The sums of two rows, with red and blue in the same words.
        let (mut odd, mut green) = ([0; 8], [0; 8]);
        for (((odd, green), upper), lower) in odd.iter_mut().zip(&mut green).zip(upper).zip(lower) {
            *odd = (upper & ODD) + (lower & ODD);
            *green = ((upper >> 8) & 0xff) + ((lower >> 8) & 0xff);
        }
        let [o0, o1, o2, o3, o4, o5, o6, o7] = odd;
        let [g0, g1, g2, g3, g4, g5, g6, g7] = green;
        let odd =
            [o0.wrapping_add(o1), o2.wrapping_add(o3), o4.wrapping_add(o5), o6.wrapping_add(o7)];
        let green = [g0 + g1, g2 + g3, g4 + g5, g6 + g7];
        for (((blue, red), odd), green) in blue.iter_mut().zip(red).zip(odd).zip(green) {
            let sums = [odd & 0xffff, green, odd >> 16].map(u32::cast_signed);
            [*blue, *red] = chroma::<2>(sums);
        }
    }
    let words = upper_rest.as_chunks::<2>().0.iter().zip(lower_rest.as_chunks::<2>().0);
    for ((blue, red), (upper, lower)) in blue_rest.iter_mut().zip(red_rest).zip(words) {
        [*blue, *red] = chroma::<2>(sum([upper, lower].map(|words| sum(words.map(colors)))));
    }
}

#[inline(always)]
fn colors(word: u32) -> [i32; 3] {
    [word, word >> 8, word >> 16].map(|word| (word & 0xff).cast_signed())
}

#[inline(always)]
fn sum([[r0, g0, b0], [r1, g1, b1]]: [[i32; 3]; 2]) -> [i32; 3] {
    [r0 + r1, g0 + g1, b0 + b1]
}

/// Returns Cb and Cr for the sum of `1 << S` pixels.
#[inline(always)]
fn chroma<const S: u32>([red, green, blue]: [i32; 3]) -> [u8; 2] {
    // The result is 255 at most, because a half is rounded down.
    let middle = ((128 << BITS) + HALF - 1) << S;
    [
        sample_of((middle + blue * HALF - red * 5_529 - green * 10_855) >> (BITS + S)),
        sample_of((middle + red * HALF - green * 13_720 - blue * 2_664) >> (BITS + S)),
    ]
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
fn sample_of(value: i32) -> u8 {
    value as u8
}
