//! Decompresses LZW (TIFF 6.0, section 13), in its current form and in that of older writers.

use super::bits::Bits;
use super::error::TiffError;
use super::stored::Stored;

/// The codes that are not strings, and the first code of a string of several bytes.
const CLEAR: u16 = 256;
const END: u16 = 257;
const FIRST: u16 = 258;

/// The lengths of the shortest and the longest code, in bits.
const SHORTEST: u32 = 9;
const LONGEST: u32 = 12;
const CODES: usize = 1 << LONGEST;

/// The number of bytes that are copied at once.
const PIECE: usize = 8;

/// How often to check whether to continue, in bytes.
const STEP: usize = 64 * 1024;

/// A string that occurred in the output: its position and its length.
#[derive(Clone, Copy, Default)]
struct Text {
    start: u32,
    length: u16,
}

/// Decompresses the first `length` bytes of a strip or tile.
///
/// A new code stands for the previous string and the byte after it, which follow each other in the
/// output. Every string is therefore copied from the output, which starts with all single bytes.
pub(super) fn decode(
    stored: &Stored<'_>,
    length: usize,
    goes_on: &dyn Fn() -> bool,
) -> Result<Vec<u8>, TiffError> {
    let data = stored.in_order();
    // Older writers start with the lowest bit, and the first code is `CLEAR`.
    let is_old = matches!(*data, [0, second, ..] if second & 1 == 1);
    let reversed: Vec<u8>;
    let mut codes = Bits::new(if is_old {
        reversed = data.iter().map(|byte| byte.reverse_bits()).collect();
        &reversed
    } else {
        &data
    });
    let end = length.saturating_add(usize::from(CLEAR));
    if u32::try_from(end).is_err() {
        return Err(TiffError::Unsupported);
    }
    let mut output: Vec<u8> = (0..=u8::MAX).collect();
    // The last string may be longer than the strip.
    output.resize(end + CODES + PIECE, 0);
    let mut texts = vec![Text::default(); CODES];
    for (start, text) in (0..u32::from(CLEAR)).zip(&mut texts) {
        *text = Text { start, length: 1 };
    }
    // Writers lengthen the codes one code earlier than necessary, except for older writers.
    let early = u16::from(!is_old);
    let (mut next, mut bits, mut previous) = (FIRST, SHORTEST, None::<Text>);
    let mut at = usize::from(CLEAR);
    while at < end {
        if !goes_on() {
            return Err(TiffError::Stopped);
        }
        let stop = at.saturating_add(STEP).min(end);
        let mut left = 0_u32;
        while at < stop {
            if left == 0 {
                codes.refill();
                left = Bits::FILLED / LONGEST;
            }
            left -= 1;
            let code = codes.peek(bits);
            codes.skip(bits).ok_or_else(|| TiffError::Corrupt(MISSING.into()))?;
            let code = if is_old { code.reverse_bits() >> (16 - bits) } else { code };
            if code == CLEAR {
                (next, bits, previous) = (FIRST, SHORTEST, None);
                continue;
            }
            if code == END {
                return Err(TiffError::Corrupt(MISSING.into()));
            }
            // A code may stand for the string that it adds.
            if let Some(Text { start, length }) = previous
                && let Some(text) = texts.get_mut(usize::from(next))
            {
                *text = Text { start, length: length + 1 };
                next += 1;
                if (next + early) >> bits != 0 && bits < LONGEST {
                    bits += 1;
                }
            }
            let text = texts.get(usize::from(code)).copied().unwrap_or_default();
            if code >= next {
                return Err(TiffError::Corrupt("its LZW data is invalid".into()));
            }
            copy(&mut output, text, at);
            #[expect(clippy::cast_possible_truncation, reason = "the end fits")]
            let start = at as u32;
            previous = Some(Text { start, ..text });
            at += usize::from(text.length);
        }
    }
    output.truncate(end);
    output.drain(..usize::from(CLEAR));
    Ok(output)
}

const MISSING: &str = "its LZW data ends early";

/// Copies a string to a position in the output, and possibly some bytes after it.
#[inline]
fn copy(output: &mut [u8], text: Text, to: usize) {
    let (mut from, end) = (text.start as usize, to + usize::from(text.length));
    let mut to = to;
    if to - from < PIECE {
        while to < end {
            let byte = output.get(from).copied().unwrap_or_default();
            if let Some(target) = output.get_mut(to) {
                *target = byte;
            }
            (from, to) = (from + 1, to + 1);
        }
        return;
    }
    while to < end {
        let piece: Option<[u8; PIECE]> =
            output.get(from..).and_then(|bytes| bytes.first_chunk()).copied();
        let target = output.get_mut(to..).and_then(|bytes| bytes.first_chunk_mut());
        if let (Some(piece), Some(target)) = (piece, target) {
            *target = piece;
        }
        (from, to) = (from + PIECE, to + PIECE);
    }
}
