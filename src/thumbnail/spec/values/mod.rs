//! The values of a spec's options.

mod fixed;
mod output;
mod placement;

use std::fmt;

pub use fixed::{Factor, Fraction, Hundredths, Seconds};
pub use output::{ByteLimit, FormatOption, Progressive, Quality, Subsampling};
pub use placement::{Compass, CropRect, Fit, Flip, Gravity, Rotation};

/// An sRGB colour without transparency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub [u8; 3]);

impl Rgb {
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// Parses six hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = is_hex.then(|| u32::from_str_radix(text, 16).ok()).flatten()?;
        let [_, red, green, blue] = value.to_be_bytes();
        Some(Self([red, green, blue]))
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "{red:02x}{green:02x}{blue:02x}")
    }
}

/// A page number in a document, starting at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Page(pub(super) u16);

impl Page {
    /// The first page.
    pub const FIRST: Self = Self(1);

    /// The page number, starting at 1.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0.into()
    }

    /// Whether the number is not zero.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 > 0
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a frame in an animation, starting at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameNumber(pub(super) u16);

impl FrameNumber {
    /// The number of the frame, starting at 1.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0.into()
    }

    /// Whether the number is not zero.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 > 0
    }
}

impl fmt::Display for FrameNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The maximum difference between the samples of a pixel in the border and the samples of the
/// border's colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tolerance(pub u8);

impl Tolerance {
    /// The default, which is enough for the noise that JPEG adds to a plain border.
    pub const USUAL: Self = Self(10);
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A length in pixels of the box, before [`dpr`](super::Spec::dpr).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Length(pub(super) u16);

impl Length {
    /// Whether the length is not zero.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 > 0
    }

    /// The number of pixels.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0.into()
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a watermark: at most 32 of the characters `A-Za-z0-9_-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WatermarkName {
    bytes: [u8; Self::MAX],
    length: u8,
}

impl WatermarkName {
    const MAX: usize = 32;

    /// Parses a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if text.is_empty() || !text.bytes().all(is_valid) {
            return None;
        }
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: u8::try_from(text.len()).ok()? })
    }
}

impl fmt::Display for WatermarkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.bytes.iter().take(self.length.into());
        bytes.try_for_each(|&byte| write!(f, "{}", char::from(byte)))
    }
}

/// The version of the source: eight characters of base64url that change when the source changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version([u8; 8]);

impl Version {
    /// Parses eight characters of `A-Za-z0-9_-`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 8] = text.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
            .then_some(Self(bytes))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&byte| write!(f, "{}", char::from(byte)))
    }
}
