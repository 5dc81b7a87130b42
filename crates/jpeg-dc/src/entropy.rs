//! A scan's entropy-coded data: where it ends, and its bits without byte stuffing.

use std::ops::Range;

use memchr::memchr;

use crate::error::Error;

/// The number of zero bytes after the data, so that a window can be loaded at any position in the
/// data.
pub(crate) const PADDING: usize = 16;

/// The bits of a scan, without byte stuffing or restart markers.
#[derive(Debug)]
pub(crate) struct Bits {
    bytes: Vec<u8>,
    /// The ranges of bytes between restart markers, in order. There is at least one range.
    pub(crate) intervals: Vec<Range<usize>>,
    /// The position in the file of the marker after the scan, or the end of the file.
    pub(crate) end: usize,
}

impl Bits {
    /// Collects the data of the scan that starts at `start`, up to the first marker other than a
    /// restart marker. `restarts` specifies whether restart markers are expected.
    pub(crate) fn collect(data: &[u8], start: usize, restarts: bool) -> Result<Self, Error> {
        let mut unstuffed = Unstuffed::new(data, start, restarts);
        let mut bytes = Vec::with_capacity(data.len().saturating_sub(start) + PADDING);
        let mut intervals = Vec::new();
        let mut interval_start = 0;
        while unstuffed.read(&mut bytes, usize::MAX)? != Stop::End {
            intervals.push(interval_start..bytes.len());
            interval_start = bytes.len();
        }
        intervals.push(interval_start..bytes.len());
        check_size(&bytes)?;
        bytes.resize(bytes.len() + PADDING, 0);
        Ok(Self { bytes, intervals, end: unstuffed.at })
    }

    /// The data, followed by some zero bytes.
    pub(crate) fn padded(&self) -> &[u8] {
        &self.bytes
    }

    /// The data, followed by some zero bytes, and the ranges between two restart markers.
    pub(crate) fn into_parts(self) -> (Vec<u8>, Vec<Range<usize>>) {
        (self.bytes, self.intervals)
    }

    /// Returns the number of bytes of data.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - PADDING
    }
}

/// The maximum number of bytes in memory. It keeps bit positions within 32 bits.
const MAX_BYTES: usize = 1 << 28;

/// Refuses too many bytes.
pub(crate) fn check_size(bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::Unsupported("a scan of more than 256 MiB"));
    }
    Ok(())
}

/// Why [`Unstuffed::read`] stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// There are enough bytes.
    Full,
    /// A restart marker.
    Restart,
    /// The end of the scan.
    End,
}

/// Reads a scan without its byte stuffing, piece by piece.
#[derive(Debug)]
pub(crate) struct Unstuffed<'a> {
    data: &'a [u8],
    /// The position of the next byte. At the end, this is the position of the marker after the scan,
    /// or the end of the file.
    pub(crate) at: usize,
    /// Whether restart markers are expected.
    pub(crate) restarts: bool,
    /// The next restart marker.
    expected: u8,
}

impl<'a> Unstuffed<'a> {
    /// Starts at the position `at`. `restarts` specifies whether restart markers are expected.
    pub(crate) fn new(data: &'a [u8], at: usize, restarts: bool) -> Self {
        Self { data, at, restarts, expected: 0xD0 }
    }

    /// The number of bytes up to the end of the file.
    pub(crate) fn left(&self) -> usize {
        self.data.len().saturating_sub(self.at)
    }

    /// Appends bytes until there are `wanted` bytes, or until a marker other than an expected one.
    pub(crate) fn read(&mut self, bytes: &mut Vec<u8>, wanted: usize) -> Result<Stop, Error> {
        while bytes.len() < wanted {
            let rest = self.data.get(self.at..).unwrap_or_default();
            let piece = rest.get(..wanted - bytes.len()).unwrap_or(rest);
            let Some(found) = memchr(0xFF, piece) else {
                bytes.extend_from_slice(piece);
                self.at += piece.len();
                if piece.len() == rest.len() {
                    return Ok(Stop::End);
                }
                continue;
            };
            let behind = rest.get(found + 1..).unwrap_or_default();
            if let [0, ..] = behind {
                bytes.extend_from_slice(rest.get(..=found).unwrap_or_default());
                self.at += found + 2;
                continue;
            }
            bytes.extend_from_slice(rest.get(..found).unwrap_or_default());
            self.at += found;
            let Some(fill) = behind.iter().position(|&byte| byte != 0xFF) else {
                self.at = self.data.len();
                return Ok(Stop::End);
            };
            match behind.get(fill) {
                // Fill bytes before a stuffed zero count as a single 0xFF, as in libjpeg.
                Some(0) => {
                    bytes.push(0xFF);
                    self.at += fill + 2;
                }
                Some(&marker @ 0xD0..=0xD7) if self.restarts => {
                    if marker != self.expected {
                        return Err(Error::Malformed("restart markers out of order"));
                    }
                    self.expected = 0xD0 | (marker + 1) & 7;
                    self.at += fill + 2;
                    return Ok(Stop::Restart);
                }
                _ => return Ok(Stop::End),
            }
        }
        Ok(Stop::Full)
    }
}

/// Finds the end of the scan that starts at `start`: the first marker other than a restart marker.
/// If there is no such marker, the error is the position from which to continue the search when
/// more data has arrived.
pub(crate) fn find_end(data: &[u8], start: usize) -> Result<usize, usize> {
    let mut at = start;
    loop {
        let Some(found) = data.get(at..).and_then(|rest| memchr(0xFF, rest)) else {
            return Err(data.len().max(start));
        };
        let marker = at + found;
        match data.get(marker + 1) {
            None => return Err(marker),
            Some(0 | 0xD0..=0xD7) => at = marker + 2,
            Some(0xFF) => at = marker + 1,
            Some(_) => return Ok(marker),
        }
    }
}

/// Returns the 64 bits that start at `byte`, with zero bits after the end of the data.
#[inline]
pub(crate) fn window(bytes: &[u8], byte: usize) -> u64 {
    bytes
        .get(byte..byte.wrapping_add(8))
        .and_then(|rest| rest.first_chunk::<8>())
        .map_or(0, |chunk| u64::from_be_bytes(*chunk))
}
