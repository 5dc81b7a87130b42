//! The interface of a decoder.

use super::super::color::Profile;
use super::super::format::SourceFormat;
use super::super::header::Header;
use super::components::Components;
use super::frame::DecodedFrame;
use crate::error::ThumbnailError;
use raster::Size;

/// The receiver of decoded frames. It takes one at a time, so that at most one is in memory at full
/// size.
pub type Sink<'a> = &'a mut dyn FnMut(DecodedFrame<'_>) -> Result<(), ThumbnailError>;

/// Whether the source has all pixels of what was decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// It has, even if the end of the file is missing.
    Whole,
    /// Some are missing: the file is cut off, damaged, or still arriving.
    Part,
}

impl Completeness {
    /// Whole if this is true.
    pub(super) const fn whole_if(is_whole: bool) -> Self {
        if is_whole { Self::Whole } else { Self::Part }
    }
}

/// What a decoder shall deliver.
#[derive(Clone, Copy)]
pub struct DecodeRequest<'a> {
    /// The minimum size of a picture.
    pub size: Size,
    /// Whether chroma may have half the resolution, because the thumbnail has it too (4:2:0).
    pub half_chroma: bool,
    /// Whether to decode all frames, or the first one only.
    pub all_frames: bool,
    /// Whether the source is only the start of a JPEG, which may suffice for a small picture.
    pub is_partial: bool,
    /// Whether the time limit has passed.
    pub expired: &'a dyn Fn() -> bool,
}

impl DecodeRequest<'_> {
    /// # Errors
    /// [`ThumbnailError::Timeout`] when the time limit has passed.
    pub(super) fn check_time(&self) -> Result<(), ThumbnailError> {
        if (self.expired)() { Err(ThumbnailError::Timeout) } else { Ok(()) }
    }
}

/// An image whose header has been read. It keeps the state of its parser for the pixels.
pub trait Source {
    /// The header.
    fn header(&self) -> &Header;

    /// The pixels of a frame that count for [`Limits`](super::super::limits::Limits): those of the
    /// picture that is decoded.
    fn decoded_pixels(&self, _request: DecodeRequest) -> u64 {
        self.header().size.pixels()
    }

    /// The meaning of the samples, if the file states it.
    fn profile(&mut self) -> Option<Profile> {
        None
    }

    /// Whether [`components`](Self::components) may deliver.
    fn has_components(&self) -> bool {
        false
    }

    /// Decode only as far as luma and chroma, of the same size as by [`frames`](Self::frames).
    /// `None` for a picture that has no such components, or is damaged.
    fn components(&mut self, _request: DecodeRequest<'_>) -> Option<Components> {
        None
    }

    /// Decode the pixels. A picture has the size in the header or, where the codec can shrink while
    /// it decodes, a smaller one that leaves room for a final resize without visible loss. Pixels
    /// that the source lacks are transparent or gray.
    ///
    /// # Errors
    /// [`ThumbnailError::Corrupt`] when the source has no pixels,
    /// [`ThumbnailError::UnsupportedFeature`], [`ThumbnailError::Timeout`], or an error of `sink`.
    fn frames(
        self: Box<Self>,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError>;
}

/// Reads the header of a source.
pub(super) type Open = for<'a> fn(&'a [u8]) -> Result<Box<dyn Source + 'a>, ThumbnailError>;

/// The decoder of a format.
pub(super) struct Decoder {
    pub(super) format: SourceFormat,
    /// Whether the first bytes are those of the format.
    pub(super) sniff: fn(&[u8]) -> bool,
    pub(super) open: Open,
}
