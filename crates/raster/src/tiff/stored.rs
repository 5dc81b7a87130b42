//! A strip or tile as it is stored, and its samples.

/// The uncompressed samples of a strip or tile.
pub(super) struct Unpacked {
    pub(super) data: Vec<u8>,
    /// Whether all samples are present. Missing samples are white.
    pub(super) is_whole: bool,
}

/// A strip or tile.
pub(super) struct Stored<'a> {
    /// The whole file.
    pub(super) source: &'a [u8],
    /// The position of the compressed data in the file.
    pub(super) start: usize,
    /// The compressed data.
    pub(super) data: &'a [u8],
    /// The number of pixels in a row.
    pub(super) width: u32,
    pub(super) rows: u32,
    /// The number of samples per pixel.
    pub(super) samples: usize,
    /// The number of bits that the crate reads per sample.
    pub(super) depth: u8,
    /// Whether the order of the bits in each byte is reversed.
    pub(super) is_reversed: bool,
}

impl Stored<'_> {
    /// The number of bytes in an uncompressed row.
    pub(super) fn stride(&self) -> usize {
        let samples = (self.width as usize).saturating_mul(self.samples);
        samples.saturating_mul(usize::from(self.depth)).div_ceil(8)
    }

    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> {
        let is_reversed = self.is_reversed;
        self.data.iter().map(move |byte| if is_reversed { byte.reverse_bits() } else { *byte })
    }
}
