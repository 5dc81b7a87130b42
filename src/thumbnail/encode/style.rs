//! The encoders' settings besides format and quality.

use super::palette::Colors;

/// The resolution of chroma in a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subsampling {
    /// That of the picture: 4:4:4.
    Full,
    /// Half the width and height, 4:2:0: half the bytes, and soft edges of thin coloured lines.
    #[default]
    Half,
}

impl Subsampling {
    /// The subsampling with this name: `4:4:4` or `4:2:0`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "4:4:4" => Some(Self::Full),
            "4:2:0" => Some(Self::Half),
            _ => None,
        }
    }
}

/// The settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// JPEG: progressive, in scans from coarse to fine.
    pub progressive: bool,
    /// JPEG: the resolution of chroma.
    pub subsampling: Subsampling,
    /// PNG and GIF: the most colours of a palette. By default a GIF has up to 256, and a PNG has a
    /// palette only where that is lossless.
    pub colors: Option<Colors>,
}
