//! The reasons why a JPEG was not decoded.

/// The reason why a file was not decoded. Except after [`Expired`](Self::Expired), a full decoder
/// may still decode it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file needs a full decoder. It may be valid.
    #[error("this kind of JPEG needs a full decoder: {0}")]
    Unsupported(&'static str),
    /// The file is not a JPEG, is damaged, or ends early. Full decoders often show the part that is
    /// present.
    #[error("malformed JPEG: {0}")]
    Malformed(&'static str),
    /// The image has more pixels than [`Options::max_pixels`](crate::Options::max_pixels) allows.
    #[error("the image has {width} x {height} pixels, more than the {max_pixels} allowed")]
    TooLarge {
        /// Width of the full image, in pixels.
        width: u32,
        /// Height of the full image, in pixels.
        height: u32,
        /// The limit that was set.
        max_pixels: u64,
    },
    /// The caller's time is up; see [`decode_until`](crate::decode_until). A full decoder would
    /// take even longer.
    #[error("the time is up")]
    Expired,
}

pub(crate) const ENDS_EARLY: Error =
    Error::Malformed("the file ends before the last DC coefficient");
