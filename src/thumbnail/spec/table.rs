//! The options of a spec, in their order: one table for parsing, the canonical text, and the keyword
//! arguments and attributes in Python.
//!
//! To add an option, add a field to [`Spec`], a line here, and a step in the engine.

use super::argument::{Argument, OptionValue, Refusal};
use super::fields::Spec;
use super::values::{
    ByteLimit, CropRect, Factor, FrameNumber, Hundredths, Length, Page, Quality, Seconds,
};
use crate::error::SpecError;

/// The text of an option in a spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Only the value.
    Value,
    /// Only this word.
    Flag(&'static str),
    /// This prefix, a hyphen and the value.
    Prefixed(&'static str),
}

/// The text of a value in a spec, or a keyword argument.
#[derive(Clone, Copy)]
enum Given<'a> {
    Text(&'a str),
    Argument(&'a Argument),
}

/// An option.
pub struct SpecOption {
    /// The name of its keyword argument in Python.
    pub keyword: &'static str,
    /// Its text in a spec.
    pub form: Form,
    /// The values in a short form, for the list of all options in error messages.
    values: &'static str,
    /// The values, for an error message: "must be …".
    expected: &'static str,
    set: fn(&mut Spec, Given<'_>) -> Result<(), Refusal>,
    value: for<'a> fn(&'a Spec) -> Option<&'a dyn OptionValue>,
    is_valid: fn(&Spec) -> bool,
    /// Drops a value that equals the default.
    drop_default: fn(&mut Spec),
}

/// The base of the options below: an option without further conditions.
const PLAIN: SpecOption = SpecOption {
    keyword: "",
    form: Form::Value,
    values: "…",
    expected: "",
    set: |_, _| Err(Refusal::Kind),
    value: |_| None,
    is_valid: |_| true,
    drop_default: |_| {},
};

/// The valid factors of the options that change colours.
const FACTOR: &str = "a factor from 0 to 10, with at most two decimals";

/// The valid lengths.
const PIXELS: &str = "a whole number of pixels from 1 to 65535";

/// The options, in their order in a spec.
pub const OPTIONS: [SpecOption; 30] = [
    SpecOption {
        keyword: "fit",
        values: "contain|cover|fill|pad",
        expected: "contain, cover, fill or pad",
        set: |spec, given| set(&mut spec.fit, given),
        value: |spec| Some(&spec.fit),
        ..PLAIN
    },
    SpecOption {
        keyword: "upscale",
        form: Form::Flag("upscale"),
        expected: "True or False",
        set: |spec, given| set(&mut spec.upscale, given),
        value: |spec| Some(&spec.upscale),
        ..PLAIN
    },
    SpecOption {
        keyword: "gravity",
        form: Form::Prefixed("g"),
        expected: "n, ne, e, se, s, sw, w, nw, c, smart, or a focal point such as 0.3-0.7",
        set: |spec, given| set_optional(&mut spec.gravity, given),
        value: |spec| optional(spec.gravity.as_ref()),
        drop_default: |spec| drop_default(&mut spec.gravity),
        ..PLAIN
    },
    SpecOption {
        keyword: "page",
        form: Form::Prefixed("page"),
        expected: "a whole number from 1 to 65535",
        set: |spec, given| set_optional(&mut spec.page, given),
        value: |spec| optional(spec.page.as_ref()),
        is_valid: |spec| spec.page.is_none_or(Page::is_valid),
        drop_default: |spec| drop_default(&mut spec.page),
        ..PLAIN
    },
    SpecOption {
        keyword: "frame",
        form: Form::Prefixed("frame"),
        expected: "a whole number from 1 to 65535",
        set: |spec, given| set_optional(&mut spec.frame, given),
        value: |spec| optional(spec.frame.as_ref()),
        is_valid: |spec| spec.frame.is_none_or(FrameNumber::is_valid),
        ..PLAIN
    },
    SpecOption {
        keyword: "at",
        form: Form::Prefixed("at"),
        expected: "a number of seconds from 0 to 86400, with at most two decimals",
        set: |spec, given| set_optional(&mut spec.at, given),
        value: |spec| optional(spec.at.as_ref()),
        is_valid: |spec| spec.at.is_none_or(Seconds::is_valid),
        ..PLAIN
    },
    SpecOption {
        keyword: "trim",
        form: Form::Prefixed("trim"),
        expected: "a tolerance from 0 to 255 (in Python also True, which means 10)",
        set: |spec, given| match given {
            Given::Argument(Argument::Flag(false)) => {
                spec.trim = None;
                Ok(())
            }
            given => set_optional(&mut spec.trim, given),
        },
        value: |spec| optional(spec.trim.as_ref()),
        ..PLAIN
    },
    SpecOption {
        keyword: "crop",
        form: Form::Prefixed("crop"),
        values: "x-y-w-h",
        expected: "x-y-w-h in fractions of the source that stay within it, such as 0-0.25-1-0.5",
        set: |spec, given| set_optional(&mut spec.crop, given),
        value: |spec| optional(spec.crop.as_ref()),
        is_valid: |spec| spec.crop.is_none_or(CropRect::is_valid),
        drop_default: |spec| drop_default(&mut spec.crop),
    },
    SpecOption {
        keyword: "rotate",
        form: Form::Prefixed("rot"),
        values: "90|180|270",
        expected: "90, 180 or 270",
        set: |spec, given| set(&mut spec.rotate, given),
        value: |spec| Some(&spec.rotate),
        ..PLAIN
    },
    SpecOption {
        keyword: "flip",
        form: Form::Prefixed("flip"),
        values: "h|v",
        expected: "h or v",
        set: |spec, given| set_optional(&mut spec.flip, given),
        value: |spec| optional(spec.flip.as_ref()),
        ..PLAIN
    },
    SpecOption {
        keyword: "brightness",
        form: Form::Prefixed("brightness"),
        expected: FACTOR,
        set: |spec, given| set_optional(&mut spec.brightness, given),
        value: |spec| optional(spec.brightness.as_ref()),
        is_valid: |spec| spec.brightness.is_none_or(Factor::is_valid),
        drop_default: |spec| drop_default(&mut spec.brightness),
        ..PLAIN
    },
    SpecOption {
        keyword: "contrast",
        form: Form::Prefixed("contrast"),
        expected: FACTOR,
        set: |spec, given| set_optional(&mut spec.contrast, given),
        value: |spec| optional(spec.contrast.as_ref()),
        is_valid: |spec| spec.contrast.is_none_or(Factor::is_valid),
        drop_default: |spec| drop_default(&mut spec.contrast),
        ..PLAIN
    },
    SpecOption {
        keyword: "saturation",
        form: Form::Prefixed("saturation"),
        expected: FACTOR,
        set: |spec, given| set_optional(&mut spec.saturation, given),
        value: |spec| optional(spec.saturation.as_ref()),
        is_valid: |spec| spec.saturation.is_none_or(Factor::is_valid),
        drop_default: |spec| drop_default(&mut spec.saturation),
        ..PLAIN
    },
    SpecOption {
        keyword: "grayscale",
        form: Form::Flag("grayscale"),
        expected: "True or False",
        set: |spec, given| set(&mut spec.grayscale, given),
        value: |spec| Some(&spec.grayscale),
        ..PLAIN
    },
    SpecOption {
        keyword: "pixelate",
        form: Form::Prefixed("pixelate"),
        expected: PIXELS,
        set: |spec, given| set_optional(&mut spec.pixelate, given),
        value: |spec| optional(spec.pixelate.as_ref()),
        is_valid: |spec| spec.pixelate.is_none_or(Length::is_valid),
        ..PLAIN
    },
    SpecOption {
        keyword: "blur",
        form: Form::Prefixed("blur"),
        expected: "a sigma from 0.01 to 100, with at most two decimals",
        set: |spec, given| set_optional(&mut spec.blur, given),
        value: |spec| optional(spec.blur.as_ref()),
        is_valid: |spec| spec.blur.is_none_or(|blur| blur.is_within(1..=10_000)),
        ..PLAIN
    },
    SpecOption {
        keyword: "detail",
        form: Form::Flag("detail"),
        expected: "True or False",
        set: |spec, given| set(&mut spec.detail, given),
        value: |spec| Some(&spec.detail),
        ..PLAIN
    },
    SpecOption {
        keyword: "sharpen",
        form: Form::Prefixed("sharpen"),
        expected: "a sigma from 0.01 to 10, with at most two decimals",
        set: |spec, given| set_optional(&mut spec.sharpen, given),
        value: |spec| optional(spec.sharpen.as_ref()),
        is_valid: |spec| spec.sharpen.is_none_or(|sharpen| sharpen.is_within(1..=1_000)),
        ..PLAIN
    },
    SpecOption {
        keyword: "radius",
        form: Form::Prefixed("radius"),
        expected: PIXELS,
        set: |spec, given| set_optional(&mut spec.radius, given),
        value: |spec| optional(spec.radius.as_ref()),
        is_valid: |spec| spec.radius.is_none_or(Length::is_valid),
        ..PLAIN
    },
    SpecOption {
        keyword: "background",
        form: Form::Prefixed("bg"),
        values: "rrggbb",
        expected: "a colour of six hexadecimal digits, such as ffffff (in Python also a CSS name, such as white)",
        set: |spec, given| set_optional(&mut spec.background, given),
        value: |spec| optional(spec.background.as_ref()),
        ..PLAIN
    },
    SpecOption {
        keyword: "watermark",
        form: Form::Prefixed("wm"),
        expected: "the name of a watermark, which has at most 32 letters, digits, - and _",
        set: |spec, given| set_optional(&mut spec.watermark, given),
        value: |spec| optional(spec.watermark.as_ref()),
        ..PLAIN
    },
    SpecOption {
        keyword: "dpr",
        form: Form::Prefixed("dpr"),
        expected: "a ratio from 0.1 to 8, with at most two decimals",
        set: |spec, given| set_optional(&mut spec.dpr, given),
        value: |spec| optional(spec.dpr.as_ref()),
        is_valid: |spec| spec.dpr.is_none_or(|dpr| dpr.is_within(10..=800)),
        drop_default: |spec| spec.dpr = spec.dpr.filter(|&dpr| dpr != Hundredths::ONE_WHOLE),
        ..PLAIN
    },
    SpecOption {
        keyword: "quality",
        form: Form::Prefixed("q"),
        expected: "a whole number from 1 to 100, or auto",
        set: |spec, given| set_optional(&mut spec.quality, given),
        value: |spec| optional(spec.quality.as_ref()),
        is_valid: |spec| spec.quality.is_none_or(Quality::is_valid),
        ..PLAIN
    },
    SpecOption {
        keyword: "max_bytes",
        form: Form::Prefixed("max-bytes"),
        expected: "a whole number of bytes from 1 to 4294967295",
        set: |spec, given| set_optional(&mut spec.max_bytes, given),
        value: |spec| optional(spec.max_bytes.as_ref()),
        is_valid: |spec| spec.max_bytes.is_none_or(ByteLimit::is_valid),
        ..PLAIN
    },
    SpecOption {
        keyword: "progressive",
        values: "progressive|baseline",
        expected: "True or False",
        set: |spec, given| set_optional(&mut spec.progressive, given),
        value: |spec| optional(spec.progressive.as_ref()),
        ..PLAIN
    },
    SpecOption {
        keyword: "subsampling",
        form: Form::Prefixed("ss"),
        values: "420|422|444",
        expected: "420, 422 or 444",
        set: |spec, given| set_optional(&mut spec.subsampling, given),
        value: |spec| optional(spec.subsampling.as_ref()),
        ..PLAIN
    },
    SpecOption {
        keyword: "keep_icc",
        form: Form::Flag("keep-icc"),
        expected: "True or False",
        set: |spec, given| set(&mut spec.keep_icc, given),
        value: |spec| Some(&spec.keep_icc),
        ..PLAIN
    },
    SpecOption {
        keyword: "keep_copyright",
        form: Form::Flag("keep-copyright"),
        expected: "True or False",
        set: |spec, given| set(&mut spec.keep_copyright, given),
        value: |spec| Some(&spec.keep_copyright),
        ..PLAIN
    },
    SpecOption {
        keyword: "format",
        values: "jpeg|png|webp|avif|gif|auto",
        expected: "jpeg, png, webp, avif, gif or auto",
        set: |spec, given| set_optional(&mut spec.format, given),
        value: |spec| optional(spec.format.as_ref()),
        ..PLAIN
    },
    SpecOption {
        keyword: "version",
        form: Form::Prefixed("v"),
        expected: "eight characters of A-Z, a-z, 0-9, _ and -",
        set: |spec, given| set_optional(&mut spec.version, given),
        value: |spec| optional(spec.version.as_ref()),
        ..PLAIN
    },
];

impl SpecOption {
    /// Returns the option with this keyword.
    #[must_use]
    pub fn find(keyword: &str) -> Option<&'static Self> {
        OPTIONS.iter().find(|option| option.keyword == keyword)
    }

    /// The name in error messages: the word or prefix in a spec, otherwise the keyword.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.form {
            Form::Flag(word) | Form::Prefixed(word) => word,
            Form::Value => self.keyword,
        }
    }

    /// The text of the option in a spec, with a short form of its values.
    pub(super) fn syntax(&self) -> String {
        match self.form {
            Form::Prefixed(prefix) => format!("{prefix}-{}", self.values),
            Form::Flag(word) => word.into(),
            Form::Value => self.values.into(),
        }
    }

    /// Sets the option from its text in a spec. Returns false if the text belongs to a different
    /// option.
    ///
    /// # Errors
    /// The error lists the valid values.
    pub(super) fn read(&self, spec: &mut Spec, text: &str) -> Result<bool, SpecError> {
        match self.form {
            // If the text is not a valid value, it belongs to a different option without a prefix.
            Form::Value => Ok((self.set)(spec, Given::Text(text)).is_ok()),
            Form::Flag(word) => {
                Ok(text == word && (self.set)(spec, Given::Argument(&Argument::Flag(true))).is_ok())
            }
            Form::Prefixed(prefix) => {
                let value = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
                let Some(value) = value else { return Ok(false) };
                match (self.set)(spec, Given::Text(value)) {
                    Ok(()) => Ok(true),
                    Err(_) => Err(self.wrong_value(value.into())),
                }
            }
        }
    }

    /// Sets the option from a keyword argument.
    ///
    /// # Errors
    /// The error lists the valid values.
    pub fn set(&self, spec: &mut Spec, argument: &Argument) -> Result<(), SpecError> {
        (self.set)(spec, Given::Argument(argument)).map_err(|refusal| match refusal {
            Refusal::Value => self.wrong_value(argument.to_string()),
            Refusal::Kind => SpecError::Kind {
                keyword: self.keyword,
                found: argument.to_string(),
                expected: self.expected,
            },
        })
    }

    /// The value of the option; `None` if it is not set.
    pub(super) fn value<'a>(&self, spec: &'a Spec) -> Option<&'a dyn OptionValue> {
        (self.value)(spec)
    }

    /// Returns the keyword argument for the value of the option.
    #[must_use]
    pub fn argument(&self, spec: &Spec) -> Argument {
        self.value(spec).map_or(Argument::None, OptionValue::to_argument)
    }

    /// Drops the value if it equals the default. Otherwise, checks its range.
    ///
    /// # Errors
    /// The error lists the valid values.
    pub(super) fn normalize(&self, spec: &mut Spec) -> Result<(), SpecError> {
        (self.drop_default)(spec);
        if (self.is_valid)(spec) {
            return Ok(());
        }
        Err(self.wrong_value(self.value(spec).map(ToString::to_string).unwrap_or_default()))
    }

    fn wrong_value(&self, found: String) -> SpecError {
        SpecError::Value { option: self.name(), found, expected: self.expected }
    }
}

fn set<T: OptionValue>(field: &mut T, given: Given<'_>) -> Result<(), Refusal> {
    *field = match given {
        Given::Text(text) => T::parse(text).ok_or(Refusal::Value)?,
        Given::Argument(argument) => T::from_argument(argument)?,
    };
    Ok(())
}

fn set_optional<T: OptionValue>(field: &mut Option<T>, given: Given<'_>) -> Result<(), Refusal> {
    *field = match given {
        Given::Text(text) => Some(T::parse(text).ok_or(Refusal::Value)?),
        Given::Argument(Argument::None) => None,
        Given::Argument(argument) => Some(T::from_argument(argument)?),
    };
    Ok(())
}

fn optional<T: OptionValue>(value: Option<&T>) -> Option<&dyn OptionValue> {
    value.map(|value| value as &dyn OptionValue)
}

fn drop_default<T: OptionValue + Copy>(field: &mut Option<T>) {
    *field = field.filter(|value| !value.is_default());
}
