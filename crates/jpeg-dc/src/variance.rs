//! The variance of the frequencies that a scale leaves out.

use crate::ac::{LANES, Lanes};
use crate::corner::INDICES;
use crate::marker::Quantisation;
use crate::options::Scale;
use crate::zigzag::ZIGZAG;

/// What the square of each coefficient adds to the variance of its block, by its index in zigzag
/// order: 0 for the frequencies that the scale keeps, and for indices above 63. By Parseval's
/// theorem, the mean square of a block's samples is the sum of the squares of its coefficients,
/// divided by 64.
pub(crate) struct Weights([f32; INDICES]);

impl Weights {
    pub(crate) fn new(quantisation: &Quantisation, scale: Scale) -> Self {
        let mut weights = [0.0; INDICES];
        let order = ZIGZAG.iter().zip(quantisation);
        for (weight, (&(row, column), &step)) in weights.iter_mut().zip(order) {
            if usize::from(row.max(column)) >= scale.side() {
                *weight = (f32::from(step) / 8.0).powi(2);
            }
        }
        Self(weights)
    }

    /// The weight of the coefficient at this index.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called for every coefficient")]
    pub(crate) fn of(&self, index: usize) -> f32 {
        self.0.get(index).copied().unwrap_or_default()
    }

    /// The variances of adjacent blocks.
    pub(crate) fn of_blocks(&self, values: &Lanes) -> [u16; LANES] {
        let mut sums = [0.0; LANES];
        for (values, weight) in values.iter().zip(self.0) {
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum += weight * f32::from(value).powi(2);
            }
        }
        sums.map(rounded)
    }
}

/// Rounds a variance to the nearest integer. Only damaged files exceed the range.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
pub(crate) fn rounded(sum: f32) -> u16 {
    (sum + 0.5) as u16
}
