//! Conversions of option values: from the text of a spec, and to and from keyword arguments in
//! Python.

use super::argument::{Argument, OptionValue, Refusal};
use super::css;
use super::values::{
    ByteLimit, CropRect, Factor, Fit, Flip, FormatOption, Fraction, FrameNumber, Gravity,
    Hundredths, Length, Page, Progressive, Quality, Rgb, Rotation, Seconds, Subsampling, Tolerance,
    Version, WatermarkName,
};

impl OptionValue for bool {
    fn parse(_: &str) -> Option<Self> {
        None
    }

    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        match argument {
            Argument::Flag(flag) => Ok(*flag),
            _ => Err(Refusal::Kind),
        }
    }

    fn to_argument(&self) -> Argument {
        Argument::Flag(*self)
    }

    fn is_default(&self) -> bool {
        !*self
    }
}

impl OptionValue for Fit {
    fn parse(text: &str) -> Option<Self> {
        Self::from_name(text)
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl OptionValue for Gravity {
    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        match argument {
            // This is the name in CSS and in most libraries.
            Argument::Text(text) if text == "center" => Ok(Self::CENTER),
            Argument::Text(text) => Self::parse(text).ok_or(Refusal::Value),
            Argument::Numbers(numbers) => match **numbers {
                [x, y] => Fraction::from_f64(x)
                    .zip(Fraction::from_f64(y))
                    .map(|(x, y)| Self::Focal(x, y))
                    .ok_or(Refusal::Value),
                _ => Err(Refusal::Kind),
            },
            _ => Err(Refusal::Kind),
        }
    }

    fn to_argument(&self) -> Argument {
        match self {
            Self::Focal(x, y) => Argument::Numbers(vec![x.to_f64(), y.to_f64()]),
            _ => Argument::Text(self.to_string()),
        }
    }

    fn is_default(&self) -> bool {
        *self == Self::CENTER || *self == Self::Focal(Fraction::HALF, Fraction::HALF)
    }
}

impl OptionValue for CropRect {
    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        match argument {
            Argument::Text(text) => Self::parse(text).ok_or(Refusal::Value),
            Argument::Numbers(numbers) => match **numbers {
                [x, y, width, height] => {
                    Self::from_f64([x, y, width, height]).ok_or(Refusal::Value)
                }
                _ => Err(Refusal::Kind),
            },
            _ => Err(Refusal::Kind),
        }
    }

    fn to_argument(&self) -> Argument {
        let edges = [self.x, self.y, self.width, self.height];
        Argument::Numbers(edges.map(Fraction::to_f64).into())
    }

    fn is_default(&self) -> bool {
        *self == Self::ALL
    }
}

impl OptionValue for Rotation {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().and_then(Self::from_degrees)
    }

    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        u16::try_from(argument.integer()?).ok().and_then(Self::from_degrees).ok_or(Refusal::Value)
    }

    fn to_argument(&self) -> Argument {
        Argument::Integer(self.degrees().into())
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl OptionValue for Flip {
    fn parse(text: &str) -> Option<Self> {
        Self::from_name(text)
    }
}

impl OptionValue for Hundredths {
    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        Self::from_f64(argument.number()?).ok_or(Refusal::Value)
    }

    fn to_argument(&self) -> Argument {
        Argument::Number(self.to_f64())
    }
}

impl OptionValue for Factor {
    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        Self::from_f64(argument.number()?).ok_or(Refusal::Value)
    }

    fn to_argument(&self) -> Argument {
        Argument::Number(self.to_f64())
    }

    fn is_default(&self) -> bool {
        *self == Self::NEUTRAL
    }
}

impl OptionValue for Rgb {
    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    /// Python code may write a colour as in CSS: a name, or `#` and three or six digits.
    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        let Argument::Text(text) = argument else { return Err(Refusal::Kind) };
        let text = text.trim();
        let digits = text.strip_prefix('#').unwrap_or(text);
        css::color(text)
            .map(Self)
            .or_else(|| Self::parse(digits))
            .or_else(|| {
                let doubled =
                    || digits.chars().flat_map(|digit| [digit, digit]).collect::<String>();
                (digits.len() == 3).then(doubled).and_then(|digits| Self::parse(&digits))
            })
            .ok_or(Refusal::Value)
    }
}

impl OptionValue for Tolerance {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// Python code may write `True` for the usual tolerance.
    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        match argument {
            Argument::Flag(true) => Ok(Self::USUAL),
            argument => byte(argument).map(Self),
        }
    }

    fn to_argument(&self) -> Argument {
        Argument::Integer(self.0.into())
    }
}

impl OptionValue for Page {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        u16::try_from(argument.integer()?).map(Self).map_err(|_| Refusal::Value)
    }

    fn to_argument(&self) -> Argument {
        Argument::Integer(self.0.into())
    }

    fn is_default(&self) -> bool {
        *self == Self::FIRST
    }
}

impl OptionValue for FrameNumber {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        u16::try_from(argument.integer()?).map(Self).map_err(|_| Refusal::Value)
    }

    fn to_argument(&self) -> Argument {
        Argument::Integer(self.0.into())
    }
}

impl OptionValue for Seconds {
    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        Self::from_f64(argument.number()?).ok_or(Refusal::Value)
    }

    fn to_argument(&self) -> Argument {
        Argument::Number(self.to_f64())
    }
}

impl OptionValue for Length {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        u16::try_from(argument.integer()?).map(Self).map_err(|_| Refusal::Value)
    }

    fn to_argument(&self) -> Argument {
        Argument::Integer(self.0.into())
    }
}

impl OptionValue for Quality {
    fn parse(text: &str) -> Option<Self> {
        if text == Self::AUTO { Some(Self::Auto) } else { text.parse().ok().map(Self::Fixed) }
    }

    /// Python code may write a number, or `auto`.
    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        match argument {
            Argument::Text(text) if text == Self::AUTO => Ok(Self::Auto),
            Argument::Text(_) => Err(Refusal::Kind),
            argument => byte(argument).map(Self::Fixed),
        }
    }

    fn to_argument(&self) -> Argument {
        match self {
            Self::Fixed(quality) => Argument::Integer((*quality).into()),
            Self::Auto => Argument::Text(Self::AUTO.into()),
        }
    }
}

impl OptionValue for ByteLimit {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        u32::try_from(argument.integer()?).map(Self).map_err(|_| Refusal::Value)
    }

    fn to_argument(&self) -> Argument {
        Argument::Integer(self.0.into())
    }
}

/// The number from 0 to 255.
fn byte(argument: &Argument) -> Result<u8, Refusal> {
    u8::try_from(argument.integer()?).map_err(|_| Refusal::Value)
}

impl OptionValue for Progressive {
    fn parse(text: &str) -> Option<Self> {
        [Self(true), Self(false)].into_iter().find(|value| value.to_string() == text)
    }

    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        bool::from_argument(argument).map(Self)
    }

    fn to_argument(&self) -> Argument {
        self.0.to_argument()
    }
}

impl OptionValue for Subsampling {
    fn parse(text: &str) -> Option<Self> {
        Self::from_name(text)
    }

    /// Python code may write a number, or `4:2:0`.
    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        match argument {
            Argument::Integer(number) => Self::from_name(&number.to_string()),
            Argument::Text(text) => {
                let is_ratio = text.split(':').all(|part| part.len() == 1);
                Self::from_name(&if is_ratio { text.replace(':', "") } else { text.clone() })
            }
            _ => return Err(Refusal::Kind),
        }
        .ok_or(Refusal::Value)
    }
}

impl OptionValue for FormatOption {
    fn parse(text: &str) -> Option<Self> {
        Self::from_name(text)
    }

    /// Python code may write the name in capitals, and `jpg` instead of `jpeg`.
    fn from_argument(argument: &Argument) -> Result<Self, Refusal> {
        let Argument::Text(text) = argument else { return Err(Refusal::Kind) };
        let name = text.to_ascii_lowercase();
        Self::parse(if name == "jpg" { "jpeg" } else { &name }).ok_or(Refusal::Value)
    }
}

impl OptionValue for WatermarkName {
    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl OptionValue for Version {
    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}
