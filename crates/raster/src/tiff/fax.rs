//! Decodes CCITT Group 3 (ITU-T T.4), and modified Huffman coding (TIFF 6.0, section 10).

use fax::maps::{Mode, black, mode, white};
use fax::{BitReader, ByteReader};

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
}

/// A mark at the end of a row starts with this number of zeros, which do not occur in a row.
const MARK: u8 = 11;

/// How often to check whether to continue, in rows.
const STEP: usize = 64;

/// The positions in a row where the colour changes. A row starts white.
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
        let mut data = vec![0; stride.saturating_mul(stored.rows as usize)];
        // Codes are looked up by more bits than the last code may have.
        let bytes = stored.bytes().chain([0; 2]).map(Ok::<u8, std::convert::Infallible>);
        let mut rows = Rows {
            coding: self,
            width: stored.width,
            reader: ByteReader::new(bytes).unwrap_or_else(|never| match never {}),
        };
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

struct Rows<R> {
    coding: Fax,
    width: u32,
    reader: ByteReader<R>,
}

impl<E, R: Iterator<Item = Result<u8, E>>> Rows<R> {
    /// Decodes a row. Returns whether it is valid, or `None` at the end of the page.
    fn next(&mut self, is_first: bool, above: &[u32], changes: &mut Changes) -> Option<bool> {
        if self.coding == Fax::Huffman {
            let rest = self.reader.bits_to_byte_boundary();
            self.consume(rest)?;
            self.reader.peek(1)?;
            return Some(self.runs(changes));
        }
        let mut is_one_dimensional = true;
        let mut marks = 0;
        while self.is_mark() {
            while self.reader.peek(1)? == 0 {
                self.consume(1)?;
            }
            self.consume(1)?;
            marks += 1;
            if self.coding == Fax::TwoDimensional {
                is_one_dimensional = self.bit()?;
            }
        }
        // Several marks in a row end the page.
        if marks > 1 && !is_first {
            return None;
        }
        if marks == 0 && self.coding == Fax::TwoDimensional {
            is_one_dimensional = self.bit()?;
        }
        self.reader.peek(1)?;
        Some(if is_one_dimensional { self.runs(changes) } else { self.differences(above, changes) })
    }

    /// Skips a damaged row. Returns false at the end of the data.
    fn skip(&mut self) -> bool {
        // Without marks, the start of the next row is unknown.
        self.coding != Fax::Huffman
            && loop {
                if self.is_mark() {
                    break true;
                }
                if self.reader.peek(1).is_none() || self.consume(1).is_none() {
                    break false;
                }
            }
    }

    fn is_mark(&self) -> bool {
        self.reader.peek(MARK) == Some(0)
    }

    fn consume(&mut self, bits: u8) -> Option<()> {
        self.reader.consume(bits).ok()
    }

    fn bit(&mut self) -> Option<bool> {
        let bit = self.reader.peek(1)?;
        self.consume(1)?;
        Some(bit == 1)
    }

    /// The length of a run, which consists of any number of long codes and a short one.
    fn run(&mut self, is_black: bool) -> Option<u32> {
        let mut sum = 0_u32;
        loop {
            if self.is_mark() {
                return None;
            }
            let reader = &mut self.reader;
            let length = if is_black { black::decode(reader) } else { white::decode(reader) }?;
            sum = sum.saturating_add(length.into());
            if length < 64 {
                return Some(sum);
            }
        }
    }

    fn runs(&mut self, changes: &mut Changes) -> bool {
        let (mut at, mut is_black) = (0_u32, false);
        while at < self.width {
            let Some(length) = self.run(is_black) else { return false };
            at = at.saturating_add(length).min(self.width);
            change(changes, at);
            is_black = !is_black;
        }
        true
    }

    fn differences(&mut self, above: &[u32], changes: &mut Changes) -> bool {
        let (mut at, mut is_black) = (0_u32, false);
        let (mut index, mut is_start) = (0_usize, true);
        let width = self.width;
        let edge = |index: usize| above.get(index).copied().unwrap_or(width).min(width);
        while at < self.width {
            if self.reader.peek(MARK) == Some(0) {
                return false;
            }
            // The first change above to the other colour, right of the current position.
            while index > 0 && edge(index - 1) > at {
                index -= 1;
            }
            while index < above.len() && (edge(index) < at || (edge(index) == at && !is_start)) {
                index += 1;
            }
            index += usize::from(index % 2 != usize::from(is_black));
            match mode::decode(&mut self.reader) {
                Some(Mode::Pass) => at = edge(index + 1),
                Some(Mode::Vertical(offset)) => {
                    let next = edge(index).checked_add_signed(offset.into());
                    let Some(next) = next.filter(|&next| next >= at) else { return false };
                    at = next.min(self.width);
                    change(changes, at);
                    is_black = !is_black;
                }
                Some(Mode::Horizontal) => {
                    for color in [is_black, !is_black] {
                        let Some(length) = self.run(color) else { return false };
                        at = at.saturating_add(length).min(self.width);
                        change(changes, at);
                    }
                }
                Some(Mode::Extension | Mode::EOF) | None => return false,
            }
            is_start = false;
        }
        true
    }
}

/// Adds a change of colour. Two changes at the same position cancel each other out.
fn change(changes: &mut Changes, at: u32) {
    if changes.last() == Some(&at) {
        changes.pop();
    } else {
        changes.push(at);
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
