//! The resolution at which chroma is stored.

/// The resolution of chroma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subsampling {
    /// 4:4:4: the full resolution.
    Full,
    /// 4:2:2: half the horizontal resolution.
    HalfWidth,
    /// 4:2:0: half the horizontal and vertical resolution.
    Half,
}
