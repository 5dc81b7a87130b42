//! The inverse discrete cosine transform of the lowest frequencies of several blocks at once.
//!
//! The first `N` rows and columns of coefficients are the discrete cosine transform of the block at
//! `N` x `N` samples. The higher frequencies are left out. Averaging the samples would leave part
//! of them in the image as aliasing.

#![expect(clippy::inline_always, reason = "the compiler vectorizes it only as a whole")]

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use crate::ac::{Group, LANES};
use crate::blocks::{self, Each, by_block, to_samples};
use crate::marker::Quantisation;
use crate::zigzag::ZIGZAG;

/// The coefficients of adjacent blocks: those of the corner, row by row, and then one place for all
/// others. `M` is `N * N + 1`.
pub(crate) type Corners<const M: usize> = [[i16; LANES]; M];

/// The place of each coefficient among [`Corners`], by its index in zigzag order. Indices above 63
/// stand for the end of a block.
pub(crate) type Places = [u8; INDICES];

/// The number of indices.
pub(crate) const INDICES: usize = 512;

/// The places for corners of `side` rows and columns.
pub(crate) const fn places(side: u8) -> Places {
    let mut places = [side * side; INDICES];
    let (mut rest, mut order) = (places.as_mut_slice(), ZIGZAG.as_slice());
    while let (Some((place, places)), Some((&(row, column), others))) =
        (rest.split_first_mut(), order.split_first())
    {
        if row < side && column < side {
            *place = row * side + column;
        }
        (rest, order) = (places, others);
    }
    places
}

/// The transform in one dimension: the sum of `√2 cos((2x + 1)kπ / 2N)` times the coefficient of each
/// frequency `k`, for each sample `x`. The factor of frequency 0 is 1.
pub(crate) trait Transformed {
    fn transformed(self) -> Self;
}

impl<const P: usize> Transformed for [Each<P>; 1] {
    #[inline(always)]
    fn transformed(self) -> Self {
        self
    }
}

impl<const P: usize> Transformed for [Each<P>; 2] {
    #[inline(always)]
    fn transformed(self) -> Self {
        let [c0, c1] = self;
        [c0 + c1, c0 - c1]
    }
}

impl<const P: usize> Transformed for [Each<P>; 3] {
    #[inline(always)]
    fn transformed(self) -> Self {
        let [c0, c1, c2] = self;
        let (even, odd) = (c0 + c2 * FRAC_1_SQRT_2, c1 * 1.224_744_9);
        [even + odd, c0 - c2 * SQRT_2, even - odd]
    }
}

impl<const P: usize> Transformed for [Each<P>; 4] {
    #[inline(always)]
    fn transformed(self) -> Self {
        const A: f32 = 1.306_563;
        const B: f32 = 0.541_196_1;
        let [c0, c1, c2, c3] = self;
        let (sum, difference) = (c0 + c2, c0 - c2);
        let (outer, inner) = (c1 * A + c3 * B, c1 * B - c3 * A);
        [sum + outer, difference + inner, difference - inner, sum - outer]
    }
}

/// The transform of a component's blocks to `N` x `N` samples each, `P` blocks at a time.
pub(crate) struct Transform<const N: usize, const P: usize> {
    /// The factor of each coefficient, row by row.
    factors: [[f32; N]; N],
}

impl<const N: usize, const P: usize> Transform<N, P>
where
    [Each<P>; N]: Transformed,
{
    pub(crate) fn new(quantisation: &Quantisation) -> Self {
        let mut factors = [[0.0; N]; N];
        for (&(row, column), step) in ZIGZAG.iter().zip(quantisation) {
            let factor = factors.get_mut(usize::from(row));
            if let Some(factor) = factor.and_then(|row| row.get_mut(usize::from(column))) {
                *factor = f32::from(step.cast_signed()) / 8.0;
            }
        }
        Self { factors }
    }

    /// Writes the samples of adjacent blocks to rows of `width` samples. `index` is the position of
    /// the blocks in their row, in groups.
    #[inline(always)]
    pub(crate) fn write<const M: usize>(
        &self,
        corners: &Corners<M>,
        index: usize,
        rows: &mut [u8],
        width: usize,
    ) {
        for part in 0..LANES / P {
            let left = (index * LANES + part * P) * N;
            blocks::write(&self.samples(corners, part), rows, width, left);
        }
    }

    /// Writes the samples of a group of blocks with all coefficients.
    pub(crate) fn write_group<const M: usize>(
        &self,
        group: &Group,
        places: &Places,
        index: usize,
        rows: &mut [u8],
        width: usize,
    ) {
        let mut corners: Corners<M> = [[0; LANES]; M];
        for (values, &place) in group.values.iter().zip(places) {
            if let Some(corner) = corners.get_mut(usize::from(place)) {
                *corner = *values;
            }
        }
        self.write(&corners, index, rows, width);
    }

    /// The samples of some of the blocks. Each row contains the samples of the first block, then
    /// those of the next one.
    #[inline(always)]
    fn samples<const M: usize>(&self, corners: &Corners<M>, part: usize) -> [[[u8; P]; N]; N] {
        let mut columns = [[Each::ZERO; N]; N];
        let rows = corners.as_chunks::<N>().0.iter().zip(&self.factors);
        for (y, (row, factors)) in rows.enumerate() {
            for ((column, values), &factor) in columns.iter_mut().zip(row).zip(factors) {
                if let Some(values) = values.as_chunks().0.get(part)
                    && let Some(coefficient) = column.get_mut(y)
                {
                    *coefficient = Each::new(values) * factor;
                }
            }
        }
        let columns = columns.map(Transformed::transformed);
        let mut rows = [[[0; P]; N]; N];
        for (y, row) in rows.iter_mut().enumerate() {
            let coefficients = columns.map(|column| column.get(y).copied().unwrap_or(Each::ZERO));
            *row = by_block(coefficients.transformed().map(to_samples));
        }
        rows
    }
}
