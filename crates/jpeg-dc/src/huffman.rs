//! Huffman codes as a DHT segment defines them (ITU-T T.81, annex C and F.2.2.3).

use crate::error::Error;

/// Longest Huffman code, in bits.
pub(crate) const MAX_CODE: u32 = 16;

/// A canonical Huffman code: its symbols in order of their codes, and how many codes have each
/// length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    /// `counts[i]`: number of codes of `i + 1` bits.
    counts: [u8; 16],
    symbols: Vec<u8>,
}

impl Code {
    /// Takes `counts` and `symbols` from a DHT segment. Refuses a code that is over-full, or that
    /// uses the word of ones alone, which T.81 reserves.
    pub(crate) fn new(counts: [u8; 16], symbols: &[u8]) -> Result<Self, Error> {
        let mut next: u32 = 0;
        for (length, &count) in (1..).zip(&counts) {
            next = (next << 1) + u32::from(count);
            if count > 0 && next >= 1 << length {
                return Err(Error::Malformed("a Huffman table assigns more codes than there are"));
            }
        }
        Ok(Self { counts, symbols: symbols.to_vec() })
    }

    /// Whether every symbol may be the size of a DC difference.
    pub(crate) fn is_dc(&self) -> bool {
        self.symbols.iter().all(|&symbol| symbol < 16)
    }

    /// Each symbol with the length of its code, in order of the codes.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = (u32, u8)> + '_ {
        let lengths = (1..=MAX_CODE)
            .zip(&self.counts)
            .flat_map(|(length, &count)| std::iter::repeat_n(length, usize::from(count)));
        lengths.zip(self.symbols.iter().copied())
    }

    /// The length of the code that `window` (its first bit in the highest place) starts with, and
    /// the symbol. The long way: for the codes too long for a table.
    pub(crate) fn first_symbol(&self, window: u64) -> Option<(u32, u8)> {
        let mut code: u32 = 0;
        let mut seen: u32 = 0;
        for (length, &count) in (1..=MAX_CODE).zip(&self.counts) {
            let count = u32::from(count);
            code <<= 1;
            let bits = u32::try_from(window >> (64 - length)).ok()?;
            if bits < code + count {
                let index = usize::try_from(seen + bits.checked_sub(code)?).ok()?;
                return Some((length, *self.symbols.get(index)?));
            }
            code += count;
            seen += count;
        }
        None
    }
}
