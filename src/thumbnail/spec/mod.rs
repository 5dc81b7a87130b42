//! The spec: the text in a thumbnail's URL that states what the thumbnail looks like.
//!
//! `WxH[,option…]`, with `-` for a free side: `300x200`, `300x-`, `96x96,cover,g-smart,q-80`. The
//! options have a fixed order and occur once at most, defaults are left out, and numbers have one
//! spelling. So a thumbnail has exactly one URL and one place in a cache.

mod argument;
mod css;
mod fields;
mod grammar;
mod table;
mod values;

pub use argument::{Argument, OptionValue, Refusal};
pub use fields::Spec;
pub use table::{Form, OPTIONS, SpecOption};
pub use values::{
    Compass, CropRect, Fit, Flip, FormatOption, Fraction, Gravity, Hundredths, Progressive, Rgb,
    Rotation, Subsampling, Version,
};
