//! Finds the start of each block of a sequential scan.
//!
//! To find the next block, the decoder must skip all bits of the current one. Skipping takes most of
//! the decoder's time. Once the starts are known, blocks can be read in any order.
//!
//! Lanes work at several positions in the scan at once. If there are restart markers, they mark
//! these positions. Without them, the scan is cut into parts, and a lane starts at an arbitrary bit
//! as if an MCU started there. Huffman codes soon synchronise, usually within a few dozen blocks.
//! Once the previous lane and this one have found the same block at the same position in the MCU,
//! all results of this lane from that block on are correct. If the two never meet, the previous
//! lane continues instead.

use std::mem;
use std::ops::Range;

use crate::deadline::Deadline;
use crate::entropy::Bits;
use crate::error::Error;
use crate::frame::{Frame, Layout, Scan};
use crate::lanes::{BATCH, Ends, LANES, Lane, STEPS, Tables};
use crate::marker::Reader;

/// Scans of at least this size, in bytes, are cut into parts.
const SPLIT_FROM: usize = 16 * 1024;

/// The number of bits by which two parts overlap. Their lanes must meet within the overlap.
const OVERLAP: usize = 8 * 1024;

/// How many other starts a lane tries once an invalid code has shown that it is out of step.
const ATTEMPTS: usize = 64;

/// The number of look-ups between two checks of the deadline. It is enough for a row of a few
/// thousand pixels.
const UNCHECKED: usize = 8 * 1024;

/// The maximum number of bits in a block: 64 codes of 16 bits with 15 bits of magnitude.
const MAX_BLOCK: usize = 64 * 31;

/// A stretch of the scan that starts, or may start, with an MCU.
#[derive(Default)]
struct Stretch {
    /// The end of the stretch, in bits.
    to: usize,
    /// The number of positions to find: the starts of the blocks, and the end of the last one.
    wanted: usize,
    /// The number of new starts that are left to try.
    attempts: usize,
    /// The starts of blocks, in bits.
    starts: Vec<u32>,
}

impl Stretch {
    fn new(from: u32, to: usize, wanted: usize) -> Self {
        let mut starts = Vec::with_capacity(if wanted == usize::MAX { BATCH } else { wanted });
        starts.push(from);
        Self { to, wanted, attempts: 0, starts }
    }
}

/// Memory that is kept for the next part of a scan.
pub(crate) struct Memory([Stretch; LANES]);

impl Memory {
    /// Reserves memory for a part with this number of blocks.
    pub(crate) fn new(blocks: usize) -> Self {
        let mut stretches: [Stretch; LANES] = Default::default();
        for stretch in stretches.iter_mut().skip(1) {
            stretch.starts.reserve(blocks / LANES);
        }
        Self(stretches)
    }
}

/// A stretch, and the lane that works on it.
struct Active<'s> {
    stretch: &'s mut Stretch,
    lane: Lane,
    /// The lane's first block in the batch.
    first: usize,
}

/// Finds the blocks of a scan, or of a part of it.
pub(crate) struct Locator<'a> {
    tables: &'a Tables<'a>,
    /// The data, followed by some zero bytes.
    bytes: &'a [u8],
    /// The number of bits of data.
    end: usize,
    deadline: Deadline<'a>,
    /// The number of look-ups.
    #[cfg(test)]
    steps: std::cell::Cell<usize>,
}

/// A sequential scan whose blocks have been found.
pub(crate) struct Located {
    pub(crate) layout: Layout,
    pub(crate) bits: Bits,
    /// The starts of all blocks, in bits, in order.
    pub(crate) starts: Vec<u32>,
}

/// Finds the blocks of the scan at the reader's position, which has no restart markers.
pub(crate) fn locate_scan(
    reader: &Reader,
    frame: &Frame,
    scan: &Scan,
    data: &[u8],
    deadline: Deadline,
) -> Result<Located, Error> {
    let layout = frame.layout(scan)?;
    let bits = Bits::collect(data, reader.position(), false)?;
    check_length(&layout, bits.len())?;
    let tables = Tables::new(reader, &layout)?;
    let locator = Locator::new(&tables, bits.padded(), bits.len(), deadline);
    let starts = locator.all(layout.total_blocks())?;
    Ok(Located { layout, bits, starts })
}

/// Refuses a scan that has too few bytes for its blocks.
///
/// A block takes at least one bit for its DC code and one for its end. Check this before allocating
/// memory for the size that the header claims.
pub(crate) fn check_length(layout: &Layout, bytes: usize) -> Result<(), Error> {
    if layout.total_blocks() > bytes.saturating_mul(4) { Err(ENDS_EARLY) } else { Ok(()) }
}

pub(crate) const ENDS_EARLY: Error = Error::Malformed("a scan ends early or has an invalid code");

/// Converts a bit position. It always fits, because the size of a scan is limited.
pub(crate) fn position(bit: usize) -> u32 {
    u32::try_from(bit).unwrap_or(u32::MAX)
}

impl<'a> Locator<'a> {
    /// `padded` is `length` bytes of data, followed by some zero bytes.
    pub(crate) fn new(
        tables: &'a Tables<'a>,
        padded: &'a [u8],
        length: usize,
        deadline: Deadline<'a>,
    ) -> Self {
        Self {
            tables,
            bytes: padded,
            end: length * 8,
            deadline,
            #[cfg(test)]
            steps: std::cell::Cell::default(),
        }
    }

    /// Appends the starts of the blocks in these intervals between restart markers. The scan has
    /// `mcus` MCUs left.
    pub(crate) fn between_restarts(
        &self,
        intervals: &[Range<usize>],
        restart_interval: usize,
        mut mcus: usize,
        starts: &mut Vec<u32>,
    ) -> Result<(), Error> {
        let mut stretches = Vec::with_capacity(intervals.len());
        for interval in intervals {
            let wanted = mcus.min(restart_interval) * self.tables.blocks_per_mcu;
            let (from, to) = (position(interval.start * 8), interval.end * 8);
            stretches.push(Stretch::new(from, to, wanted + 1));
            mcus = mcus.saturating_sub(restart_interval);
            if mcus == 0 {
                break;
            }
        }
        self.work(&mut stretches)?;
        for Stretch { to, wanted, starts: found, .. } in &stretches {
            match found.split_last() {
                Some((&end, found)) if found.len() + 1 == *wanted && end as usize <= *to => {
                    starts.extend_from_slice(found);
                }
                _ => return Err(ENDS_EARLY),
            }
        }
        Ok(())
    }

    /// Returns the starts of all blocks.
    fn all(&self, total: usize) -> Result<Vec<u32>, Error> {
        let mut starts = vec![0];
        self.extend(&mut starts, &mut Memory::new(total))?;
        // The last start is the end of the last block.
        if starts.len() <= total {
            return Err(ENDS_EARLY);
        }
        starts.truncate(total);
        Ok(starts)
    }

    /// Appends the ends of blocks to `starts` as long as there is data. The end of a block is the
    /// start of the next one. The first start is that of an MCU.
    pub(crate) fn extend(&self, starts: &mut Vec<u32>, memory: &mut Memory) -> Result<(), Error> {
        // Lanes start with an MCU.
        let last = starts.len().saturating_sub(1);
        starts.truncate(last - last % self.tables.blocks_per_mcu.max(1) + 1);
        let from = starts.last().map_or(0, |&from| from as usize);
        let length = self.end.saturating_sub(from);
        let count = if length / 8 < SPLIT_FROM { 1 } else { LANES };
        let part = length / count;
        let Memory(stretches) = memory;
        let stretches = stretches.get_mut(..count).unwrap_or_default();
        for (stretch, index) in stretches.iter_mut().zip(0..) {
            stretch.to = (from + part * (index + 1) + OVERLAP).min(self.end);
            stretch.wanted = usize::MAX;
            if index == 0 {
                stretch.attempts = 0;
                mem::swap(&mut stretch.starts, starts);
            } else {
                stretch.attempts = ATTEMPTS;
                stretch.starts.clear();
                stretch.starts.push(position(from + part * index));
            }
        }
        self.work(stretches)?;
        if let [first, others @ ..] = stretches {
            mem::swap(&mut first.starts, starts);
            for other in others {
                self.join(starts, &other.starts)?;
            }
        }
        Ok(())
    }

    /// Extends `starts`, which are known to be correct, with the items of `others` that follow
    /// them.
    fn join(&self, starts: &mut Vec<u32>, others: &[u32]) -> Result<(), Error> {
        let per_mcu = self.tables.blocks_per_mcu;
        let Some(&first) = others.first() else { return Ok(()) };
        let mut ours = starts.partition_point(|&start| start < first);
        let mut theirs = 0;
        loop {
            // Both lists are sorted: walk through them together.
            while let Some(&start) = starts.get(ours) {
                while others.get(theirs).is_some_and(|&other| other < start) {
                    theirs += 1;
                }
                let Some(&other) = others.get(theirs) else { return Ok(()) };
                if other == start && ours % per_mcu == theirs % per_mcu {
                    starts.truncate(ours);
                    starts.extend(others.iter().skip(theirs));
                    return Ok(());
                }
                ours += 1;
            }
            // The lanes have not met yet, so continue from the last MCU.
            let Some(last) = starts.len().checked_sub(1) else { return Ok(()) };
            let mcu = last - last % per_mcu;
            let (Some(&from), Some(&last)) = (starts.get(mcu), starts.get(last)) else {
                return Ok(());
            };
            let to = last as usize + OVERLAP;
            let mut more = [Stretch::new(from, to, usize::MAX)];
            self.work(&mut more)?;
            starts.truncate(mcu);
            starts.extend(more.iter().flat_map(|more| &more.starts));
            if starts.len() <= ours {
                return Ok(());
            }
        }
    }

    /// Finds the blocks of all stretches.
    fn work(&self, stretches: &mut [Stretch]) -> Result<(), Error> {
        let mut waiting = stretches.iter_mut();
        let mut active: Vec<Active> = Vec::with_capacity(LANES);
        let mut ends = [[0; _]; LANES];
        let mut unchecked = 0;
        loop {
            if unchecked >= UNCHECKED {
                self.deadline.check()?;
                unchecked = 0;
            }
            for stretch in waiting.by_ref().take(LANES - active.len()) {
                let from = stretch.starts.last().copied().unwrap_or_default();
                let lane = self.tables.start(from as usize);
                active.push(Active { stretch, lane, first: 0 });
            }
            let rounds = match active.as_mut_slice() {
                [] => return Ok(()),
                [a] => Self::batch([a], &mut ends, |lanes, ends, rounds| {
                    self.tables.run_1(self.bytes, lanes, ends, rounds)
                }),
                [a, b] => Self::batch([a, b], &mut ends, |lanes, ends, rounds| {
                    self.tables.run_2(self.bytes, lanes, ends, rounds)
                }),
                [a, b, c, ..] => Self::batch([a, b, c], &mut ends, |lanes, ends, rounds| {
                    self.tables.run_3(self.bytes, lanes, ends, rounds)
                }),
            };
            unchecked += rounds * active.len() * STEPS;
            self.count(rounds * active.len() * STEPS);
            let mut ends = ends.iter();
            active.retain_mut(|active| ends.next().is_some_and(|ends| self.collect(active, ends)));
        }
    }

    /// Runs the lanes until one of them has a full batch, or may have reached its end. Returns the
    /// number of rounds.
    fn batch<const N: usize>(
        active: [&mut Active; N],
        ends: &mut [Ends; LANES],
        run: impl Fn([Lane; N], &mut [Ends; N], usize) -> [Lane; N],
    ) -> usize {
        let Some((ends, _)) = ends.split_first_chunk_mut::<N>() else { return 0 };
        let rounds = active.iter().map(|active| {
            let left = active.stretch.to.saturating_sub(active.lane.bit());
            // A round uses about 27 bits on average, and ends at most three blocks.
            ((BATCH - 1 - active.lane.block) / STEPS).min(left / 24 + 2)
        });
        let rounds = rounds.min().unwrap_or_default();
        let lanes = run(active.each_ref().map(|active| active.lane), ends, rounds);
        for (active, lane) in active.into_iter().zip(lanes) {
            active.lane = lane;
        }
        rounds
    }

    #[cfg(test)]
    fn count(&self, steps: usize) {
        self.steps.set(self.steps.get() + steps);
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "only tests count")]
    fn count(&self, _steps: usize) {}

    /// Collects the ends of blocks from a lane. Returns whether the lane must continue.
    fn collect(&self, active: &mut Active, ends: &Ends) -> bool {
        let Active { stretch, lane, first } = active;
        let found = ends.get(*first..lane.block).unwrap_or_default();
        let limit = position(self.end);
        let wanted = stretch.wanted - stretch.starts.len();
        // Everything after the data is invalid.
        let valid = found.partition_point(|&end| end <= limit).min(wanted);
        stretch.starts.extend_from_slice(found.get(..valid).unwrap_or_default());
        lane.block %= self.tables.blocks_per_mcu;
        *first = lane.block;
        if lane.bit() <= self.end {
            return lane.bit() <= stretch.to && stretch.starts.len() < stretch.wanted;
        }
        let last = stretch.starts.last().copied().unwrap_or_default();
        if stretch.attempts == 0 || last as usize + MAX_BLOCK >= self.end {
            return false;
        }
        // The code is invalid, so try again from a different bit.
        stretch.attempts -= 1;
        stretch.starts.clear();
        stretch.starts.push(last + 1);
        *lane = self.tables.start(last as usize + 1);
        *first = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{Frame, Process, Scan};
    use crate::marker::Reader;

    /// A valid Huffman table, as in a DHT segment.
    fn table(class: u8) -> impl Strategy<Value = Vec<u8>> {
        let symbol = if class == 0 { 0..12_u8 } else { 0..255 };
        let lengths = prop::collection::btree_map(symbol, 1..=16_u8, 1..60);
        lengths.prop_map(move |lengths| {
            let mut lengths: Vec<_> = lengths.into_iter().map(|(s, length)| (length, s)).collect();
            lengths.sort_unstable();
            let (mut counts, mut symbols, mut used) = ([0; 16], Vec::new(), 0_u32);
            for (length, symbol) in lengths {
                let share = 1 << (16 - length);
                // The code of all ones stays unused.
                if used + share < 1 << 16 {
                    used += share;
                    counts[usize::from(length) - 1] += 1;
                    symbols.push(symbol);
                }
            }
            [&[class << 4][..], &counts, &symbols].concat()
        })
    }

    fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker][..], &length, payload].concat()
    }

    proptest! {
        /// For any tables and data, several lanes find the same blocks as a decoder that reads
        /// symbol by symbol, and the number of look-ups is proportional to the length of the data.
        #[test]
        fn lanes_find_what_a_walk_finds(
            dc in table(0),
            ac in table(1),
            data in prop::collection::vec(any::<u8>(), 1..80_000),
        ) {
            let file = [
                vec![0xFF, 0xD8],
                segment(0xC4, &dc),
                segment(0xC4, &ac),
                segment(0xC0, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]),
            ];
            let mut reader = Reader::default();
            reader.advance(&file.concat()).unwrap();
            let frame = reader.frame().unwrap();
            prop_assert_eq!(frame.process, Process::Sequential);
            let scan = Scan::parse(frame, &[1, 1, 0, 0, 63, 0]).unwrap();
            let layout: Layout = Frame::layout(frame, &scan).unwrap();
            let tables = Tables::new(&reader, &layout).unwrap();
            let bits = Bits::collect(&data, 0, false).unwrap();

            let (dc, ac) = (reader.dc_code(0).unwrap(), reader.ac_code(0).unwrap());
            let mut expected = vec![0];
            let mut bit = 0;
            'blocks: loop {
                let mut count = 0;
                while count < 64 {
                    let ahead = crate::entropy::window(bits.padded(), bit / 8) << (bit % 8);
                    let code = if count == 0 { dc } else { ac };
                    let Some((length, symbol)) = code.first_symbol(ahead) else { break 'blocks };
                    let (passed, size) = match count {
                        0 => (1, u32::from(symbol)),
                        _ => crate::skip::ac_symbol(symbol),
                    };
                    count += passed;
                    bit += (length + size) as usize;
                    if bit > bits.len() * 8 {
                        break 'blocks;
                    }
                }
                expected.push(position(bit));
            }

            let locator = Locator::new(&tables, bits.padded(), bits.len(), Deadline::NONE);
            let found = locator.all(expected.len() - 1);
            prop_assert_eq!(found.as_deref(), Ok(&expected[..expected.len() - 1]));
            prop_assert!(locator.all(expected.len()).is_err());
            // Count twice, for the two calls. Each call has at most one look-up for each bit in the
            // parts, and a second one where the parts do not meet. A lane that is out of step adds
            // look-ups until its batch ends.
            let once = 2 * bits.len() * 8 + LANES * (ATTEMPTS + 4) * BATCH * STEPS;
            prop_assert!(locator.steps.get() <= 2 * once, "{} look-ups", locator.steps.get());
        }
    }
}
