//! What a caller may set.

use crate::error::Error;
use crate::frame::Frame;

/// Limits of a decoding.
///
/// ```
/// use jpeg_dc::Options;
///
/// let options = Options::new().max_pixels(50_000_000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    max_pixels: u64,
    pub(crate) chroma: Chroma,
}

/// What to do with chroma of half the resolution both ways, as of 4:2:0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Chroma {
    /// Read the AC coefficients of these components, and make 2 x 2 samples of each block as
    /// libjpeg does, to the bit. Takes a quarter to half more time in sequential files. Of
    /// progressive ones more scans are needed.
    #[default]
    Full,
    /// One sample a block, so half the resolution that it might have. Good enough where the image
    /// is written as 4:2:0 or made smaller again by half.
    Dc,
}

/// How far [`decode_progressive`](crate::decode_progressive) makes an image smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Not at all.
    Full,
    /// To half of its width and height, rounded up.
    Half,
    /// To a quarter of its width and height, rounded up.
    Quarter,
}

impl Scale {
    /// How many pixels become one, across or down.
    pub(crate) const fn divisor(self) -> usize {
        match self {
            Self::Full => 1,
            Self::Half => 2,
            Self::Quarter => 4,
        }
    }
}

impl Options {
    /// No limit but those of the format. Memory stays in proportion to the input all the same: a
    /// header that claims more blocks than the data can hold is refused before any allocation.
    #[must_use]
    pub const fn new() -> Self {
        Self { max_pixels: u64::MAX, chroma: Chroma::Full }
    }

    /// Refuses an image whose full width times its full height is above `pixels`.
    #[must_use]
    pub const fn max_pixels(mut self, pixels: u64) -> Self {
        self.max_pixels = pixels;
        self
    }

    /// Sets what to do with chroma of half the resolution.
    #[must_use]
    pub const fn chroma(mut self, chroma: Chroma) -> Self {
        self.chroma = chroma;
        self
    }

    pub(crate) fn check(self, frame: &Frame) -> Result<(), Error> {
        let (width, height) = (u32::from(frame.width), u32::from(frame.height));
        if u64::from(width) * u64::from(height) > self.max_pixels {
            return Err(Error::TooLarge { width, height, max_pixels: self.max_pixels });
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
