//! What an image is, from its header alone: nothing in proportion to its pixels is allocated.

use super::decode;
use super::format::SourceFormat;
use super::limits::Limits;
use super::orient::Transform;
use crate::error::ThumbnailError;
use raster::Size;

/// What the header of an image says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What its first bytes say it is.
    pub format: SourceFormat,
    /// The size of the pixels as stored, not yet upright.
    pub size: Size,
    /// The EXIF orientation, 1 to 8.
    pub orientation: u16,
    /// What makes the picture stand upright.
    pub transform: Transform,
    /// The number of frames that are read; 1 for a still.
    pub frames: u32,
    /// How often an animation plays; 0 = for ever.
    pub plays: u16,
    /// Whether pixels may be transparent.
    pub has_alpha: bool,
    /// Whether it brings an ICC profile.
    pub has_icc: bool,
}

impl Header {
    /// The size of the upright picture.
    #[must_use]
    pub const fn upright_size(&self) -> Size {
        self.transform.size(self.size)
    }
}

/// Read the header of an image, whatever its name says.
///
/// # Errors
/// [`ThumbnailError::TooLarge`] for more bytes than allowed, [`ThumbnailError::Unsupported`]
/// when the first bytes are not those of a known format, [`ThumbnailError::Corrupt`] when the
/// header can't be read.
pub fn probe(source: &[u8], limits: &Limits) -> Result<Header, ThumbnailError> {
    limits.check_bytes(source.len() as u64)?;
    let format = SourceFormat::sniff(source).ok_or(ThumbnailError::Unsupported)?;
    let header = decode::header(source, format)?;
    if header.size.pixels() == 0 {
        return Err(ThumbnailError::corrupt(format, "a side of it is zero"));
    }
    Ok(header)
}
