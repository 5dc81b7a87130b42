//! Pictures in memory, and what is done to their pixels by generic libraries.
//!
//! The kernels of `fast_image_resize` and the decoders of `image` and `tiff` are generic: they are compiled
//! where they are used, for over a minute. This crate is where, so that it is compiled once,
//! and not whenever the thumbnail engine changes.

mod blur;
mod decode;
mod picture;
mod resize;
mod strips;
mod tiff;

pub use blur::{blur, sharpen};
pub use decode::bmp;
pub use picture::{Frame, Picture, PixelKind, Size};
pub use resize::{Area, Filter, resize, resize_linear, resize_plane, resize_samples};
pub use strips::StripResizer;
pub use tiff::{Tiff, TiffError};

/// A picture whose data are fewer than its size says, or a size that is zero: a mistake of the
/// caller's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RasterError(String);

impl RasterError {
    fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}
