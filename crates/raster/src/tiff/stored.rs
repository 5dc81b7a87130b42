//! A strip or tile as it is stored, and its samples.

use std::borrow::Cow;

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
    /// Whether the picture is stored in a single strip or tile.
    pub(super) is_only: bool,
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

    /// The number of uncompressed bytes.
    pub(super) fn length(&self) -> usize {
        self.stride().saturating_mul(self.rows as usize)
    }

    /// The compressed data, with the first bit in the highest bit of its byte.
    pub(super) fn in_order(&self) -> Cow<'_, [u8]> {
        if self.is_reversed {
            self.data.iter().map(|byte| byte.reverse_bits()).collect()
        } else {
            self.data.into()
        }
    }
}
