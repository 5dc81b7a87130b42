//! Huffman codes as a DHT segment defines them (ITU-T T.81, annex C and F.2.2.3).

use crate::error::Error;

/// The length of the longest Huffman code, in bits.
pub(crate) const MAX_CODE: u32 = 16;

/// A canonical Huffman code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    /// The symbols, in the order of their codes.
    symbols: Vec<u8>,
    /// `counts[i]`: the number of codes of `i + 1` bits.
    counts: [u8; 16],
    /// `limits[i]`: a number above every 16-bit word that starts with a code of at most `i + 1`
    /// bits.
    limits: [i32; 16],
    /// `firsts[i]`: the difference between the first code of `i + 1` bits and the index of its
    /// symbol.
    firsts: [u32; 16],
}

impl Code {
    /// Builds a code from the `counts` and `symbols` of a DHT segment. Refuses a code that is
    /// oversubscribed, or that uses the code word of all ones, which T.81 reserves.
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
                return Err(Error::Malformed("a Huffman table has too many codes"));
            }
            *limit = i32::try_from(next << (MAX_CODE - length)).unwrap_or(i32::MAX);
        }
        Ok(Self { symbols: symbols.to_vec(), counts, limits, firsts })
    }

    /// The counts and symbols, as in a DHT segment.
    pub(crate) fn definition(&self) -> Vec<u8> {
        let total = self.counts.iter().map(|&count| usize::from(count)).sum();
        [&self.counts, self.symbols.get(..total).unwrap_or(&self.symbols)].concat()
    }

    /// Whether every symbol can be the size of a DC difference.
    pub(crate) fn is_dc(&self) -> bool {
        self.symbols.iter().all(|&symbol| symbol < 16)
    }

    /// Returns each symbol with the length of its code, in the order of the codes.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = (u32, u8)> + '_ {
        let lengths = (1..=MAX_CODE)
            .zip(&self.counts)
            .flat_map(|(length, &count)| std::iter::repeat_n(length, usize::from(count)));
        lengths.zip(self.symbols.iter().copied())
    }

    /// The length of the code at the start of `ahead`, and the symbol. The highest bit of `ahead`
    /// comes first. Call this function for codes that are too long for a table.
    pub(crate) fn first_symbol(&self, ahead: u64) -> Option<(u32, u8)> {
        let bits = i32::try_from(ahead >> (64 - MAX_CODE)).ok()?;
        // The numbers are signed and 32 bits wide so that all of them can be compared at once.
        let shorter: i32 = self.limits.iter().map(|&limit| i32::from(limit <= bits)).sum();
        let length = shorter.unsigned_abs() + 1;
        let code = bits.unsigned_abs() >> MAX_CODE.checked_sub(length)?;
        let first = self.firsts.get(shorter.unsigned_abs() as usize)?;
        let index = usize::try_from(code - first).ok()?;
        Some((length, *self.symbols.get(index)?))
    }
}

/// Symbols, indexed by the bits of their codes.
#[derive(Debug)]
pub(crate) struct Lookup<'a> {
    code: &'a Code,
    /// The length of the code, and the symbol. A length of 0 means that the code is longer than the
    /// window.
    entries: Box<[(u8, u8); ENTRIES]>,
}

/// The number of bits that index the table.
const WINDOW: u32 = 12;
const ENTRIES: usize = 1 << WINDOW;

impl<'a> Lookup<'a> {
    pub(crate) fn new(code: &'a Code) -> Self {
        let mut entries = Box::new([(0, 0); ENTRIES]);
        let mut places = entries.iter_mut();
        for (length, symbol) in code.symbols().take_while(|&(length, _)| length <= WINDOW) {
            let byte = u8::try_from(length).unwrap_or_default();
            for place in places.by_ref().take(1 << (WINDOW - length)) {
                *place = (byte, symbol);
            }
        }
        Self { code, entries }
    }

    /// The length of the code at the start of `ahead`, and the symbol. A length of 0 means that the
    /// code is invalid.
    #[inline]
    pub(crate) fn symbol(&self, ahead: u64) -> (u8, u8) {
        let window = usize::try_from(ahead >> (64 - WINDOW)).unwrap_or_default();
        match self.entries.get(window) {
            Some(&(length @ 1.., symbol)) => (length, symbol),
            _ => self.long(ahead),
        }
    }

    #[cold]
    fn long(&self, ahead: u64) -> (u8, u8) {
        let found = self.code.first_symbol(ahead);
        found.map_or((0, 0), |(length, symbol)| (u8::try_from(length).unwrap_or_default(), symbol))
    }
}
