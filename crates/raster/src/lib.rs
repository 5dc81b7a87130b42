//! Pictures in memory, and the operations on pixels by generic libraries.
//!
//! The kernels of `fast_image_resize` and the decoders of `image` and `tiff` are generic: the crate
//! that uses them compiles them, which takes over a minute. In this crate they are compiled once,
//! and not again when the thumbnail engine changes.

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

/// The caller passed a picture whose data does not fit its size, or a size of zero.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RasterError(String);

impl RasterError {
    fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}
