//! Decompresses strips and tiles that the `tiff` crate does not support. The crate then reads their
//! samples as if they were not compressed.

use std::borrow::Cow;
use std::io::Read;

use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

use super::directory::{value, values};
use super::error::TiffError;
use super::fax::Fax;
use super::lzw;
use super::old_jpeg::OldJpeg;
use super::stored::{Stored, Unpacked};
use super::tags::{BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC_INTERPRETATION, Y_CB_CR};
use super::ycbcr::Subsampling;

const T4_OPTIONS: u64 = 292;

/// The maximum memory for decompressing XZ data, in kibibytes. The highest preset needs 65
/// mebibytes. A dictionary never takes more memory than the data that it produces.
const LZMA_MEMORY: u32 = 80 * 1024;

/// The maximum size of the window of Zstandard data in bytes, which the decoder reserves at once.
const ZSTANDARD_MEMORY: u64 = 64 * 1024 * 1024;

/// How often to check whether to continue, in bytes.
const STEP: usize = 64 * 1024;

/// The ways to store samples that the crate can't read.
pub(super) enum Packing {
    /// CCITT Group 3 or 4, or modified Huffman coding. The crate supports Group 4 up to 65535 rows,
    /// and is slower.
    Fax(Fax),
    /// The obsolete JPEG compression of TIFF 6.0.
    OldJpeg(OldJpeg),
    /// Samples of 12 bits without compression.
    TwelveBits,
    /// Pixels that share their colour differences.
    YCbCr(Subsampling, Method),
    Compressed(Method),
}

/// A general compression method.
#[derive(Clone, Copy)]
pub(super) enum Method {
    None,
    /// The crate supports only the current form, and is slower.
    Lzw,
    Lzma,
    Zstandard,
}

impl Packing {
    /// How the samples of the first page are stored, if the crate can't read them.
    pub(super) fn find(source: &[u8]) -> Option<Self> {
        let method = match value(source, COMPRESSION) {
            Some(2) => return Some(Self::Fax(Fax::Huffman)),
            Some(3) if value(source, T4_OPTIONS).is_some_and(|options| options & 1 == 1) => {
                return Some(Self::Fax(Fax::TwoDimensional));
            }
            Some(3) => return Some(Self::Fax(Fax::OneDimensional)),
            Some(4) => return Some(Self::Fax(Fax::DifferencesOnly)),
            Some(6) => return Some(Self::OldJpeg(OldJpeg::find(source))),
            Some(1) | None => Method::None,
            Some(5) => Method::Lzw,
            Some(34925) => Method::Lzma,
            Some(50000) => Method::Zstandard,
            _ => return None,
        };
        if value(source, PHOTOMETRIC_INTERPRETATION) == Some(Y_CB_CR) {
            return Some(Self::YCbCr(Subsampling::find(source)?, method));
        }
        if !matches!(method, Method::None) {
            return Some(Self::Compressed(method));
        }
        let depths = values(source, BITS_PER_SAMPLE, 8);
        let is_twelve = !depths.is_empty() && depths.iter().all(|&depth| depth == 12);
        is_twelve.then_some(Self::TwelveBits)
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
            Self::YCbCr(..) => samples == 3 && depth == 8 && !is_planar,
            Self::Compressed(_) => true,
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
            Self::TwelveBits => twelve_bits(stored)?,
            Self::YCbCr(subsampling, method) => {
                let (width, rows) = (stored.width as usize, stored.rows as usize);
                let data = method.unpack(stored, subsampling.length(width, rows), goes_on)?;
                subsampling.expanded(&data, width, rows)
            }
            Self::Compressed(method) => {
                method.unpack(stored, stored.length(), goes_on)?.into_owned()
            }
        };
        Ok(Unpacked { data, is_whole: true })
    }
}

impl Method {
    /// Returns the first `length` bytes.
    fn unpack<'a>(
        self,
        stored: &'a Stored<'_>,
        length: usize,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Cow<'a, [u8]>, TiffError> {
        let data = match (self, stored.in_order()) {
            (Self::None, Cow::Borrowed(data)) => {
                return data.get(..length).map(Cow::Borrowed).ok_or_else(missing);
            }
            (Self::None, Cow::Owned(mut data)) => {
                if data.len() < length {
                    return Err(missing());
                }
                data.truncate(length);
                data
            }
            (Self::Lzw, _) => lzw::decode(stored, length, goes_on)?,
            (Self::Lzma, data) => {
                read(XzReader::new_mem_limit(&*data, false, LZMA_MEMORY), length, goes_on)?
            }
            (Self::Zstandard, data) => {
                let reader = StreamingDecoder::new_with_max_window_size(&*data, ZSTANDARD_MEMORY);
                let reader = reader.map_err(|error| TiffError::Corrupt(error.to_string()))?;
                read(reader, length, goes_on)?
            }
        };
        Ok(data.into())
    }
}

fn missing() -> TiffError {
    TiffError::Corrupt("some of its samples are missing".into())
}

fn read(
    mut reader: impl Read,
    length: usize,
    goes_on: &dyn Fn() -> bool,
) -> Result<Vec<u8>, TiffError> {
    let mut data = vec![0; length];
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
    let bytes = stored.in_order();
    let Some(bytes) = bytes.get(..packed.saturating_mul(stored.rows as usize)) else {
        return Err(missing());
    };
    let mut data = Vec::with_capacity(stored.length());
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
