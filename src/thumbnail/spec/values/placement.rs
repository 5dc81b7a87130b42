//! Which part of the image is shown, and where it is placed in the box.

use std::fmt;

use super::fixed::Fraction;

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

    /// Parses `n`, `ne`, …, `c`, `smart` or a focal point such as `0.3-0.7`.
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

    /// Parses `x-y-w-h`, where each part is a fraction.
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

    /// Whether the part has an area and is within the source.
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
