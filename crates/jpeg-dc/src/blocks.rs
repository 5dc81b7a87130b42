//! Computes with several adjacent blocks at once, and writes the rows of their samples. The
//! compiler turns the arithmetic into vector code.

#![expect(clippy::inline_always, reason = "the compiler vectorizes it only as a whole")]

use std::ops::{Add, Mul, Sub};

/// One number for each of the `P` blocks that are transformed at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Each<const P: usize>([f32; P]);

impl<const P: usize> Each<P> {
    pub(crate) const ZERO: Self = Self([0.0; P]);

    #[inline(always)]
    pub(crate) fn new(values: &[i16; P]) -> Self {
        let mut numbers = [0.0; P];
        for (number, &value) in numbers.iter_mut().zip(values) {
            *number = value.into();
        }
        Self(numbers)
    }
}

macro_rules! each {
    ($($trait:ident, $function:ident, $assign:tt;)*) => {$(
        impl<const P: usize> $trait for Each<P> {
            type Output = Self;

            #[inline(always)]
            fn $function(mut self, other: Self) -> Self {
                self.0.iter_mut().zip(other.0).for_each(|(left, right)| *left $assign right);
                self
            }
        }
    )*};
}

each! {
    Add, add, +=;
    Sub, sub, -=;
}

impl<const P: usize> Mul<f32> for Each<P> {
    type Output = Self;

    #[inline(always)]
    fn mul(mut self, factor: f32) -> Self {
        for number in &mut self.0 {
            *number *= factor;
        }
        self
    }
}

/// Rounds each number to the nearest one between 0 and 255.
#[inline(always)]
pub(crate) fn to_samples<const P: usize>(numbers: Each<P>) -> [u8; P] {
    numbers.0.map(to_sample)
}

/// Adds 128, and rounds to the nearest number between 0 and 255.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the lowest byte is the integer")]
pub(crate) fn to_sample(number: f32) -> u8 {
    /// Between this number and its double, the last bit of a floating-point number stands for 1.
    const ONES: f32 = 8_388_608.0;
    let number = number + 128.0;
    let number = if number > 0.0 { number } else { 0.0 };
    let number = if number < 255.0 { number } else { 255.0 };
    (number + ONES).to_bits() as u8
}

/// Regroups the samples of a row. They are grouped by column, with one sample of each block. The
/// result is grouped by block, with one sample of each column.
#[inline(always)]
pub(crate) fn by_block<const N: usize, const P: usize>(mut samples: [[u8; P]; N]) -> [[u8; P]; N] {
    let mut shuffled = [[0; P]; N];
    if !N.is_power_of_two() {
        let (blocks, _) = shuffled.as_flattened_mut().as_chunks_mut::<N>();
        for (x, samples) in samples.iter().enumerate() {
            for (block, &sample) in blocks.iter_mut().zip(samples) {
                if let Some(place) = block.get_mut(x) {
                    *place = sample;
                }
            }
        }
        return shuffled;
    }
    // Each pass takes samples alternately from the first half and from the second half.
    for _ in 0..N.ilog2() {
        let (first, second) = samples.as_flattened().split_at(N * P / 2);
        let pairs = shuffled.as_flattened_mut().as_chunks_mut::<2>().0.iter_mut();
        for (pair, (&first, &second)) in pairs.zip(first.iter().zip(second)) {
            *pair = [first, second];
        }
        samples = shuffled;
    }
    samples
}

/// Copies the samples of some blocks to rows of `width` samples, starting at the column `left`.
/// Samples beyond the edge of the image are left out.
#[inline(always)]
pub(crate) fn write<const N: usize, const P: usize>(
    samples: &[[[u8; P]; N]; N],
    rows: &mut [u8],
    width: usize,
    left: usize,
) {
    for (row, samples) in rows.chunks_mut(width).zip(samples) {
        write_row(samples, row, left);
    }
}

/// Copies a row of the samples of some blocks to a row of the image, as [`write`] does.
#[inline(always)]
pub(crate) fn write_row<const N: usize, const P: usize>(
    samples: &[[u8; P]; N],
    row: &mut [u8],
    left: usize,
) {
    let row = row.get_mut(left..).unwrap_or_default();
    let samples = samples.as_flattened();
    match row.get_mut(..samples.len()) {
        Some(row) => row.copy_from_slice(samples),
        None => row.copy_from_slice(samples.split_at(row.len()).0),
    }
}
