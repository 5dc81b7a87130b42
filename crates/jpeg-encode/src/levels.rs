//! Quantises the coefficients of blocks.

use archmage::autoversion;

use super::component::{COUNT, Rows, SIDE};
use super::dct::{SCALE, SCALES, Values, forward};
use super::tables::Steps;

/// A coefficient is rounded up if it exceeds a level by at least this fraction of a step. At
/// quality 100, it is rounded to the nearest level.
const ROUNDS_UP: f32 = 0.56;
const ROUNDS_UP_AT_100: f32 = 0.5;

/// Divides coefficients by their steps: adds, multiplies twice, and keeps the upper half of each
/// product. The first index of each array is the horizontal frequency.
pub(crate) struct Quantizer {
    addends: Numbers,
    factors: Numbers,
    shifts: Numbers,
    /// The factor of the DC coefficient.
    direct: f32,
}

type Numbers = [[u16; SIDE]; SIDE];

impl Quantizer {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    pub(crate) fn new(steps: &Steps, quality: u8) -> Self {
        let mut divisors = [SCALES.map(|scale| scale * SCALE); 8];
        for ((divisors, column), horizontal) in divisors.iter_mut().zip(SCALES).zip(0_usize..) {
            for (divisor, steps) in divisors.iter_mut().zip(steps) {
                *divisor *= column * steps.get(horizontal).copied().map_or(1.0, f32::from);
            }
        }
        let rounds_up = if quality < 100 { ROUNDS_UP } else { ROUNDS_UP_AT_100 };
        let numbers = |number: &dyn Fn(f32) -> f32| {
            divisors.map(|divisors| divisors.map(|divisor| number(divisor).round() as u16))
        };
        Self {
            addends: numbers(&|divisor| (1.0 - rounds_up) * divisor),
            factors: numbers(&|divisor| (16.0 + exponent(divisor)).exp2() / divisor),
            shifts: numbers(&|divisor| (16.0 - exponent(divisor)).exp2()),
            direct: 1.0 / (SCALE * f32::from(steps[0][0])),
        }
    }

    /// Computes the levels of neighbouring blocks.
    #[expect(clippy::cast_possible_truncation, reason = "in range")]
    pub(crate) fn quantize(&self, samples: &Rows<u8>, levels: &mut Levels) {
        let Levels { direct, alternating, nonzero } = levels;
        forward(samples, alternating);
        for (direct, [[coefficient, ..], ..]) in direct.iter_mut().zip(&*alternating) {
            let level = f32::from(*coefficient) * self.direct;
            *direct = (level + 0.5f32.copysign(level)) as i32;
        }
        divide(alternating, &self.addends, &self.factors, &self.shifts);
        find(alternating, nonzero);
    }
}

/// The levels of neighbouring blocks.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Levels {
    /// The DC levels.
    pub(crate) direct: [i32; COUNT],
    /// The AC levels. The first value of each block is undefined.
    pub(crate) alternating: Values,
    /// For each block, a mask of the places of nonzero levels. The lowest bit is undefined.
    pub(crate) nonzero: [u64; COUNT],
}

#[autoversion(v3)]
fn divide(levels: &mut Values, addends: &Numbers, factors: &Numbers, shifts: &Numbers) {
    for levels in levels {
        let numbers = addends.as_flattened().iter().zip(factors.as_flattened());
        let numbers = numbers.zip(shifts.as_flattened());
        for (level, ((&addend, &factor), &shift)) in
            levels.as_flattened_mut().iter_mut().zip(numbers)
        {
            let sign = *level >> 15;
            let size = level.unsigned_abs().wrapping_add(addend);
            let size = upper(upper(size, factor), shift).cast_signed();
            *level = (size ^ sign).wrapping_sub(sign);
        }
    }
}

/// Sets a bit for each level that is not 0.
#[autoversion(v3)]
fn find(levels: &Values, nonzero: &mut [u64; COUNT]) {
    let mut flags = [[0_u8; SIDE]; SIDE * COUNT];
    for (flag, &level) in
        flags.as_flattened_mut().iter_mut().zip(levels.as_flattened().as_flattened())
    {
        *flag = u8::from(level != 0);
    }
    for (mask, flags) in nonzero.iter_mut().zip(flags.as_chunks::<SIDE>().0) {
        *mask = flags.iter().rev().fold(0, |mask, &flags| {
            // The multiplication collects the lowest bits of all bytes in the highest byte.
            mask << 8 | u64::from_le_bytes(flags).wrapping_mul(0x0102_0408_1020_4080) >> 56
        });
    }
}

/// The number of bits by which to shift for this divisor. With this shift, the factor uses all 16
/// bits, and the second multiplication shifts by at least one bit.
fn exponent(divisor: f32) -> f32 {
    divisor.log2().floor().max(1.0)
}

/// The upper half of the product.
#[inline(always)]
fn upper(one: u16, other: u16) -> u16 {
    ((u32::from(one) * u32::from(other)) >> 16) as u16
}
