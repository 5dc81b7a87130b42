//! Optimal Huffman codes of at most 16 bits.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The maximum length of a code in bits.
const LONGEST: usize = 16;

/// The number of times that each symbol occurs.
pub(crate) type Counts = [u32; 256];

/// The code of a symbol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) bits: u16,
    /// The number of bits, or 0 if the symbol does not occur.
    pub(crate) length: u8,
}

/// The codes of a table.
#[derive(Debug)]
pub(crate) struct Codes {
    /// The number of codes of each length, starting at length 1.
    pub(crate) lengths: [u8; LONGEST],
    /// The symbols, in the order of their codes.
    pub(crate) symbols: Vec<u8>,
    /// The code of each symbol.
    pub(crate) by_symbol: [Code; 256],
}

impl Codes {
    pub(crate) fn new(counts: &Counts) -> Self {
        let mut weights = counts.map(u64::from);
        let mut leaves = lengths(&weights);
        // If the weights differ less, the longest codes are shorter.
        while leaves.iter().any(|&(length, _)| length > LONGEST) {
            weights = weights.map(|weight| weight.div_ceil(2));
            leaves = lengths(&weights);
        }
        // The additional symbol has the last code.
        leaves.sort_unstable_by_key(|&(length, symbol)| (length, symbol.is_none(), symbol));
        let mut table = Self {
            lengths: [0; LONGEST],
            symbols: Vec::with_capacity(leaves.len()),
            by_symbol: [Code::default(); 256],
        };
        let (mut next, mut current) = (0_u16, 0);
        for (length, symbol) in leaves {
            next <<= length - current;
            current = length;
            let bits = next;
            next = next.wrapping_add(1);
            let Some(symbol) = symbol else { continue };
            table.symbols.push(symbol);
            if let Some(count) = table.lengths.get_mut(length.saturating_sub(1)) {
                *count += 1;
            }
            if let Some(code) = table.by_symbol.get_mut(usize::from(symbol)) {
                *code = Code { bits, length: u8::try_from(length).unwrap_or_default() };
            }
        }
        table
    }
}

/// The codes' lengths, by Huffman's algorithm. `None` is an additional symbol. It has the lowest
/// weight, so it gets one of the longest codes. It reserves the invalid code that consists only of
/// ones (T.81, C.2).
fn lengths(weights: &[u64; 256]) -> Vec<(usize, Option<u8>)> {
    let symbols = weights.iter().zip(0_u8..=255).filter(|&(&weight, _)| weight > 0);
    let mut leaves = symbols.map(|(&weight, symbol)| (weight, Some(symbol))).collect::<Vec<_>>();
    leaves.push((0, None));
    let trees = leaves.iter().enumerate();
    let mut trees: BinaryHeap<_> =
        trees.map(|(index, &(weight, _))| Reverse((weight, vec![index]))).collect();
    let mut lengths = leaves.iter().map(|&(_, symbol)| (0, symbol)).collect::<Vec<_>>();
    while trees.len() > 1 {
        let pair = [trees.pop(), trees.pop()].into_iter().flatten();
        let (mut sum, mut joined) = (0, Vec::new());
        for Reverse((weight, leaves)) in pair {
            sum += weight;
            joined.extend(leaves);
        }
        for &leaf in &joined {
            if let Some((length, _)) = lengths.get_mut(leaf) {
                *length += 1;
            }
        }
        trees.push(Reverse((sum, joined)));
    }
    lengths
}
