//! The values of a spec's options.
//!
//! Fractions and sigmas are stored as whole numbers of a small unit, so that their text is exact.

use std::fmt;
use std::ops::RangeInclusive;

use super::super::format::OutputFormat;

/// How the image fits the box `WxH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fit {
    /// The whole image fits in the box and keeps its proportions. By default, it is never enlarged.
    #[default]
    Contain,
    /// The image fills the box, and the parts that extend beyond the box are cropped.
    Cover,
    /// The image is stretched to fill the box.
    Fill,
    /// Like [`Contain`](Self::Contain), but the rest of the box is filled with the background
    /// colour.
    Pad,
}

impl Fit {
    /// All values, in the order in which they are documented.
    pub const ALL: [Self; 4] = [Self::Contain, Self::Cover, Self::Fill, Self::Pad];

    /// The name in specs and the Python API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contain => "contain",
            Self::Cover => "cover",
            Self::Fill => "fill",
            Self::Pad => "pad",
        }
    }

    /// The fit with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fit| fit.name() == name)
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A fraction from 0 to 1, stored in ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fraction(u16);

impl Fraction {
    const DECIMALS: usize = 4;
    const ONE: u16 = 10_000;
    /// 0.
    pub const MIN: Self = Self(0);
    /// 0.5.
    pub const HALF: Self = Self(Self::ONE / 2);
    /// 1.
    pub const MAX: Self = Self(Self::ONE);

    /// The nearest fraction; `None` for a number outside the range 0 to 1.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        to_fixed(value, Self::ONE, Self::ONE).map(Self)
    }

    /// The value between 0.0 and 1.0.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / f64::from(Self::ONE)
    }

    fn parse(text: &str) -> Option<Self> {
        parse_fixed(text, Self::DECIMALS).filter(|&units| units <= Self::ONE).map(Self)
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_fixed(f, self.0, Self::DECIMALS)
    }
}

/// A positive number with two decimals, stored in hundredths: a sigma or a pixel ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hundredths(u16);

impl Hundredths {
    const DECIMALS: usize = 2;
    const ONE: u16 = 100;
    /// 1.
    pub const ONE_WHOLE: Self = Self(Self::ONE);

    /// The nearest number of hundredths; `None` for a number outside the range 0.01 to 655.35.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        to_fixed(value, Self::ONE, u16::MAX).filter(|&units| units > 0).map(Self)
    }

    /// Whether the number of hundredths is in this range.
    #[must_use]
    pub fn is_within(self, range: RangeInclusive<u16>) -> bool {
        range.contains(&self.0)
    }

    /// The number.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / f64::from(Self::ONE)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        parse_fixed(text, Self::DECIMALS).filter(|&units| units > 0).map(Self)
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_fixed(f, self.0, Self::DECIMALS)
    }
}

/// A factor with two decimals, stored in hundredths; 1 changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Factor(u16);

impl Factor {
    const DECIMALS: usize = 2;
    const ONE: u16 = 100;
    /// 1.
    pub const NEUTRAL: Self = Self(Self::ONE);

    /// The nearest number of hundredths; `None` for a number outside the range 0 to 655.35.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        to_fixed(value, Self::ONE, u16::MAX).map(Self)
    }

    /// Whether the factor is at most 10.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 <= 10 * Self::ONE
    }

    /// The number.
    #[must_use]
    pub fn to_f32(self) -> f32 {
        f32::from(self.0) / f32::from(Self::ONE)
    }

    /// The number.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / f64::from(Self::ONE)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        parse_fixed(text, Self::DECIMALS).map(Self)
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_fixed(f, self.0, Self::DECIMALS)
    }
}

/// The part of the image that a crop keeps, and the position of a padded image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gravity {
    /// An edge, a corner or the centre.
    Compass(Compass),
    /// The most salient part.
    Smart,
    /// A focal point, as fractions of the width and height. It is placed as close to the centre as
    /// the edges of the image allow.
    Focal(Fraction, Fraction),
}

impl Gravity {
    /// The centre.
    pub const CENTER: Self = Self::Compass(Compass::C);

    /// Parse `n`, `ne`, …, `c`, `smart` or a focal point such as `0.3-0.7`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "smart" {
            return Some(Self::Smart);
        }
        if let Some(compass) = Compass::ALL.into_iter().find(|compass| compass.name() == text) {
            return Some(Self::Compass(compass));
        }
        let (x, y) = text.split_once('-')?;
        Some(Self::Focal(Fraction::parse(x)?, Fraction::parse(y)?))
    }
}

impl fmt::Display for Gravity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compass(compass) => f.write_str(compass.name()),
            Self::Smart => f.write_str("smart"),
            Self::Focal(x, y) => write!(f, "{x}-{y}"),
        }
    }
}

/// The points of the compass, with north at the top, and the centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the points of the compass")]
pub enum Compass {
    N,
    NE,
    E,
    SE,
    S,
    SW,
    W,
    NW,
    C,
}

impl Compass {
    const ALL: [Self; 9] =
        [Self::N, Self::NE, Self::E, Self::SE, Self::S, Self::SW, Self::W, Self::NW, Self::C];

    const fn name(self) -> &'static str {
        match self {
            Self::N => "n",
            Self::NE => "ne",
            Self::E => "e",
            Self::SE => "se",
            Self::S => "s",
            Self::SW => "sw",
            Self::W => "w",
            Self::NW => "nw",
            Self::C => "c",
        }
    }

    /// The fraction of the free space to the left of the kept part, and the fraction above it.
    #[must_use]
    pub const fn position(self) -> (f64, f64) {
        match self {
            Self::N => (0.5, 0.0),
            Self::NE => (1.0, 0.0),
            Self::E => (1.0, 0.5),
            Self::SE => (1.0, 1.0),
            Self::S => (0.5, 1.0),
            Self::SW => (0.0, 1.0),
            Self::W => (0.0, 0.5),
            Self::NW => (0.0, 0.0),
            Self::C => (0.5, 0.5),
        }
    }
}

/// A part of the source, as fractions of its width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CropRect {
    /// The left edge.
    pub x: Fraction,
    /// The upper edge.
    pub y: Fraction,
    /// The width, above 0; `x + width` is at most 1.
    pub width: Fraction,
    /// The height, above 0; `y + height` is at most 1.
    pub height: Fraction,
}

impl CropRect {
    /// The whole source.
    pub const ALL: Self =
        Self { x: Fraction::MIN, y: Fraction::MIN, width: Fraction::MAX, height: Fraction::MAX };

    /// Parse `x-y-w-h`, where each part is a fraction.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-').map(Fraction::parse);
        let mut next = || parts.next().flatten();
        let rect = Self { x: next()?, y: next()?, width: next()?, height: next()? };
        parts.next().is_none().then_some(rect)
    }

    /// The part with these edges, rounded to fractions.
    #[must_use]
    pub fn from_f64([x, y, width, height]: [f64; 4]) -> Option<Self> {
        let span = |start: Fraction, length: f64| {
            let length = Fraction::from_f64(length)?;
            // Both were rounded, so their sum may be too large by one unit.
            let overshoot = (start.0 + length.0).saturating_sub(Fraction::ONE);
            Some(if overshoot == 1 { Fraction(length.0 - 1) } else { length })
        };
        let (x, y) = (Fraction::from_f64(x)?, Fraction::from_f64(y)?);
        Some(Self { x, y, width: span(x, width)?, height: span(y, height)? })
    }

    /// Whether the part has an area, and lies within the source.
    #[must_use]
    pub fn is_valid(self) -> bool {
        let fits = |start: Fraction, length: Fraction| {
            length > Fraction::MIN && start.0 + length.0 <= Fraction::ONE
        };
        fits(self.x, self.width) && fits(self.y, self.height)
    }
}

impl fmt::Display for CropRect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.x, self.y, self.width, self.height)
    }
}

/// A clockwise rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Rotation {
    /// No rotation.
    #[default]
    Deg0,
    /// A quarter turn.
    Deg90,
    /// A half turn.
    Deg180,
    /// A three-quarter turn.
    Deg270,
}

impl Rotation {
    /// The rotation in degrees.
    #[must_use]
    pub const fn degrees(self) -> u16 {
        match self {
            Self::Deg0 => 0,
            Self::Deg90 => 90,
            Self::Deg180 => 180,
            Self::Deg270 => 270,
        }
    }

    /// The rotation by 0, 90, 180 or 270 degrees.
    #[must_use]
    pub fn from_degrees(degrees: u16) -> Option<Self> {
        [Self::Deg0, Self::Deg90, Self::Deg180, Self::Deg270]
            .into_iter()
            .find(|rotation| rotation.degrees() == degrees)
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.degrees())
    }
}

/// A mirror image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flip {
    /// Left and right are swapped.
    Horizontal,
    /// Top and bottom are swapped.
    Vertical,
}

impl Flip {
    /// `h` or `v`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Horizontal => "h",
            Self::Vertical => "v",
        }
    }

    /// The mirror image with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Horizontal, Self::Vertical].into_iter().find(|flip| flip.name() == name)
    }
}

impl fmt::Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An sRGB colour without transparency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub [u8; 3]);

impl Rgb {
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// Parse six hexadecimal digits.
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

/// The quality of a lossy format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quality {
    /// A quality from 1 to 100.
    Fixed(u8),
    /// The lowest quality whose SSIMULACRA2 score reaches
    /// [`Qualities::target`](crate::thumbnail::options::Qualities::target).
    Auto,
}

impl Quality {
    /// The name of [`Self::Auto`].
    pub(super) const AUTO: &'static str = "auto";

    /// Whether a fixed quality is in the range 1 to 100.
    #[must_use]
    pub fn is_valid(self) -> bool {
        match self {
            Self::Fixed(quality) => (1..=100).contains(&quality),
            Self::Auto => true,
        }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(quality) => quality.fmt(f),
            Self::Auto => f.write_str(Self::AUTO),
        }
    }
}

/// The maximum size of a file in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByteLimit(pub(super) u32);

impl ByteLimit {
    /// Whether the limit is not zero.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 > 0
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for ByteLimit {
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

    /// Parse a name.
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

/// Whether a JPEG is progressive (scans from coarse to fine) or baseline (a single scan).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Progressive(pub bool);

impl fmt::Display for Progressive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "progressive" } else { "baseline" })
    }
}

/// The chroma subsampling of a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Subsampling {
    /// The full resolution, 4:4:4.
    Full,
    /// Half the width, 4:2:2.
    HalfWidth,
    /// Half the width and height, 4:2:0: half the bytes, but thin coloured lines have soft edges.
    #[default]
    Half,
}

impl Subsampling {
    /// The subsampling with this name: `444`, `422` or `420`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Full, Self::HalfWidth, Self::Half]
            .into_iter()
            .find(|subsampling| subsampling.name() == name)
    }

    /// The name in specs, settings and the Python API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "444",
            Self::HalfWidth => "422",
            Self::Half => "420",
        }
    }
}

impl fmt::Display for Subsampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The format option: a fixed format, or the best format that the client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FormatOption {
    /// Negotiated with the client, before the thumbnail is rendered.
    Auto,
    /// This format.
    Fixed(OutputFormat),
}

impl FormatOption {
    /// `auto`, or the format's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Fixed(format) => format.name(),
        }
    }

    /// The option with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "auto" {
            return Some(Self::Auto);
        }
        OutputFormat::from_name(name).map(Self::Fixed)
    }
}

impl fmt::Display for FormatOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The version of the source: eight characters of base64url that change when the source changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version([u8; 8]);

impl Version {
    /// Parse eight characters of `A-Za-z0-9_-`.
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

fn to_fixed(value: f64, one: u16, max: u16) -> Option<u16> {
    let units = (value * f64::from(one)).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    (0.0..=f64::from(max)).contains(&units).then_some(units as u16)
}

/// Parse a plain decimal number, and return it in units of its last decimal place.
fn parse_fixed(text: &str, decimals: usize) -> Option<u16> {
    let (whole, part) = text.split_once('.').map_or((text, None), |(w, p)| (w, Some(p)));
    let is_number =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !part.is_none_or(|part| is_number(part) && part.len() <= decimals) {
        return None;
    }
    format!("{whole}{:0<decimals$}", part.unwrap_or_default()).parse().ok()
}

fn write_fixed(f: &mut fmt::Formatter<'_>, units: u16, decimals: usize) -> fmt::Result {
    let mut scale = (0..decimals).fold(1, |scale: u16, _| scale * 10);
    let mut rest = units % scale;
    write!(f, "{}", units / scale)?;
    if rest > 0 {
        f.write_str(".")?;
    }
    while rest > 0 {
        scale /= 10;
        write!(f, "{}", rest / scale)?;
        rest %= scale;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_numbers_to_their_units() {
        assert_eq!(Fraction::from_f64(1.0 / 3.0).map(|f| f.to_string()).as_deref(), Some("0.3333"));
        assert_eq!(Fraction::from_f64(f64::NAN), None);
        assert_eq!(Fraction::from_f64(-0.1), None);
        assert_eq!(Hundredths::from_f64(0.001), None);
        assert_eq!(Hundredths::from_f64(f64::INFINITY), None);
        let crop = CropRect::from_f64([0.333_35, 0.0, 0.666_65, 1.0]);
        assert_eq!(crop.map(|c| c.to_string()).as_deref(), Some("0.3334-0-0.6666-1"));
    }
}
