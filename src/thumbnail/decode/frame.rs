//! A decoded frame: a picture in memory, or rows that are decoded on demand.

use crate::error::ThumbnailError;
use raster::{Frame, Picture, PixelKind, Size, Variances};

/// A decoded frame.
pub struct DecodedFrame<'a> {
    /// The pixels.
    pub pixels: Pixels<'a>,
    /// How long the frame is shown, in milliseconds.
    pub delay: u32,
}

impl From<Frame> for DecodedFrame<'_> {
    fn from(Frame { picture, delay }: Frame) -> Self {
        Self { pixels: Pixels::Whole(picture), delay }
    }
}

/// The pixels of a frame.
pub enum Pixels<'a> {
    /// All pixels are in memory.
    Whole(Picture),
    /// The picture was reduced while it was decoded. The variances of the missing detail are known,
    /// so it can still be averaged in linear light.
    Reduced(Picture, Variances),
    /// The pixels are decoded on demand.
    Rows(Rows<'a>),
}

impl Pixels<'_> {
    /// The size of the picture.
    #[must_use]
    pub const fn size(&self) -> Size {
        match self {
            Self::Whole(picture) | Self::Reduced(picture, _) => picture.size(),
            Self::Rows(rows) => rows.size,
        }
    }

    /// Returns the picture. If it consists of rows, they are decoded now and stay in memory.
    ///
    /// # Errors
    /// Fails if the source is damaged.
    pub fn whole(&mut self) -> Result<&Picture, ThumbnailError> {
        if let Self::Rows(rows) = self {
            *self = Self::Whole(rows.read_all()?);
        }
        match self {
            Self::Whole(picture) | Self::Reduced(picture, _) => Ok(picture),
            Self::Rows(_) => self.whole(),
        }
    }

    /// Returns the picture.
    ///
    /// # Errors
    /// Fails if the source is damaged.
    pub fn into_picture(self) -> Result<Picture, ThumbnailError> {
        match self {
            Self::Whole(picture) | Self::Reduced(picture, _) => Ok(picture),
            Self::Rows(mut rows) => rows.read_all(),
        }
    }
}

/// The rows of a picture from top to bottom. Each row is decoded once.
pub struct Rows<'a> {
    /// The size of the picture.
    pub size: Size,
    /// The kind of the pixels.
    pub kind: PixelKind,
    /// Fills a slice with the next rows.
    pub read: &'a mut dyn FnMut(&mut [u8]) -> Result<(), ThumbnailError>,
}

impl Rows<'_> {
    fn read_all(&mut self) -> Result<Picture, ThumbnailError> {
        let Self { size: Size { width, height }, kind, .. } = *self;
        let mut data = vec![0; width as usize * height as usize * kind.bytes()];
        (self.read)(&mut data)?;
        Ok(Picture { width, height, kind, data })
    }
}
