//! Huffman codes as a DHT segment defines them (ITU-T T.81, annex C and F.2.2.3).

use crate::error::Error;

/// Longest Huffman code, in bits.
pub(crate) const MAX_CODE: u32 = 16;

/// A canonical Huffman code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    /// In order of their codes.
    symbols: Vec<u8>,
    /// `counts[i]`: number of codes of `i + 1` bits.
    counts: [u8; 16],
    /// `limits[i]`: what 16 bits are below that start with a code of `i + 1` bits or fewer.
    limits: [u32; 16],
    /// `firsts[i]`: what the first code of `i + 1` bits is above its place among the symbols.
    firsts: [u32; 16],
}

impl Code {
    /// Takes `counts` and `symbols` from a DHT segment. Refuses a code that is over-full, or that
    /// uses the word of ones alone, which T.81 reserves.
    pub(crate) fn new(counts: [u8; 16], symbols: &[u8]) -> Result<Self, Error> {
        let (mut limits, mut firsts) = ([0; 16], [0; 16]);
        let (mut next, mut before) = (0, 0);
        let places = limits.iter_mut().zip(&mut firsts);
        for ((length, &count), (limit, first)) in (1..).zip(&counts).zip(places) {
            next <<= 1;
            *first = next - before;
            next += u32::from(count);
            before += u32::from(count);
            if count > 0 && next >= 1 << length {
                return Err(Error::Malformed("a Huffman table assigns more codes than there are"));
            }
            *limit = next << (MAX_CODE - length);
        }
        Ok(Self { symbols: symbols.to_vec(), counts, limits, firsts })
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

    /// The length of the code that `ahead` (its first bit in the highest place) starts with, and
    /// the symbol. For the codes too long for a table.
    pub(crate) fn first_symbol(&self, ahead: u64) -> Option<(u32, u8)> {
        let bits = u32::try_from(ahead >> (64 - MAX_CODE)).ok()?;
        let shorter = self.limits.iter().map(|&limit| usize::from(limit <= bits)).sum::<usize>();
        let length = u32::try_from(shorter + 1).ok()?;
        let code = bits >> MAX_CODE.checked_sub(length)?;
        let index = usize::try_from(code - self.firsts.get(shorter)?).ok()?;
        Some((length, *self.symbols.get(index)?))
    }
}
