//! The memory that a TIFF file may take besides its pixels.

/// The number of bytes that are always allowed for a value in a directory, or for a strip before it
/// is decoded.
pub(super) const OVERHEAD: usize = 16 * 1024 * 1024;
