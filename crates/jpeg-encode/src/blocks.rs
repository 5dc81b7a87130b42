//! Turns blocks of samples into symbols.

use super::component::{Component, Layout, SIDE};
use super::dct::{Lanes, SCALES, forward};
use super::file;
use super::symbols::{Symbols, Table};
use super::tables::{Steps, steps};
use super::zigzag::ZIGZAG;

/// How far a coefficient must exceed half a step, in steps, to be rounded up.
const DEAD_ZONE: f32 = 0.06;

/// The largest level of an AC coefficient (T.81, table F.2).
const HIGHEST: f32 = 1023.0;

/// Adding this number to a smaller one leaves the nearest integer in the lowest bits.
const ROUNDS: f32 = 12_582_912.0;

/// Encode a picture. `fill` fills the samples of the components for a row of units.
pub(crate) fn encode(
    layout: &Layout,
    quality: u8,
    mut fill: impl FnMut(usize, &mut [Component]),
) -> Vec<u8> {
    let steps = steps(quality);
    let mut symbols = Symbols::new(layout, file::start(layout, &steps));
    let [luma, chroma] = steps.map(|steps| Quantizer::new(&steps));
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

/// Divides coefficients by their steps.
struct Quantizer {
    /// The factor of each coefficient. The first index is the horizontal frequency.
    factors: [Lanes; 8],
    /// The index of each coefficient in zigzag order.
    ranks: [[u8; 8]; 8],
    /// The place of each coefficient, in zigzag order.
    places: [u8; 64],
}

impl Quantizer {
    fn new(steps: &Steps) -> Self {
        let mut factors = [Lanes::default(); 8];
        for ((factors, horizontal), column) in factors.iter_mut().zip(0..).zip(SCALES) {
            for ((factor, steps), row) in factors.0.iter_mut().zip(steps).zip(SCALES) {
                let step = steps.get::<usize>(horizontal).copied().unwrap_or(1);
                *factor = 1.0 / (8.0 * row * column * f32::from(step));
            }
        }
        let places = ZIGZAG.map(|index| index % 8 * 8 + index / 8);
        let mut ranks = [[0; 8]; 8];
        for (&place, rank) in places.iter().zip(0..) {
            if let Some(entry) = ranks.as_flattened_mut().get_mut(usize::from(place)) {
                *entry = rank;
            }
        }
        Self { factors, ranks, places }
    }

    /// Returns the DC level, and the AC levels with a bit in zigzag order for each that is not 0.
    #[inline(always)]
    fn levels(&self, block: [[u8; 8]; 8]) -> (i32, [[i32; 8]; 8], u64) {
        let coefficients = forward(block);
        let mut levels = [[0; 8]; 8];
        for ((levels, lanes), factors) in levels.iter_mut().zip(coefficients).zip(&self.factors) {
            for ((level, value), factor) in levels.iter_mut().zip(lanes.0).zip(factors.0) {
                let value = value * factor;
                let size = value.abs() - DEAD_ZONE;
                let size = if size > HIGHEST { HIGHEST } else { size };
                *level = nearest(size.copysign(value));
            }
        }
        let direct = coefficients[0].0[0] * self.factors[0].0[0];
        let mut nonzero = 0;
        for (levels, ranks) in levels.iter().zip(&self.ranks) {
            if *levels != [0; 8] {
                for (&level, &rank) in levels.iter().zip(ranks) {
                    nonzero |= u64::from(level != 0) << (rank & 63);
                }
            }
        }
        (nearest(direct), levels, nonzero & !1)
    }
}

/// The nearest integer. The value must be between -2^22 and 2^22.
#[inline(always)]
fn nearest(value: f32) -> i32 {
    (value + ROUNDS).to_bits().cast_signed().wrapping_sub(ROUNDS.to_bits().cast_signed())
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

    /// Encode the component's blocks of a unit.
    #[inline(always)]
    fn unit(&mut self, component: &Component, column: usize, row: usize, symbols: &mut Symbols) {
        let (across, down) = component.factors;
        for y in 0..down {
            for x in 0..across {
                let (column, top) = (column * across + x, row * down + y);
                if column * SIDE < component.width && top * SIDE < component.height {
                    self.block(component.block(column, y), symbols);
                } else {
                    // The block lies outside the picture. This one has the fewest bits.
                    symbols.push(self.direct, 0, 0);
                    symbols.push(self.alternating, 0, 0);
                }
            }
        }
    }

    #[inline(always)]
    fn block(&mut self, block: [[u8; 8]; 8], symbols: &mut Symbols) {
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
            let (size, bits) = magnitude(level.unwrap_or_default());
            #[expect(clippy::cast_possible_truncation, reason = "at most 15")]
            symbols.push(self.alternating, (run as u8) << 4 | size, bits);
        }
        if previous < 63 {
            symbols.push(self.alternating, 0, 0);
        }
    }
}

/// The number of bits of a level, and these bits (T.81, F.1.2.1).
#[inline(always)]
fn magnitude(level: i32) -> (u8, u32) {
    let size = 32 - level.unsigned_abs().leading_zeros();
    let bits = level.wrapping_add(level >> 31).cast_unsigned() & ((1 << (size & 31)) - 1);
    #[expect(clippy::cast_possible_truncation, reason = "at most 11")]
    (size as u8, bits)
}
