//! The conversion of RGB to luma and chroma (JFIF, ITU-R BT.601 in full range).
//!
//! The compiler turns the loops into vector code, for AVX2 where the processor has it.

use archmage::autoversion;

use super::component::{Component, repeat_last};
use super::subsampling::Subsampling;

/// The number of bits of the factors.
const BITS: u32 = 15;

/// One half, as a factor.
const HALF: i32 = 1 << (BITS - 1);

/// Red, green and blue.
type Colors<T> = [Vec<T>; 3];

/// Converts the pixels of a row of units.
pub(crate) struct Converter {
    width: usize,
    subsampling: Subsampling,
    /// A row of pixels.
    samples: Colors<u8>,
    /// The sums of the pixels that share chroma.
    sums: Colors<i16>,
}

impl Converter {
    /// Expects components with this number of luma samples per row.
    pub(crate) fn new(width: usize, stride: usize, subsampling: Subsampling) -> Self {
        let chroma = if subsampling == Subsampling::Full { stride } else { stride / 2 };
        let samples = [(); 3].map(|()| vec![0; stride]);
        Self { width, subsampling, samples, sums: [(); 3].map(|()| vec![0; chroma]) }
    }

    /// Converts rows of 3 bytes per pixel.
    pub(crate) fn convert<'a>(
        &mut self,
        mut rows: impl Iterator<Item = &'a [u8]>,
        components: &mut [Component],
    ) {
        let [luma, blue, red] = components else { return };
        let chroma_width = blue.width;
        let mut lumas = luma.rows_mut();
        for (blues, reds) in blue.rows_mut().zip(red.rows_mut()) {
            self.row(rows.next(), lumas.next());
            match self.subsampling {
                Subsampling::Full => write_chroma::<0, _>(&self.samples, blues, reds),
                Subsampling::HalfWidth => {
                    self.add_pairs::<false>();
                    write_chroma::<1, _>(&self.sums, blues, reds);
                }
                Subsampling::Half => {
                    self.add_pairs::<false>();
                    self.row(rows.next(), lumas.next());
                    self.add_pairs::<true>();
                    write_chroma::<2, _>(&self.sums, blues, reds);
                }
            }
            repeat_last(blues, chroma_width);
            repeat_last(reds, chroma_width);
        }
    }

    fn add_pairs<const ADDS: bool>(&mut self) {
        for (samples, sums) in self.samples.iter().zip(&mut self.sums) {
            add_pairs::<ADDS>(samples, sums);
        }
    }

    /// Reads a row of pixels, and writes its luma. Repeats the last pixel to the end of the row.
    fn row(&mut self, row: Option<&[u8]>, luma: Option<&mut [u8]>) {
        let [red, green, blue] = &mut self.samples;
        split(row.unwrap_or_default().as_chunks().0, red, green, blue);
        for samples in [&mut *red, &mut *green, &mut *blue] {
            repeat_last(samples, self.width);
        }
        write_luma(red, green, blue, luma.unwrap_or_default());
    }
}

#[autoversion(v3)]
fn split(row: &[[u8; 3]], reds: &mut [u8], greens: &mut [u8], blues: &mut [u8]) {
    for (((pixel, red), green), blue) in row.iter().zip(reds).zip(greens).zip(blues) {
        [*red, *green, *blue] = *pixel;
    }
}

#[autoversion(v3)]
fn write_luma(reds: &[u8], greens: &[u8], blues: &[u8], luma: &mut [u8]) {
    for (((&red, &green), &blue), luma) in reds.iter().zip(greens).zip(blues).zip(luma) {
        let [red, green, blue] = [red, green, blue].map(i32::from);
        *luma = sample_of((red * 9_798 + green * 19_235 + blue * 3_735 + HALF) >> BITS);
    }
}

/// Adds the samples of each pair, and the previous sum if `ADDS`.
#[autoversion(v3)]
fn add_pairs<const ADDS: bool>(samples: &[u8], sums: &mut [i16]) {
    for (&pair, sum) in samples.as_chunks::<2>().0.iter().zip(sums) {
        let pair = i16::from_le_bytes(pair);
        let previous = if ADDS { *sum } else { 0 };
        *sum = previous.wrapping_add(pair & 0xff).wrapping_add((pair >> 8) & 0xff);
    }
}

/// Writes Cb and Cr from the sums of `1 << S` pixels.
#[autoversion(v3)]
fn write_chroma<const S: u32, T: Copy + Into<i32>>(
    colors: &Colors<T>,
    blues: &mut [u8],
    reds: &mut [u8],
) {
    let [red, green, blue] = colors;
    let colors = red.iter().zip(green).zip(blue);
    for (((&red, &green), &blue), (cb, cr)) in colors.zip(blues.iter_mut().zip(reds)) {
        let colors = [red, green, blue].map(Into::into);
        *cb = chroma::<S>(colors, [-5_529, -10_855, HALF]);
        *cr = chroma::<S>(colors, [HALF, -13_720, -2_664]);
    }
}

#[inline(always)]
fn chroma<const S: u32>([red, green, blue]: [i32; 3], factors: [i32; 3]) -> u8 {
    let [by_red, by_green, by_blue] = factors;
    // The result is 255 at most, because a half is rounded down.
    let middle = ((128 << BITS) + HALF - 1) << S;
    let sum = red.wrapping_mul(by_red).wrapping_add(green.wrapping_mul(by_green));
    sample_of(sum.wrapping_add(blue.wrapping_mul(by_blue)).wrapping_add(middle) >> (BITS + S))
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
fn sample_of(value: i32) -> u8 {
    value as u8
}
