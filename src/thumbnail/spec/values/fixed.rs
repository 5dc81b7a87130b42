//! Numbers with a fixed number of decimals, so that their text is exact.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A fraction from 0 to 1, stored in ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fraction(pub(super) u16);

impl Fraction {
    const DECIMALS: usize = 4;
    pub(super) const ONE: u16 = 10_000;
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

    pub(super) fn parse(text: &str) -> Option<Self> {
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

    pub(in super::super) fn parse(text: &str) -> Option<Self> {
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

    pub(in super::super) fn parse(text: &str) -> Option<Self> {
        parse_fixed(text, Self::DECIMALS).map(Self)
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_fixed(f, self.0, Self::DECIMALS)
    }
}

/// A time in seconds with two decimals, stored in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u32);

impl Seconds {
    const DECIMALS: usize = 2;
    const ONE: u16 = 100;

    /// The nearest number of hundredths; `None` for a number outside the range 0 to 42949672.95.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        to_fixed(value, Self::ONE, u32::MAX).map(Self)
    }

    /// Whether the time is at most a day.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 <= 86_400 * Self::ONE as u32
    }

    /// The number of seconds.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / f64::from(Self::ONE)
    }

    pub(in super::super) fn parse(text: &str) -> Option<Self> {
        parse_fixed(text, Self::DECIMALS).map(Self)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_fixed(f, self.0, Self::DECIMALS)
    }
}

fn to_fixed<T: TryFrom<u32> + Into<u32>>(value: f64, one: u16, max: T) -> Option<T> {
    let units = (value * f64::from(one)).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    let fixed = (0.0..=f64::from(max.into())).contains(&units).then_some(units as u32);
    fixed.and_then(|units| T::try_from(units).ok())
}

/// Parses a plain decimal number, and returns it in units of its last decimal place.
fn parse_fixed<T: FromStr>(text: &str, decimals: usize) -> Option<T> {
    let (whole, part) = text.split_once('.').map_or((text, None), |(w, p)| (w, Some(p)));
    let is_number =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !part.is_none_or(|part| is_number(part) && part.len() <= decimals) {
        return None;
    }
    format!("{whole}{:0<decimals$}", part.unwrap_or_default()).parse().ok()
}

fn write_fixed(f: &mut fmt::Formatter<'_>, units: impl Into<u32>, decimals: usize) -> fmt::Result {
    let units = units.into();
    let mut scale = (0..decimals).fold(1, |scale: u32, _| scale * 10);
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
    use crate::thumbnail::spec::CropRect;

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
