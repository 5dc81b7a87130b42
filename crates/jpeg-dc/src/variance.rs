//! The variance of the frequencies that a scale leaves out.
//!
//! Reading all coefficients of a sequential file takes longer than everything else. In a large file,
//! only a sample of the blocks is therefore read. It shows how the variance depends on the number of
//! bits after the frequencies that the scale keeps. Blocks that are likely to have a large variance
//! are read, too. The others get the mean variance of the blocks in the sample with about the same
//! number of bits.

use crate::ac::{LANES, Lanes};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::frame::{Layout, Part};
use crate::marker::Quantisation;
use crate::options::Scale;
use crate::values::{Position, Values};
use crate::zigzag::ZIGZAG;

/// If a component has fewer blocks, all of them are read.
const SAMPLED_FROM: usize = 40_000;

/// One of this number of blocks is in the sample.
const SAMPLE: usize = 30;

/// A block is read if its variance is probably larger. At this limit, an error by half changes
/// middle gray by less than one fifth of a step.
const LARGE: u16 = 50;

/// The same limit at one eighth, where each pixel of a result averages many blocks.
const LARGE_AT_ONE_EIGHTH: u16 = 150;

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

/// A component's blocks in a sequential scan.
pub(crate) struct Blocks<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) layout: &'a Layout,
    pub(crate) part: &'a Part,
    /// The start and the end of each block of the scan, in bits.
    pub(crate) bounds: &'a [[u32; 2]],
    /// For each of the component's blocks, in the order of the scan, the number of bits of the
    /// frequencies that the scale keeps. Empty at one eighth.
    pub(crate) kept: &'a [u32],
    pub(crate) dc: &'a Values<'a>,
    pub(crate) ac: &'a Values<'a>,
    pub(crate) weights: &'a Weights,
}

impl Blocks<'_> {
    /// Measures or estimates the variance of each block.
    pub(crate) fn measure(
        &self,
        variances: &mut [u16],
        across: usize,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let is_sampled = variances.len() >= SAMPLED_FROM;
        // Without a sample, all blocks are read.
        let means = if is_sampled { self.sample() } else { [u16::MAX; PLACES] };
        // At one eighth, nothing is read before the rest.
        let large = if self.kept.is_empty() { LARGE_AT_ONE_EIGHTH } else { LARGE };
        let (layout, part) = (self.layout, self.part);
        let (per_mcu, own) = (layout.blocks_per_mcu.max(1), (part.h * part.v).max(1));
        let rows = self.bounds.chunks((layout.mcus.0 * per_mcu).max(1)).enumerate();
        for ((row, bounds), target) in rows.zip(variances.chunks_mut((across * part.v).max(1))) {
            deadline.check()?;
            let kept = self.kept.get(row * layout.mcus.0 * own..).unwrap_or_default();
            for index in 0..own {
                let (x, y) = (index % part.h.max(1), index / part.h.max(1));
                let line = target.get_mut(y * across..).unwrap_or_default();
                let mut kept = kept.chunks_exact(own);
                let mcus = bounds.chunks_exact(per_mcu).zip(line.chunks_exact_mut(part.h.max(1)));
                for (mcu, line) in mcus {
                    let (Some(&[start, end]), Some(place)) =
                        (mcu.get(part.first + index), line.get_mut(x))
                    else {
                        continue;
                    };
                    let kept = kept.next().and_then(|kept| kept.get(index)).copied();
                    let rest = start.saturating_add(kept.unwrap_or_default());
                    let estimate = means.get(bin(rest, end)).copied();
                    *place = match estimate {
                        Some(estimate) if estimate < large => estimate,
                        _ => self.of_block(start),
                    };
                }
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn of_block(&self, start: u32) -> u16 {
        self.weights.of_block(self.bytes, start, self.dc, self.ac)
    }

    /// Reads a sample of the blocks, and returns the mean variance for each place.
    fn sample(&self) -> [u16; PLACES] {
        let mut means = Means::default();
        let (per_mcu, own) = (self.layout.blocks_per_mcu, self.part.h * self.part.v);
        for mcu in (0..self.layout.total_mcus()).step_by(SAMPLE.div_ceil(own.max(1))) {
            // Each block of an MCU has its turn.
            let block = mcu % own.max(1);
            let first = mcu * per_mcu + self.part.first + block;
            if let Some(&[start, end]) = self.bounds.get(first) {
                let kept = self.kept.get(mcu * own + block).copied().unwrap_or_default();
                means.add(bin(start.saturating_add(kept), end), self.of_block(start));
            }
        }
        means.table()
    }
}

/// The number of places in [`Means`].
const PLACES: usize = 256;

/// The number of blocks from which a mean is computed.
const ENOUGH: u32 = 24;

/// The place of blocks that have this range of bits beyond the frequencies that the scale keeps. Few
/// blocks have more than 1024 bits.
fn bin(from: u32, to: u32) -> usize {
    usize::try_from(to.saturating_sub(from) / 4).unwrap_or(usize::MAX).min(PLACES - 1)
}

/// The variances of the blocks in the sample, by their number of bits.
struct Means {
    /// The number of blocks, and the sum of their variances.
    sums: [(u32, u64); PLACES],
}

impl Default for Means {
    fn default() -> Self {
        Self { sums: [(0, 0); PLACES] }
    }
}

impl Means {
    fn add(&mut self, place: usize, variance: u16) {
        if let Some((count, sum)) = self.sums.get_mut(place) {
            *count += 1;
            *sum += u64::from(variance);
        }
    }

    /// The mean variance at each place. Where there are few blocks, those at the nearest places
    /// count, too.
    fn table(&self) -> [u16; PLACES] {
        std::array::from_fn(|place| {
            let (mut count, mut sum) = (0, 0);
            for distance in 0..PLACES {
                let near = [place.checked_sub(distance), Some(place + distance)];
                // At no distance, both are the same place.
                for place in near.into_iter().skip(usize::from(distance == 0)).flatten() {
                    let (more, variance) = self.sums.get(place).copied().unwrap_or_default();
                    count += more;
                    sum += variance;
                }
                if count >= ENOUGH {
                    break;
                }
            }
            let mean = (sum + u64::from(count) / 2) / u64::from(count.max(1));
            u16::try_from(mean).unwrap_or(u16::MAX)
        })
    }
}

/// Rounds a variance to the nearest integer. The range is exceeded only in damaged files.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
fn rounded(sum: f32) -> u16 {
    (sum + 0.5) as u16
}
