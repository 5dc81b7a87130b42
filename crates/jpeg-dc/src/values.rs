//! Reads coefficients without branches that depend on the data.

#![expect(
    clippy::cast_possible_truncation,
    reason = "a value has at most 15 bits; a distance is an index"
)]
#![expect(clippy::inline_always, reason = "a call would keep the position out of registers")]

use crate::entropy::window;
use crate::huffman::Code;

/// The decoded form of a symbol. The lowest byte is the number of bits of the code and its value,
/// the next one the distance to the symbol's coefficient. The upper half is a mask with a bit for
/// each bit of the value. The value 0 means that the code is invalid, or longer than the window.
type Entry = u32;

/// The number of bits that index a table. The longest entry then has 26 bits, so that two of them
/// fit in a window.
const WINDOW: u32 = 11;
const ENTRIES: usize = 1 << WINDOW;

/// The distance that stands for the end of a block.
const END: u32 = 64;

fn entry(length: u32, distance: u32, size: u32) -> Entry {
    (length + size) | distance << 8 | ((1 << size) - 1) << 16
}

/// The entry for the size of a DC difference.
fn dc_entry(length: u32, size: u8) -> Entry {
    entry(length, 0, size.into())
}

/// The entry for the symbol of an AC coefficient.
fn ac_entry(length: u32, symbol: u8) -> Entry {
    match (u32::from(symbol >> 4), u32::from(symbol & 15)) {
        (15, 0) => entry(length, 16, 0),
        (_, 0) => entry(length, END, 0),
        (zeros, size) => entry(length, zeros + 1, size),
    }
}

/// The symbols of a Huffman code, with their values, indexed by the bits at their start.
pub(crate) struct Values<'a> {
    code: &'a Code,
    /// The entry for a code of this length, and its symbol.
    meaning: fn(u32, u8) -> Entry,
    entries: Box<[Entry; ENTRIES]>,
}

/// The position in a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    /// The 64 bits that start at `byte`, and the number of them that have been used.
    byte: usize,
    word: u64,
    used: u32,
}

impl Position {
    #[inline(always)]
    pub(crate) fn new(bytes: &[u8], bit: u32) -> Self {
        let byte = (bit / 8) as usize;
        Self { byte, word: window(bytes, byte), used: bit % 8 }
    }

    /// Loads more bits. Call it after two steps.
    #[inline(always)]
    pub(crate) fn refill(&mut self, bytes: &[u8]) {
        self.byte = self.byte.wrapping_add((self.used >> 3) as usize);
        self.used &= 7;
        self.word = window(bytes, self.byte);
    }
}

impl<'a> Values<'a> {
    /// The differences of DC coefficients.
    pub(crate) fn dc(code: &'a Code) -> Self {
        Self::new(code, dc_entry)
    }

    /// AC coefficients.
    pub(crate) fn ac(code: &'a Code) -> Self {
        Self::new(code, ac_entry)
    }

    fn new(code: &'a Code, meaning: fn(u32, u8) -> Entry) -> Self {
        let mut entries = Box::new([0; ENTRIES]);
        let mut places = entries.iter_mut();
        for (length, symbol) in code.symbols().take_while(|&(length, _)| length <= WINDOW) {
            for place in places.by_ref().take(1 << (WINDOW - length)) {
                *place = meaning(length, symbol);
            }
        }
        Self { code, meaning, entries }
    }

    /// Reads a symbol. Returns how far the index moves, and the coefficient at the new index, which is
    /// 0 if the symbol does not have one. At the end of a block, the index moves beyond its last
    /// coefficient. After that, symbols can be read, but have no meaning.
    #[inline(always)]
    pub(crate) fn step(&self, bytes: &[u8], at: &mut Position) -> (usize, i16) {
        let mut ahead = at.word.wrapping_shl(at.used);
        let index = (ahead >> (64 - WINDOW)) as usize;
        let mut entry = self.entries.get(index).copied().unwrap_or_default();
        if entry == 0 {
            // Such an entry may be longer than the loaded bits.
            at.refill(bytes);
            ahead = at.word.wrapping_shl(at.used);
            entry = self.long(ahead);
            at.used += entry & 63;
            at.refill(bytes);
        } else {
            at.used += entry & 63;
        }
        let mask = entry >> 16;
        // The value is in the last of the entry's bits (T.81, F.2.2.1).
        let bits = ahead.wrapping_shr(entry.wrapping_neg()) as u32 & mask;
        let value = bits.wrapping_sub(if bits <= mask >> 1 { mask } else { 0 });
        ((entry >> 8 & 0xFF) as usize, value as i16)
    }

    #[cold]
    #[inline(never)]
    fn long(&self, ahead: u64) -> Entry {
        let found = self.code.first_symbol(ahead);
        found.map_or(entry(1, END, 0), |(length, symbol)| (self.meaning)(length, symbol))
    }
}
