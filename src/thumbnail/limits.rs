//! The limits of a source and its thumbnail. The header is checked before memory for pixels is
//! allocated.

use crate::error::ThumbnailError;
use raster::Size;

/// The limits of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The maximum number of pixels of the source as it is decoded, in all of its frames.
    pub max_pixels: u64,
    /// The maximum number of bytes of the encoded source.
    pub max_bytes: u64,
    /// The maximum number of frames of an animation.
    pub max_frames: u32,
    /// The maximum length of the longer side of the thumbnail, in pixels.
    pub max_side: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 50 * 1024 * 1024,
            max_bytes: 50 * 1024 * 1024,
            max_frames: 100,
            max_side: 8192,
        }
    }
}

impl Limits {
    /// Check the size of the encoded source.
    ///
    /// # Errors
    /// [`ThumbnailError::TooLarge`].
    pub fn check_bytes(&self, bytes: u64) -> Result<(), ThumbnailError> {
        at_most("bytes", bytes, self.max_bytes)
    }

    /// Check a source, given the number of frames to decode and the number of pixels of each.
    ///
    /// # Errors
    /// [`ThumbnailError::TooLarge`].
    pub fn check_source(&self, pixels: u64, frames: u32) -> Result<(), ThumbnailError> {
        at_most("frames", u64::from(frames), u64::from(self.max_frames))?;
        at_most("pixels", pixels.saturating_mul(u64::from(frames)), self.max_pixels)
    }

    /// Check the size of a thumbnail with this number of frames.
    ///
    /// # Errors
    /// [`ThumbnailError::TooLarge`].
    pub fn check_output(&self, size: Size, frames: u32) -> Result<(), ThumbnailError> {
        let longer = u64::from(size.width.max(size.height));
        at_most("pixels on a side of the thumbnail", longer, u64::from(self.max_side))?;
        let pixels = size.pixels().saturating_mul(u64::from(frames));
        at_most("pixels of the thumbnail", pixels, self.max_pixels)
    }
}

fn at_most(what: &'static str, found: u64, limit: u64) -> Result<(), ThumbnailError> {
    if found <= limit { Ok(()) } else { Err(ThumbnailError::TooLarge { what, found, limit }) }
}
