//! Why a JPEG was not decoded.

/// Why no image came out. Whatever the reason, a full decoder may still do better with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A valid JPEG, or one that may be valid, of a kind that is left to a full decoder.
    #[error("this kind of JPEG needs a full decoder: {0}")]
    Unsupported(&'static str),
    /// Not a JPEG, a damaged one, or one that ends early. Full decoders often show the part that
    /// is there.
    #[error("malformed JPEG: {0}")]
    Malformed(&'static str),
    /// More pixels than [`Options::max_pixels`](crate::Options::max_pixels) allows.
    #[error("the image has {width} x {height} pixels, more than the {max_pixels} allowed")]
    TooLarge {
        /// Width of the full image, in pixels.
        width: u32,
        /// Height of the full image, in pixels.
        height: u32,
        /// The limit that was set.
        max_pixels: u64,
    },
}

pub(crate) const ENDS_EARLY: Error = Error::Malformed("it ends before its DC coefficients do");
