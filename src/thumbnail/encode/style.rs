//! The encoders' settings other than format and quality.

use super::super::spec::{Progressive, Spec, Subsampling};
use super::avif::AvifSpeed;
use super::palette::Colors;

/// The settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// JPEG: progressive or baseline.
    pub progressive: Progressive,
    /// JPEG: the chroma subsampling.
    pub subsampling: Subsampling,
    /// PNG and GIF: the maximum number of colours in a palette. By default, a GIF has up to 256
    /// colours, and a PNG has a palette only if the palette is lossless.
    pub colors: Option<Colors>,
    /// AVIF: the speed of the encoder. By default, it depends on the size and the content.
    pub avif_speed: Option<AvifSpeed>,
}

impl Style {
    /// Returns these settings, overridden by the settings in the spec.
    #[must_use]
    pub fn of(self, spec: &Spec) -> Self {
        Self {
            progressive: spec.progressive.unwrap_or(self.progressive),
            subsampling: spec.subsampling.unwrap_or(self.subsampling),
            ..self
        }
    }
}
