//! Decodes a JPEG at one eighth of its size from its DC coefficients alone.
//!
//! A JPEG stores its picture in blocks of 8 x 8 pixels. The first coefficient of a block is its
//! mean: the DC coefficient. At one eighth of the size a block becomes one pixel, and that pixel
//! *is* the DC coefficient. So a thumbnail of a photo needs one of 64 coefficients, while a full
//! decoder reads and keeps all of them, even at the small size. This decoder does not:
//!
//! - In sequential (baseline) files it skips the other coefficients several symbols at a time, in
//!   several places of the file at once.
//! - In progressive files, which have scans for DC coefficients alone, it skips the other scans,
//!   and stops reading after the last scan that it needs.
//!
//! # Result
//!
//! The result is that of libjpeg-turbo at scale 1/8, bit for bit. For chroma of half the resolution
//! in both directions (4:2:0) that needs the AC coefficients of the chroma components, too, because
//! one sample for each of their blocks would be half the resolution. [`Chroma::Dc`] leaves them
//! out, for speed: then luminance alone is exact, and [`DcImage::is_exact`] says so.
//!
//! ```
//! use jpeg_dc::{Options, decode};
//!
//! # fn main() -> Result<(), jpeg_dc::Error> {
//! # let file = include_bytes!("../tests/data/progressive.jpg");
//! let image = decode(file, &Options::new().max_pixels(50_000_000))?;
//! let pixels = image.to_rgb();
//! assert_eq!(image.width, (image.full_width() as usize).div_ceil(8));
//! assert_eq!(pixels.len(), image.width * image.height * 3);
//! # Ok(())
//! # }
//! ```
//!
//! # Progressive files at other scales
//!
//! A full decoder reads the scans of a progressive file one after the other, and goes through the
//! coefficients of all blocks for each. [`decode_progressive`] reads all scans side by side, block
//! by block, and so keeps no AC coefficients. It gives the planes at full size, or at a half or a
//! quarter.
//!
//! EXIF orientation, colour profiles and further resizing are up to the caller.
//!
//! # Files that it refuses
//!
//! Use it in front of a full decoder, which gets the files that this one refuses:
//!
//! - [`Error::Unsupported`]: a number of components other than 1 or 3 (CMYK), other than 8 bits a
//!   sample, arithmetic, lossless and hierarchical coding, a height given by a DNL segment, files
//!   without Huffman tables, sampling factors that do not divide one another, scans above 256 MiB,
//!   more than 500 scans.
//! - [`Error::Malformed`]: damaged or truncated files. Full decoders show the part that is there.
//!
//! It reads only what it needs. A file that is damaged after the last DC coefficient, or lacks all
//! others, still decodes. (libjpeg-turbo smooths the picture if a progressive file has only DC
//! coefficients.)
//!
//! # Cost
//!
//! Besides the samples, it takes the size of the file and about ten bytes a block of memory. A file
//! must have at least one bit for each block that its header claims, or it is refused before any
//! allocation for them. Time is bounded by a multiple of the file's size, too: no bit is read more
//! than twice, except for the first few blocks of a lane that starts in the middle of the file and
//! out of step. A scan of few bits can require a look at every block, so files of more than 500
//! scans are refused, and of more than 100 by [`decode_progressive`]. [`decode_until`] and
//! [`decode_progressive_until`] also ask the caller, about once per row of blocks, whether its time
//! is up.

mod ac;
mod coefficients;
mod dc;
mod deadline;
mod decode;
mod entropy;
mod error;
mod frame;
mod huffman;
mod idct;
mod idct_2x2;
mod image;
mod lanes;
mod locate;
mod marker;
mod options;
mod prefix;
mod progression;
mod progressive;
mod progressive_scan;
mod sequential_scan;
mod skip;
mod zigzag;

pub use decode::{decode, decode_until};
pub use error::Error;
pub use image::{Color, DcImage, Plane, Planes};
pub use options::{Chroma, Options, Scale};
pub use prefix::{Prefix, read_needed};
pub use progressive::{decode_progressive, decode_progressive_until, has_all_scans};
