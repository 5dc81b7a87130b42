//! Tables by which blocks are passed over, several symbols in one look.

use crate::huffman::Code;

/// Bits of the stream that index a table.
pub(crate) const WINDOW: u32 = 12;
/// Entries of a table.
pub(crate) const ENTRIES: usize = 1 << WINDOW;
/// Most bits that one entry may pass over: three steps on bits that were loaded once need two
/// entries, the bits up to a byte boundary and a window to fit 64.
const MAX_BITS: u32 = 22;

/// An entry, or the sum of a block's entries: the bits passed over in the low byte, and above it
/// the number of coefficients (of the block: the index of the next one).
///
/// [`END`] is added at the end of a block. Where [`SLOW`] is set, by an entry or by the sum, the
/// step does not count and has to be taken symbol by symbol: the code is longer than the window,
/// or the block is filled to its last coefficient, so that the entry ran into the next one.
pub(crate) type Entry = u16;
/// Place of the number of coefficients.
pub(crate) const COUNT_SHIFT: u32 = 8;
pub(crate) const SLOW: Entry = 64 << COUNT_SHIFT;
pub(crate) const END: Entry = 128 << COUNT_SHIFT;

/// One symbol: its code's length, all its bits, and what it adds to the number of coefficients.
#[derive(Debug, Clone, Copy)]
struct Symbol {
    code: u32,
    bits: u32,
    count: u32,
}

const END_OF_BLOCK: u32 = 128;

/// What an AC symbol adds to the number of coefficients, and the bits behind its code.
pub(crate) fn ac_symbol(symbol: u8) -> (u32, u32) {
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    match (run, size) {
        (15, 0) => (16, 0),
        (_, 0) => (END_OF_BLOCK, 0),
        _ => (run + 1, size),
    }
}

/// The symbols by the window they start.
fn single(code: &Code, meaning: impl Fn(u8) -> (u32, u32)) -> Vec<Option<Symbol>> {
    let mut table = Vec::with_capacity(ENTRIES);
    for (length, symbol) in code.symbols().take_while(|&(length, _)| length <= WINDOW) {
        let (count, size) = meaning(symbol);
        let entry = Symbol { code: length, bits: length + size, count };
        table.extend(std::iter::repeat_n(Some(entry), 1 << (WINDOW - length)));
    }
    table.resize(ENTRIES, None);
    table
}

/// Writes the tables for a component's blocks: `dc` for the start of a block, `ac` for the rest.
pub(crate) fn build(dc_code: &Code, ac_code: &Code, dc: &mut [Entry], ac: &mut [Entry]) {
    let first = single(dc_code, |size| (1, u32::from(size)));
    let others = single(ac_code, ac_symbol);
    for (window, (entry, symbol)) in dc.iter_mut().zip(&first).enumerate() {
        *entry = chain(window, *symbol, &others);
    }
    for (window, (entry, symbol)) in ac.iter_mut().zip(&others).enumerate() {
        *entry = chain(window, *symbol, &others);
    }
}

/// The entry for a window that starts with `first` and goes on with AC symbols.
fn chain(window: usize, first: Option<Symbol>, others: &[Option<Symbol>]) -> Entry {
    let (mut bits, mut count) = (0, 0);
    let mut next = first;
    while let Some(symbol) = next {
        // The last symbol's code has to be in view, its magnitude bits need not.
        if bits + symbol.code > WINDOW || bits + symbol.bits > MAX_BITS {
            break;
        }
        let ends = symbol.count == END_OF_BLOCK;
        if !ends && count + symbol.count >= 64 {
            break;
        }
        bits += symbol.bits;
        count += symbol.count;
        if ends || bits >= WINDOW {
            break;
        }
        next = others.get(window << bits & (ENTRIES - 1)).copied().flatten();
    }
    let entry = if bits == 0 { SLOW.into() } else { count << COUNT_SHIFT | bits };
    // At most 191 coefficients and END's worth, and 22 bits.
    Entry::try_from(entry).unwrap_or_default()
}
