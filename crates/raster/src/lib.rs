//! Pictures in memory, and the operations on their pixels that use generic libraries.
//!
//! The kernels of `fast_image_resize` and the decoders of `image` and `tiff` are generic. They take
//! more than a minute to compile, and are compiled as part of the crate that uses them. This crate
//! exists so that they are compiled only once instead of after every change to the thumbnail
//! engine.

mod blur;
mod decode;
mod detail;
mod error;
mod jpeg;
mod light;
mod picture;
mod png_filter;
mod resize;
mod shrink;
mod strips;
mod tiff;

pub use blur::{blur, sharpen};
pub use decode::bmp;
pub use detail::detail;
pub use error::RasterError;
pub use light::{Variances, resize_linear};
pub use picture::{Frame, Picture, PixelKind, Size};
pub use png_filter::{PNG_ROWS, is_png_filter, undo_png_filters};
pub use resize::{Area, Filter, resize, resize_plane};
pub use shrink::shrink;
pub use strips::StripResizer;
pub use tiff::{Tiff, TiffError};
