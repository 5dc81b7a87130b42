//! The image formats: what is read, what is written, and their names.

use std::fmt;

/// A format that a thumbnail can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// JPEG, ITU-T T.81.
    Jpeg,
    /// PNG, RFC 2083.
    Png,
    /// WebP, RFC 9649.
    WebP,
    /// AVIF, AV1 Image File Format.
    Avif,
    /// GIF, version 89a.
    Gif,
}

impl OutputFormat {
    /// Every output format.
    pub const ALL: [Self; 5] = [Self::Jpeg, Self::Png, Self::WebP, Self::Avif, Self::Gif];

    /// The name in specs, settings and the Python API: `jpeg`, `png`, `webp`, `avif`, `gif`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Avif => "avif",
            Self::Gif => "gif",
        }
    }

    /// The format with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The format that the ending of a file's name stands for, whatever its case.
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" => Some(Self::Jpeg),
            ending => Self::from_name(ending),
        }
    }

    /// Whether it can hold an animation here.
    #[must_use]
    pub const fn is_animated(self) -> bool {
        matches!(self, Self::WebP | Self::Gif)
    }

    /// The media type, as registered with IANA.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Avif => "image/avif",
            Self::Gif => "image/gif",
        }
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceFormat {
    /// JPEG.
    Jpeg,
    /// PNG, also with an animation.
    Png,
    /// WebP, also with an animation.
    WebP,
    /// GIF, also with an animation.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// TIFF, its first page.
    Tiff,
    /// AVIF: its primary picture, or all of a sequence. The opacity of a grid is read, but not one
    /// that each of its tiles has for itself.
    Avif,
}

impl SourceFormat {
    /// The format that the first bytes of a file are those of.
    #[must_use]
    pub fn sniff(source: &[u8]) -> Option<Self> {
        match source {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            // Two letters are little; the size of the second header says more.
            [b'B', b'M', rest @ ..] if matches!(rest.get(12..16), Some(&[12..=124, 0, 0, 0])) => {
                Some(Self::Bmp)
            }
            [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => {
                Some(Self::Avif)
            }
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Self::Tiff),
            _ => None,
        }
    }

    /// The name in the Python API and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
            Self::Avif => "avif",
        }
    }

    /// The format of a thumbnail that is of the same kind as its source; JPEG or, for one that
    /// may be transparent, PNG where a browser does not show the source's own.
    #[must_use]
    pub const fn kept(self, has_alpha: bool) -> OutputFormat {
        match self {
            Self::WebP => OutputFormat::WebP,
            Self::Gif => OutputFormat::Gif,
            Self::Png => OutputFormat::Png,
            Self::Avif => OutputFormat::Avif,
            Self::Bmp | Self::Tiff if has_alpha => OutputFormat::Png,
            Self::Jpeg | Self::Bmp | Self::Tiff => OutputFormat::Jpeg,
        }
    }
}

impl fmt::Display for SourceFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_its_format() {
        for format in OutputFormat::ALL {
            assert_eq!(OutputFormat::from_name(format.name()), Some(format));
            assert_eq!(OutputFormat::from_file_name(&format!("a.{format}")), Some(format));
        }
        for (name, format) in [
            ("a.JPG", Some(OutputFormat::Jpeg)),
            ("a.png.jpe", Some(OutputFormat::Jpeg)),
            ("dir.png/a", None),
            ("jpeg", None),
            ("a.bmp", None),
            ("", None),
        ] {
            assert_eq!(OutputFormat::from_file_name(name), format, "{name:?}");
        }
    }
}
