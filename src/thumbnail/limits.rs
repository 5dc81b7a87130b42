//! The limits of a source and its thumbnail. The header is checked before memory for pixels is
//! allocated.

use crate::error::ThumbnailError;
use raster::Size;

/// A function that returns [`ThumbnailError::Timeout`] if the time limit was exceeded.
pub type CheckTime<'a> = &'a dyn Fn() -> Result<(), ThumbnailError>;

/// The limits of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The maximum number of bytes of the decoded source, across all frames.
    pub max_memory: u64,
    /// The maximum number of pixels of the decoded source, across all frames; `None` means no limit
    /// other than `max_memory`.
    pub max_pixels: Option<u64>,
    /// The maximum number of bytes of the encoded source.
    pub max_bytes: u64,
    /// The maximum number of frames of a thumbnail. Later frames of the source are not decoded.
    pub max_frames: u32,
    /// The maximum length of the longer side of the thumbnail, in pixels.
    pub max_side: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_memory: 256 * 1024 * 1024,
            max_pixels: None,
            max_bytes: 50 * 1024 * 1024,
            max_frames: 100,
            max_side: 8192,
        }
    }
}

impl Limits {
    /// Checks the size of the encoded source.
    ///
    /// # Errors
    /// [`ThumbnailError::TooLarge`].
    pub fn check_bytes(&self, bytes: u64) -> Result<(), ThumbnailError> {
        at_most("bytes", bytes, self.max_bytes)
    }

    /// Checks a source, given the number of frames to decode, the number of pixels of each frame,
    /// and the number of bytes of each pixel.
    ///
    /// # Errors
    /// [`ThumbnailError::TooLarge`].
    pub fn check_source(
        &self,
        pixels: u64,
        pixel_bytes: u64,
        frames: u32,
    ) -> Result<(), ThumbnailError> {
        let pixels = pixels.saturating_mul(u64::from(frames));
        at_most("pixels", pixels, self.max_pixels.unwrap_or(u64::MAX))?;
        self.check_memory("bytes of decoded pixels", pixels.saturating_mul(pixel_bytes))
    }

    /// Checks the number of bytes that a decoder needs.
    ///
    /// # Errors
    /// [`ThumbnailError::TooLarge`].
    pub fn check_memory(&self, what: &'static str, bytes: u64) -> Result<(), ThumbnailError> {
        at_most(what, bytes, self.max_memory)
    }

    /// Checks the number of frames to decode for a thumbnail.
    ///
    /// # Errors
    /// [`ThumbnailError::TooLarge`].
    pub fn check_frames(&self, frames: u32) -> Result<(), ThumbnailError> {
        at_most("frames to decode", frames.into(), self.max_frames.into())
    }

    /// Checks the size of a thumbnail with this number of frames.
    ///
    /// # Errors
    /// [`ThumbnailError::TooLarge`].
    pub fn check_output(&self, size: Size, frames: u32) -> Result<(), ThumbnailError> {
        let longer = u64::from(size.width.max(size.height));
        at_most("pixels on a side of the thumbnail", longer, u64::from(self.max_side))?;
        let pixels = size.pixels().saturating_mul(u64::from(frames));
        at_most("pixels of the thumbnail", pixels, self.max_pixels.unwrap_or(u64::MAX))?;
        self.check_memory("bytes of the thumbnail's pixels", pixels.saturating_mul(4))
    }
}

fn at_most(what: &'static str, found: u64, limit: u64) -> Result<(), ThumbnailError> {
    if found <= limit { Ok(()) } else { Err(ThumbnailError::TooLarge { what, found, limit }) }
}
