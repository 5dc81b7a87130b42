//! Reads a source in which some bytes are replaced.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use super::disguise::Patch;
use super::error::TiffError;

/// The number of bytes that may be read more than once even if the source is small.
const REREAD: u64 = 1024 * 1024;

/// The number of bytes that may be read from a source, including parts that are read more than
/// once.
pub(super) const fn budget(source: &[u8]) -> u64 {
    (source.len() as u64).saturating_mul(2).saturating_add(REREAD)
}

pub(super) const OVERLAP: &str = "its strips overlap too often";

/// A source in which some bytes are replaced, and from which a limited number of bytes may be read.
pub(super) struct Overlaid<'a> {
    pub(super) bytes: Cursor<&'a [u8]>,
    pub(super) patches: Vec<Patch>,
    /// The samples of a strip or tile, which are read instead of the source.
    pub(super) unpacked: Option<Cursor<Vec<u8>>>,
    /// Whether the first pixel of a strip is in the lowest bit of its first byte (`FillOrder` 2).
    pub(super) is_reversed: bool,
    /// The position after the last byte that may be read.
    pub(super) end: u64,
    /// The number of bytes that may still be read.
    pub(super) budget: u64,
    /// Whether to continue reading.
    pub(super) goes_on: &'a dyn Fn() -> bool,
}

impl Overlaid<'_> {
    /// Counts bytes that are read.
    pub(super) fn charge(&mut self, length: u64) -> Result<(), TiffError> {
        let budget = self.budget.checked_sub(length);
        self.budget = budget.ok_or_else(|| TiffError::Corrupt(OVERLAP.into()))?;
        Ok(())
    }
}

impl Read for Overlaid<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(unpacked) = &mut self.unpacked {
            return unpacked.read(buffer);
        }
        let start = self.bytes.position();
        let most = usize::try_from(self.end.saturating_sub(start)).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        let length = self.bytes.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.charge(length as u64).map_err(io::Error::other)?;
        if !(self.goes_on)() {
            return Err(io::Error::other(TiffError::Stopped));
        }
        let buffer = buffer.get_mut(..length).unwrap_or_default();
        for (at, others) in &self.patches {
            for (place, &other) in (*at..).zip(others) {
                let index = place.checked_sub(start).and_then(|index| usize::try_from(index).ok());
                if let Some(byte) = index.and_then(|index| buffer.get_mut(index)) {
                    *byte = other;
                }
            }
        }
        if self.is_reversed {
            for byte in buffer {
                *byte = byte.reverse_bits();
            }
        }
        Ok(length)
    }
}

impl Seek for Overlaid<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        if self.unpacked.is_some() { Ok(0) } else { self.bytes.seek(position) }
    }
}
