//! The innermost loop: skips blocks at several independent positions in a scan at once.
//!
//! Reading at a single position leaves most of a processor idle, because each table look-up waits
//! for the previous one. The loop branches on the data only in rare cases: at the end of a block,
//! the next table is selected without a jump.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the limit on a scan's size keeps bit positions below 32 bits; a window is an index"
)]

use std::hint::select_unpredictable;

use crate::entropy::window;
use crate::error::Error;
use crate::frame::Layout;
use crate::huffman::Code;
use crate::marker::Reader;
use crate::skip::{self, COUNT_SHIFT, END, ENTRIES, Entry, SLOW, WINDOW, ac_symbol};

/// The maximum number of lanes that run at once. Three keep the processor busy; the state of more
/// lanes would not fit in its registers.
pub(crate) const LANES: usize = 3;

/// The number of blocks that a lane skips before their ends are collected.
pub(crate) const BATCH: usize = 512;

/// The number of steps between two loads of bits.
pub(crate) const STEPS: usize = 3;

/// The ends of blocks, in bits. In each step, a lane writes to its current block's entry. The entry
/// is valid once the block has ended. The array is longer than a batch, so that no index needs a
/// check.
pub(crate) type Ends = [u32; BATCH + STEPS];

/// One entry for each `u16`, and room for one more table, so that no index needs a check.
const ALL_ENTRIES: usize = (1 << 16) + ENTRIES;

/// The position of a lane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane {
    /// The byte at which the loaded bits start.
    byte: usize,
    /// The bits.
    word: u64,
    /// The low byte is the number of used bits. The bits above it are the number of the block's
    /// coefficients.
    state: Entry,
    /// The start of the next table.
    base: u16,
    /// The number of the current block. Modulo the number of blocks in an MCU, it is the block's
    /// position in the MCU.
    pub(crate) block: usize,
}

impl Lane {
    /// The position of the next bit.
    pub(crate) fn bit(&self) -> usize {
        self.byte * 8 + usize::from(self.state & 0xFF)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "without inlining, a step takes twice the time")]
    fn refill(&mut self, bytes: &[u8]) {
        self.byte = self.byte.wrapping_add(usize::from(self.state >> 3 & 31));
        self.state &= 0xFF07;
        self.word = window(bytes, self.byte);
        self.block &= BATCH - 1;
    }
}

/// The tables of a scan.
pub(crate) struct Tables<'a> {
    entries: Box<[Entry; ALL_ENTRIES]>,
    /// For block `i` of a lane, the item at `2 * i` is the start of the AC table of its component,
    /// and the next item is the start of the DC table of the next block.
    bases: Box<[u16; 2 * (BATCH + STEPS)]>,
    /// The codes of each pair of DC and AC tables.
    codes: Vec<(&'a Code, &'a Code)>,
    /// The start of the DC table of an MCU's first block.
    first_base: u16,
    pub(crate) blocks_per_mcu: usize,
}

impl<'a> Tables<'a> {
    pub(crate) fn new(reader: &'a Reader, layout: &Layout) -> Result<Self, Error> {
        let entries = vec![0; ALL_ENTRIES].into_boxed_slice();
        let mut entries: Box<[Entry; ALL_ENTRIES]> = entries.try_into().map_err(|_| WRONG_SIZE)?;
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        let mut codes = Vec::new();
        let mut of_block = Vec::with_capacity(layout.blocks_per_mcu);
        for part in &layout.parts {
            let pair = (part.selected.dc_table, part.selected.ac_table);
            let index = pairs.iter().position(|&other| other == pair).unwrap_or(pairs.len());
            if index == pairs.len() {
                let (dc_code, ac_code) = (reader.dc_code(pair.0)?, reader.ac_code(pair.1)?);
                let mut tables = entries.chunks_exact_mut(ENTRIES).skip(2 * index);
                if let (Some(dc), Some(ac)) = (tables.next(), tables.next()) {
                    skip::build(dc_code, ac_code, dc, ac);
                }
                pairs.push(pair);
                codes.push((dc_code, ac_code));
            }
            of_block.extend(std::iter::repeat_n(index, part.h * part.v));
        }
        let mut bases = Box::new([0; 2 * (BATCH + STEPS)]);
        let next = of_block.iter().cycle().skip(1);
        for ((pair, this), next) in bases.chunks_exact_mut(2).zip(of_block.iter().cycle()).zip(next)
        {
            pair.copy_from_slice(&[((2 * this + 1) * ENTRIES) as u16, (2 * next * ENTRIES) as u16]);
        }
        let first_base = of_block.first().map_or(0, |first| (2 * first * ENTRIES) as u16);
        Ok(Self { entries, bases, codes, first_base, blocks_per_mcu: layout.blocks_per_mcu })
    }

    /// A lane at the start of an MCU.
    pub(crate) fn start(&self, bit: usize) -> Lane {
        Lane { byte: bit / 8, word: 0, state: (bit % 8) as Entry, base: self.first_base, block: 0 }
    }

    /// One look-up: skips the rest of a block, or a part of it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "without inlining, a step takes twice the time")]
    fn step(&self, bytes: &[u8], mut lane: Lane, ends: &mut Ends) -> Lane {
        let ahead = lane.word.wrapping_shl(lane.state.into());
        let index = usize::from(lane.base) + (ahead >> (64 - WINDOW)) as usize;
        let entry = self.entries.get(index).copied().unwrap_or_default();
        let mut state = lane.state.wrapping_add(entry);
        if state & SLOW != 0 {
            (lane.byte, state) =
                self.symbol(bytes, lane.bit(), lane.state >> COUNT_SHIFT, lane.base);
            lane.word = window(bytes, lane.byte);
        }
        let used = state & 0xFF;
        if let Some(end) = ends.get_mut(lane.block) {
            *end = (lane.byte as u32).wrapping_mul(8).wrapping_add(used.into());
        }
        let ended = usize::from(state >> 15);
        lane.base = self.bases.get(lane.block * 2 + ended).copied().unwrap_or_default();
        lane.state = select_unpredictable(state & END != 0, used, state);
        lane.block += ended;
        lane
    }

    /// Skips one symbol. Returns the byte at which the bits of the next symbol start, and the new
    /// state. After an invalid code, this byte is the end of the data.
    #[cold]
    #[inline(never)]
    fn symbol(&self, bytes: &[u8], bit: usize, count: Entry, base: u16) -> (usize, Entry) {
        let ahead = window(bytes, bit / 8) << (bit % 8);
        let codes = self.codes.get(usize::from(base) / (2 * ENTRIES));
        let symbol = codes.and_then(|(dc, ac)| {
            if count == 0 {
                dc.first_symbol(ahead).map(|(length, size)| (length, (1, u32::from(size))))
            } else {
                ac.first_symbol(ahead).map(|(length, symbol)| (length, ac_symbol(symbol)))
            }
        });
        let Some((length, (passed, size))) = symbol else { return (bytes.len(), END) };
        let bit = bit + (length + size) as usize;
        let count = u32::from(count) + passed;
        let state = if count >= 64 { END } else { (count as Entry) << COUNT_SHIFT };
        (bit / 8, state | (bit % 8) as Entry)
    }
}

const WRONG_SIZE: Error = Error::Malformed("a table has the wrong size");

macro_rules! run {
    ($name:ident, $count:literal, $($lane:ident $ends:ident),+) => {
        /// Runs the lanes for some rounds of three steps each. No lane may exceed a batch.
        #[inline(never)]
        pub(crate) fn $name(
            &self,
            bytes: &[u8],
            lanes: [Lane; $count],
            [$($ends),+]: &mut [Ends; $count],
            rounds: usize,
        ) -> [Lane; $count] {
            let [$(mut $lane),+] = lanes;
            for _ in 0..rounds {
                $($lane.refill(bytes);)+
                $($lane = self.step(bytes, $lane, $ends);)+
                $($lane = self.step(bytes, $lane, $ends);)+
                $($lane = self.step(bytes, $lane, $ends);)+
            }
            [$($lane),+]
        }
    };
}

impl Tables<'_> {
    run!(run_1, 1, a ends_a);
    run!(run_2, 2, a ends_a, b ends_b);
    run!(run_3, 3, a ends_a, b ends_b, c ends_c);
}
