//! The inverse discrete cosine transform of eight blocks at once, by the algorithm of Arai, Agui
//! and Nakajima ("A Fast DCT-SQ Scheme for Images", 1988) in floating point.
//!
//! A sample of a reduced block is the mean of the samples that it replaces, as in libjpeg.

#![expect(clippy::inline_always, reason = "the compiler vectorizes it only as a whole")]

use std::ops::{Add, Mul, Sub};

use crate::ac::{Group, LANES, Lanes};
use crate::marker::Quantisation;
use crate::zigzag::ZIGZAG;

/// A number for each of the `P` blocks that are transformed at once.
#[derive(Debug, Clone, Copy)]
struct Each<const P: usize>([f32; P]);

impl<const P: usize> Each<P> {
    const ZERO: Self = Self([0.0; P]);

    #[inline(always)]
    fn new(values: &[i16; P]) -> Self {
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

/// Each coefficient is first multiplied by the factor of its row and the factor of its column:
/// `cos(kπ/16) √2`, or 1 for the first row or column.
const SCALE: [f32; 8] =
    [1.0, 1.387_039_8, 1.306_563, 1.175_875_6, 1.0, 0.785_694_96, 0.541_196_1, 0.275_899_4];

/// The transform in one dimension.
#[inline(always)]
fn transform<const P: usize>([c0, c1, c2, c3, c4, c5, c6, c7]: [Each<P>; 8]) -> [Each<P>; 8] {
    const SQRT_2: f32 = std::f32::consts::SQRT_2;
    let (sum, difference) = (c0 + c4, c0 - c4);
    let even = c2 + c6;
    let odd = (c2 - c6) * SQRT_2 - even;
    let (e0, e1, e2, e3) = (sum + even, difference + odd, difference - odd, sum - even);

    let (inner, outer) = (c5 + c3, c1 + c7);
    let (a, b) = (c5 - c3, c1 - c7);
    let turned = (a + b) * 1.847_759_1;
    let o0 = outer + inner;
    let o1 = turned - a * 2.613_126 - o0;
    let o2 = (outer - inner) * SQRT_2 - o1;
    let o3 = turned - b * 1.082_392_2 - o2;
    [e0 + o0, e1 + o1, e2 + o2, e3 + o3, e3 - o3, e2 - o2, e1 - o1, e0 - o0]
}

/// The one-dimensional transform, with the samples of each group of `8 / N` added up.
#[inline(always)]
fn shrunk<const N: usize, const P: usize>(coefficients: [Each<P>; 8]) -> [Each<P>; N] {
    let mut samples = transform(coefficients);
    let mut count = 8;
    while count > N {
        count /= 2;
        for index in 0..count {
            if let (Some(&first), Some(&second)) =
                (samples.get(2 * index), samples.get(2 * index + 1))
                && let Some(sum) = samples.get_mut(index)
            {
                *sum = first + second;
            }
        }
    }
    samples.first_chunk().copied().unwrap_or([Each::ZERO; N])
}

/// The index of each coefficient in zigzag order, column by column.
const PLACES: [[u8; 8]; 8] = places();

const fn places() -> [[u8; 8]; 8] {
    let mut places = [[0; 8]; 8];
    let mut place = 0;
    let mut order = ZIGZAG.as_slice();
    while let Some((&(row, column), rest)) = order.split_first() {
        let (_, columns) = places.split_at_mut(column as usize);
        if let Some((places, _)) = columns.split_first_mut()
            && let Some((entry, _)) = places.split_at_mut(row as usize).1.split_first_mut()
        {
            *entry = place;
        }
        place += 1;
        order = rest;
    }
    places
}

/// The transform of a component's blocks to `N` x `N` samples each, `P` blocks at a time.
pub(crate) struct Transform<const N: usize, const P: usize> {
    /// The factor of each coefficient, column by column.
    factors: [[f32; 8]; 8],
    /// A bit for every coefficient of a column except its first, in zigzag order.
    below: [u64; 8],
    /// The number of input samples summed into each output sample, across or down.
    summed: f32,
}

impl<const N: usize, const P: usize> Transform<N, P> {
    pub(crate) fn new(quantisation: &Quantisation) -> Self {
        let summed = f32::from(u8::try_from(8 / N).unwrap_or(1));
        let (mut factors, mut below) = ([[0.0; 8]; 8], [0; 8]);
        let columns = factors.iter_mut().zip(&mut below).zip(&PLACES).zip(SCALE);
        for (((factors, below), places), column) in columns {
            for ((factor, &place), row) in factors.iter_mut().zip(places).zip(SCALE) {
                let step = quantisation.get(usize::from(place)).copied().unwrap_or_default();
                // libjpeg treats quantisation steps as signed 16-bit numbers.
                let step = f32::from(step.cast_signed());
                *factor = step * row * column / (8.0 * summed * summed);
            }
            *below = places.iter().skip(1).fold(0, |bits, place| bits | 1 << place);
        }
        Self { factors, below, summed }
    }

    /// Writes the samples of a group of blocks to rows of `width` samples. `index` is the position
    /// of the group in its row.
    pub(crate) fn write(&self, group: &Group, index: usize, rows: &mut [u8], width: usize) {
        let nonzero = group.nonzero.iter().fold(0, |all, mask| all | mask);
        for part in 0..LANES / P {
            let samples = self.samples(&group.values, part, nonzero);
            let left = (index * LANES + part * P) * N;
            for (row, samples) in rows.chunks_mut(width).zip(samples) {
                let row = row.get_mut(left..).unwrap_or_default();
                let samples = samples.as_flattened();
                match row.get_mut(..samples.len()) {
                    Some(row) => row.copy_from_slice(samples),
                    // The other samples are beyond the edge of the image.
                    None => row.copy_from_slice(samples.split_at(row.len()).0),
                }
            }
        }
    }

    /// The samples of some of the blocks. Each row contains the samples of the first block, then
    /// those of the next one.
    fn samples(&self, values: &Lanes, part: usize, nonzero: u64) -> [[[u8; P]; N]; N] {
        let mut columns = [[Each::ZERO; N]; 8];
        let parts = columns.iter_mut().zip(&self.factors).zip(&PLACES).zip(self.below);
        for (((column, factors), places), below) in parts {
            let mut coefficients = [Each::ZERO; 8];
            for ((coefficient, &factor), &place) in coefficients.iter_mut().zip(factors).zip(places)
            {
                let values = values.get(usize::from(place & 63));
                if let Some(values) = values.and_then(|values| values.as_chunks().0.get(part)) {
                    *coefficient = Each::new(values) * factor;
                }
            }
            *column = if nonzero & below == 0 {
                let [first, ..] = coefficients;
                [first * self.summed; N]
            } else {
                shrunk(coefficients)
            };
        }
        let mut rows = [[[0; P]; N]; N];
        for (y, row) in rows.iter_mut().enumerate() {
            let mut coefficients = [Each::ZERO; 8];
            for (coefficient, column) in coefficients.iter_mut().zip(&columns) {
                if let Some(number) = column.get(y) {
                    *coefficient = *number;
                }
            }
            *row = by_block(shrunk::<N, P>(coefficients).map(to_samples));
        }
        rows
    }
}

/// Rearranges columns of blocks into blocks of columns.
#[inline(always)]
fn by_block<const N: usize, const P: usize>(mut samples: [[u8; P]; N]) -> [[u8; P]; N] {
    // Each pass alternates between a sample from the first half and one from the second half.
    for _ in 0..N.ilog2() {
        let mut shuffled = [[0; P]; N];
        let (first, second) = samples.as_flattened().split_at(N * P / 2);
        let pairs = shuffled.as_flattened_mut().as_chunks_mut::<2>().0.iter_mut();
        for (pair, (&first, &second)) in pairs.zip(first.iter().zip(second)) {
            *pair = [first, second];
        }
        samples = shuffled;
    }
    samples
}

/// Rounds to the nearest number between 0 and 255.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the lowest byte is the integer")]
fn to_samples<const P: usize>(numbers: Each<P>) -> [u8; P] {
    /// In floating-point numbers between this number and twice this number, the last bit stands for
    /// 1.
    const ONES: f32 = 8_388_608.0;
    let mut samples = [0; P];
    for (sample, number) in samples.iter_mut().zip(numbers.0) {
        let number = number + 128.0;
        let number = if number > 0.0 { number } else { 0.0 };
        let number = if number < 255.0 { number } else { 255.0 };
        *sample = (number + ONES).to_bits() as u8;
    }
    samples
}
