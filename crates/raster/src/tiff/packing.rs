//! Decompresses strips and tiles that the `tiff` crate does not support. The crate then reads their
//! samples as if they were not compressed.

use std::io::Read;

use lzma_rust2::XzReader;

use super::directory::{value, values};
use super::error::TiffError;
use super::fax::Fax;
use super::old_jpeg::OldJpeg;
use super::stored::{Stored, Unpacked};
use super::tags::{BITS_PER_SAMPLE, COMPRESSION};

const T4_OPTIONS: u64 = 292;

/// The maximum memory for decompressing XZ data, in kibibytes. The highest preset needs 65
/// mebibytes. A dictionary never takes more memory than the data that it produces.
const LZMA_MEMORY: u32 = 80 * 1024;

/// How often to check whether to continue, in bytes.
const STEP: usize = 64 * 1024;

/// The ways to store samples that the crate can't read.
pub(super) enum Packing {
    /// CCITT Group 3, or modified Huffman coding.
    Fax(Fax),
    Lzma,
    /// The obsolete JPEG compression of TIFF 6.0.
    OldJpeg(OldJpeg),
    /// Samples of 12 bits without compression.
    TwelveBits,
}

impl Packing {
    /// How the samples of the first page are stored, if the crate can't read them.
    pub(super) fn find(source: &[u8]) -> Option<Self> {
        match value(source, COMPRESSION) {
            Some(2) => Some(Self::Fax(Fax::Huffman)),
            Some(3) if value(source, T4_OPTIONS).is_some_and(|options| options & 1 == 1) => {
                Some(Self::Fax(Fax::TwoDimensional))
            }
            Some(3) => Some(Self::Fax(Fax::OneDimensional)),
            Some(6) => Some(Self::OldJpeg(OldJpeg::find(source))),
            Some(34925) => Some(Self::Lzma),
            Some(1) | None => {
                let depths = values(source, BITS_PER_SAMPLE, 8);
                let is_twelve = !depths.is_empty() && depths.iter().all(|&depth| depth == 12);
                is_twelve.then_some(Self::TwelveBits)
            }
            _ => None,
        }
    }

    /// Whether the order of bits in a byte can be reversed.
    pub(super) const fn has_order(&self) -> bool {
        !matches!(self, Self::OldJpeg(_))
    }

    /// Whether a page with this number of samples per pixel and bits per sample can be read.
    pub(super) const fn supports(&self, samples: u16, depth: u8, is_planar: bool) -> bool {
        match self {
            Self::Fax(_) => samples == 1 && depth == 1,
            Self::OldJpeg(_) => matches!(samples, 1 | 3) && depth == 8 && !is_planar,
            Self::TwelveBits => depth == 16,
            Self::Lzma => true,
        }
    }

    pub(super) fn unpack(
        &self,
        stored: &Stored<'_>,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Unpacked, TiffError> {
        let data = match self {
            Self::Fax(fax) => return fax.decode(stored, goes_on),
            Self::OldJpeg(jpeg) => jpeg.decode(stored)?,
            Self::Lzma => lzma(stored, goes_on)?,
            Self::TwelveBits => twelve_bits(stored)?,
        };
        Ok(Unpacked { data, is_whole: true })
    }
}

fn lzma(stored: &Stored<'_>, goes_on: &dyn Fn() -> bool) -> Result<Vec<u8>, TiffError> {
    let reversed: Vec<u8>;
    let compressed = if stored.is_reversed {
        reversed = stored.bytes().collect();
        reversed.as_slice()
    } else {
        stored.data
    };
    let mut reader = XzReader::new_mem_limit(compressed, false, LZMA_MEMORY);
    let mut data = vec![0; stored.stride().saturating_mul(stored.rows as usize)];
    for piece in data.chunks_mut(STEP) {
        if !goes_on() {
            return Err(TiffError::Stopped);
        }
        reader.read_exact(piece).map_err(|error| TiffError::Corrupt(error.to_string()))?;
    }
    Ok(data)
}

/// Expands samples of 12 bits to 16 bits, in the byte order of the file.
fn twelve_bits(stored: &Stored<'_>) -> Result<Vec<u8>, TiffError> {
    let is_little = stored.source.starts_with(b"II");
    let row = stored.stride() / 2;
    let packed = (row * 12).div_ceil(8);
    let bytes: Vec<u8> = stored.bytes().take(packed * stored.rows as usize).collect();
    if bytes.len() < packed * stored.rows as usize {
        return Err(TiffError::Corrupt("some of its samples are missing".into()));
    }
    let mut data = Vec::with_capacity(stored.stride() * stored.rows as usize);
    for line in bytes.chunks_exact(packed.max(1)) {
        let pairs = line.chunks(3).flat_map(|three| {
            let at = |index: usize| u16::from(three.get(index).copied().unwrap_or_default());
            [at(0) << 4 | at(1) >> 4, (at(1) & 15) << 8 | at(2)]
        });
        for sample in pairs.take(row) {
            data.extend(if is_little { sample.to_le_bytes() } else { sample.to_be_bytes() });
        }
    }
    Ok(data)
}
