//! Decode a JPEG at one eighth of its size from the DC coefficients alone.
//!
//! A JPEG keeps its picture in blocks of 8 x 8 pixels, and of each block first its mean: the DC
//! coefficient. At one eighth of the size a block becomes one pixel, and that pixel *is* the DC
//! coefficient. So a thumbnail of a photo needs one of 64 coefficients; a full decoder reads and
//! keeps all of them, even if it is asked for the small size only. This one does not:
//!
//! - In sequential (baseline) files it passes over the other coefficients several symbols at a
//!   time, in several places of the file at once.
//! - In progressive files, which hold the DC coefficients in scans of their own, it jumps over the
//!   other scans, and stops reading behind the last one that it needs.
//!
//! # What it gives
//!
//! The same as libjpeg-turbo at scale 1/8, to the bit. For chroma of half the resolution both ways
//! (4:2:0) that takes the AC coefficients of the chroma components as well, since a sample for each
//! of their blocks would be half the resolution that there is. With [`Chroma::Dc`] they are left
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
//! by block, and so keeps no coefficients. It gives the planes whole, or shrunk to a half or a
//! quarter.
//!
//! EXIF orientation and colour profiles are the caller's business, as is making the image smaller
//! still.
//!
//! # What it refuses
//!
//! It is made to stand in front of a full decoder, which gets what this one refuses:
//!
//! - [`Error::Unsupported`]: other than 1 or 3 components (CMYK), other than 8 bits a sample,
//!   arithmetic, lossless and hierarchical coding, a height given by a DNL segment, files without
//!   Huffman tables, sampling factors that do not divide one another, scans above 256 MiB, more
//!   than 500 scans.
//! - [`Error::Malformed`]: damaged or truncated files. Others show the part that is there.
//!
//! It does not look at what it does not need. A file may be damaged behind the last DC coefficient,
//! or lack all others, and decode all the same. (libjpeg-turbo smooths the picture if a progressive
//! file has DC coefficients only.)
//!
//! # Cost
//!
//! Memory is the size of the file once more and some ten bytes for each block, beside the samples.
//! A file has to have a bit for each block that its header claims, or is refused before anything is
//! allocated for them. Time is bounded by a multiple of the file's size too: no bit is passed over
//! more than twice, but for the first few blocks of a place in the middle of the file where that
//! turns out not to be the start of a block. A scan of few bits can ask for a look at every block,
//! so files of more than 500 scans are refused, and of more than 100 by [`decode_progressive`].

mod ac;
mod coefficients;
mod dc;
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

pub use decode::decode;
pub use error::Error;
pub use image::{Color, DcImage, Plane, Planes};
pub use options::{Chroma, Options, Scale};
pub use prefix::{Prefix, read_needed};
pub use progressive::decode_progressive;
