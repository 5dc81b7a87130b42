//! The inverse discrete cosine transform of eight blocks at once, by the algorithm of Arai, Agui
//! and Nakajima ("A Fast DCT-SQ Scheme for Images", 1988) in floating point.

use crate::ac::{Group, LANES, Lanes};
use crate::blocks::{self, Each, by_block, to_samples};
use crate::marker::Quantisation;
use crate::zigzag::ZIGZAG;

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

/// The transform of a component's blocks.
pub(crate) struct Transform {
    /// The factor of each coefficient, column by column.
    factors: [[f32; 8]; 8],
    /// A bit for every coefficient of a column except its first, in zigzag order.
    below: [u64; 8],
}

impl Transform {
    pub(crate) fn new(quantisation: &Quantisation) -> Self {
        let (mut factors, mut below) = ([[0.0; 8]; 8], [0; 8]);
        let columns = factors.iter_mut().zip(&mut below).zip(&PLACES).zip(SCALE);
        for (((factors, below), places), column) in columns {
            for ((factor, &place), row) in factors.iter_mut().zip(places).zip(SCALE) {
                let step = quantisation.get(usize::from(place)).copied().unwrap_or_default();
                // libjpeg treats quantisation steps as signed 16-bit numbers.
                *factor = f32::from(step.cast_signed()) * row * column / 8.0;
            }
            *below = places.iter().skip(1).fold(0, |bits, place| bits | 1 << place);
        }
        Self { factors, below }
    }

    /// Writes the samples of a group of blocks to rows of `width` samples. `index` is the position
    /// of the group in its row.
    pub(crate) fn write(&self, group: &Group, index: usize, rows: &mut [u8], width: usize) {
        let nonzero = group.nonzero.iter().fold(0, |all, mask| all | mask);
        blocks::write(&self.samples(&group.values, nonzero), rows, width, index * LANES * 8);
    }

    /// The samples of the blocks. Each row contains the samples of the first block, then those of
    /// the next one.
    fn samples(&self, values: &Lanes, nonzero: u64) -> [[[u8; LANES]; 8]; 8] {
        let mut columns = [[Each::ZERO; 8]; 8];
        let parts = columns.iter_mut().zip(&self.factors).zip(&PLACES).zip(self.below);
        for (((column, factors), places), below) in parts {
            let mut coefficients = [Each::ZERO; 8];
            for ((coefficient, &factor), &place) in coefficients.iter_mut().zip(factors).zip(places)
            {
                if let Some(values) = values.get(usize::from(place & 63)) {
                    *coefficient = Each::new(values) * factor;
                }
            }
            *column = if nonzero & below == 0 {
                let [first, ..] = coefficients;
                [first; 8]
            } else {
                transform(coefficients)
            };
        }
        let mut rows = [[[0; LANES]; 8]; 8];
        for (y, row) in rows.iter_mut().enumerate() {
            let mut coefficients = [Each::ZERO; 8];
            for (coefficient, column) in coefficients.iter_mut().zip(&columns) {
                if let Some(number) = column.get(y) {
                    *coefficient = *number;
                }
            }
            *row = by_block(transform(coefficients).map(to_samples));
        }
        rows
    }
}
