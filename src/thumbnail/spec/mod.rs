//! The spec: the text in a thumbnail's URL that describes the thumbnail.
//!
//! `WxH[,option…]`, with `-` for a free side: `300x200`, `300x-`, `96x96,cover,g-smart,q-80`. The
//! options have a fixed order and occur at most once, defaults are omitted, and every number has a
//! single spelling. A thumbnail therefore has exactly one URL and one path in a cache.

mod argument;
mod conversions;
mod css;
mod fields;
mod grammar;
mod table;
mod values;

pub use argument::{Argument, OptionValue, Refusal};
pub use fields::Spec;
pub use table::{Form, OPTIONS, SpecOption};
pub use values::{
    ByteLimit, Compass, CropRect, Factor, Fit, Flip, FormatOption, Fraction, FrameNumber, Gravity,
    Hundredths, Length, Page, Progressive, Quality, Rgb, Rotation, Seconds, Subsampling, Tolerance,
    Version, WatermarkName,
};
