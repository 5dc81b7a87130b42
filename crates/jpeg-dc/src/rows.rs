//! Finds the blocks of a sequential scan row by row, so that only a part of the scan is in memory.

use std::ops::Range;

use crate::deadline::Deadline;
use crate::entropy::{PADDING, Stop, Unstuffed, check_size};
use crate::error::Error;
use crate::frame::Layout;
use crate::lanes::{BATCH, Tables};
use crate::locate::{ENDS_EARLY, Locator, Memory, check_length, position};
use crate::marker::Reader;

/// The maximum number of bytes in memory. More bytes are loaded if a row of MCUs, or the data between
/// two restart markers, takes more.
const WINDOW: usize = 64 * 1024;

/// The number of blocks whose starts are in memory. Fewer bytes are loaded if the blocks are small.
const BLOCKS: usize = 32 * 1024;

/// A row of MCUs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    /// The data of the row and of some others, followed by some zero bytes.
    pub(crate) bytes: &'a [u8],
    /// The starts of the row's blocks, in bits.
    pub(crate) starts: &'a [u32],
    /// The end of the last block, in bits. Before a restart marker, it may include a few bits that
    /// fill up a byte.
    pub(crate) end: u32,
}

/// Reads a component's part of the next row.
pub(crate) type ReadRow<'a> = Box<dyn FnMut(Row<'_>) + 'a>;

/// Passes each row of the scan at the reader's position to all functions that `prepare` returns.
/// `prepare` is called once the header has been compared with the length of the data. Returns the
/// position of the scan's end.
pub(crate) fn read<'a>(
    reader: &Reader,
    layout: &Layout,
    data: &[u8],
    deadline: Deadline,
    prepare: impl FnOnce() -> Result<Vec<ReadRow<'a>>, Error>,
) -> Result<usize, Error> {
    read_within(WINDOW, reader, layout, data, deadline, prepare)
}

/// The same as [`read`], with at most `most` bytes in memory.
fn read_within<'a>(
    most: usize,
    reader: &Reader,
    layout: &Layout,
    data: &[u8],
    deadline: Deadline,
    prepare: impl FnOnce() -> Result<Vec<ReadRow<'a>>, Error>,
) -> Result<usize, Error> {
    check_length(layout, data.len().saturating_sub(reader.position()))?;
    let tables = Tables::new(reader, layout)?;
    let mut parts = prepare()?;
    let interval = reader.restart_interval;
    let in_row = layout.mcus.0 * layout.blocks_per_mcu;
    let blocks = layout.total_blocks().min(BLOCKS + in_row) + BATCH;
    let mut memory = Memory::new(blocks);
    let mut part = Part::new(Unstuffed::new(data, reader.position(), interval > 0), most, blocks);
    let (mut mcus, mut rows) = (layout.total_mcus(), layout.mcus.1);
    let mut wanted = most / 4;
    while rows > 0 {
        let stop = part.load(wanted)?;
        let locator = Locator::new(&tables, &part.bytes, part.length, deadline);
        let found = if interval > 0 {
            locator.between_restarts(&part.intervals, interval, mcus, &mut part.starts)?;
            mcus = mcus.saturating_sub(part.intervals.len().saturating_mul(interval));
            part.starts.len()
        } else {
            locator.extend(&mut part.starts, &mut memory)?;
            part.starts.len().saturating_sub(1)
        };
        let complete = (found / in_row.max(1)).min(rows);
        let mut ends = part.starts.iter().step_by(in_row.max(1)).skip(1);
        for starts in part.starts.chunks_exact(in_row.max(1)).take(complete) {
            deadline.check()?;
            let end = ends.next().copied().unwrap_or_else(|| position(part.length * 8));
            for read in &mut parts {
                read(Row { bytes: &part.bytes, starts, end });
            }
        }
        rows -= complete;
        if rows > 0 && stop == Stop::End {
            return Err(ENDS_EARLY);
        }
        let for_blocks = part.length.saturating_mul(BLOCKS) / found.max(1);
        part.release(complete * in_row);
        // If no row was complete, more data is needed.
        wanted = for_blocks.clamp(most / 4, most).max(2 * part.length);
    }
    part.end()
}

/// The part of a scan that is in memory.
struct Part<'a> {
    unstuffed: Unstuffed<'a>,
    /// The data, followed by some zero bytes.
    bytes: Vec<u8>,
    /// The number of bytes of data.
    length: usize,
    /// The new data, as ranges between restart markers.
    intervals: Vec<Range<usize>>,
    /// The starts of the blocks that have been found, in bits. Without restart markers, the last one
    /// is the end of the last block.
    starts: Vec<u32>,
}

impl<'a> Part<'a> {
    /// Reserves memory for this number of bytes and blocks.
    fn new(unstuffed: Unstuffed<'a>, bytes: usize, blocks: usize) -> Self {
        let bytes = Vec::with_capacity(bytes.min(unstuffed.left()) + PADDING);
        let mut starts = Vec::with_capacity(blocks);
        if !unstuffed.restarts {
            starts.push(0);
        }
        Self { unstuffed, bytes, length: 0, intervals: Vec::new(), starts }
    }

    /// Loads data until there are `wanted` bytes. With restart markers, loads whole intervals.
    fn load(&mut self, wanted: usize) -> Result<Stop, Error> {
        let limit = if self.unstuffed.restarts { usize::MAX } else { wanted };
        self.intervals.clear();
        self.bytes.truncate(self.length);
        let mut stop = Stop::Full;
        while stop != Stop::End && self.length < wanted {
            stop = self.unstuffed.read(&mut self.bytes, limit)?;
            self.intervals.push(self.length..self.bytes.len());
            self.length = self.bytes.len();
        }
        check_size(&self.bytes)?;
        self.bytes.resize(self.length + PADDING, 0);
        Ok(stop)
    }

    /// Removes this number of blocks, and their data.
    fn release(&mut self, blocks: usize) {
        self.starts.drain(..blocks.min(self.starts.len()));
        let used = self.starts.first().map_or(self.length, |&start| start as usize / 8);
        self.bytes.drain(..used);
        self.length -= used;
        let used = position(used * 8);
        for start in &mut self.starts {
            *start = start.saturating_sub(used);
        }
    }

    /// Returns the position of the scan's end.
    fn end(mut self) -> Result<usize, Error> {
        loop {
            self.bytes.clear();
            if self.unstuffed.read(&mut self.bytes, WINDOW)? == Stop::End {
                return Ok(self.unstuffed.at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::prelude::*;

    use super::*;
    use crate::frame::Scan;

    /// The number of blocks in a row.
    const ACROSS: usize = 8;

    /// Writes a gray picture. A block consists of a DC difference of 0 and this number of AC
    /// coefficients, each of which is a one bit.
    fn file(blocks: &[u8], restart_interval: usize) -> Vec<u8> {
        let height = u16::try_from(blocks.len() / ACROSS * 8).unwrap().to_be_bytes();
        let interval = u16::try_from(restart_interval).unwrap().to_be_bytes();
        let table = |class: u8, symbols: &[u8]| {
            let count = u8::try_from(symbols.len()).unwrap();
            let length = 19 + count;
            let counts = [0, count, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            [&[0xFF, 0xC4, 0, length, class][..], &counts, symbols].concat()
        };
        let mut file = [
            vec![0xFF, 0xD8],
            table(0, &[0, 1]),
            table(0x10, &[0, 1, 0xF0]),
            vec![0xFF, 0xDD, 0, 4, interval[0], interval[1]],
            vec![0xFF, 0xC0, 0, 11, 8, height[0], height[1], 0, 64, 1, 1, 0x11, 0],
            vec![0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0],
        ]
        .concat();
        let mut write = |bits: &mut Vec<bool>| {
            bits.resize(bits.len().next_multiple_of(8), true);
            for byte in bits.chunks(8) {
                let byte = byte.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
                file.push(byte);
                if byte == 0xFF {
                    file.push(0);
                }
            }
            bits.clear();
            file.len()
        };
        let mut bits = Vec::new();
        let mut restarts = Vec::new();
        for (index, &count) in blocks.iter().enumerate() {
            if restart_interval > 0 && index > 0 && index % restart_interval == 0 {
                restarts.push(write(&mut bits));
            }
            bits.extend([false, false]);
            for _ in 0..count {
                bits.extend([false, true, true]);
            }
            bits.extend([false, false]);
        }
        write(&mut bits);
        for (index, &at) in restarts.iter().enumerate().rev() {
            file.splice(at..at, [0xFF, 0xD0 + u8::try_from(index % 8).unwrap()]);
        }
        file.extend([0xFF, 0xD9]);
        file
    }

    proptest! {
        /// Each row has all of its blocks, for any number of bytes in memory.
        #[test]
        fn rows_have_all_their_blocks(
            blocks in prop::collection::vec(0..60_u8, 1..400),
            restart_interval in prop_oneof![Just(0_usize), 1..50_usize],
            size in prop_oneof![8..100_usize, 1_000..5_000_usize],
        ) {
            let blocks = &blocks[..blocks.len() / ACROSS * ACROSS];
            prop_assume!(!blocks.is_empty());
            let file = file(blocks, restart_interval);
            let mut reader = Reader::default();
            reader.advance(&file).unwrap();
            let frame = reader.frame().unwrap().clone();
            reader.advance(&file).unwrap();
            let scan = Scan::parse(&frame, &[1, 1, 0, 0, 63, 0]).unwrap();
            let layout = frame.layout(&scan).unwrap();
            let found = RefCell::new(Vec::new());
            let end = read_within(size, &reader, &layout, &file, Deadline::NONE, || {
                Ok(vec![Box::new(|row: Row<'_>| {
                    let bit = |at: usize| row.bytes[at / 8] >> (7 - at % 8) & 1;
                    found.borrow_mut().extend(row.starts.iter().map(|&start| {
                        let coefficients = (start as usize + 2..).step_by(3);
                        coefficients.take_while(|&at| bit(at) + bit(at + 1) > 0).count()
                    }));
                })])
            });
            prop_assert_eq!(end.unwrap(), file.len() - 2);
            prop_assert!(found.into_inner().into_iter().eq(blocks.iter().map(|&count| count.into())));
        }
    }
}
