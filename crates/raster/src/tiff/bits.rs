//! Reads codes of a variable number of bits.

/// Compressed data, read from the highest bit of each byte to the lowest.
pub(super) struct Bits<'a> {
    /// The bytes that are not in the buffer.
    rest: &'a [u8],
    /// The next bits, from the highest. After them, it contains zeros or the first bits of `rest`.
    buffer: u64,
    /// The number of bits in the buffer.
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(data: &'a [u8]) -> Self {
        Self { rest: data, buffer: 0, count: 0 }
    }

    /// The number of bits in the buffer after `refill`, unless fewer are left.
    pub(super) const FILLED: u32 = 56;

    /// Fills the buffer with at least `FILLED` bits, or with all that are left.
    #[inline]
    pub(super) fn refill(&mut self) {
        if let Some(word) = self.rest.first_chunk() {
            self.buffer |= u64::from_be_bytes(*word) >> self.count;
            let taken = (63 - self.count) / 8;
            self.rest = self.rest.get(taken as usize..).unwrap_or_default();
            self.count += taken * 8;
            return;
        }
        while self.count <= Self::FILLED
            && let Some((byte, rest)) = self.rest.split_first()
        {
            self.buffer |= u64::from(*byte) << (Self::FILLED - self.count);
            self.rest = rest;
            self.count += 8;
        }
    }

    /// The next bits in the buffer, from 1 to 16 of them. The data is followed by zeros.
    #[inline]
    pub(super) const fn peek(&self, count: u32) -> u16 {
        (self.buffer >> 48) as u16 >> (16 - count)
    }

    /// Skips bits in the buffer, or returns `None` if it contains fewer.
    #[inline]
    pub(super) fn skip(&mut self, count: u32) -> Option<()> {
        self.count = self.count.checked_sub(count)?;
        self.buffer <<= count;
        Some(())
    }

    /// Skips the rest of a byte of which some bits were skipped.
    pub(super) fn skip_to_byte(&mut self) {
        // The buffer was filled with whole bytes.
        let rest = self.count % 8;
        self.buffer <<= rest;
        self.count -= rest;
    }

    /// Whether all bits were skipped. The buffer must have been refilled.
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }
}
