//! The options of a render.

use super::decode::svg::Fonts;
use super::encode::Style;
use super::format::OutputFormat;
use super::header::Header;
use super::limits::Limits;
use super::resize::Averaging;
use super::spec::{Page, Spec};
use super::watermark::Watermark;
use crate::error::ThumbnailError;

/// The quality of each format, for specs that do not set a quality. The default qualities give all
/// formats about the same SSIMULACRA2 score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Qualities {
    /// JPEG, 1 to 100.
    pub jpeg: u8,
    /// WebP, 1 to 100; 100 is lossless.
    pub webp: u8,
    /// AVIF, 1 to 100.
    pub avif: u8,
    /// The SSIMULACRA2 score that [`Quality::Auto`](super::spec::Quality::Auto) aims for, 1 to 100.
    pub target: u8,
}

impl Default for Qualities {
    fn default() -> Self {
        Self { jpeg: 78, webp: 80, avif: 80, target: 70 }
    }
}

impl Qualities {
    /// The quality for a format. PNG and GIF ignore it, because they have no quality.
    #[must_use]
    pub const fn of(self, format: OutputFormat) -> u8 {
        match format {
            OutputFormat::Jpeg => self.jpeg,
            OutputFormat::WebP => self.webp,
            OutputFormat::Avif => self.avif,
            OutputFormat::Png | OutputFormat::Gif => 100,
        }
    }
}

/// All parameters of a render except the source.
#[derive(Clone, Copy)]
pub struct RenderOptions<'a> {
    /// The description of the thumbnail. Its format and version are ignored here.
    pub spec: &'a Spec,
    /// The format to write. `None` keeps the format of the source; see
    /// [`kept_format`](super::header::Header::kept_format).
    pub format: Option<OutputFormat>,
    /// The qualities that apply if the spec does not set one.
    pub qualities: Qualities,
    /// The encoder's other settings. They apply if the spec does not set them.
    pub style: Style,
    /// The method by which samples are averaged.
    pub averaging: Averaging,
    /// The watermark that the spec names.
    pub watermark: Option<&'a Watermark>,
    /// The fonts for text in SVG images.
    pub fonts: &'a Fonts,
    /// The limits of the source and the thumbnail.
    pub limits: &'a Limits,
    /// Whether the source is only the start of a longer file. In that case,
    /// [`ThumbnailError::Corrupt`] means that the whole file is needed.
    pub is_partial: bool,
    /// Whether the time limit was exceeded. The function is called between the steps.
    pub expired: &'a dyn Fn() -> bool,
}

impl RenderOptions<'_> {
    /// The format to write for a source with this header.
    pub(super) fn format_for(&self, header: &Header) -> OutputFormat {
        self.format.unwrap_or_else(|| header.kept_format())
    }

    /// The maximum number of frames in a thumbnail of a source with this header. Formats that do
    /// not support animations show the first frame.
    pub(super) fn max_frames(&self, header: &Header) -> u32 {
        if self.format_for(header).is_animated() { self.limits.max_frames.max(1) } else { 1 }
    }

    /// The number of frames to decode from a source with this header.
    pub(super) fn frames_of(&self, header: &Header) -> u32 {
        header.frames.min(self.max_frames(header))
    }

    /// Checks that a source with this header has the page that the spec selects.
    ///
    /// # Errors
    /// [`ThumbnailError::NoSuchPage`].
    pub(super) fn check_page(&self, header: &Header) -> Result<(), ThumbnailError> {
        let (page, pages) = (self.spec.page.unwrap_or(Page::FIRST).number(), header.pages);
        if page > pages { Err(ThumbnailError::NoSuchPage { page, pages }) } else { Ok(()) }
    }

    /// # Errors
    /// [`ThumbnailError::Timeout`] when the time limit was exceeded.
    pub(super) fn check_time(&self) -> Result<(), ThumbnailError> {
        if (self.expired)() { Err(ThumbnailError::Timeout) } else { Ok(()) }
    }
}
