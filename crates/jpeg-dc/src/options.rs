//! The options of a caller.

use crate::error::Error;
use crate::frame::Frame;

/// Options of the decoder.
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
    pub(crate) chroma_scale: Option<Scale>,
    pub(crate) variances: usize,
}

/// How chroma that has half the resolution in both directions (4:2:0) is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Chroma {
    /// Reads the AC coefficients of these components, and computes 2 x 2 samples for each block,
    /// exactly as libjpeg does. This takes 25 to 50 % more time for sequential files, and needs
    /// more scans of progressive files.
    #[default]
    Full,
    /// Computes one sample for each block, which is half the resolution. That is enough if the
    /// image is written as 4:2:0 or reduced by half again.
    Dc,
}

/// The size at which [`decode_scaled`](crate::decode_scaled) decodes an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// The full size.
    Full,
    /// Seven eighths of the width and height, rounded up.
    SevenEighths,
    /// Three quarters of the width and height, rounded up.
    ThreeQuarters,
    /// Five eighths of the width and height, rounded up.
    FiveEighths,
    /// Half of the width and height, rounded up.
    Half,
    /// Three eighths of the width and height, rounded up.
    ThreeEighths,
    /// A quarter of the width and height, rounded up.
    Quarter,
    /// One eighth of the width and height, rounded up: the DC coefficients alone.
    Eighth,
}

impl Scale {
    /// Every scale, from the largest.
    pub const ALL: [Self; 8] = [
        Self::Full,
        Self::SevenEighths,
        Self::ThreeQuarters,
        Self::FiveEighths,
        Self::Half,
        Self::ThreeEighths,
        Self::Quarter,
        Self::Eighth,
    ];

    /// The number of samples for each side of a block.
    pub(crate) const fn side(self) -> usize {
        match self {
            Self::Full => 8,
            Self::SevenEighths => 7,
            Self::ThreeQuarters => 6,
            Self::FiveEighths => 5,
            Self::Half => 4,
            Self::ThreeEighths => 3,
            Self::Quarter => 2,
            Self::Eighth => 1,
        }
    }
}

impl Options {
    /// Creates options without limits other than those of the format. Memory use stays proportional
    /// to the input: a header that claims more blocks than the data can hold is refused before any
    /// allocation.
    #[must_use]
    pub const fn new() -> Self {
        Self { max_pixels: u64::MAX, chroma: Chroma::Full, chroma_scale: None, variances: 0 }
    }

    /// Refuses an image whose full width times its full height is above `pixels`.
    #[must_use]
    pub const fn max_pixels(mut self, pixels: u64) -> Self {
        self.max_pixels = pixels;
        self
    }

    /// Sets how [`decode`](crate::decode) decodes chroma that has half the resolution.
    #[must_use]
    pub const fn chroma(mut self, chroma: Chroma) -> Self {
        self.chroma = chroma;
        self
    }

    /// Sets the scale at which [`decode_scaled`](crate::decode_scaled) decodes chroma, if it
    /// differs from the scale of luma. RGB images do not have chroma. Each sample of chroma must
    /// cover a whole number of the image's pixels, except in [`Strips`](crate::Strips); other scales
    /// are [`Error::Unsupported`].
    #[must_use]
    pub const fn chroma_scale(mut self, scale: Scale) -> Self {
        self.chroma_scale = Some(scale);
        self
    }

    /// Sets for how many components, starting with the first one,
    /// [`decode_scaled`](crate::decode_scaled) computes
    /// [`Planes::variances`](crate::Planes::variances). In large sequential files, most variances
    /// below 100 are estimates, which depend on the number of bits of a block. At one eighth, most
    /// variances below 300 are.
    #[must_use]
    pub const fn variances(mut self, components: usize) -> Self {
        self.variances = components;
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
