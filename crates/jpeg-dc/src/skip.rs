//! Tables for skipping blocks, several symbols per look-up.

use crate::huffman::Code;

/// The number of bits from the stream that are used to index a table.
pub(crate) const WINDOW: u32 = 12;
/// The number of entries in a table.
pub(crate) const ENTRIES: usize = 1 << WINDOW;
/// The maximum number of bits that an entry skips. Bits are loaded once for three steps, so two
/// entries, the bits up to a byte boundary and a window must fit in 64 bits.
const MAX_BITS: u32 = 22;

/// An entry, or the sum of a block's entries. The low byte is the number of skipped bits. The bits
/// above it are the number of coefficients. In a sum, this number is the index of the block's next
/// coefficient.
///
/// [`END`] is added at the end of a block. If [`SLOW`] is set, the step is invalid and must be
/// repeated symbol by symbol. An entry sets it if the code is longer than the window. A sum sets it
/// if the block is filled to its last coefficient, because the entry then runs into the next block.
pub(crate) type Entry = u16;
/// The bit position of the number of coefficients within an entry.
pub(crate) const COUNT_SHIFT: u32 = 8;
pub(crate) const SLOW: Entry = 64 << COUNT_SHIFT;
pub(crate) const END: Entry = 128 << COUNT_SHIFT;

/// Stands for a missing entry while tables are built.
const NONE: Entry = 0;

/// The number of coefficients that indicates the end of a block.
const END_OF_BLOCK: u32 = 128;

/// The number of coefficients of an AC symbol, and the number of bits after its code.
pub(crate) fn ac_symbol(symbol: u8) -> (u32, u32) {
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    match (run, size) {
        (15, 0) => (16, 0),
        (_, 0) => (END_OF_BLOCK, 0),
        _ => (run + 1, size),
    }
}

/// Writes the tables for a component's blocks: `dc` for the start of a block, `ac` for the rest.
pub(crate) fn build(dc_code: &Code, ac_code: &Code, dc: &mut [Entry], ac: &mut [Entry]) {
    // Tables of AC symbols for 0 to WINDOW visible bits, in that order. In a large table, the bits
    // after a symbol index a smaller table.
    let mut tables = vec![NONE; 2 * ENTRIES - 1];
    for view in 1..=WINDOW {
        let (smaller, table) = tables.split_at_mut((1 << view) - 1);
        fill(table, view, ac_code, ac_symbol, smaller);
    }
    let (smaller, largest) = tables.split_at(ENTRIES - 1);
    fill(dc, WINDOW, dc_code, |size| (1, size.into()), smaller);
    ac.copy_from_slice(largest);
    for entry in dc.iter_mut().chain(ac) {
        if *entry == NONE {
            *entry = SLOW;
        }
    }
}

/// Writes the table for `view` bits that start with a symbol of `code`, followed by AC symbols from
/// the tables for fewer bits.
fn fill(
    table: &mut [Entry],
    view: u32,
    code: &Code,
    meaning: impl Fn(u8) -> (u32, u32),
    smaller: &[Entry],
) {
    let mut rest = table;
    for (length, symbol) in code.symbols().take_while(|&(length, _)| length <= view) {
        let (count, size) = meaning(symbol);
        let bits = length + size;
        let Some((entries, behind)) = rest.split_at_mut_checked(1 << (view - length)) else {
            return;
        };
        rest = behind;
        if bits > MAX_BITS {
            continue;
        }
        // The numbers fit: there are at most 128 coefficients and 22 bits.
        let first = Entry::try_from(count << COUNT_SHIFT | bits).unwrap_or(NONE);
        // The magnitude bits do not have to be visible.
        let left = view.saturating_sub(bits);
        let next = smaller.get((1 << left) - 1..(2 << left) - 1).unwrap_or_default();
        if count == END_OF_BLOCK || left == 0 {
            entries.fill(first);
        } else {
            for entries in entries.chunks_exact_mut(1 << left) {
                for (entry, next) in entries.iter_mut().zip(next) {
                    let both = first.wrapping_add(*next);
                    let fits = both & SLOW == 0 && u32::from(both & 0xFF) <= MAX_BITS;
                    *entry = if fits { both } else { first };
                }
            }
        }
    }
}
