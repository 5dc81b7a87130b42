//! The forward DCT by the algorithm of Arai, Agui and Nakajima ("A Fast DCT-SQ Scheme for Images",
//! 1988) in floating point.

use std::ops::{Add, Mul, Sub};

/// Eight values, on which the compiler works in parallel.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lanes(pub(crate) [f32; 8]);

impl Add for Lanes {
    type Output = Self;

    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(value, other)| *value += other);
        self
    }
}

impl Sub for Lanes {
    type Output = Self;

    #[inline(always)]
    fn sub(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(value, other)| *value -= other);
        self
    }
}

impl Mul<f32> for Lanes {
    type Output = Self;

    #[inline(always)]
    fn mul(self, factor: f32) -> Self {
        Self(self.0.map(|value| value * factor))
    }
}

/// The factor of each frequency in the result of [`forward`]: `cos(kπ/16) √2`, or 1 for the first.
pub(crate) const SCALES: [f32; 8] =
    [1.0, 1.387_039_8, 1.306_563, 1.175_875_6, 1.0, 0.785_694_96, 0.541_196_1, 0.275_899_4];

/// The transform in one dimension, from top to bottom.
#[inline(always)]
fn transform([s0, s1, s2, s3, s4, s5, s6, s7]: [Lanes; 8]) -> [Lanes; 8] {
    const COS_4: f32 = std::f32::consts::FRAC_1_SQRT_2;
    const COS_6: f32 = 0.382_683_43;
    let (a0, a1, a2, a3) = (s0 + s7, s1 + s6, s2 + s5, s3 + s4);
    let (b0, b1, b2, b3) = (a0 + a3, a1 + a2, a1 - a2, a0 - a3);
    let turned = (b2 + b3) * COS_4;

    let (d0, d1, d2, d3) = (s3 - s4, s2 - s5, s1 - s6, s0 - s7);
    let (e0, e1, e2) = (d0 + d1, (d1 + d2) * COS_4, d2 + d3);
    let common = (e0 - e2) * COS_6;
    let (f0, f2) = (e0 * 0.541_196_1 + common, e2 * 1.306_563 + common);
    let (g0, g1) = (d3 + e1, d3 - e1);
    [b0 + b1, g0 + f2, b3 + turned, g1 - f0, b0 - b1, g1 + f0, b3 - turned, g0 - f2]
}

#[inline(always)]
fn transposed(rows: [Lanes; 8]) -> [Lanes; 8] {
    let mut columns = [Lanes::default(); 8];
    for (index, row) in rows.iter().enumerate() {
        for (column, value) in columns.iter_mut().zip(row.0) {
            if let Some(place) = column.0.get_mut(index) {
                *place = value;
            }
        }
    }
    columns
}

/// Returns the coefficients, multiplied by 8 and by [`SCALES`] of both dimensions. The first index
/// is the horizontal frequency.
#[inline(always)]
pub(crate) fn forward(block: [[u8; 8]; 8]) -> [Lanes; 8] {
    let rows = block.map(|row| Lanes(row.map(|sample| f32::from(sample) - 128.0)));
    transform(transposed(transform(rows)))
}
