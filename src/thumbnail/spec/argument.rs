//! The value of an option as a keyword argument of the Python API.

use std::fmt;

/// A keyword argument.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// No value.
    None,
    /// A flag.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// Several numbers, such as a point.
    Numbers(Vec<f64>),
    /// A value of any other type, as displayed by Python. No option accepts it.
    Other(String),
}

impl Argument {
    /// The whole number.
    pub(super) const fn integer(&self) -> Result<i64, Refusal> {
        match self {
            Self::Integer(number) => Ok(*number),
            _ => Err(Refusal::Kind),
        }
    }

    /// The number, whether it is whole or not.
    pub(super) fn number(&self) -> Result<f64, Refusal> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "larger numbers are out of range")]
            Self::Integer(number) => Ok(*number as f64),
            Self::Number(number) => Ok(*number),
            _ => Err(Refusal::Kind),
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Flag(flag) => f.write_str(if *flag { "True" } else { "False" }),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) | Self::Other(text) => f.write_str(text),
            Self::Numbers(numbers) => {
                let numbers: Vec<_> = numbers.iter().map(f64::to_string).collect();
                f.write_str(&numbers.join("-"))
            }
        }
    }
}

/// The reason why an option rejects an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The argument has the wrong type, such as a string for a number.
    Kind,
    /// The argument has the right type, but is not a valid value.
    Value,
}

/// The value of an option. [`fmt::Display`] writes it in the canonical form that specs use.
pub trait OptionValue: fmt::Display {
    /// Parses the text of the value in a spec.
    fn parse(text: &str) -> Option<Self>
    where
        Self: Sized;

    /// Converts a keyword argument. By default, the argument is a string with the same text as in a
    /// spec.
    ///
    /// # Errors
    /// The reason why the option rejects it.
    fn from_argument(argument: &Argument) -> Result<Self, Refusal>
    where
        Self: Sized,
    {
        match argument {
            Argument::Text(text) => Self::parse(text).ok_or(Refusal::Value),
            _ => Err(Refusal::Kind),
        }
    }

    /// Returns the keyword argument for this value.
    fn to_argument(&self) -> Argument {
        Argument::Text(self.to_string())
    }

    /// Whether the value equals the default. A spec omits such a value.
    fn is_default(&self) -> bool {
        false
    }
}
