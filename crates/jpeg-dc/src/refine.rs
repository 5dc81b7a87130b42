//! AC coefficients of progressive frames (T.81, G.1.2.2 and G.1.2.3).

use crate::dc::difference;
use crate::entropy::window;
use crate::frame::Scan;
use crate::huffman::{Code, Lookup};

/// A block's coefficients in zigzag order.
type Block = [i16; 64];

/// Decodes a scan of AC coefficients.
pub(crate) struct Decoder<'a> {
    symbols: Lookup<'a>,
    first: usize,
    last: usize,
    /// The bit that this scan adds to a coefficient, or the lowest it starts with.
    low: u8,
    is_refinement: bool,
    bit: usize,
    /// Blocks still to come of a run of blocks that have nothing new.
    run: u32,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(code: &'a Code, scan: &Scan) -> Self {
        Self {
            symbols: Lookup::new(code),
            first: scan.band.0.into(),
            last: usize::from(scan.band.1).min(63),
            low: scan.low,
            is_refinement: scan.high > 0,
            bit: 0,
            run: 0,
        }
    }

    /// Decodes the blocks between two restart markers, from bit `start` on. Gives the end, or
    /// `None` at an invalid code.
    pub(crate) fn interval<'b>(
        &mut self,
        bytes: &[u8],
        start: usize,
        blocks: impl Iterator<Item = &'b mut Block>,
    ) -> Option<usize> {
        self.bit = start;
        self.run = 0;
        for block in blocks {
            if self.is_refinement {
                self.refine(bytes, block)?;
            } else {
                self.start(bytes, block)?;
            }
        }
        Some(self.bit)
    }

    fn ahead(&self, bytes: &[u8]) -> u64 {
        window(bytes, self.bit / 8) << (self.bit % 8)
    }

    fn take_bit(&mut self, bytes: &[u8]) -> bool {
        let is_set = self.ahead(bytes) >> 63 == 1;
        self.bit += 1;
        is_set
    }

    /// Takes a symbol: its two halves, and what is ahead behind it.
    fn symbol(&mut self, bytes: &[u8]) -> Option<(u8, u8, u64)> {
        let ahead = self.ahead(bytes);
        let (length, symbol) = self.symbols.symbol(ahead);
        self.bit += usize::from(length);
        (length > 0).then_some((symbol >> 4, symbol & 15, ahead << length))
    }

    /// The length of a run of blocks: `size` bits below a leading one.
    fn take_run(&mut self, size: u8, ahead: u64) -> u32 {
        self.bit += usize::from(size);
        let below = ahead.checked_shr(64 - u32::from(size)).unwrap_or_default();
        (1 << size) + u32::try_from(below).unwrap_or_default()
    }

    /// The first scan of a band.
    fn start(&mut self, bytes: &[u8], block: &mut Block) -> Option<()> {
        if self.run > 0 {
            self.run -= 1;
            return Some(());
        }
        let mut index = self.first;
        while index <= self.last {
            match self.symbol(bytes)? {
                (15, 0, _) => index += 16,
                (size, 0, ahead) => {
                    self.run = self.take_run(size, ahead) - 1;
                    break;
                }
                (zeros, size, ahead) => {
                    index += usize::from(zeros);
                    *block.get_mut(index)? = difference(ahead, size).wrapping_shl(self.low.into());
                    self.bit += usize::from(size);
                    index += 1;
                }
            }
        }
        Some(())
    }

    /// A scan that adds a bit.
    fn refine(&mut self, bytes: &[u8], block: &mut Block) -> Option<()> {
        let mut index = self.first;
        while self.run == 0 && index <= self.last {
            let (zeros, new) = match self.symbol(bytes)? {
                (15, 0, _) => (15, 0),
                (size, 0, ahead) => {
                    self.run = self.take_run(size, ahead);
                    break;
                }
                (zeros, ..) => (zeros, if self.take_bit(bytes) { 1 } else { -1 }),
            };
            index = self.correct(bytes, block, index, Some(zeros));
            if let (true, Some(coefficient)) = (new != 0, block.get_mut(index)) {
                *coefficient = new << self.low;
            }
            index += 1;
        }
        if self.run > 0 {
            self.correct(bytes, block, index, None);
            self.run -= 1;
        }
        Some(())
    }

    /// Adds their bit to the coefficients that are not zero, from `index` on, up to the one behind
    /// so many zeros, or to the end of the band. Gives where that is.
    fn correct(
        &mut self,
        bytes: &[u8],
        block: &mut Block,
        index: usize,
        zeros: Option<u8>,
    ) -> usize {
        let mut left = zeros;
        for (index, coefficient) in block.iter_mut().enumerate().take(self.last + 1).skip(index) {
            if *coefficient != 0 {
                let bit = 1 << self.low;
                if self.take_bit(bytes) && *coefficient & bit == 0 {
                    *coefficient = coefficient.wrapping_add(coefficient.signum() * bit);
                }
            } else if let Some(zeros) = left {
                if zeros == 0 {
                    return index;
                }
                left = Some(zeros - 1);
            }
        }
        self.last + 1
    }
}
