//! Finds where each block of a sequential scan starts.
//!
//! The blocks have to be passed over bit by bit to find the next one, so this is what the time
//! goes into. What is then wanted of a block can be read from its start, in any order.

#![expect(
    clippy::cast_possible_truncation,
    reason = "bit positions fit 32 bits by the limit on a scan's size; table indices are masked"
)]

use crate::entropy::{Bits, window};
use crate::error::Error;
use crate::frame::Layout;
use crate::huffman::Code;
use crate::marker::Reader;
use crate::skip::{self, COUNT_SHIFT, END, ENTRIES, Entry, SLOW, WINDOW, ac_symbol};

/// Block starts that a lane collects before they are taken away.
const RING: usize = 1024;
/// Table entries: eight tables fill half of it; the full range of `u16` makes every index valid.
const ALL_ENTRIES: usize = 1 << 16;

/// The tables of a scan.
pub(crate) struct Locator<'a> {
    entries: Box<[Entry; ALL_ENTRIES]>,
    /// For block `i` of a lane: in the low half where the AC table of its component starts, in
    /// the high half where the DC table of the next block's does.
    bases: Box<[u32; RING]>,
    /// The codes behind each pair of tables, DC and AC.
    codes: Vec<(&'a Code, &'a Code)>,
    blocks_per_mcu: usize,
}

/// Where one lane stands.
#[derive(Debug, Clone, Copy)]
struct Lane {
    /// Byte that the loaded bits start from.
    byte: usize,
    /// Bits used of them in the low byte, coefficients of the block above it.
    state: u32,
    /// Start of the table to use next.
    base: u32,
    /// Blocks finished.
    count: usize,
}

impl Lane {
    fn bit(&self) -> usize {
        self.byte * 8 + (self.state & 0xFF) as usize
    }
}

impl<'a> Locator<'a> {
    pub(crate) fn new(reader: &'a Reader, layout: &Layout) -> Result<Self, Error> {
        let mut entries: Box<[Entry; ALL_ENTRIES]> =
            vec![0; ALL_ENTRIES].into_boxed_slice().try_into().map_err(|_| BUG)?;
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
        let mut bases = Box::new([0; RING]);
        let next = of_block.iter().cycle().skip(1);
        for ((base, this), next) in bases.iter_mut().zip(of_block.iter().cycle()).zip(next) {
            let (ac, dc) = ((2 * this + 1) * ENTRIES, 2 * next * ENTRIES);
            *base = u32::try_from(dc << 16 | ac).map_err(|_| BUG)?;
        }
        Ok(Self { entries, bases, codes, blocks_per_mcu: layout.blocks_per_mcu })
    }

    /// The starts of the blocks of each interval, in bits, one after the other.
    pub(crate) fn locate(
        &self,
        bits: &Bits,
        layout: &Layout,
        restart_interval: usize,
    ) -> Result<Vec<u32>, Error> {
        let mut mcus = layout.total_mcus();
        let total = mcus * self.blocks_per_mcu;
        let mut starts = Vec::with_capacity(total + RING);
        for interval in &bits.intervals {
            if mcus == 0 {
                break;
            }
            let here = if restart_interval == 0 { mcus } else { mcus.min(restart_interval) };
            mcus -= here;
            let before = starts.len();
            let wanted = here * self.blocks_per_mcu;
            self.pass(bits.padded(), interval.start * 8, interval.end * 8, &mut starts);
            let end = starts.get(before + wanted);
            if end.is_none_or(|&end| end as usize > interval.end * 8) {
                return Err(Error::Malformed("a scan ends early or has an invalid code"));
            }
            starts.truncate(before + wanted);
        }
        if starts.len() < total {
            return Err(Error::Malformed("a scan ends early"));
        }
        Ok(starts)
    }

    /// Passes over the blocks from bit `from` on, a first block of an MCU, at least until bit
    /// `to`, and adds their starts to `starts`, and what would be the next block's start.
    fn pass(&self, bytes: &[u8], from: usize, to: usize, starts: &mut Vec<u32>) {
        let mut ring = Box::new([0; RING]);
        let mut lane = Lane {
            byte: from / 8,
            state: (from % 8) as u32,
            base: (self.bases.first().copied().unwrap_or_default() & 0xFFFF) - ENTRIES as u32,
            count: 0,
        };
        if let Some(first) = ring.first_mut() {
            *first = from as u32;
        }
        loop {
            self.run(bytes, &mut lane, &mut ring);
            let done = lane.bit() > to;
            let whole = lane.count - lane.count % self.blocks_per_mcu;
            starts.extend(ring.iter().take(whole));
            ring.copy_within(whole..=lane.count, 0);
            lane.count -= whole;
            if done {
                starts.extend(ring.iter().take(lane.count + 1));
                return;
            }
        }
    }

    #[inline]
    fn entry(&self, index: u32) -> u32 {
        self.entries.get(usize::from(index as u16)).copied().unwrap_or_default().into()
    }

    #[inline]
    fn bases_of(&self, block: usize) -> u32 {
        self.bases.get(block & (RING - 1)).copied().unwrap_or_default()
    }

    fn run(&self, bytes: &[u8], lane: &mut Lane, ring: &mut [u32; RING]) {
        let iterations = (RING - 1 - lane.count) / 3;
        let Lane { mut byte, mut state, mut base, mut count } = *lane;
        let mut bases = self.bases_of(count);
        for _ in 0..iterations {
            byte += (state >> 3 & 31) as usize;
            state &= 0xFF07;
            let mut word = window(bytes, byte);
            for _ in 0..3 {
                let index = base.wrapping_add((word.wrapping_shl(state) >> (64 - WINDOW)) as u32);
                let mut next = state + self.entry(index);
                if next & SLOW != 0 {
                    let at = byte * 8 + (state & 0xFF) as usize;
                    let (bit, counted) = self.symbol(bytes, at, state >> COUNT_SHIFT, base);
                    byte = bit / 8;
                    word = window(bytes, byte);
                    next = counted << COUNT_SHIFT | (bit % 8) as u32;
                }
                if let Some(start) = ring.get_mut((count + 1) & (RING - 1)) {
                    *start = (byte as u32).wrapping_mul(8).wrapping_add(next & 0xFF);
                }
                let ended = next >> 11 & 16;
                base = bases >> ended & 0xFFFF;
                count += (ended >> 4) as usize;
                state = next & 0xFFFF >> (ended >> 1);
                bases = self.bases_of(count);
            }
        }
        *lane = Lane { byte, state, base, count };
    }

    /// Passes over one symbol at `bit`. Gives the bit behind it and the block's coefficients so
    /// far, with END's bit if that was all. An invalid code ends behind all data.
    #[cold]
    #[inline(never)]
    fn symbol(&self, bytes: &[u8], bit: usize, count: u32, base: u32) -> (usize, u32) {
        let window = window(bytes, bit / 8) << (bit % 8);
        let codes = self.codes.get(base as usize / (2 * ENTRIES));
        let symbol = codes.and_then(|(dc, ac)| {
            if count == 0 {
                dc.first_symbol(window).map(|(length, size)| (length, (1, u32::from(size))))
            } else {
                ac.first_symbol(window).map(|(length, symbol)| (length, ac_symbol(symbol)))
            }
        });
        let Some((length, (counted, size))) = symbol else {
            return (bytes.len() * 8, END >> COUNT_SHIFT);
        };
        let after = count + counted;
        let ended = if after >= 64 { END >> COUNT_SHIFT } else { after };
        (bit + (length + size) as usize, ended)
    }
}

const BUG: Error = Error::Malformed("a table of the wrong size");
