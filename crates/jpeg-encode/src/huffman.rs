//! Optimal Huffman codes of at most 16 bits.

use std::collections::VecDeque;

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
    leaves.sort_unstable();
    // A node's parent has a higher index. The weights of inner nodes grow with their indices.
    let count = 2 * leaves.len() - 1;
    let mut parents = vec![0; count];
    let mut waiting = leaves.iter().map(|&(weight, _)| weight).zip(0..).peekable();
    let mut inner = VecDeque::new();
    for parent in leaves.len()..count {
        let mut sum = 0;
        for _ in 0..2 {
            let lightest = inner.front().map_or(u64::MAX, |&(weight, _)| weight);
            let leaf = waiting.next_if(|&(weight, _)| weight <= lightest);
            if let Some((weight, node)) = leaf.or_else(|| inner.pop_front()) {
                sum += weight;
                if let Some(entry) = parents.get_mut::<usize>(node) {
                    *entry = parent;
                }
            }
        }
        inner.push_back((sum, parent));
    }
    let mut depths = vec![0; count];
    for (node, &parent) in parents.iter().enumerate().rev().skip(1) {
        let depth = depths.get(parent).map_or(1, |depth| depth + 1);
        if let Some(entry) = depths.get_mut(node) {
            *entry = depth;
        }
    }
    depths.into_iter().zip(leaves).map(|(depth, (_, symbol))| (depth, symbol)).collect()
}
