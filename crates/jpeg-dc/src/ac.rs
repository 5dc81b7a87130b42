//! Scans of AC coefficients of progressive frames (T.81, G.1.2.2 and G.1.2.3).
//!
//! Each scan contains some bits of some coefficients of every block. A decoder that reads one scan
//! after another must keep all coefficients of all blocks, and must go through that memory for each
//! scan. This decoder reads all scans of a component side by side: once it has read a few blocks
//! from every scan, these blocks are complete and no longer have to be kept.

#![expect(
    clippy::inline_always,
    reason = "called for every coefficient, and a call keeps the position out of registers"
)]

use std::ops::Range;
use std::vec;

use crate::dc::difference;
use crate::deadline::Deadline;
use crate::entropy::{Bits, window};
use crate::error::Error;
use crate::frame::Scan;
use crate::huffman::Code;

/// The number of adjacent blocks that are read at once.
pub(crate) const LANES: usize = 8;

/// The coefficients of adjacent blocks, in zigzag order. The first one is not used.
pub(crate) type Lanes = [[i16; LANES]; 64];

/// Adjacent blocks.
#[derive(Debug)]
pub(crate) struct Group {
    /// The coefficients of the blocks.
    pub(crate) values: Lanes,
    /// For each block, one bit for every coefficient that is not zero.
    pub(crate) nonzero: [u64; LANES],
}

const INVALID: Error = Error::Malformed("a scan ends early or has an invalid code");

/// Reads `across` x `down` blocks from their scans. `scans` must be in the order of the file.
/// Passes each group of blocks to `sink`, with its row and the number of groups before it in that
/// row.
pub(crate) fn read(
    scans: &mut [AcScan],
    (across, down): (usize, usize),
    deadline: Deadline,
    mut sink: impl FnMut((usize, usize), &mut Group),
) -> Result<(), Error> {
    let mut group = Group { values: [[0; LANES]; 64], nonzero: [0; LANES] };
    for row in 0..down {
        deadline.check()?;
        for (index, start) in (0..across).step_by(LANES).enumerate() {
            let blocks = LANES.min(across - start);
            for scan in &mut *scans {
                scan.read(&mut group, blocks)?;
            }
            sink((row, index), &mut group);
            if group.nonzero != [0; LANES] {
                group = Group { values: [[0; LANES]; 64], nonzero: [0; LANES] };
            }
        }
    }
    scans.iter().try_for_each(AcScan::check_end)
}

/// The symbol of a code, and the value after it if the value fits in the table's window.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    /// The number of bits of the code, plus the number of bits of the value if the value is known.
    /// The number is 0 if the code is invalid, or longer than the window.
    bits: u8,
    /// The upper half is the number of zeros before a coefficient, or the number of bits in the
    /// length of an EOB run. The lower half is the number of bits of a value that has not been read
    /// yet.
    symbol: u8,
    /// The coefficient, or 0 if the symbol does not have one.
    value: i16,
}

/// Steps, indexed by the bits at their start.
#[derive(Debug)]
struct Table {
    code: Code,
    steps: Box<[Step; STEPS]>,
}

const WINDOW: u32 = 10;
const STEPS: usize = 1 << WINDOW;

impl Table {
    fn new(code: Code) -> Self {
        let mut steps = Box::new([Step::default(); STEPS]);
        let mut places = steps.iter_mut().zip(0_u64..);
        for (length, symbol) in code.symbols().take_while(|&(length, _)| length <= WINDOW) {
            let step = Step::new(length, symbol);
            for (place, window) in places.by_ref().take(1 << (WINDOW - length)) {
                let fits = u32::from(step.bits + step.size()) <= WINDOW;
                *place = if fits { step.with_value(window << (64 - WINDOW)) } else { step };
            }
        }
        Self { code, steps }
    }

    /// Returns the step at the start of `ahead`. A step uses at most 31 bits.
    #[inline(always)]
    fn step(&self, ahead: u64) -> Option<Step> {
        let window = usize::try_from(ahead >> (64 - WINDOW)).unwrap_or_default();
        match self.steps.get(window) {
            Some(&step @ Step { bits: 1.., .. }) => Some(step.with_value(ahead)),
            _ => self.long(ahead),
        }
    }

    #[cold]
    fn long(&self, ahead: u64) -> Option<Step> {
        let (length, symbol) = self.code.first_symbol(ahead)?;
        Some(Step::new(length, symbol).with_value(ahead))
    }
}

impl Step {
    fn new(length: u32, symbol: u8) -> Self {
        Self { bits: u8::try_from(length).unwrap_or_default(), symbol, value: 0 }
    }

    const fn size(self) -> u8 {
        self.symbol & 15
    }

    const fn zeros(self) -> u8 {
        self.symbol >> 4
    }

    /// Adds the value, which is in the bits after the code.
    #[inline(always)]
    fn with_value(self, ahead: u64) -> Self {
        if self.size() == 0 {
            return self;
        }
        let value = difference(ahead << self.bits, self.size());
        Self { bits: self.bits + self.size(), symbol: self.symbol & 0xF0, value }
    }
}

/// A block of a group.
struct Block<'a> {
    values: &'a mut Lanes,
    lane: usize,
    /// A bit for every coefficient that is not zero.
    nonzero: &'a mut u64,
}

impl Block<'_> {
    #[inline(always)]
    fn coefficient(&mut self, index: u32) -> Option<&mut i16> {
        self.values.get_mut(index as usize)?.get_mut(self.lane)
    }

    #[inline(always)]
    fn set(&mut self, index: u32, value: i16) -> Option<()> {
        *self.coefficient(index)? = value;
        *self.nonzero |= 1 << index;
        Some(())
    }
}

/// A scan of AC coefficients, and the position in it.
#[derive(Debug)]
pub(crate) struct AcScan {
    table: Table,
    bytes: Vec<u8>,
    /// The ranges between restart markers that have not been read yet.
    intervals: vec::IntoIter<Range<usize>>,
    /// The number of blocks between two restart markers.
    blocks: usize,
    /// The number of blocks left in the current interval, and the end of the interval's bytes.
    left: usize,
    end: usize,
    band: Band,
    is_refinement: bool,
    at: Position,
}

/// The coefficients of a scan.
#[derive(Debug, Clone, Copy)]
struct Band {
    first: u32,
    last: u32,
    /// One bit for each of the coefficients.
    mask: u64,
    /// The successive approximation bit position (Al): the lowest bit that the scan contains.
    low: u8,
}

/// The position in a scan.
#[derive(Debug, Clone, Copy, Default)]
struct Position {
    /// The number of blocks left in an EOB run.
    run: u32,
    /// The 64 bits that start at `byte`, and the number of them that have been used.
    byte: usize,
    word: u64,
    used: u32,
}

impl AcScan {
    /// Creates a scan of one component from the bits of the scan. `restart_interval` is in blocks;
    /// it is 0 if there are no restart markers.
    pub(crate) fn new(code: &Code, scan: &Scan, bits: Bits, restart_interval: usize) -> Self {
        let (first, last) = (scan.band.0.into(), u32::from(scan.band.1).min(63));
        let mask = (u64::MAX << first) & (u64::MAX >> (63 - last));
        let (bytes, intervals) = bits.into_parts();
        Self {
            table: Table::new(code.clone()),
            bytes,
            intervals: intervals.into_iter(),
            blocks: if restart_interval == 0 { usize::MAX } else { restart_interval },
            left: 0,
            end: 0,
            band: Band { first, last, mask, low: scan.low },
            is_refinement: scan.high > 0,
            at: Position::default(),
        }
    }

    /// Reads the scan's part of the first blocks of a group.
    fn read(&mut self, group: &mut Group, blocks: usize) -> Result<(), Error> {
        let mut start = 0;
        while start < blocks {
            if self.left == 0 {
                self.check_end()?;
                let range = self.intervals.next().ok_or(INVALID)?;
                (self.left, self.end) = (self.blocks, range.end);
                self.at = Position::new(&self.bytes, range.start);
            }
            let count = (blocks - start).min(self.left);
            self.left -= count;
            let masks = group.nonzero.iter_mut().enumerate().skip(start).take(count);
            start += count;
            let source = Source { table: &self.table, bytes: &self.bytes, band: self.band };
            // A local copy can be kept in registers.
            let mut at = self.at;
            for (lane, nonzero) in masks {
                let mut block = Block { values: &mut group.values, lane, nonzero };
                let read = if self.is_refinement {
                    source.refine(&mut at, &mut block)
                } else {
                    source.start(&mut at, &mut block)
                };
                read.ok_or(INVALID)?;
            }
            self.at = at;
        }
        Ok(())
    }

    /// Fails if bits were read beyond the restart marker or the end of the scan.
    fn check_end(&self) -> Result<(), Error> {
        let read = self.at.byte * 8 + self.at.used as usize;
        if read > self.end * 8 { Err(INVALID) } else { Ok(()) }
    }
}

/// The constant parts of a scan.
struct Source<'a> {
    table: &'a Table,
    bytes: &'a [u8],
    band: Band,
}

impl Position {
    fn new(bytes: &[u8], byte: usize) -> Self {
        Self { run: 0, byte, word: window(bytes, byte), used: 0 }
    }

    /// Returns the next bits. At least the first 32 of them are valid.
    #[inline(always)]
    fn ahead(&mut self, bytes: &[u8]) -> u64 {
        if self.used > 32 {
            self.byte += (self.used >> 3) as usize;
            self.used &= 7;
            self.word = window(bytes, self.byte);
        }
        self.word << self.used
    }

    /// Reads the length of an EOB run: an implied leading 1, followed by `size` bits.
    #[inline(always)]
    fn take_run(&mut self, bytes: &[u8], size: u8) -> u32 {
        let below = self.ahead(bytes).checked_shr(64 - u32::from(size)).unwrap_or_default();
        self.used += u32::from(size);
        (1 << size) + u32::try_from(below).unwrap_or_default()
    }

    /// Reads `count` bits, at most 63, and appends them to `bits`.
    #[inline(always)]
    fn take_bits(&mut self, bytes: &[u8], mut count: u32, mut bits: u64) -> u64 {
        if count > 32 {
            bits = bits << 32 | self.ahead(bytes) >> 32;
            self.used += 32;
            count -= 32;
        }
        bits = bits << count | self.ahead(bytes) >> 1 >> (63 - count);
        self.used += count;
        bits
    }
}

impl Source<'_> {
    /// Reads a step.
    #[inline(always)]
    fn step(&self, at: &mut Position) -> Option<Step> {
        let step = self.table.step(at.ahead(self.bytes))?;
        at.used += u32::from(step.bits);
        Some(step)
    }

    /// Reads a block of the first scan of a band.
    #[inline(always)]
    fn start(&self, at: &mut Position, block: &mut Block<'_>) -> Option<()> {
        if at.run > 0 {
            at.run -= 1;
            return Some(());
        }
        let mut index = self.band.first;
        while index <= self.band.last {
            let step = self.step(at)?;
            let place = index + u32::from(step.zeros());
            if step.value != 0 {
                if place > self.band.last {
                    return None;
                }
                block.set(place, step.value.wrapping_shl(self.band.low.into()))?;
            } else if step.zeros() < 15 {
                at.run = at.take_run(self.bytes, step.zeros()) - 1;
                break;
            }
            index = place + 1;
        }
        Some(())
    }

    /// Reads a block of a refinement scan.
    #[inline(always)]
    fn refine(&self, at: &mut Position, block: &mut Block<'_>) -> Option<()> {
        let known = *block.nonzero & self.band.mask;
        // Each known coefficient has a correction bit somewhere between the codes. All bits are
        // collected first, because one long loop is faster than many short ones.
        let (mut bits, mut left) = (0, known.count_ones());
        let mut index = self.band.first;
        while at.run == 0 && index <= self.band.last {
            let step = self.step(at)?;
            if step.value == 0 && step.zeros() < 15 {
                at.run = at.take_run(self.bytes, step.zeros());
                break;
            }
            let zeros = u32::from(step.zeros());
            let mut place = index + zeros;
            // Usually, the zeros do not skip a known coefficient. One comparison detects this case.
            if (known >> index) & ((2 << zeros) - 1) != 0 {
                let mut free = !known & (u64::MAX << index);
                for _ in 0..zeros {
                    free &= free.wrapping_sub(1);
                }
                place = free.trailing_zeros();
                let passed = if place > self.band.last { left } else { place - index - zeros };
                bits = at.take_bits(self.bytes, passed, bits);
                left -= passed;
            }
            if step.value != 0 {
                if place > self.band.last || step.value.abs() > 1 {
                    return None;
                }
                block.set(place, step.value << self.band.low)?;
            }
            index = place + 1;
        }
        if at.run > 0 {
            at.run -= 1;
            bits = at.take_bits(self.bytes, left, bits);
        }
        self.correct(block, known, bits)
    }

    /// Adds the correction bits to the known coefficients.
    #[inline(always)]
    fn correct(&self, block: &mut Block<'_>, mut known: u64, bits: u64) -> Option<()> {
        // Start with the last coefficient, because its bit is the lowest.
        let mut bits = bits;
        while known != 0 {
            let index = known.ilog2();
            let coefficient = block.coefficient(index)?;
            let sign = *coefficient >> 15 | 1;
            let bit = if bits & 1 == 1 { 1 << self.band.low } else { 0 };
            *coefficient = coefficient.wrapping_add(sign * bit);
            known ^= 1 << index;
            bits >>= 1;
        }
        Some(())
    }
}
