//! The text of a spec: parsing, and the canonical spelling.

use std::fmt;
use std::str::FromStr;

use super::super::format::{MAX_SIDE, OutputFormat};
use super::fields::Spec;
use super::table::{Form, OPTIONS, SpecOption};
use super::values::FormatOption;
use crate::error::SpecError;

impl Spec {
    /// Parses a spec in its canonical spelling.
    ///
    /// # Errors
    /// The error describes what is wrong and what would be valid.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let mut parts = text.split(',');
        let mut spec = parts.next().map_or(Err(SpecError::Size), Self::parse_size)?;
        let mut seen = [false; OPTIONS.len()];
        for part in parts {
            let option = spec.read_option(part)?;
            let index = OPTIONS.iter().position(|other| other.keyword == option.keyword);
            if let Some(seen) = index.and_then(|index| seen.get_mut(index))
                && std::mem::replace(seen, true)
            {
                return Err(SpecError::Repeated { option: option.name(), found: part.into() });
            }
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

    fn read_option(&mut self, text: &str) -> Result<&'static SpecOption, SpecError> {
        for option in &OPTIONS {
            if option.read(self, text)? {
                return Ok(option);
            }
        }
        Err(SpecError::unknown_option(text, OPTIONS.iter().map(SpecOption::syntax)))
    }

    /// Checks all ranges, and drops values that equal the default, so that two specs for the same
    /// thumbnail are equal.
    ///
    /// # Errors
    /// The error names the first value that is out of range.
    pub fn normalized(mut self) -> Result<Self, SpecError> {
        for side in [self.width, self.height].into_iter().flatten() {
            if !(1..=MAX_SIDE).contains(&side) {
                return Err(SpecError::Side { side });
            }
        }
        for option in &OPTIONS {
            option.normalize(&mut self)?;
        }
        Ok(self)
    }

    /// The format of the thumbnail for a source with this name. It is the spec's own format,
    /// otherwise the format for the name's extension, otherwise JPEG.
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
        for option in &OPTIONS {
            let Some(value) = option.value(self).filter(|value| !value.is_default()) else {
                continue;
            };
            match option.form {
                Form::Value => write!(f, ",{value}")?,
                Form::Flag(word) => write!(f, ",{word}")?,
                Form::Prefixed(prefix) => write!(f, ",{prefix}-{value}")?,
            }
        }
        Ok(())
    }
}

fn write_side(f: &mut fmt::Formatter<'_>, side: Option<u32>) -> fmt::Result {
    match side {
        Some(side) => write!(f, "{side}"),
        None => f.write_str("-"),
    }
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
            "300x200,page-2",
            "300x200,frame-1",
            "300x200,page-2,frame-65535,at-86400",
            "300x200,at-0",
            "300x200,pad,g-n,at-12.25,trim-10",
            "300x200,cover,g-n,page-65535,trim-10",
            "300x200,trim-10,grayscale,detail,radius-12",
            "300x200,cover,g-n,trim-0,crop-0-0-0.5-1,rot-90,flip-h,grayscale,blur-1,detail,sharpen-1",
            "300x200,trim-255,radius-65535,bg-ff0000",
            "300x200,radius-1,bg-ff0000,wm-Logo_2-x,dpr-2",
            "300x200,wm-abcdefghijklmnopqrstuvwxyz012345",
            "300x200,brightness-0,contrast-10,saturation-1.25,grayscale,pixelate-12,blur-1",
            "300x200,q-80,progressive,ss-444,jpeg",
            "300x200,q-auto,max-bytes-9000,webp",
            "300x200,dpr-2,max-bytes-4294967295,progressive",
            "300x200,baseline,ss-422",
            "300x200,cover,upscale,ss-444,keep-icc,keep-copyright,webp",
            "300x200,ss-420",
            "300x200,flip-v,blur-2.5,sharpen-0.05,bg-00ff7f,dpr-1.5,q-100,auto,v-aZ0_-aZ0",
            "300x200,cover,g-se,crop-0-0-0.5-0.5,rot-270,flip-v,blur-100,sharpen-10,bg-000000,dpr-8,q-1,avif,v-AAAAAAAA",
        ] {
            assert_eq!(Spec::parse(text).map(|spec| spec.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn names_the_canonical_spelling() {
        for (text, canonical) in [
            ("0300x200", "300x200"),
            ("300x200,contain", "300x200"),
            ("300x200,q-80,cover", "300x200,cover,q-80"),
            ("300x200,upscale,cover", "300x200,cover,upscale"),
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
            ("300x200,ss-444,progressive", "300x200,progressive,ss-444"),
            ("300x200,q-+80", "300x200,q-80"),
            ("300x200,keep-copyright,keep-icc", "300x200,keep-icc,keep-copyright"),
            ("300x200,keep-icc,progressive", "300x200,progressive,keep-icc"),
            ("300x200,max-bytes-09000,q-auto", "300x200,q-auto,max-bytes-9000"),
            ("300x200,trim-010", "300x200,trim-10"),
            ("300x200,crop-0-0-1-0.5,trim-10", "300x200,trim-10,crop-0-0-1-0.5"),
            ("300x200,detail,grayscale", "300x200,grayscale,detail"),
            ("300x200,page-1", "300x200"),
            ("300x200,page-02", "300x200,page-2"),
            ("300x200,frame-01", "300x200,frame-1"),
            ("300x200,at-02.50", "300x200,at-2.5"),
            ("300x200,at-2,frame-3", "300x200,frame-3,at-2"),
            ("300x200,radius-012", "300x200,radius-12"),
            ("300x200,brightness-1,contrast-1.00,saturation-01", "300x200"),
            ("300x200,brightness-1.50", "300x200,brightness-1.5"),
            ("300x200,pixelate-8,grayscale", "300x200,grayscale,pixelate-8"),
            ("300x200,bg-FFFFFF", "300x200,bg-ffffff"),
        ] {
            let expected = Err(SpecError::NotCanonical { canonical: canonical.into() });
            assert_eq!(Spec::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn refuses_other_texts() {
        for text in ["", "300", "x", "300x", "x200", "300X200", "+3x2", "3.0x2", "99999999999x1"] {
            assert_eq!(Spec::parse(text), Err(SpecError::Size), "{text:?}");
        }
        assert_eq!(Spec::parse("0x200"), Err(SpecError::Side { side: 0 }));
        assert_eq!(Spec::parse("65536x-"), Err(SpecError::Side { side: 65_536 }));
        for text in [
            ",",
            ",covered",
            ",Cover",
            ", cover",
            ",q80",
            ",fit-cover",
            ",upscale-2",
            ",-",
            ",trim",
            ",radius",
            ",grayscale-1",
            ",keep_icc",
            ",keep-icc-1",
            ",detail-",
        ] {
            let found = Spec::parse(&format!("300x200{text}"));
            assert!(matches!(found, Err(SpecError::UnknownOption { .. })), "{text}: {found:?}");
        }
        for text in [
            "q-0",
            "q-101",
            "q-256",
            "q-",
            "q-Auto",
            "max-bytes-0",
            "max-bytes-9k",
            "max-bytes-4294967296",
            "q--1",
            "rot-45",
            "flip-x",
            "blur-0",
            "blur-100.01",
            "blur-.5",
            "blur-5.",
            "blur-1.005",
            "sharpen-10.5",
            "ss-411",
            "ss-4:2:0",
            "trim-",
            "trim-256",
            "trim--1",
            "brightness-",
            "brightness--1",
            "brightness-10.01",
            "contrast-1.234",
            "saturation-1e0",
            "pixelate-0",
            "pixelate-1.5",
            "page-0",
            "page-65536",
            "page-1.5",
            "frame-0",
            "frame-65536",
            "frame-1.5",
            "at-",
            "at--1",
            "at-1.234",
            "at-86400.01",
            "at-42949672.96",
            "radius-0",
            "radius-1.5",
            "radius-65536",
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
