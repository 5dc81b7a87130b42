//! The symbols of a scan, which are counted before they are written.

use archmage::autoversion;

use super::bits::Bits;
use super::component::Layout;
use super::file;
use super::huffman::{Code, Codes, Counts};

/// The maximum number of symbols in memory. In larger pictures, the first symbols determine the
/// Huffman tables.
const KEPT: usize = 1 << 22;

/// The number of symbols of a block for which memory is reserved. Most pictures have fewer, and
/// unused memory costs nothing.
const RESERVED: usize = 16;

/// A Huffman table for the DC or AC coefficients of luma or chroma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    LumaDc = 0,
    LumaAc = 1,
    ChromaDc = 2,
    ChromaAc = 3,
}

/// Collects the symbols.
pub(crate) struct Symbols {
    layout: Layout,
    /// For each symbol: the symbol itself in 8 bits, its table in 8 bits, and the bits that follow
    /// its code.
    kept: Vec<u32>,
    counts: [Counts; 4],
    scan: Scan,
}

enum Scan {
    /// The file up to the Huffman tables.
    Waiting(Vec<u8>),
    Started(Bits, Box<[Code; 1024]>),
}

impl Symbols {
    /// Continues a file that ends before the Huffman tables.
    pub(crate) fn new(layout: Layout, file: Vec<u8>) -> Self {
        let kept = Vec::with_capacity((layout.blocks() * RESERVED).min(KEPT));
        Self { layout, kept, counts: [[0; 256]; 4], scan: Scan::Waiting(file) }
    }

    /// Adds a symbol. Its lowest four bits are the number of bits that follow its code.
    #[inline(always)]
    pub(crate) fn push(&mut self, table: Table, symbol: u8, bits: u32) {
        if let Some(count) =
            self.counts.as_flattened_mut().get_mut((table as usize) << 8 | usize::from(symbol))
        {
            *count = count.wrapping_add(1);
        }
        self.kept.push(bits << 16 | (table as u32) << 8 | u32::from(symbol));
    }

    /// Writes the symbols if there are too many in memory.
    pub(crate) fn relieve(&mut self) {
        if self.kept.len() >= KEPT {
            // Symbols that have not occurred yet need a code, too.
            if let Scan::Waiting(_) = self.scan {
                let tables = self.counts.as_chunks_mut::<2>().0;
                for [direct, alternating] in tables {
                    direct.iter_mut().take(12).for_each(|count| *count += 1);
                    for (count, symbol) in alternating.iter_mut().zip(0_u8..=255) {
                        *count += u32::from(
                            matches!(symbol, 0 | 0xf0) || (1..=10).contains(&(symbol & 15)),
                        );
                    }
                }
            }
            self.write();
        }
    }

    fn write(&mut self) {
        if let Scan::Waiting(file) = &mut self.scan {
            let count = if self.layout.subsampling.is_some() { 4 } else { 2 };
            let tables: Vec<_> = self.counts.iter().take(count).map(Codes::new).collect();
            let mut file = std::mem::take(file);
            file::start_scan(&mut file, self.layout, &tables);
            let mut codes = Box::new([Code::default(); 1024]);
            for (part, table) in codes.chunks_exact_mut(256).zip(&tables) {
                part.copy_from_slice(&table.by_symbol);
            }
            self.scan = Scan::Started(Bits::new(file), codes);
        }
        if let Scan::Started(bits, codes) = &mut self.scan {
            write(&self.kept, codes, bits);
        }
        self.kept.clear();
    }

    /// Returns the file.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.write();
        match self.scan {
            Scan::Waiting(file) => file,
            Scan::Started(bits, _) => file::end(bits.finish()),
        }
    }
}

#[autoversion(v3)]
fn write(symbols: &[u32], codes: &[Code; 1024], bits: &mut Bits) {
    for &symbol in symbols {
        let Code { bits: code, length } =
            codes.get(symbol as usize & 1023).copied().unwrap_or_default();
        let follow = symbol & 15;
        let code = u32::from(code) << follow | symbol >> 16;
        bits.push(code, u32::from(length) + follow);
    }
}
