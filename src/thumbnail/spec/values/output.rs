//! The format of the thumbnail, and how it is encoded.

use std::fmt;

use super::super::super::format::OutputFormat;

/// The quality of a lossy format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quality {
    /// A quality from 1 to 100.
    Fixed(u8),
    /// The quality whose SSIMULACRA2 score is closest to
    /// [`Qualities::target`](crate::thumbnail::options::Qualities::target).
    Auto,
}

impl Quality {
    /// The name of [`Self::Auto`].
    pub(in super::super) const AUTO: &'static str = "auto";

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
pub struct ByteLimit(pub(in super::super) u32);

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
    /// Half the width and height, 4:2:0. It halves the number of samples, but softens the edges of
    /// thin coloured lines.
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
