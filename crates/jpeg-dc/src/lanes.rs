//! The innermost loop: passes over blocks, in several independent places of a scan at once.
//!
//! One place alone leaves most of a processor idle, since each table look-up has to wait for the
//! one before. Nothing in the loop branches on the data but what is rare: at the end of a block the
//! next table is selected, not jumped to.

#![expect(
    clippy::cast_possible_truncation,
    reason = "bit positions fit 32 bits by the limit on a scan's size; a window is an index"
)]

use std::hint::select_unpredictable;

use crate::entropy::window;
use crate::error::Error;
use crate::frame::Layout;
use crate::huffman::Code;
use crate::marker::Reader;
use crate::skip::{self, COUNT_SHIFT, END, ENTRIES, Entry, SLOW, WINDOW, ac_symbol};

/// Lanes that run at once at the most. Three keep the processor busy; the state of more would not fit
/// its registers.
pub(crate) const LANES: usize = 3;

/// Blocks that a lane passes over before their ends are taken away.
pub(crate) const BATCH: usize = 512;

/// Steps on bits that were loaded once.
pub(crate) const STEPS: usize = 3;

/// Ends of blocks, in bits. A lane writes to its current block's place in each step; the place
/// counts once the block has ended. Longer than a batch, so that indices need no check.
pub(crate) type Ends = [u32; BATCH + STEPS];

/// One more table than a `u16` can address the start of, so that indices need no check.
const ALL_ENTRIES: usize = (1 << 16) + ENTRIES;

/// Where a lane stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane {
    /// Byte that the loaded bits start from.
    byte: usize,
    /// The bits.
    word: u64,
    /// How many of them are used in the low byte, coefficients of the block above it.
    state: Entry,
    /// Start of the table to use next.
    base: u16,
    /// Number of the current block, modulo the blocks of an MCU in step with its place in the MCU.
    pub(crate) block: usize,
}

impl Lane {
    /// The next bit.
    pub(crate) fn bit(&self) -> usize {
        self.byte * 8 + usize::from(self.state & 0xFF)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as for a step")]
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
    /// For block `i` of a lane: at `2 * i` where the AC table of its component starts, behind it
    /// where the DC table of the next block's does.
    bases: Box<[u16; 2 * (BATCH + STEPS)]>,
    /// The codes behind each pair of tables, DC and AC.
    codes: Vec<(&'a Code, &'a Code)>,
    /// Where the DC table of an MCU's first block starts.
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

    /// One look-up: passes over the rest of a block, or a part of it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called, a step costs twice the time")]
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

    /// Passes over one symbol. Gives the byte where the next one's bits are, and the new state.
    /// An invalid code leads behind all data.
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

const WRONG_SIZE: Error = Error::Malformed("a table of the wrong size");

macro_rules! run {
    ($name:ident, $count:literal, $($lane:ident $ends:ident),+) => {
        /// Lets the lanes make so many rounds of three steps. No lane may get beyond a batch.
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
