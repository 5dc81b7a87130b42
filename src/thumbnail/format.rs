//! The image formats of sources and thumbnails, and their names.

use std::fmt;

/// The maximum side length of a thumbnail, in pixels. This is the limit of JPEG and GIF.
pub const MAX_SIDE: u32 = 65_535;

/// A format in which thumbnails can be written.
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

    /// Returns the format with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Returns the format for the extension of a file name, ignoring case. Drawings become PNG, so
    /// that they keep their transparency.
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" => Some(Self::Jpeg),
            "svg" | "svgz" => Some(Self::Png),
            extension => Self::from_name(extension),
        }
    }

    /// Whether the format supports animations.
    #[must_use]
    pub const fn is_animated(self) -> bool {
        matches!(self, Self::WebP | Self::Gif)
    }

    /// Whether the format has a quality.
    #[must_use]
    pub const fn is_lossy(self) -> bool {
        matches!(self, Self::Jpeg | Self::WebP | Self::Avif)
    }

    /// Whether files of the format can contain an ICC profile and metadata.
    #[must_use]
    pub const fn has_metadata(self) -> bool {
        !matches!(self, Self::Gif)
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

/// A format that can be a source of thumbnails. Each decoder defines its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceFormat {
    name: &'static str,
    opaque: OutputFormat,
    transparent: OutputFormat,
}

impl SourceFormat {
    /// Creates a format with this name. Thumbnails of such sources are written as `output` by
    /// default.
    #[must_use]
    pub const fn new(name: &'static str, output: OutputFormat) -> Self {
        Self { name, opaque: output, transparent: output }
    }

    /// Returns the same format, with a different default for sources that may be transparent.
    #[must_use]
    pub const fn or_if_transparent(self, transparent: OutputFormat) -> Self {
        Self { transparent, ..self }
    }

    /// The name in the Python API and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The default format for thumbnails of such a source.
    #[must_use]
    pub const fn kept(self, has_alpha: bool) -> OutputFormat {
        if has_alpha { self.transparent } else { self.opaque }
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
