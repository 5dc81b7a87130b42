//! Decodes a JPEG at one eighth of its size from its DC coefficients alone.
//!
//! A JPEG stores its image in blocks of 8 x 8 pixels. The first coefficient of a block, the DC
//! coefficient, is the mean of the block. At one eighth of the size, a block becomes one pixel, and
//! that pixel *is* the DC coefficient. A thumbnail of a photo therefore needs only one of 64
//! coefficients, but a full decoder reads and keeps all of them, even at this small size. This
//! decoder does not:
//!
//! - In sequential (baseline) files, it skips the other coefficients several symbols at a time, at
//!   several positions in the file at once.
//! - In progressive files, which have scans for DC coefficients alone, it skips the other scans,
//!   and stops reading after the last scan that it needs.
//!
//! # Result
//!
//! The result is bit for bit the same as that of libjpeg-turbo at scale 1/8. For chroma at half the
//! resolution in both directions (4:2:0), this requires the AC coefficients of the chroma
//! components too, because one sample per block would provide only half the resolution.
//! [`Chroma::Dc`] skips these coefficients for speed. In that case, only luminance is exact, and
//! [`DcImage::is_exact`] returns false.
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
//! # Other scales
//!
//! [`decode_scaled`] decodes files at 1/8 to 8/8 of their size. The inverse DCT of the
//! lowest frequencies turns each block into 1 x 1 to 8 x 8 samples, and uses one frequency per
//! sample. In sequential files, the decoder first finds where each block starts. Then it reads the
//! coefficients of each block, and stops after the last one that it needs.
//! [`Options::chroma_scale`] sets another scale for chroma. [`Strips`] passes rows on while it
//! decodes them, and [`Tiles`] cuts a part out of a file.
//!
//! A full decoder reads the scans of a progressive file one after another, and goes through the
//! coefficients of all blocks for each scan. `decode_scaled` reads all scans side by side, block by
//! block, so it does not keep AC coefficients.
//!
//! [`Options::variances`] adds the variance of the detail that a scale leaves out, and
//! [`Planes::rgb_variances`] converts it to RGB. With the variance, you can average the result in
//! linear light.
//!
//! EXIF orientation, colour profiles and further resizing are up to the caller.
//!
//! # Files that it refuses
//!
//! Use this decoder in front of a full decoder, which handles the files that this one refuses:
//!
//! - [`Error::Unsupported`]: files with a number of components other than 1 or 3 (such as CMYK),
//!   with sample sizes other than 8 bits, with arithmetic, lossless or hierarchical coding, with a
//!   height given by a DNL segment, without Huffman tables, with sampling factors that do not
//!   divide one another, with scans above 256 MiB, or with more than 500 scans.
//! - [`Error::Malformed`]: damaged or truncated files. Full decoders show the part that is present.
//!
//! The decoder reads only what it needs. A file that is damaged after its last DC coefficient, or
//! that lacks all other coefficients, can still be decoded. (libjpeg-turbo smooths the image if a
//! progressive file contains only DC coefficients.)
//!
//! # Cost
//!
//! In addition to the samples, which [`Strips`] does not keep, the decoder needs a few hundred
//! kilobytes for a sequential file: it keeps only some rows of blocks in memory, or the data between
//! two restart markers. For a progressive file and for [`Tiles`], it needs memory for a copy of the
//! file's data, and for about ten bytes per block. A file must have at least one bit for each block
//! that its header claims; otherwise it is refused before any memory is allocated for its blocks.
//! The time is also bounded by a multiple of the file's size: each bit is read at most twice, or
//! three times for variances. A lane that starts in the middle of the data may be out of step at
//! first, and may read the bits of its first few blocks more often. A scan of only a few bits can
//! require a visit to every block, so [`decode()`] refuses files with more than 500 scans, and
//! [`decode_scaled`] refuses files with more than 100. [`decode_until`] and [`decode_scaled_until`]
//! also ask the caller, about once per row of blocks, whether to stop.

mod ac;
mod blocks;
mod coefficients;
mod corner;
mod dc;
mod deadline;
mod decode;
mod entropy;
mod error;
mod frame;
mod huffman;
mod idct_2x2;
mod image;
mod lanes;
mod locate;
mod marker;
mod options;
mod prefix;
mod progression;
mod progressive_scan;
mod rgb_variance;
mod rows;
mod scaled;
mod scaled_plane;
mod scaled_scan;
mod sequential_scan;
mod skip;
mod strips;
mod tiles;
mod values;
mod variance;
mod zigzag;

pub use decode::{decode, decode_until};
pub use error::Error;
pub use image::{Color, DcImage, Plane, Planes, Variances};
pub use options::{Chroma, Options, Scale};
pub use prefix::{Prefix, read_needed};
pub use rgb_variance::RgbVariances;
pub use scaled::{decode_scaled, decode_scaled_until, has_all_scans};
pub use strips::{Shape, Strips};
pub use tiles::Tiles;
