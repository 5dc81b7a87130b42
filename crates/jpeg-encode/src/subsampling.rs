//! How much of the resolution of chroma is stored.

/// How much of the horizontal and vertical resolution the colours keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subsampling {
    /// 4:4:4: all of it.
    Full,
    /// 4:2:2: half of the horizontal resolution.
    HalfWidth,
    /// 4:2:0: half of both.
    Half,
}
