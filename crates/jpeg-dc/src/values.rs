//! Reads coefficients, up to two per look-up, without branches that depend on the data.

#![expect(
    clippy::cast_possible_truncation,
    reason = "a value has at most 15 bits; a distance is an index"
)]
#![expect(clippy::inline_always, reason = "a call would keep the position out of registers")]

use crate::entropy::window;
use crate::huffman::Code;

/// A decoded symbol. If the window also contains the next symbol with its value, both are decoded.
///
/// | bits | content |
/// |---|---|
/// | 0 to 7 | the number of bits of both symbols with their values |
/// | 8 to 15 | how far to shift the window to the right to get the first value |
/// | 16 to 23 | the distance to the first symbol's coefficient |
/// | 24 to 31 | the distance to the second one's, or [`NOWHERE`] |
/// | 32 to 39 | how far the index moves |
/// | 40 to 47 | the second coefficient |
/// | 48 to 63 | a mask with a bit for each bit of the first value |
///
/// The value 0 means that the code is invalid, or longer than the window.
type Entry = u64;

/// The number of bits that index a table. The longest entry then has 26 bits, so that two entries
/// fit in the loaded bits.
const WINDOW: u32 = 11;
const ENTRIES: usize = 1 << WINDOW;

/// The distance that stands for the end of a block.
pub(crate) const END: u32 = 64;

/// The distance that stands for a missing coefficient.
const NOWHERE: u32 = 128;

/// A symbol, and the value after it.
#[derive(Debug, Clone, Copy, Default)]
struct Symbol {
    /// The number of bits of the code and the value. The number is 0 if the code is invalid, or
    /// longer than the window.
    bits: u32,
    distance: u32,
    /// The number of bits of the value.
    size: u32,
}

impl Symbol {
    /// The size of a DC difference.
    fn dc(length: u32, size: u8) -> Self {
        Self { bits: length + u32::from(size), distance: 0, size: size.into() }
    }

    /// The symbol of an AC coefficient.
    fn ac(length: u32, symbol: u8) -> Self {
        let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        let distance = match (zeros, size) {
            (15, 0) => 16,
            (_, 0) => END,
            _ => zeros + 1,
        };
        Self { bits: length + size, distance, size }
    }

    /// The entry for this symbol alone.
    fn entry(self) -> Entry {
        let Self { bits, distance, size } = self;
        let fields = [bits, 64 - bits, distance, NOWHERE, distance];
        let fields = fields.iter().rev().fold(0, |entry, &field| entry << 8 | Entry::from(field));
        fields | ((1 << size) - 1) << 48
    }
}

/// The coefficients of a look-up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    entry: Entry,
    /// The first coefficient, which is 0 if the symbol does not have one.
    pub(crate) first: i16,
}

impl Found {
    /// The distance to the first coefficient.
    #[inline(always)]
    pub(crate) fn first_distance(self) -> u32 {
        (self.entry >> 16) as u32 & 0xFF
    }

    /// The distance to the second coefficient, and the coefficient. If the look-up has only one
    /// coefficient, the distance leads beyond the block.
    #[inline(always)]
    pub(crate) fn second(self) -> (u32, i16) {
        ((self.entry >> 24) as u32 & 0xFF, ((self.entry >> 40) as i8).into())
    }

    /// How far the index moves. At the end of a block, it moves beyond the last coefficient. After
    /// that, symbols can be read, but have no meaning.
    #[inline(always)]
    pub(crate) fn distance(self) -> u32 {
        (self.entry >> 32) as u32 & 0xFF
    }
}

/// A table of the symbols of a Huffman code, with their values. The index is the first bits of a
/// code and its value.
pub(crate) struct Values<'a> {
    code: &'a Code,
    /// Returns the symbol for a code of this length.
    meaning: fn(u32, u8) -> Symbol,
    entries: Box<[Entry; ENTRIES]>,
}

/// The position in a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    bit: u32,
    /// The bits that start at this position.
    ahead: u64,
}

impl Position {
    #[inline(always)]
    pub(crate) fn new(bytes: &[u8], bit: u32) -> Self {
        Self { bit, ahead: window(bytes, (bit / 8) as usize) << (bit % 8) }
    }

    /// The position in bits.
    #[inline(always)]
    pub(crate) fn bit(self) -> u32 {
        self.bit
    }

    /// Loads more bits. Call it after two steps.
    #[inline(always)]
    pub(crate) fn refill(&mut self, bytes: &[u8]) {
        *self = Self::new(bytes, self.bit);
    }

    #[inline(always)]
    fn skip(&mut self, bits: u32) {
        self.bit = self.bit.wrapping_add(bits);
        self.ahead = self.ahead.wrapping_shl(bits);
    }
}

impl<'a> Values<'a> {
    /// The differences of DC coefficients.
    pub(crate) fn dc(code: &'a Code) -> Self {
        let mut entries = Box::new([0; ENTRIES]);
        for (entry, symbol) in entries.iter_mut().zip(Self::symbols(code, Symbol::dc)) {
            *entry = if symbol.bits == 0 { 0 } else { symbol.entry() };
        }
        Self { code, meaning: Symbol::dc, entries }
    }

    /// AC coefficients.
    pub(crate) fn ac(code: &'a Code) -> Self {
        let symbols = Self::symbols(code, Symbol::ac);
        let mut entries = Box::new([0; ENTRIES]);
        for ((visible, first), entry) in symbols.iter().enumerate().zip(entries.iter_mut()) {
            if first.bits == 0 {
                continue;
            }
            *entry = first.entry();
            if first.distance == END || first.bits >= WINDOW {
                continue;
            }
            let rest = (visible << first.bits) & (ENTRIES - 1);
            let Some(second) = symbols.get(rest) else { continue };
            let both = first.bits + second.bits;
            // The value has to fit in a byte.
            if second.bits == 0 || both > WINDOW || second.size > 7 {
                continue;
            }
            let value = value((rest as u64) >> (WINDOW - second.bits), (1 << second.size) - 1);
            let distance = first.distance + second.distance;
            let fields = [
                both,
                64 - first.bits,
                first.distance,
                distance,
                distance,
                u32::from(value.cast_unsigned() as u8),
            ];
            *entry = *entry >> 48 << 48;
            for (index, field) in fields.into_iter().enumerate() {
                *entry |= Entry::from(field) << (8 * index);
            }
        }
        Self { code, meaning: Symbol::ac, entries }
    }

    /// The symbol at the start of each window.
    fn symbols(code: &Code, meaning: fn(u32, u8) -> Symbol) -> Vec<Symbol> {
        let mut symbols = vec![Symbol::default(); ENTRIES];
        let mut places = symbols.iter_mut();
        for (length, symbol) in code.symbols().take_while(|&(length, _)| length <= WINDOW) {
            for place in places.by_ref().take(1 << (WINDOW - length)) {
                *place = meaning(length, symbol);
            }
        }
        symbols
    }

    /// Reads one or two symbols.
    #[inline(always)]
    pub(crate) fn step(&self, bytes: &[u8], at: &mut Position) -> Found {
        let index = (at.ahead >> (64 - WINDOW)) as usize;
        let mut entry = self.entries.get(index).copied().unwrap_or_default();
        if entry == 0 {
            // A symbol that is not in the table may be longer than the loaded bits.
            at.refill(bytes);
            entry = self.long(at.ahead);
            let first = value(at.ahead >> (entry >> 8 & 63), entry >> 48);
            at.skip(entry as u32 & 63);
            at.refill(bytes);
            return Found { entry, first };
        }
        // The value is in the last bits of the symbol (T.81, F.2.2.1).
        let first = value(at.ahead.wrapping_shr((entry >> 8) as u32), entry >> 48);
        at.bit = at.bit.wrapping_add(entry as u32 & 0xFF);
        at.ahead = at.ahead.wrapping_shl(entry as u32);
        Found { entry, first }
    }

    #[cold]
    #[inline(never)]
    fn long(&self, ahead: u64) -> Entry {
        let found = self.code.first_symbol(ahead);
        let invalid = Symbol { bits: 1, distance: END, size: 0 };
        found.map_or(invalid, |(length, symbol)| (self.meaning)(length, symbol)).entry()
    }
}

/// The value that the lowest bits of `bits` encode. `mask` has a 1 for each of these bits.
#[inline(always)]
fn value(bits: u64, mask: u64) -> i16 {
    let (bits, mask) = (bits as u32 & mask as u32, mask as u32);
    bits.wrapping_sub(if bits <= mask >> 1 { mask } else { 0 }) as i16
}
