//! Turns blocks of samples into symbols.

use super::component::{Component, Layout, SIDE};
use super::dct::{SCALE, SCALES, Values, forward};
use super::file;
use super::symbols::{Symbols, Table};
use super::tables::{Steps, steps};
use super::zigzag::ZIGZAG;

/// A coefficient is rounded up if it exceeds a level by at least this fraction of a step. At
/// quality 100, it is rounded to the nearest level.
const ROUNDS_UP: f32 = 0.56;
const ROUNDS_UP_AT_100: f32 = 0.5;

/// Encodes a picture. `fill` writes the samples of a row of units to the components.
pub(crate) fn encode(
    layout: Layout,
    quality: u8,
    mut fill: impl FnMut(usize, &mut [Component]),
) -> Vec<u8> {
    let steps = steps(quality);
    let mut symbols = Symbols::new(layout, file::start(layout, &steps));
    let [luma, chroma] = steps.map(|steps| Quantizer::new(&steps, quality));
    let mut components = layout.components();
    let mut encoders = [
        Encoder::new(&luma, [Table::LumaDc, Table::LumaAc]),
        Encoder::new(&chroma, [Table::ChromaDc, Table::ChromaAc]),
        Encoder::new(&chroma, [Table::ChromaDc, Table::ChromaAc]),
    ];
    let (across, down) = layout.units();
    for row in 0..down {
        fill(row, &mut components);
        for column in 0..across {
            for (component, encoder) in components.iter().zip(&mut encoders) {
                encoder.unit(component, column, row, &mut symbols);
            }
        }
        symbols.relieve();
    }
    symbols.finish()
}

/// Divides coefficients by their steps: adds, multiplies twice, and keeps the upper half of each
/// product. The first index of each array is the horizontal frequency.
struct Quantizer {
    addends: [[u16; 8]; 8],
    factors: [[u16; 8]; 8],
    shifts: [[u16; 8]; 8],
    /// The index of each coefficient in zigzag order.
    ranks: [[u8; 8]; 8],
    /// The place of each coefficient, in zigzag order.
    places: [u8; 64],
    /// The factor of the DC coefficient.
    direct: f32,
}

impl Quantizer {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    fn new(steps: &Steps, quality: u8) -> Self {
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
        let places = ZIGZAG.map(|index| index % 8 * 8 + index / 8);
        let mut ranks = [[0; 8]; 8];
        for (&place, rank) in places.iter().zip(0..) {
            if let Some(entry) = ranks.as_flattened_mut().get_mut(usize::from(place)) {
                *entry = rank;
            }
        }
        Self {
            addends: numbers(&|divisor| (1.0 - rounds_up) * divisor),
            factors: numbers(&|divisor| (16.0 + exponent(divisor)).exp2() / divisor),
            shifts: numbers(&|divisor| (16.0 - exponent(divisor)).exp2()),
            ranks,
            places,
            direct: 1.0 / (SCALE * f32::from(steps[0][0])),
        }
    }

    /// Returns the DC level, the AC levels, and a mask of the nonzero AC levels in zigzag order.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "in range")]
    fn levels(&self, block: &[[u8; 8]; 8]) -> (i32, Values, u64) {
        let coefficients = forward(block);
        let levels = self.divide(&coefficients);
        let mut nonzero = 0_u64;
        let halves = levels.as_flattened().as_chunks::<4>().0;
        for (half, ranks) in halves.iter().zip(self.ranks.as_flattened().as_chunks::<4>().0) {
            let [a, b, c, d] = half.map(|level| u64::from(level.cast_unsigned()));
            let mut bits = a | (b << 16) | (c << 32) | (d << 48);
            while bits != 0 {
                let place = (bits.trailing_zeros() / 16) & 3;
                bits &= !(0xffff << (place * 16));
                nonzero |= 1 << (ranks.get(place as usize).copied().unwrap_or_default() & 63);
            }
        }
        let direct = f32::from(coefficients[0][0]) * self.direct;
        ((direct + 0.5f32.copysign(direct)) as i32, levels, nonzero & !1)
    }

    /// The compiler turns the loop into vector code, but only if the function is not inlined.
    #[inline(never)]
    fn divide(&self, coefficients: &Values) -> Values {
        let mut levels = *coefficients;
        let numbers = self.addends.as_flattened().iter().zip(self.factors.as_flattened());
        let numbers = numbers.zip(self.shifts.as_flattened());
        for (level, ((&addend, &factor), &shift)) in
            levels.as_flattened_mut().iter_mut().zip(numbers)
        {
            let sign = *level >> 15;
            let size = level.unsigned_abs().wrapping_add(addend);
            let size = upper(upper(size, factor), shift).cast_signed();
            *level = (size ^ sign).wrapping_sub(sign);
        }
        levels
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

/// Encodes the blocks of a component.
struct Encoder<'a> {
    quantizer: &'a Quantizer,
    direct: Table,
    alternating: Table,
    /// The DC level of the previous block.
    last: i32,
}

impl<'a> Encoder<'a> {
    fn new(quantizer: &'a Quantizer, [direct, alternating]: [Table; 2]) -> Self {
        Self { quantizer, direct, alternating, last: 0 }
    }

    /// Encodes the component's blocks in a unit.
    #[inline(always)]
    fn unit(&mut self, component: &Component, column: usize, row: usize, symbols: &mut Symbols) {
        let (across, down) = component.factors;
        for y in 0..down {
            for x in 0..across {
                let (column, top) = (column * across + x, row * down + y);
                if column * SIDE < component.width && top * SIDE < component.height {
                    self.block(&component.block(column, y), symbols);
                } else {
                    // The block lies outside the picture, so it is encoded with the fewest bits.
                    symbols.push(self.direct, 0, 0);
                    symbols.push(self.alternating, 0, 0);
                }
            }
        }
    }

    #[inline(always)]
    fn block(&mut self, block: &[[u8; 8]; 8], symbols: &mut Symbols) {
        let (direct, levels, mut nonzero) = self.quantizer.levels(block);
        let (size, bits) = magnitude(direct.wrapping_sub(self.last));
        self.last = direct;
        symbols.push(self.direct, size, bits);
        let mut previous = 0;
        while nonzero != 0 {
            let rank = nonzero.trailing_zeros();
            nonzero &= nonzero - 1;
            let mut run = rank.wrapping_sub(previous).wrapping_sub(1);
            previous = rank;
            while run > 15 {
                symbols.push(self.alternating, 0xf0, 0);
                run -= 16;
            }
            let place = self.quantizer.places.get(rank as usize & 63).copied().unwrap_or_default();
            let level = levels.as_flattened().get(usize::from(place & 63)).copied();
            let (size, bits) = magnitude(level.unwrap_or_default().into());
            #[expect(clippy::cast_possible_truncation, reason = "at most 15")]
            symbols.push(self.alternating, (run as u8) << 4 | size, bits);
        }
        if previous < 63 {
            symbols.push(self.alternating, 0, 0);
        }
    }
}

/// The number of bits of a level, and the bits themselves (T.81, F.1.2.1).
#[inline(always)]
fn magnitude(level: i32) -> (u8, u32) {
    let size = 32 - level.unsigned_abs().leading_zeros();
    let bits = level.wrapping_add(level >> 31).cast_unsigned() & ((1 << (size & 31)) - 1);
    #[expect(clippy::cast_possible_truncation, reason = "at most 11")]
    (size as u8, bits)
}
