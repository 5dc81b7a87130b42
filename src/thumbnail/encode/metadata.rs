//! What a thumbnail contains besides its pixels.

use super::super::notice::Notice;

/// The metadata of a thumbnail. By default, a thumbnail does not contain any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The ICC profile of the samples (ISO 15076-1), for samples in red, green and blue. Without a
    /// profile, the samples are in sRGB.
    pub icc: Option<Vec<u8>>,
    /// EXIF data, which starts with the header of a TIFF file (CIPA DC-008).
    pub exif: Option<Vec<u8>>,
    /// An XMP packet (ISO 16684-1).
    pub xmp: Option<String>,
}

impl Metadata {
    /// Creates metadata from a profile and a copyright notice.
    #[must_use]
    pub fn new(icc: Option<Vec<u8>>, notice: &Notice) -> Self {
        Self { icc, exif: notice.to_exif(), xmp: notice.to_xmp() }
    }
}
