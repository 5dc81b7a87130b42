//! The variance of the frequencies that a scale leaves out.
//!
//! Reading all coefficients of a sequential file takes longer than everything else. In a large file,
//! only a sample of the blocks is therefore read. It shows how the variance depends on the number of
//! bits after the frequencies that the scale keeps. Blocks are read, too, if the blocks so far show
//! that their variance is probably large, or if too few blocks so far had about the same number of
//! bits. In the end, the others get the mean variance of the blocks that were read with about the
//! same number of bits.

use std::array::from_fn;
use std::slice::ChunksMut;

use archmage::autoversion;

use crate::ac::{LANES, Lanes};
use crate::frame::Part;
use crate::marker::Quantisation;
use crate::options::Scale;
use crate::rows::Row;
use crate::values::{Position, Values};
use crate::zigzag::ZIGZAG;

/// If a component has fewer blocks, all of them are read.
const SAMPLED_FROM: usize = 40_000;

/// One of this number of blocks is in the sample.
const SAMPLE: u32 = 60;

/// A block is read if its variance is probably larger. At this limit, an error by half changes
/// middle gray by a quarter of a step.
const LARGE: u16 = 100;

/// The same limit at one eighth, where each pixel of a result averages many blocks.
const LARGE_AT_ONE_EIGHTH: u16 = 300;

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

/// The variance of the block that starts at a position. The code for AVX2 also shifts bits with fewer
/// instructions.
#[autoversion(v3)]
#[inline(never)]
fn of_block(weights: &Weights, bytes: &[u8], start: u32, dc: &Values<'_>, ac: &Values<'_>) -> u16 {
    let mut at = Position::new(bytes, start);
    dc.step(bytes, &mut at);
    let (mut index, mut sum) = (0, 0.0);
    // After a DC and an AC coefficient, or after two look-ups, more bits must be loaded.
    loop {
        for _ in 0..2 {
            let found = ac.step(bytes, &mut at);
            let (distance, second) = found.second();
            sum += weights.term(index + found.first_distance(), found.first);
            sum += weights.term(index + distance, second);
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

/// Measures or estimates the variance of each block of a component in a sequential scan, row by row.
pub(crate) struct Measure<'a> {
    /// The number of the scan's blocks in an MCU.
    pub(crate) per_mcu: usize,
    pub(crate) part: &'a Part,
    /// The number of blocks in a row of the component.
    pub(crate) across: usize,
    pub(crate) dc: Values<'a>,
    pub(crate) ac: Values<'a>,
    pub(crate) weights: Weights,
    /// The rows of MCUs that are left.
    pub(crate) rows: ChunksMut<'a, u16>,
    /// The blocks that have been read, or `None` if all of them are.
    pub(crate) means: Option<&'a mut Means>,
    /// The MCUs of a row whose blocks are read; empty at first.
    pub(crate) to_read: Vec<usize>,
}

impl Measure<'_> {
    /// Measures a row of MCUs. `kept` is the number of bits of the frequencies that the scale keeps,
    /// for each of the component's blocks. It is empty at one eighth.
    pub(crate) fn row(&mut self, row: Row<'_>, kept: &[u32]) {
        let Self { per_mcu, part, across, dc, ac, weights, rows, means, to_read } = self;
        let (per_mcu, across) = (*per_mcu, *across);
        let Part { h, v, first, .. } = **part;
        let target = rows.next().unwrap_or_default();
        let variance = |start| of_block(weights, row.bytes, start, dc, ac);
        for (index, (y, x)) in (0..v).flat_map(|y| (0..h).map(move |x| (y, x))).enumerate() {
            let line = target.get_mut(y * across..(y + 1) * across).unwrap_or_default();
            let places = line.iter_mut().skip(x).step_by(h.max(1));
            let at = (first + index..row.starts.len()).step_by(per_mcu.max(1));
            let start = |at: usize| row.starts.get(at).copied();
            let Some(means) = means else {
                for (at, place) in at.zip(places) {
                    *place = variance(start(at).unwrap_or_default());
                }
                continue;
            };
            let mut until_sample = means.next_row();
            let mut own = index;
            let mut count = 0;
            to_read.resize(across, 0);
            // Blocks are read afterwards. If they were read here, the processor would often predict
            // the wrong branch.
            for (mcu, (at, place)) in at.zip(places).enumerate() {
                let (from, to) = (start(at).unwrap_or_default(), start(at + 1).unwrap_or(row.end));
                let kept = kept.get(own).copied().unwrap_or_default();
                own += h * v;
                let bin = bin(from.saturating_add(kept), to);
                *place = bin.into();
                if let Some(next) = to_read.get_mut(count) {
                    *next = mcu;
                }
                count += usize::from((until_sample == 0) | means.must_read(bin));
                until_sample = if until_sample == 0 { SAMPLE - 1 } else { until_sample - 1 };
            }
            for &mcu in to_read.iter().take(count) {
                let at = first + index + mcu * per_mcu;
                if let Some(place) = line.get_mut(x + mcu * h) {
                    let variance = variance(start(at).unwrap_or_default());
                    means.add(*place, variance);
                    *place = variance.saturating_add(PLACES);
                }
            }
        }
    }
}

/// The number of places in [`Means`].
const PLACES: u16 = 1 << u8::BITS;

/// The number of blocks from which a mean is computed.
const ENOUGH: u32 = 24;

/// If there are not enough blocks at this distance from a place, more blocks are read there.
const NEAR: usize = 4;

/// The place of blocks that have this range of bits beyond the frequencies that the scale keeps. Few
/// blocks have more than 1024 bits.
fn bin(from: u32, to: u32) -> u8 {
    u8::try_from(to.saturating_sub(from) / 4).unwrap_or(u8::MAX)
}

/// The mean variance of the blocks that have been read, by their number of bits.
pub(crate) struct Means {
    /// The number of blocks, and the sum of their variances.
    sums: [(u32, u64); PLACES as usize],
    /// A block is read if its variance is probably larger.
    large: u16,
    /// The places whose blocks are read.
    must_read: [bool; PLACES as usize],
    /// The number of blocks that have been read.
    count: u32,
    /// The number of blocks from which the places are computed again.
    next: u32,
    /// The number of rows so far.
    rows: u32,
}

impl Means {
    /// Returns `None` if all `blocks` of a component are read.
    pub(crate) fn new(blocks: usize, scale: Scale) -> Option<Self> {
        let large = if scale == Scale::Eighth { LARGE_AT_ONE_EIGHTH } else { LARGE };
        (blocks >= SAMPLED_FROM).then_some(Self {
            sums: [(0, 0); PLACES as usize],
            large,
            must_read: [true; PLACES as usize],
            count: 0,
            next: 0,
            rows: 0,
        })
    }

    /// Starts a row of blocks. Returns the position of the first block that is in the sample.
    fn next_row(&mut self) -> u32 {
        if self.count >= self.next {
            let large = self.large;
            self.must_read = self.table().map(|(mean, distance)| mean >= large || distance > NEAR);
            self.next = self.count + self.count / 4;
        }
        self.rows = self.rows.wrapping_add(1);
        // The samples of a row are not below those of the previous one.
        self.rows.wrapping_mul(11) % SAMPLE
    }

    #[inline]
    fn must_read(&self, place: u8) -> bool {
        self.must_read.get(usize::from(place)).copied().unwrap_or_default()
    }

    fn add(&mut self, place: u16, variance: u16) {
        if let Some((count, sum)) = self.sums.get_mut(usize::from(place)) {
            self.count += 1;
            *count += 1;
            *sum += u64::from(variance);
        }
    }

    /// The mean variance at each place. Where there are few blocks, those at the nearest places count,
    /// too. Adds the distance of these places.
    fn table(&self) -> [(u16, usize); PLACES as usize] {
        let mut totals = [(0, 0); PLACES as usize + 1];
        let mut so_far = (0, 0);
        for (total, (count, sum)) in totals.iter_mut().skip(1).zip(self.sums) {
            so_far = (so_far.0 + count, so_far.1 + sum);
            *total = so_far;
        }
        let within = |place: usize, distance: usize| {
            let total = |end: usize| totals.get(end).copied().unwrap_or(so_far);
            let (from, to) = (total(place.saturating_sub(distance)), total(place + distance + 1));
            (to.0 - from.0, to.1 - from.1)
        };
        let mut distance: usize = 0;
        from_fn(|place| {
            // From one place to the next, the distance changes by at most 1.
            distance = distance.saturating_sub(1);
            while distance < usize::from(PLACES) && within(place, distance).0 < ENOUGH {
                distance += 1;
            }
            let (count, sum) = within(place, distance);
            let mean = (sum + u64::from(count) / 2) / u64::from(count.max(1));
            (u16::try_from(mean).unwrap_or(u16::MAX), distance)
        })
    }

    /// Replaces places by estimates in what [`Measure::row`] wrote.
    pub(crate) fn replace_places(&self, variances: &mut [u16]) {
        let means = self.table();
        for variance in variances {
            *variance = match u8::try_from(*variance) {
                Ok(place) => means.get(usize::from(place)).map_or(0, |&(mean, _)| mean),
                Err(_) if *variance == u16::MAX => u16::MAX,
                Err(_) => *variance - PLACES,
            };
        }
    }
}

/// Rounds a variance to the nearest integer. The range is exceeded only in damaged files.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
fn rounded(sum: f32) -> u16 {
    (sum + 0.5) as u16
}
