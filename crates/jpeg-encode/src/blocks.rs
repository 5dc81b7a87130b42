//! Turns blocks of samples into symbols.

use std::ops::Range;

use archmage::autoversion;

use super::component::{COUNT, Component, Layout, SIDE};
use super::file;
use super::levels::{Levels, Quantizer};
use super::symbols::{Symbols, Table};
use super::tables::steps;
use super::zigzag::{PLACES, RANKS};

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
        for first in (0..across).step_by(COUNT) {
            for (component, encoder) in components.iter().zip(&mut encoders) {
                encoder.transform(component, first);
            }
            let columns = first..across.min(first + COUNT);
            write_units(&components, &mut encoders, columns, row, &mut symbols);
        }
        symbols.relieve();
    }
    symbols.finish()
}

/// Writes the symbols of units in these columns.
#[autoversion(v3)]
fn write_units(
    components: &[Component],
    encoders: &mut [Encoder<'_>; 3],
    columns: Range<usize>,
    row: usize,
    symbols: &mut Symbols,
) {
    for column in columns {
        for (component, encoder) in components.iter().zip(&mut *encoders) {
            encoder.unit(component, column, row, symbols);
        }
    }
}

/// Encodes the blocks of a component.
struct Encoder<'a> {
    quantizer: &'a Quantizer,
    direct: Table,
    alternating: Table,
    /// The DC level of the previous block.
    last: i32,
    /// The levels of [`COUNT`] units, from left to right in rows of blocks.
    levels: Vec<Levels>,
}

impl<'a> Encoder<'a> {
    fn new(quantizer: &'a Quantizer, [direct, alternating]: [Table; 2]) -> Self {
        Self { quantizer, direct, alternating, last: 0, levels: Vec::new() }
    }

    /// Computes the levels of units from this column on.
    fn transform(&mut self, component: &Component, column: usize) {
        let (across, down) = component.factors;
        self.levels.resize(across * down, Levels::default());
        for (row, y) in self.levels.chunks_exact_mut(across).zip(0..) {
            for (levels, x) in row.iter_mut().zip(0..) {
                let samples = component.blocks(column * across + x * COUNT, y);
                self.quantizer.quantize(&samples, levels);
            }
        }
    }

    /// Encodes the component's blocks in a unit.
    #[inline(always)]
    fn unit(&mut self, component: &Component, column: usize, row: usize, symbols: &mut Symbols) {
        let (across, down) = component.factors;
        for y in 0..down {
            for x in 0..across {
                let (left, top) = (column * across + x, row * down + y);
                if left * SIDE < component.width && top * SIDE < component.height {
                    let index = column % COUNT * across + x;
                    self.block(y * across + index / COUNT, index % COUNT, symbols);
                } else {
                    // The block lies outside the picture, so it is encoded with the fewest bits.
                    symbols.push(self.direct, 0, 0);
                    symbols.push(self.alternating, 0, 0);
                }
            }
        }
    }

    #[inline(always)]
    fn block(&mut self, group: usize, index: usize, symbols: &mut Symbols) {
        let Some(levels) = self.levels.get(group) else { return };
        let direct = levels.direct.get(index).copied().unwrap_or_default();
        let (size, bits) = magnitude(direct.wrapping_sub(self.last));
        self.last = direct;
        symbols.push(self.direct, size, bits);
        let mut places = levels.nonzero.get(index).copied().unwrap_or_default() & !1;
        // The same mask in zigzag order.
        let mut nonzero = 0_u64;
        while places != 0 {
            let place = places.trailing_zeros();
            places &= places - 1;
            nonzero |= 1 << (RANKS.get(place as usize & 63).copied().unwrap_or_default() & 63);
        }
        let levels = levels.alternating.get(index).unwrap_or(&[[0; SIDE]; SIDE]).as_flattened();
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
            let place = usize::from(PLACES.get(rank as usize & 63).copied().unwrap_or_default());
            let level = levels.get(place).copied().unwrap_or_default();
            let (size, bits) = magnitude(level.into());
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
