//! Limits for the content of a TIFF file, and for the memory that it takes in addition to its
//! pixels.

/// The number of bytes that are always allowed for a value in a directory, or for a strip before it
/// is decoded.
pub(super) const OVERHEAD: usize = 16 * 1024 * 1024;

/// The maximum number of samples per pixel: four inks and the opacity.
pub(super) const MAX_SAMPLES: u16 = 5;

/// The number of pixels by which a JPEG strip may be wider or taller than its area in the picture,
/// because it is padded to whole blocks at the coarsest chroma subsampling.
pub(super) const JPEG_PADDING: u32 = 31;
