//! Writes bits to a scan.

/// The scan so far.
#[derive(Debug)]
pub(crate) struct Bits {
    file: Vec<u8>,
    /// The bits that are not in the file yet. Bits above them are undefined.
    pending: u64,
    /// The number of these bits, which is less than 32.
    count: u32,
}

impl Bits {
    /// Continues a file.
    pub(crate) fn new(file: Vec<u8>) -> Self {
        Self { file, pending: 0, count: 0 }
    }

    /// Writes up to 32 bits.
    #[inline(always)]
    pub(crate) fn push(&mut self, bits: u32, length: u32) {
        self.pending = self.pending << (length & 63) | u64::from(bits);
        self.count = self.count.wrapping_add(length);
        if self.count >= 32 {
            self.count -= 32;
            #[expect(clippy::cast_possible_truncation, reason = "the lowest 32 bits are meant")]
            self.write((self.pending >> (self.count & 63)) as u32);
        }
    }

    #[inline(always)]
    fn write(&mut self, bits: u32) {
        let bytes = bits.to_be_bytes();
        // Whether a byte is 0xff, which a zero must follow (T.81, B.1.1.5).
        let inverted = !bits;
        if inverted.wrapping_sub(0x0101_0101) & !inverted & 0x8080_8080 == 0 {
            self.file.extend_from_slice(&bytes);
        } else {
            for byte in bytes {
                self.write_byte(byte);
            }
        }
    }

    fn write_byte(&mut self, byte: u8) {
        self.file.push(byte);
        if byte == 0xff {
            self.file.push(0);
        }
    }

    /// Returns the file. The last byte is padded with ones.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let padding = self.count.wrapping_neg() & 7;
        let bits = self.pending << padding | ((1 << padding) - 1);
        let count = (self.count + padding) / 8;
        for byte in bits.to_be_bytes().into_iter().skip(8 - count as usize) {
            self.write_byte(byte);
        }
        self.file
    }
}
