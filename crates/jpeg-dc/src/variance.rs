//! The variance of the frequencies that a scale leaves out.

use crate::ac::{LANES, Lanes};
use crate::marker::Quantisation;
use crate::options::Scale;
use crate::values::{Position, Values};
use crate::zigzag::ZIGZAG;

/// The number of indices. Indices above 63 stand for the end of a block.
const INDICES: usize = 256;

/// The weights of the squares of the coefficients in the variance of a block, by index in zigzag
/// order. The weight is 0 for the frequencies that the scale keeps, and for indices above 63. By
/// Parseval's theorem, the mean square of a block's samples is the sum of the squares of its
/// coefficients, divided by 64.
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

    /// The variance of the block that starts at a position.
    pub(crate) fn of_block(&self, bytes: &[u8], start: u32, dc: &Values, ac: &Values) -> u16 {
        let mut at = Position::new(bytes, start);
        dc.step(bytes, &mut at);
        let (mut index, mut sum) = (0, 0.0);
        // After a DC and an AC coefficient, or after two look-ups, more bits must be loaded.
        loop {
            for _ in 0..2 {
                let found = ac.step(bytes, &mut at);
                let (distance, second) = found.second();
                sum += self.term(index + found.first_distance(), found.first);
                sum += self.term(index + distance, second);
                index += found.distance();
                if index >= 63 {
                    return rounded(sum);
                }
                if index == found.distance() {
                    break;
                }
            }
            at.refill(bytes);
        }
    }

    /// The part of the variance that a coefficient adds.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called for every coefficient")]
    fn term(&self, index: u32, coefficient: i16) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "an index has eight bits")]
        let weight = self.0.get(usize::from(index as u8)).copied().unwrap_or_default();
        weight * f32::from(coefficient).powi(2)
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

/// Rounds a variance to the nearest integer. The range is exceeded only in damaged files.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
fn rounded(sum: f32) -> u16 {
    (sum + 0.5) as u16
}
