//! What a thumbnail contains besides its pixels.

/// The metadata of a thumbnail. By default, it has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The ICC profile of the samples (ISO 15076-1), for samples in red, green and blue. Without a
    /// profile, they are in sRGB.
    pub icc: Option<Vec<u8>>,
}
