//! Blocks of 2 x 2 samples.
//!
//! If a component has half the resolution of the image in both directions, as chroma does in 4:2:0
//! files, libjpeg does not enlarge it at 1/8. Instead, it uses an inverse DCT that produces 2 x 2
//! samples for each block and needs AC coefficients.

use crate::ac::Lanes;
use crate::dc::{DifferenceTable, difference};
use crate::entropy::window;
use crate::huffman::{Code, Lookup};
use crate::image::{clamp, pixel};
use crate::marker::Quantisation;
use crate::zigzag::ZIGZAG;

/// The samples of a block, row by row.
pub(crate) type Quad = [u8; 4];

/// The number of rows and columns that are used: the first one and the odd ones. The others have no
/// weight in libjpeg's inverse DCT.
const SIDE: usize = 5;

/// The index of each coefficient among the used ones. All unused coefficients have the next index
/// after the last used one.
const PLACES: [u8; 64] = places();

const fn places() -> [u8; 64] {
    let mut places = [0; 64];
    let (mut rest, mut order) = (places.as_mut_slice(), ZIGZAG.as_slice());
    while let (Some((place, places)), Some((&(row, column), others))) =
        (rest.split_first_mut(), order.split_first())
    {
        let counts = (row == 0 || row % 2 == 1) && (column == 0 || column % 2 == 1);
        *place = if counts { row.div_ceil(2) * 5 + column.div_ceil(2) } else { 25 };
        (rest, order) = (places, others);
    }
    places
}

/// The dequantised coefficients of a block that are used, row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DequantisedBlock([i32; 32]);

impl DequantisedBlock {
    /// Creates a block with only a DC coefficient.
    #[inline]
    pub(crate) fn new(dc: i32, quantisation: &Quantisation) -> Self {
        let mut block = Self([0; 32]);
        block.set(0, dc, quantisation);
        block
    }

    /// Sets the coefficient at `index` in zigzag order.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "libjpeg keeps 16 bits of a coefficient")]
    pub(crate) fn set(&mut self, index: usize, value: i32, quantisation: &Quantisation) {
        let place = PLACES.get(index).map(|&place| usize::from(place & 31));
        let step = quantisation.get(index).map_or(0, |&step| step.cast_signed());
        if let Some(coefficient) = place.and_then(|place| self.0.get_mut(place)) {
            *coefficient = (value as i16).wrapping_mul(step).into();
        }
    }

    /// Computes the samples in fixed point, and rounds as libjpeg does, so that the results are
    /// identical.
    pub(crate) fn samples(&self) -> Quad {
        let (rows, _) = self.0.as_chunks::<SIDE>();
        let &[even, first, third, fifth, seventh, ..] = rows else { return [0; 4] };
        let mut top = [0; SIDE];
        let mut bottom = [0; SIDE];
        for ((((((top, bottom), even), first), third), fifth), seventh) in
            top.iter_mut().zip(&mut bottom).zip(even).zip(first).zip(third).zip(fifth).zip(seventh)
        {
            (*top, *bottom) = pair([even, first, third, fifth, seventh], COLUMNS_SHIFT);
            (*top, *bottom) = (saturate(*top), saturate(*bottom));
        }
        let (a, b) = pair(top, ROWS_SHIFT);
        let (c, d) = pair(bottom, ROWS_SHIFT);
        [a, b, c, d].map(|value| clamp(value + 128))
    }
}

/// Limits a value to 16 bits, as the vector code of libjpeg-turbo does between the passes. That is
/// enough for every image that was encoded from pixels, but not for every file.
#[inline]
fn saturate(value: i32) -> i32 {
    value.clamp(i16::MIN.into(), i16::MAX.into())
}

/// The samples of one block of a group. `nonzero` has a bit for every coefficient that is not zero,
/// apart from the DC coefficient.
pub(crate) fn samples(
    dc: i16,
    group: &Lanes,
    lane: usize,
    mut nonzero: u64,
    quantisation: &Quantisation,
) -> Quad {
    if nonzero == 0 {
        return [pixel(dc.into(), quantisation[0]); 4];
    }
    let mut block = DequantisedBlock::new(dc.into(), quantisation);
    while nonzero != 0 {
        let index = nonzero.trailing_zeros() as usize;
        let value = group.get(index).and_then(|values| values.get(lane));
        block.set(index, value.copied().unwrap_or_default().into(), quantisation);
        nonzero &= nonzero - 1;
    }
    block.samples()
}

/// Fixed point: 13 bits after the point.
const POINT: u32 = 13;
/// Two more bits are kept between the passes, and the sums are 4 times too large.
const COLUMNS_SHIFT: u32 = POINT - 2 + 2;
const ROWS_SHIFT: u32 = POINT + 2 + 3 + 2;

/// The two samples of a one-dimensional inverse DCT, from the coefficients 0, 1, 3, 5 and 7.
#[inline]
fn pair([even, first, third, fifth, seventh]: [i32; SIDE], shift: u32) -> (i32, i32) {
    let even = even.wrapping_shl(POINT + 2);
    // The weight of an odd coefficient is the sum of its weights in the full inverse DCT for the
    // samples that are merged into one.
    let odd = [(first, 29_692), (third, -10_426), (fifth, 6_967), (seventh, -5_906)]
        .iter()
        .fold(0_i32, |sum, &(value, weight)| sum.wrapping_add(value.wrapping_mul(weight)));
    let half = 1 << (shift - 1);
    (
        even.wrapping_add(odd).wrapping_add(half) >> shift,
        even.wrapping_sub(odd).wrapping_add(half) >> shift,
    )
}

/// Reads complete blocks of sequential scans.
pub(crate) struct QuadReader<'a> {
    differences: DifferenceTable<'a>,
    symbols: Lookup<'a>,
    quantisation: Quantisation,
}

impl<'a> QuadReader<'a> {
    pub(crate) fn new(dc: &'a Code, ac: &'a Code, quantisation: Quantisation) -> Self {
        Self { differences: DifferenceTable::new(dc), symbols: Lookup::new(ac), quantisation }
    }

    /// The samples of the block that starts at bit `start`. The codes of the block must be valid.
    #[inline]
    pub(crate) fn block(&self, bytes: &[u8], start: u32, prediction: &mut i32) -> Quad {
        let mut bit = start as usize;
        let mut ahead = window(bytes, bit / 8) << (bit % 8);
        let step = self.differences.step(ahead);
        *prediction = prediction.wrapping_add(step.difference.into());
        bit += usize::from(step.bits);
        ahead <<= step.bits;
        let mut block = DequantisedBlock::new(*prediction, &self.quantisation);
        let mut index = 1;
        // At least 57 bits are loaded, and a symbol takes at most 31.
        let mut left = 57 - u32::from(step.bits);
        let mut flat = true;
        while index < 64 {
            if left < 31 {
                ahead = window(bytes, bit / 8) << (bit % 8);
                left = 57;
            }
            let (length, symbol) = self.symbols.symbol(ahead);
            let (run, size) = (symbol >> 4, symbol & 15);
            let bits = u32::from(length + size);
            if size > 0 {
                index += usize::from(run);
                let value = difference(ahead << length, size);
                block.set(index, value.into(), &self.quantisation);
                flat = false;
                index += 1;
            } else if run == 15 && length > 0 {
                index += 16;
            } else {
                break;
            }
            bit += bits as usize;
            ahead <<= bits;
            left -= bits;
        }
        if flat {
            return [pixel(*prediction, self.quantisation[0]); 4];
        }
        block.samples()
    }
}

/// Writes blocks of 2 x 2 samples, `across` of them in a row, to a plane that is twice as wide.
pub(crate) fn plane(quads: &[Quad], across: usize) -> Vec<u8> {
    let mut samples = vec![0; quads.len() * 4];
    let rows = samples.chunks_exact_mut((4 * across).max(1));
    for (rows, quads) in rows.zip(quads.chunks_exact(across.max(1))) {
        let (top, bottom) = rows.split_at_mut(2 * across);
        let pairs = top.as_chunks_mut().0.iter_mut().zip(bottom.as_chunks_mut().0);
        for ((top, bottom), &[a, b, c, d]) in pairs.zip(quads) {
            (*top, *bottom) = ([a, b], [c, d]);
        }
    }
    samples
}
