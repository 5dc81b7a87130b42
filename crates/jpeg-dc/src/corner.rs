//! The inverse discrete cosine transform of the lowest frequencies of several blocks at once.
//!
//! The first `N` rows and columns of coefficients are the discrete cosine transform of the block at
//! `N` x `N` samples. The higher frequencies are left out. If samples were averaged instead, part
//! of these frequencies would remain in the image as aliasing.

#![expect(clippy::inline_always, reason = "the compiler vectorizes it only as a whole")]

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use archmage::autoversion;

use crate::ac::{Group, LANES};
use crate::blocks::{self, by_block, to_sample};
use crate::marker::Quantisation;
use crate::zigzag::ZIGZAG;

/// The coefficients of `W` adjacent blocks: the coefficients of the corner, row by row, and then
/// one place that all other coefficients share. `M` is `N * N + 1`.
pub(crate) type Corners<const W: usize, const M: usize> = [[i16; W]; M];

/// The values of `W` adjacent blocks whose columns are transformed: for each row and column, those
/// of all blocks. The caller keeps the memory, because clearing it for each group takes time.
pub(crate) type Between<const W: usize, const N: usize> = [[[f32; W]; N]; N];

/// The place of each coefficient among [`Corners`], by its index in zigzag order. Indices above 63
/// stand for the end of a block.
pub(crate) type Places = [u8; INDICES];

/// The number of indices.
pub(crate) const INDICES: usize = 256;

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

/// The index of the last coefficient of a corner of `side` rows and columns, in zigzag order.
pub(crate) const fn last(side: usize) -> u32 {
    let (mut order, mut last, mut index) = (ZIGZAG.as_slice(), 0, 0);
    while let Some((&(row, column), others)) = order.split_first() {
        if (row as usize) < side && (column as usize) < side {
            last = index;
        }
        (order, index) = (others, index + 1);
    }
    last
}

/// The transform in one dimension.
pub(crate) trait Transformed {
    /// Calls `number` for each index. With [`from_fn`](std::array::from_fn), the compiler would not
    /// vectorize the transform of eight coefficients.
    fn collected(number: impl FnMut(usize) -> f32) -> Self;

    /// For each sample `x`, multiplies the coefficient of each frequency `k` by
    /// `√2 cos((2x + 1)kπ / 2N)`, or by 1 if `k` is 0, and adds the products.
    fn transformed(self) -> Self;
}

/// Defines [`Transformed::collected`] for these indices.
macro_rules! collected {
    ($($index:literal)*) => {
        #[inline(always)]
        fn collected(mut number: impl FnMut(usize) -> f32) -> Self {
            [$(number($index)),*]
        }
    };
}

impl Transformed for [f32; 2] {
    collected!(0 1);

    #[inline(always)]
    fn transformed(self) -> Self {
        let [c0, c1] = self;
        [c0 + c1, c0 - c1]
    }
}

impl Transformed for [f32; 3] {
    collected!(0 1 2);

    #[inline(always)]
    fn transformed(self) -> Self {
        let [c0, c1, c2] = self;
        let (even, odd) = (c0 + c2 * FRAC_1_SQRT_2, c1 * 1.224_744_9);
        [even + odd, c0 - c2 * SQRT_2, even - odd]
    }
}

impl Transformed for [f32; 4] {
    collected!(0 1 2 3);

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

impl Transformed for [f32; 5] {
    collected!(0 1 2 3 4);

    #[inline(always)]
    fn transformed(self) -> Self {
        const A: f32 = 1.344_997;
        const B: f32 = 0.831_253_9;
        const C: f32 = 1.144_122_8;
        const D: f32 = 0.437_016_03;
        let [c0, c1, c2, c3, c4] = self;
        let (even, odd) = (c0 + c2 * C + c4 * D, c1 * A + c3 * B);
        let (inner_even, inner_odd) = (c0 - c2 * D - c4 * C, c1 * B - c3 * A);
        let middle = c0 + (c4 - c2) * SQRT_2;
        [even + odd, inner_even + inner_odd, middle, inner_even - inner_odd, even - odd]
    }
}

impl Transformed for [f32; 6] {
    collected!(0 1 2 3 4 5);

    #[inline(always)]
    fn transformed(self) -> Self {
        const A: f32 = 1.366_025_4;
        const B: f32 = 0.366_025_4;
        const C: f32 = 1.224_744_9;
        let [c0, c1, c2, c3, c4, c5] = self;
        let (low, high) = (c0 + c4 * FRAC_1_SQRT_2, c2 * C);
        let evens = [low + high, c0 - c4 * SQRT_2, low - high];
        let odds = [c1 * A + c3 + c5 * B, c1 - c3 - c5, c1 * B - c3 + c5 * A];
        let [[e0, e1, e2], [o0, o1, o2]] = [evens, odds];
        [e0 + o0, e1 + o1, e2 + o2, e2 - o2, e1 - o1, e0 - o0]
    }
}

impl Transformed for [f32; 7] {
    collected!(0 1 2 3 4 5 6);

    #[inline(always)]
    fn transformed(self) -> Self {
        const A: f32 = 1.378_756_3;
        const B: f32 = 1.274_162_4;
        const C: f32 = 1.105_676_7;
        const D: f32 = 0.881_747_7;
        const E: f32 = 0.613_604_3;
        const F: f32 = 0.314_692_1;
        let [c0, c1, c2, c3, c4, c5, c6] = self;
        let evens = [
            c0 + c2 * B + c4 * D + c6 * F,
            c0 + c2 * F - c4 * B - c6 * D,
            c0 - c2 * D - c4 * F + c6 * B,
        ];
        let odds = [c1 * A + c3 * C + c5 * E, c1 * C - c3 * E - c5 * A, c1 * E - c3 * A + c5 * C];
        let middle = c0 + (c4 - c2 - c6) * SQRT_2;
        let [[e0, e1, e2], [o0, o1, o2]] = [evens, odds];
        [e0 + o0, e1 + o1, e2 + o2, middle, e2 - o2, e1 - o1, e0 - o0]
    }
}

impl Transformed for [f32; 8] {
    collected!(0 1 2 3 4 5 6 7);

    #[inline(always)]
    fn transformed(self) -> Self {
        const A: f32 = 1.387_039_8;
        const B: f32 = 1.175_875_6;
        const C: f32 = 0.785_694_96;
        const D: f32 = 0.275_899_4;
        let [c0, c1, c2, c3, c4, c5, c6, c7] = self;
        let [e0, e1, e2, e3] = [c0, c2, c4, c6].transformed();
        let o0 = c1 * A + c3 * B + c5 * C + c7 * D;
        let o1 = c1 * B - c3 * D - c5 * A - c7 * C;
        let o2 = c1 * C - c3 * A + c5 * D + c7 * B;
        let o3 = c1 * D - c3 * C + c5 * B - c7 * A;
        [e0 + o0, e1 + o1, e2 + o2, e3 + o3, e3 - o3, e2 - o2, e1 - o1, e0 - o0]
    }
}

/// The transform of a component's blocks to `N` x `N` samples each.
pub(crate) struct Transform<const N: usize> {
    /// The factor of each coefficient, row by row.
    factors: [[f32; N]; N],
}

impl<const N: usize> Transform<N>
where
    [f32; N]: Transformed,
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
    /// the blocks in their row, in groups. The content of `between` does not matter.
    pub(crate) fn write<const W: usize, const M: usize>(
        &self,
        corners: &Corners<W, M>,
        between: &mut Between<W, N>,
        index: usize,
        rows: &mut [u8],
        width: usize,
    ) {
        write(self, corners, between, index, rows, width);
    }

    /// Writes the samples of a group of blocks with all coefficients.
    pub(crate) fn write_group<const M: usize>(
        &self,
        group: &Group,
        places: &Places,
        between: &mut Between<LANES, N>,
        index: usize,
        rows: &mut [u8],
        width: usize,
    ) {
        let mut corners: Corners<LANES, M> = [[0; LANES]; M];
        for (values, &place) in group.values.iter().zip(places) {
            if let Some(corner) = corners.get_mut(usize::from(place)) {
                *corner = *values;
            }
        }
        self.write(&corners, between, index, rows, width);
    }

    #[inline(always)]
    fn transform_columns<const W: usize, const M: usize>(
        &self,
        corners: &Corners<W, M>,
        between: &mut Between<W, N>,
    ) {
        for x in 0..N {
            for lane in 0..W {
                let column = <[f32; N]>::collected(|y| {
                    let value = corners.get(y * N + x).and_then(|values| values.get(lane));
                    let factor = self.factors.get(y).and_then(|row| row.get(x));
                    f32::from(value.copied().unwrap_or_default())
                        * factor.copied().unwrap_or_default()
                });
                for (row, value) in between.iter_mut().zip(column.transformed()) {
                    if let Some(place) = row.get_mut(x).and_then(|values| values.get_mut(lane)) {
                        *place = value;
                    }
                }
            }
        }
    }
}

/// See [`Transform::write`].
#[autoversion(v3)]
fn write<const N: usize, const W: usize, const M: usize>(
    transform: &Transform<N>,
    corners: &Corners<W, M>,
    between: &mut Between<W, N>,
    index: usize,
    rows: &mut [u8],
    width: usize,
) where
    [f32; N]: Transformed,
{
    transform.transform_columns(corners, between);
    for (row, values) in rows.chunks_mut(width).zip(between) {
        blocks::write_row(&by_block(samples(values)), row, index * W * N);
    }
}

/// Transforms a row of each block: for each column, the samples of all blocks.
#[inline(always)]
fn samples<const W: usize, const N: usize>(row: &[[f32; W]; N]) -> [[u8; W]; N]
where
    [f32; N]: Transformed,
{
    let mut samples = [[0; W]; N];
    for lane in 0..W {
        let row = <[f32; N]>::collected(|x| {
            row.get(x).and_then(|values| values.get(lane)).copied().unwrap_or_default()
        });
        for (samples, value) in samples.iter_mut().zip(row.transformed()) {
            if let Some(place) = samples.get_mut(lane) {
                *place = to_sample(value);
            }
        }
    }
    samples
}
