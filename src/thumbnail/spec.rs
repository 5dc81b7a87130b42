//! The spec: the text in a thumbnail's URL that says what the thumbnail looks like.
//!
//! `WxH[,option…]`, `-` for a free side: `300x200`, `300x-`, `96x96,cover,g-smart,q-80`. The
//! options come in a fixed order, each at most once, defaults left out, and numbers have one
//! spelling, so that a thumbnail has exactly one URL and one place in a cache. Fractions and
//! sigmas are whole numbers of a small unit here, so their text is exact.

use std::fmt;
use std::str::FromStr;

use super::format::OutputFormat;
use crate::error::SpecError;

/// The longest side that can be written, in pixels (JPEG and GIF end there).
pub const MAX_SIDE: u32 = 65_535;

/// How the picture fills the box `WxH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fit {
    /// The whole picture within the box, its proportions kept. Never enlarges by itself.
    #[default]
    Contain,
    /// The box full, its overhang cropped.
    Cover,
    /// The box full, the picture stretched.
    Fill,
    /// As [`Contain`](Self::Contain), with the rest of the box in the background colour.
    Pad,
}

impl Fit {
    /// Every way, in the order of the documentation.
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

    /// The way with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fit| fit.name() == name)
    }
}

/// A fraction from 0 to 1, in ten-thousandths.
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

    /// The nearest fraction, or none for what is not between 0 and 1.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        to_fixed(value, Self::ONE, Self::ONE).map(Self)
    }

    /// Between 0.0 and 1.0.
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

/// A positive number with two decimals, in hundredths: a sigma or a pixel ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hundredths(u16);

impl Hundredths {
    const DECIMALS: usize = 2;
    const ONE: u16 = 100;
    /// 1.
    pub const ONE_WHOLE: Self = Self(Self::ONE);

    /// The nearest number of hundredths, or none for what is not above 0 and at most 655.35.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        to_fixed(value, Self::ONE, u16::MAX).filter(|&units| units > 0).map(Self)
    }

    /// The number itself.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / f64::from(Self::ONE)
    }

    fn parse(text: &str) -> Option<Self> {
        parse_fixed(text, Self::DECIMALS).filter(|&units| units > 0).map(Self)
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_fixed(f, self.0, Self::DECIMALS)
    }
}

/// Which part of the picture stays when it is cropped, and where it stands when it is padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gravity {
    /// An edge, a corner or the centre: the fractions (0, ½ or 1) of the free space that lie
    /// to the left of and above the picture's kept part.
    Compass(Compass),
    /// The part that looks most interesting.
    Smart,
    /// The point of the picture, as fractions of its width and height, that stays as near to
    /// the centre as the picture's edges allow.
    Focal(Fraction, Fraction),
}

impl Gravity {
    /// The centre.
    pub const CENTER: Self = Self::Compass(Compass::C);

    /// Read `n`, `ne`, …, `c`, `smart` or a focal point such as `0.3-0.7`.
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

/// The points of the compass, north up, and the centre.
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

    /// The fractions of the free space that lie left of and above the kept part.
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

/// A part of the source, in fractions of its width and height.
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

    /// Read `x-y-w-h`, each a fraction.
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
            // Both were rounded; together they may overshoot by one unit.
            let overshoot = (start.0 + length.0).saturating_sub(Fraction::ONE);
            Some(if overshoot == 1 { Fraction(length.0 - 1) } else { length })
        };
        let (x, y) = (Fraction::from_f64(x)?, Fraction::from_f64(y)?);
        Some(Self { x, y, width: span(x, width)?, height: span(y, height)? })
    }

    fn is_valid(self) -> bool {
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

/// A clockwise turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Rotation {
    /// None.
    #[default]
    Deg0,
    /// A quarter.
    Deg90,
    /// A half.
    Deg180,
    /// Three quarters.
    Deg270,
}

impl Rotation {
    /// The turn in degrees.
    #[must_use]
    pub const fn degrees(self) -> u16 {
        match self {
            Self::Deg0 => 0,
            Self::Deg90 => 90,
            Self::Deg180 => 180,
            Self::Deg270 => 270,
        }
    }

    /// The turn of so many degrees: 0, 90, 180 or 270.
    #[must_use]
    pub fn from_degrees(degrees: u16) -> Option<Self> {
        [Self::Deg0, Self::Deg90, Self::Deg180, Self::Deg270]
            .into_iter()
            .find(|rotation| rotation.degrees() == degrees)
    }
}

/// A mirror image. (Both together are a turn by 180°.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flip {
    /// Left becomes right.
    Horizontal,
    /// Up becomes down.
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

/// An sRGB colour without transparency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub [u8; 3]);

impl Rgb {
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// Read six hexadecimal digits.
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

/// The format option: a fixed one, or the best that the client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FormatOption {
    /// Negotiated with the client. Whoever renders has to settle it first.
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

/// The version of the source: eight characters of base64url that change when it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version([u8; 8]);

impl Version {
    /// Read eight characters out of `A-Za-z0-9_-`.
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

/// What a thumbnail looks like. Read it with [`Spec::parse`], write it with [`fmt::Display`];
/// one built field by field has to go through [`Spec::normalized`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Spec {
    /// The width of the box in pixels, before [`dpr`](Self::dpr); none = free.
    pub width: Option<u32>,
    /// The height of the box in pixels, before [`dpr`](Self::dpr); none = free.
    pub height: Option<u32>,
    /// How the picture fills the box.
    pub fit: Fit,
    /// Let [`Fit::Contain`] and [`Fit::Pad`] enlarge the picture; the others do so anyway.
    pub upscale: bool,
    /// Which part stays; none = the centre.
    pub gravity: Option<Gravity>,
    /// The part of the (upright) source that is used; none = all of it.
    pub crop: Option<CropRect>,
    /// A turn of the picture; the box is that of the turned picture.
    pub rotate: Rotation,
    /// A mirror image, after the turn.
    pub flip: Option<Flip>,
    /// The sigma of a Gaussian blur in pixels of the thumbnail, at most 100.
    pub blur: Option<Hundredths>,
    /// The sigma of an unsharp mask in pixels of the thumbnail, at most 10.
    pub sharpen: Option<Hundredths>,
    /// What shows through transparent parts and fills the padding.
    pub background: Option<Rgb>,
    /// Pixels of the thumbnail for one of the box, 0.1 to 8; none = 1.
    pub dpr: Option<Hundredths>,
    /// Quality from 1 to 100; none = the setting for the format.
    pub quality: Option<u8>,
    /// The format; none = by the name of the source.
    pub format: Option<FormatOption>,
    /// The version of the source.
    pub version: Option<Version>,
}

impl Spec {
    /// Read a spec in its canonical spelling.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let mut parts = text.split(',');
        let mut spec = parts.next().map_or(Err(SpecError::Size), Self::parse_size)?;
        let mut seen = 0_u32;
        for part in parts {
            let option = spec.read_option(part)?;
            let bit = 1 << option as u32;
            if seen & bit != 0 {
                return Err(SpecError::Repeated { option: option.name(), found: part.into() });
            }
            seen |= bit;
        }
        let spec = spec.normalized()?;
        let canonical = spec.to_string();
        if canonical == text { Ok(spec) } else { Err(SpecError::NotCanonical { canonical }) }
    }

    fn parse_size(text: &str) -> Result<Self, SpecError> {
        let side = |text: &str| match text {
            "-" => Some(None),
            _ => text
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| text.parse().ok().map(Some))?,
        };
        let sides = text.split_once('x').and_then(|(w, h)| Some((side(w)?, side(h)?)));
        let (width, height) = sides.ok_or(SpecError::Size)?;
        Ok(Self { width, height, ..Self::default() })
    }

    fn read_option(&mut self, text: &str) -> Result<SpecOption, SpecError> {
        if let Some(fit) = Fit::from_name(text) {
            self.fit = fit;
            return Ok(SpecOption::Fit);
        }
        if let Some(format) = FormatOption::from_name(text) {
            self.format = Some(format);
            return Ok(SpecOption::Format);
        }
        if text == "upscale" {
            self.upscale = true;
            return Ok(SpecOption::Upscale);
        }
        let unknown = || SpecError::UnknownOption { found: text.into() };
        let (name, value) = text.split_once('-').ok_or_else(unknown)?;
        let option = SpecOption::WITH_VALUE
            .into_iter()
            .find(|option| option.name() == name)
            .ok_or_else(unknown)?;
        let wrong = || option.wrong(value);
        match option {
            SpecOption::Gravity => self.gravity = Some(Gravity::parse(value).ok_or_else(wrong)?),
            SpecOption::Crop => self.crop = Some(CropRect::parse(value).ok_or_else(wrong)?),
            SpecOption::Rotate => {
                let degrees = value.parse().ok();
                self.rotate = degrees.and_then(Rotation::from_degrees).ok_or_else(wrong)?;
            }
            SpecOption::Flip => self.flip = Some(Flip::from_name(value).ok_or_else(wrong)?),
            SpecOption::Blur => self.blur = Some(Hundredths::parse(value).ok_or_else(wrong)?),
            SpecOption::Sharpen => self.sharpen = Some(Hundredths::parse(value).ok_or_else(wrong)?),
            SpecOption::Background => self.background = Some(Rgb::parse(value).ok_or_else(wrong)?),
            SpecOption::Dpr => self.dpr = Some(Hundredths::parse(value).ok_or_else(wrong)?),
            SpecOption::Quality => self.quality = Some(value.parse().map_err(|_| wrong())?),
            SpecOption::Version => self.version = Some(Version::parse(value).ok_or_else(wrong)?),
            SpecOption::Fit | SpecOption::Upscale | SpecOption::Format => return Err(unknown()),
        }
        Ok(option)
    }

    /// Check every range, and leave out what is the default anyway, so that two specs for the
    /// same thumbnail are equal.
    ///
    /// # Errors
    /// The first value that is out of its range.
    pub fn normalized(mut self) -> Result<Self, SpecError> {
        for side in [self.width, self.height].into_iter().flatten() {
            if !(1..=MAX_SIDE).contains(&side) {
                return Err(SpecError::Side { side });
            }
        }
        if matches!(self.fit, Fit::Cover | Fit::Fill) {
            self.upscale = false;
        }
        let center = Gravity::Focal(Fraction::HALF, Fraction::HALF);
        self.gravity = self.gravity.filter(|&g| g != Gravity::CENTER && g != center);
        self.crop = self.crop.filter(|&crop| crop != CropRect::ALL);
        self.dpr = self.dpr.filter(|&dpr| dpr != Hundredths::ONE_WHOLE);
        let checks = [
            (SpecOption::Crop, self.crop.filter(|crop| !crop.is_valid()).map(|c| c.to_string())),
            (SpecOption::Blur, out_of(self.blur, 1, 10_000)),
            (SpecOption::Sharpen, out_of(self.sharpen, 1, 1_000)),
            (SpecOption::Dpr, out_of(self.dpr, 10, 800)),
            (
                SpecOption::Quality,
                self.quality.filter(|q| !(1..=100).contains(q)).map(|q| q.to_string()),
            ),
        ];
        for (option, found) in checks {
            if let Some(found) = found {
                return Err(option.wrong(&found));
            }
        }
        Ok(self)
    }

    /// The format of the thumbnail of a source with this name: the spec's own, else the one
    /// that the name's ending stands for, else JPEG.
    #[must_use]
    pub fn output_format(&self, source_name: &str) -> FormatOption {
        self.format.unwrap_or_else(|| {
            FormatOption::Fixed(
                OutputFormat::from_file_name(source_name).unwrap_or(OutputFormat::Jpeg),
            )
        })
    }
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Self::parse(text)
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_side(f, self.width)?;
        f.write_str("x")?;
        write_side(f, self.height)?;
        if self.fit != Fit::default() {
            write!(f, ",{}", self.fit.name())?;
        }
        if self.upscale {
            f.write_str(",upscale")?;
        }
        write_option(f, SpecOption::Gravity, self.gravity)?;
        write_option(f, SpecOption::Crop, self.crop)?;
        let turned = self.rotate != Rotation::Deg0;
        write_option(f, SpecOption::Rotate, turned.then(|| self.rotate.degrees()))?;
        write_option(f, SpecOption::Flip, self.flip.map(Flip::name))?;
        write_option(f, SpecOption::Blur, self.blur)?;
        write_option(f, SpecOption::Sharpen, self.sharpen)?;
        write_option(f, SpecOption::Background, self.background)?;
        write_option(f, SpecOption::Dpr, self.dpr)?;
        write_option(f, SpecOption::Quality, self.quality)?;
        if let Some(format) = self.format {
            write!(f, ",{}", format.name())?;
        }
        write_option(f, SpecOption::Version, self.version)
    }
}

/// The options of a spec, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecOption {
    /// `contain`, `cover`, `fill` or `pad`.
    Fit,
    /// `upscale`.
    Upscale,
    /// `g-…`.
    Gravity,
    /// `crop-x-y-w-h`.
    Crop,
    /// `rot-…`.
    Rotate,
    /// `flip-…`.
    Flip,
    /// `blur-…`.
    Blur,
    /// `sharpen-…`.
    Sharpen,
    /// `bg-rrggbb`.
    Background,
    /// `dpr-…`.
    Dpr,
    /// `q-…`.
    Quality,
    /// `jpeg`, `png`, `webp`, `avif`, `gif` or `auto`.
    Format,
    /// `v-XXXXXXXX`.
    Version,
}

impl SpecOption {
    const WITH_VALUE: [Self; 10] = [
        Self::Gravity,
        Self::Crop,
        Self::Rotate,
        Self::Flip,
        Self::Blur,
        Self::Sharpen,
        Self::Background,
        Self::Dpr,
        Self::Quality,
        Self::Version,
    ];

    /// What stands before the value in a spec.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fit => "fit",
            Self::Upscale => "upscale",
            Self::Gravity => "g",
            Self::Crop => "crop",
            Self::Rotate => "rot",
            Self::Flip => "flip",
            Self::Blur => "blur",
            Self::Sharpen => "sharpen",
            Self::Background => "bg",
            Self::Dpr => "dpr",
            Self::Quality => "q",
            Self::Format => "format",
            Self::Version => "v",
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Fit => "contain, cover, fill or pad",
            Self::Upscale => "no value",
            Self::Gravity => {
                "n, ne, e, se, s, sw, w, nw, c, smart, or a focal point such as 0.3-0.7"
            }
            Self::Crop => {
                "x-y-w-h in fractions of the source that stay within it, such as 0-0.25-1-0.5"
            }
            Self::Rotate => "90, 180 or 270",
            Self::Flip => "h or v",
            Self::Blur => "a sigma from 0.01 to 100, with at most two decimals",
            Self::Sharpen => "a sigma from 0.01 to 10, with at most two decimals",
            Self::Background => "a colour of six hexadecimal digits, such as ffffff",
            Self::Dpr => "a ratio from 0.1 to 8, with at most two decimals",
            Self::Quality => "a whole number from 1 to 100",
            Self::Format => "jpeg, png, webp, avif, gif or auto",
            Self::Version => "eight characters out of A-Z, a-z, 0-9, _ and -",
        }
    }

    /// The error for a value that this option does not take.
    #[must_use]
    pub fn wrong(self, found: &str) -> SpecError {
        SpecError::Value { option: self.name(), found: found.into(), expected: self.expected() }
    }
}

fn out_of(value: Option<Hundredths>, min: u16, max: u16) -> Option<String> {
    value.filter(|value| !(min..=max).contains(&value.0)).map(|value| value.to_string())
}

fn to_fixed(value: f64, one: u16, max: u16) -> Option<u16> {
    let units = (value * f64::from(one)).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    (0.0..=f64::from(max)).contains(&units).then_some(units as u16)
}

/// Read a plain decimal number as a whole number of its last possible decimal.
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

fn write_side(f: &mut fmt::Formatter<'_>, side: Option<u32>) -> fmt::Result {
    match side {
        Some(side) => write!(f, "{side}"),
        None => f.write_str("-"),
    }
}

fn write_option<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    option: SpecOption,
    value: Option<T>,
) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, ",{}-{value}", option.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_and_writes_every_option() {
        for text in [
            "300x200",
            "300x-",
            "-x200",
            "-x-",
            "1x65535",
            "300x200,cover",
            "300x200,fill,q-80",
            "300x200,pad,upscale,g-n,bg-ffffff",
            "300x200,upscale",
            "300x200,cover,g-smart",
            "300x200,cover,g-0.3-0.7",
            "300x200,cover,g-0-1",
            "300x200,crop-0-0.25-1-0.3333",
            "300x200,rot-90,flip-h",
            "300x200,flip-v,blur-2.5,sharpen-0.05,bg-00ff7f,dpr-1.5,q-100,auto,v-aZ0_-aZ0",
            "300x200,cover,g-se,crop-0-0-0.5-0.5,rot-270,flip-v,blur-100,sharpen-10,bg-000000,dpr-8,q-1,avif,v-AAAAAAAA",
        ] {
            assert_eq!(Spec::parse(text).map(|spec| spec.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn says_the_canonical_spelling() {
        for (text, canonical) in [
            ("0300x200", "300x200"),
            ("300x200,contain", "300x200"),
            ("300x200,q-80,cover", "300x200,cover,q-80"),
            ("300x200,cover,upscale", "300x200,cover"),
            ("300x200,cover,g-c", "300x200,cover"),
            ("300x200,cover,g-0.5-0.50", "300x200,cover"),
            ("300x200,cover,g-0.30-0.7", "300x200,cover,g-0.3-0.7"),
            ("300x200,cover,g-00.3-1.0", "300x200,cover,g-0.3-1"),
            ("300x200,crop-0-0-1-1", "300x200"),
            ("300x200,rot-0", "300x200"),
            ("300x200,rot-+90", "300x200,rot-90"),
            ("300x200,dpr-1", "300x200"),
            ("300x200,dpr-2.0", "300x200,dpr-2"),
            ("300x200,q-080", "300x200,q-80"),
            ("300x200,q-+80", "300x200,q-80"),
            ("300x200,bg-FFFFFF", "300x200,bg-ffffff"),
        ] {
            let expected = Err(SpecError::NotCanonical { canonical: canonical.into() });
            assert_eq!(Spec::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_spec() {
        for text in ["", "300", "x", "300x", "x200", "300X200", "+3x2", "3.0x2", "99999999999x1"] {
            assert_eq!(Spec::parse(text), Err(SpecError::Size), "{text:?}");
        }
        assert_eq!(Spec::parse("0x200"), Err(SpecError::Side { side: 0 }));
        assert_eq!(Spec::parse("65536x-"), Err(SpecError::Side { side: 65_536 }));
        for text in [",", ",covered", ",Cover", ", cover", ",q80", ",fit-cover", ",upscale-2", ",-"]
        {
            let found = Spec::parse(&format!("300x200{text}"));
            assert!(matches!(found, Err(SpecError::UnknownOption { .. })), "{text}: {found:?}");
        }
        for text in [
            "q-0",
            "q-101",
            "q-256",
            "q-",
            "q--1",
            "rot-45",
            "flip-x",
            "blur-0",
            "blur-100.01",
            "blur-.5",
            "blur-5.",
            "blur-1.005",
            "sharpen-10.5",
            "bg-fff",
            "bg-gggggg",
            "bg-+fffff",
            "dpr-0",
            "dpr-0.05",
            "dpr-8.01",
            "g-up",
            "g-1.1-0",
            "g-0.5",
            "g--0.5-1",
            "g-0.5-0.5-1",
            "crop-0-0-0-1",
            "crop-0.5-0-0.6-1",
            "crop-0-0-1",
            "crop-0-0-1-1-1",
            "v-short",
            "v-toolonger",
            "v-äbcdefg",
        ] {
            let found = Spec::parse(&format!("300x200,{text}"));
            assert!(matches!(found, Err(SpecError::Value { .. })), "{text}: {found:?}");
        }
        let found = Spec::parse("300x200,cover,fill");
        assert!(matches!(found, Err(SpecError::Repeated { option: "fit", .. })), "{found:?}");
    }

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

    #[test]
    fn names_the_output_format() {
        let spec = |text| Spec::parse(text).unwrap();
        let jpeg = FormatOption::Fixed(OutputFormat::Jpeg);
        let png = FormatOption::Fixed(OutputFormat::Png);
        assert_eq!(spec("9x9").output_format("a/b.PNG"), png);
        assert_eq!(spec("9x9").output_format("a.tiff"), jpeg);
        assert_eq!(spec("9x9,png").output_format("a.jpg"), png);
        assert_eq!(spec("9x9,auto").output_format("a.jpg"), FormatOption::Auto);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[0-9]{0,3}x[0-9-]{0,3}(,[a-z]{0,5}-?[0-9a-f.-]{0,9}){0,4}|.*") {
            if let Ok(spec) = Spec::parse(&text) {
                prop_assert_eq!(spec.to_string(), text);
            }
        }
    }
}
