//! Decodes CCITT Group 3 (ITU-T T.4) and 4 (T.6), and modified Huffman coding (TIFF 6.0, section 10).

use std::sync::LazyLock;

use fax::Bits as Pattern;
use fax::maps::{black, white};

use super::bits::Bits;
use super::error::TiffError;
use super::stored::{Stored, Unpacked};

/// How the rows are coded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fax {
    /// Runs. Each row starts at a byte boundary, without a mark.
    Huffman,
    /// Runs.
    OneDimensional,
    /// Runs, or differences from the row above.
    TwoDimensional,
    /// Differences from the row above, without marks (Group 4).
    DifferencesOnly,
}

/// A mark at the end of a row starts with this number of zeros, which do not occur in a row.
const MARK: u32 = 11;

/// How often to check whether to continue, in rows.
const STEP: usize = 64;

/// The number of bits of the longest code for a run.
const RUN_BITS: u32 = 13;

/// The length of the shortest run that another code follows.
const LONG_RUN: u16 = 64;

/// A code for a run: the length of the run, and the number of bits of the code, or 0 if no code
/// starts with these bits.
#[derive(Clone, Copy, Default)]
struct Code {
    run: u16,
    bits: u8,
}

/// The code that the next `RUN_BITS` bits start with.
static WHITE: LazyLock<Vec<Code>> = LazyLock::new(|| codes(&white::ENTRIES));
static BLACK: LazyLock<Vec<Code>> = LazyLock::new(|| codes(&black::ENTRIES));

fn codes(entries: &[(u16, Pattern)]) -> Vec<Code> {
    let mut codes = vec![Code::default(); 1 << RUN_BITS];
    for (run, pattern) in entries {
        let rest = RUN_BITS - u32::from(pattern.len);
        let start = usize::from(pattern.data) << rest;
        if let Some(places) = codes.get_mut(start..start + (1 << rest)) {
            places.fill(Code { run: *run, bits: pattern.len });
        }
    }
    codes
}

/// How a row continues, compared with the row above.
#[derive(Clone, Copy)]
enum Step {
    /// Both changes above are skipped.
    Pass,
    /// Two runs follow.
    Horizontal,
    /// The next change is near the one above.
    Vertical(i32),
}

impl Step {
    /// Reads a code (T.6, table 1).
    #[inline]
    fn next(bits: &mut Bits<'_>) -> Option<Self> {
        let code = bits.peek(7);
        let (length, step) = match code {
            0b100_0000.. => (1, Self::Vertical(0)),
            0b011_0000.. => (3, Self::Vertical(1)),
            0b010_0000.. => (3, Self::Vertical(-1)),
            0b001_0000.. => (3, Self::Horizontal),
            0b000_1000.. => (4, Self::Pass),
            0b000_0110.. => (6, Self::Vertical(2)),
            0b000_0100.. => (6, Self::Vertical(-2)),
            0b000_0011 => (7, Self::Vertical(3)),
            0b000_0010 => (7, Self::Vertical(-3)),
            _ => return None,
        };
        bits.skip(length)?;
        Some(step)
    }
}

/// The positions in a row where the colour changes. A row starts white. As in libtiff, empty runs
/// count as changes: some writers refer to them in the next row.
type Changes = Vec<u32>;

impl Fax {
    /// Decodes a strip or tile. Black is 1. The rest of a damaged row is white, and so are missing
    /// rows at the end.
    pub(super) fn decode(
        self,
        stored: &Stored<'_>,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Unpacked, TiffError> {
        let stride = stored.stride().max(1);
        let mut data = vec![0; stored.length()];
        let bytes = stored.in_order();
        let mut rows = Rows { coding: self, width: stored.width, bits: Bits::new(&bytes) };
        let (mut above, mut changes) = (Changes::new(), Changes::new());
        let (mut is_whole, mut found) = (true, false);
        for (index, line) in data.chunks_exact_mut(stride).enumerate() {
            if index % STEP == 0 && !goes_on() {
                return Err(TiffError::Stopped);
            }
            changes.clear();
            let Some(is_good) = rows.next(index == 0, &above, &mut changes) else {
                is_whole = false;
                break;
            };
            found |= is_good;
            if !is_good {
                is_whole = false;
                changes.truncate(changes.len() / 2 * 2);
            }
            for run in changes.chunks(2) {
                let end = run.get(1).copied().unwrap_or(stored.width);
                blacken(line, run.first().copied().unwrap_or(end), end);
            }
            if !is_good && !rows.skip() {
                break;
            }
            std::mem::swap(&mut above, &mut changes);
        }
        if !found {
            return Err(TiffError::Corrupt("its fax data is invalid".into()));
        }
        Ok(Unpacked { data, is_whole })
    }
}

struct Rows<'a> {
    coding: Fax,
    width: u32,
    bits: Bits<'a>,
}

impl Rows<'_> {
    /// Decodes a row. Returns whether it is valid, or `None` at the end of the page.
    fn next(&mut self, is_first: bool, above: &[u32], changes: &mut Changes) -> Option<bool> {
        self.bits.refill();
        if self.coding == Fax::Huffman {
            self.bits.skip_to_byte();
        }
        if matches!(self.coding, Fax::Huffman | Fax::DifferencesOnly) {
            // In Group 4, a mark ends the page.
            if self.bits.is_empty() || (self.coding == Fax::DifferencesOnly && self.is_mark()) {
                return None;
            }
            return Some(if self.coding == Fax::Huffman {
                self.runs(changes)
            } else {
                self.differences(above, changes)
            });
        }
        let mut is_one_dimensional = true;
        let mut marks = 0;
        while self.is_mark() {
            while self.bits.peek(1) == 0 {
                self.bits.skip(1)?;
                self.bits.refill();
            }
            self.bits.skip(1)?;
            marks += 1;
            if self.coding == Fax::TwoDimensional {
                is_one_dimensional = self.bit()?;
            }
            self.bits.refill();
        }
        // Several marks in a row end the page.
        if marks > 1 && !is_first {
            return None;
        }
        if marks == 0 && self.coding == Fax::TwoDimensional {
            is_one_dimensional = self.bit()?;
        }
        if self.bits.is_empty() {
            return None;
        }
        Some(if is_one_dimensional { self.runs(changes) } else { self.differences(above, changes) })
    }

    /// Skips a damaged row. Returns false if the start of the next row is unknown, or at the end of
    /// the data.
    fn skip(&mut self) -> bool {
        matches!(self.coding, Fax::OneDimensional | Fax::TwoDimensional)
            && loop {
                self.bits.refill();
                if self.bits.is_empty() {
                    break false;
                }
                if self.is_mark() {
                    break true;
                }
                if self.bits.skip(1).is_none() {
                    break false;
                }
            }
    }

    const fn is_mark(&self) -> bool {
        self.bits.peek(MARK) == 0
    }

    fn bit(&mut self) -> Option<bool> {
        let bit = self.bits.peek(1);
        self.bits.skip(1)?;
        Some(bit == 1)
    }

    /// The length of a run, which consists of any number of long codes and a short one.
    #[inline]
    fn run(&mut self, is_black: bool) -> Option<u32> {
        let codes: &[Code] = if is_black { &BLACK } else { &WHITE };
        let mut sum = 0_u32;
        loop {
            self.bits.refill();
            let code = codes.get(usize::from(self.bits.peek(RUN_BITS)))?;
            self.bits.skip(code.bits.into())?;
            sum = sum.saturating_add(code.run.into());
            if code.run < LONG_RUN {
                return (code.bits > 0).then_some(sum);
            }
        }
    }

    fn runs(&mut self, changes: &mut Changes) -> bool {
        let (mut at, mut is_black) = (0_u32, false);
        while at < self.width {
            let Some(length) = self.run(is_black) else { return false };
            at = at.saturating_add(length).min(self.width);
            changes.push(at);
            is_black = !is_black;
        }
        true
    }

    fn differences(&mut self, above: &[u32], changes: &mut Changes) -> bool {
        let (mut at, mut is_black) = (0_u32, false);
        let width = self.width;
        let edge = |index: usize| above.get(index).copied().unwrap_or(width);
        // The first change above to the other colour, right of the current position. Before the
        // first change in this row, it may be at the position. Changes to black have even indices.
        let mut index = 0_usize;
        while at < width {
            self.bits.refill();
            let Some(step) = Step::next(&mut self.bits) else { return false };
            match step {
                Step::Pass => {
                    at = edge(index + 1);
                    index += 2;
                }
                Step::Vertical(offset) => {
                    let Some(next) = edge(index).checked_add_signed(offset) else { return false };
                    if next < at {
                        return false;
                    }
                    at = next.min(width);
                    changes.push(at);
                    is_black = !is_black;
                    index += 1;
                    while index >= 2 && edge(index - 2) > at {
                        index -= 2;
                    }
                }
                Step::Horizontal => {
                    for color in [is_black, !is_black] {
                        let Some(length) = self.run(color) else { return false };
                        at = at.saturating_add(length).min(width);
                        changes.push(at);
                    }
                }
            }
            while !changes.is_empty() && index < above.len() && edge(index) <= at {
                index += 2;
            }
        }
        true
    }
}

/// Sets the bits of a row from one position to another.
fn blacken(line: &mut [u8], start: u32, end: u32) {
    let (first, last) = ((start / 8) as usize, (end / 8) as usize);
    let (head, tail) = (0xff >> (start % 8), !(0xff >> (end % 8)));
    if first == last {
        if let Some(byte) = line.get_mut(first) {
            *byte |= head & tail;
        }
        return;
    }
    if let Some(bytes) = line.get_mut(first..last) {
        bytes.iter_mut().skip(1).for_each(|byte| *byte = 0xff);
        bytes.iter_mut().take(1).for_each(|byte| *byte |= head);
    }
    if let Some(byte) = line.get_mut(last) {
        *byte |= tail;
    }
}
