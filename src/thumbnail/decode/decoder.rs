//! The interface of a decoder.

use std::ops::Range;

use super::super::color::Profile;
use super::super::format::SourceFormat;
use super::super::header::Header;
use super::super::limits::Limits;
use super::super::notice::Notice;
use super::components::{ComponentStrips, Components};
use super::frame::DecodedFrame;
use super::svg::Fonts;
use crate::error::ThumbnailError;
use raster::{Picture, Size};

/// The receiver of decoded frames. It accepts one frame at a time, so that at most one is in memory
/// at full size.
pub type Sink<'a> = &'a mut dyn FnMut(DecodedFrame<'_>) -> Result<(), ThumbnailError>;

/// Whether the source contains all pixels of the decoded image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// All pixels are present, even if the end of the file is missing.
    Whole,
    /// Some pixels are missing: the file is truncated, damaged, or still arriving.
    Part,
}

impl Completeness {
    /// Returns [`Self::Whole`] if the image is whole, otherwise [`Self::Part`].
    pub(super) const fn whole_if(is_whole: bool) -> Self {
        if is_whole { Self::Whole } else { Self::Part }
    }
}

/// The pixels that a decoder should deliver.
#[derive(Clone, Copy)]
pub struct DecodeRequest<'a> {
    /// The minimum size of the decoded image.
    pub size: Size,
    /// The size of the thumbnail, if it is averaged in linear light. If a decoder knows the
    /// variances of the detail that it leaves out, it may decode at a size below `size`, and return
    /// [`Pixels::Reduced`](super::Pixels::Reduced).
    pub linear_size: Option<Size>,
    /// Whether chroma may be decoded at half the resolution, because the thumbnail also stores
    /// chroma at half the resolution (4:2:0).
    pub half_chroma: bool,
    /// The maximum number of frames to decode; 1 means a still image. Further frames are not read.
    pub max_frames: u32,
    /// Whether the source is only the start of a JPEG, which may be enough for a small image.
    pub is_partial: bool,
    /// The limits of the call.
    pub limits: &'a Limits,
    /// Whether the time limit was exceeded.
    pub expired: &'a dyn Fn() -> bool,
}

impl<'a> DecodeRequest<'a> {
    /// A request for the first frame, at this size or larger.
    #[must_use]
    pub const fn still(size: Size, limits: &'a Limits, expired: &'a dyn Fn() -> bool) -> Self {
        Self {
            size,
            linear_size: None,
            half_chroma: false,
            max_frames: 1,
            is_partial: false,
            limits,
            expired,
        }
    }

    /// # Errors
    /// [`ThumbnailError::Timeout`] when the time limit was exceeded.
    pub(super) fn check_time(&self) -> Result<(), ThumbnailError> {
        if (self.expired)() { Err(ThumbnailError::Timeout) } else { Ok(()) }
    }
}

/// Parts of an image, arranged in rows and columns. Each part can be decoded separately.
pub trait Tiles {
    /// The width and height of a tile in pixels.
    fn tile(&self) -> (usize, usize);

    /// The number of tiles, across and down. The last tile of a row or column may extend beyond the
    /// image.
    fn count(&self) -> (usize, usize);

    /// For each tile, row by row, whether its mean colours differ by more than `tolerance` from
    /// those of the tile at this column and row.
    fn differing(&self, tile: (usize, usize), tolerance: u16) -> Option<Vec<bool>>;

    /// Decodes the pixels of some tiles. Indices beyond the last tile are ignored. The pixels are
    /// the same as in the whole image, except at edges where the image continues. Returns `None` if
    /// the tiles can't be decoded.
    ///
    /// # Errors
    /// [`ThumbnailError::Timeout`].
    fn picture(
        &self,
        columns: Range<usize>,
        rows: Range<usize>,
        request: DecodeRequest<'_>,
    ) -> Result<Option<Picture>, ThumbnailError>;
}

/// An image whose header has been read. It keeps the state of the parser, which is needed to decode
/// the pixels.
pub trait Source {
    /// The header.
    fn header(&self) -> &Header;

    /// Sets the fonts for text. Without this call, text that is not stored as outlines is left out.
    ///
    /// # Errors
    /// [`ThumbnailError::Corrupt`].
    fn set_fonts(&mut self, _fonts: &Fonts) -> Result<(), ThumbnailError> {
        Ok(())
    }

    /// The number of pixels of a frame at the size at which it is decoded. They count towards
    /// [`Limits`](super::super::limits::Limits).
    fn decoded_pixels(&self, _request: DecodeRequest) -> u64 {
        self.header().size.pixels()
    }

    /// The number of bytes per decoded pixel that count towards
    /// [`Limits`](super::super::limits::Limits).
    fn pixel_bytes(&self) -> u64 {
        if self.header().has_alpha { 4 } else { 3 }
    }

    /// The colour space of the samples, if the file specifies it.
    fn profile(&mut self) -> Option<Profile> {
        None
    }

    /// The copyright notice, if the file contains one.
    fn notice(&mut self) -> Notice {
        Notice::default()
    }

    /// Whether [`components`](Self::components) or [`component_strips`](Self::component_strips) may
    /// return a result.
    fn has_components(&self) -> bool {
        false
    }

    /// Like [`components`](Self::components), but passes the rows of luma and chroma on while it
    /// decodes them. Returns `None` if the image can't be decoded this way.
    fn component_strips<'a>(
        &'a mut self,
        _request: DecodeRequest<'a>,
    ) -> Option<ComponentStrips<'a>> {
        None
    }

    /// Like [`component_strips`](Self::component_strips), for an image without chroma.
    fn luma_strips<'a>(
        &'a mut self,
        _request: DecodeRequest<'a>,
    ) -> Option<ComponentStrips<'a, 1>> {
        None
    }

    /// Decodes the image to luma and chroma, but does not convert these to RGB. The size is the
    /// same as in [`frames`](Self::frames), or larger. Returns `None` if the image has no such
    /// components, or is damaged but has some pixels. Call
    /// [`component_strips`](Self::component_strips) first.
    ///
    /// # Errors
    /// [`ThumbnailError::Corrupt`] when the source has no pixels, or [`ThumbnailError::Timeout`].
    fn components(
        &mut self,
        _request: DecodeRequest<'_>,
    ) -> Result<Option<Components>, ThumbnailError> {
        Ok(None)
    }

    /// The tiles of the image, if it consists of tiles that can be decoded separately.
    ///
    /// # Errors
    /// [`ThumbnailError::Timeout`].
    fn tiles(
        &mut self,
        _request: DecodeRequest<'_>,
    ) -> Result<Option<Box<dyn Tiles>>, ThumbnailError> {
        Ok(None)
    }

    /// Decodes the pixels. The decoded image has the size in the header. If the codec can shrink
    /// while decoding, the image may be smaller, but large enough for a final resize without
    /// visible loss. Missing pixels are transparent or gray.
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

/// Decodes the first frame of a source. The request must be for one frame.
///
/// # Errors
/// See [`Source::frames`].
pub fn first_picture(
    source: Box<dyn Source + '_>,
    request: DecodeRequest<'_>,
) -> Result<Picture, ThumbnailError> {
    let mut first = None;
    source.frames(request, &mut |frame| {
        first = Some(frame.pixels.into_picture()?);
        Ok(())
    })?;
    first.ok_or_else(|| ThumbnailError::Internal("a picture is missing".into()))
}

/// Reads the header of a source.
pub(super) type Open = for<'a> fn(&'a [u8]) -> Result<Box<dyn Source + 'a>, ThumbnailError>;

/// The decoder of a format.
pub(super) struct Decoder {
    pub(super) format: SourceFormat,
    /// Whether a file with these first bytes is in this format.
    pub(super) sniff: fn(&[u8]) -> bool,
    pub(super) open: Open,
}
