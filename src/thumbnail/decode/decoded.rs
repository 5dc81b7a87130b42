//! Images whose pixels come from a decoder that is not part of this crate, such as a plug-in.

use super::super::color::Profile;
use super::super::format::{OutputFormat, SourceFormat};
use super::super::header::Header;
use super::decoder::{Completeness, DecodeRequest, Sink, Source};
use super::frame::{DecodedFrame, Pixels, Rows};
use crate::error::ThumbnailError;
use raster::{PixelKind, Size};

/// The source format of these images.
pub const DECODED: SourceFormat =
    SourceFormat::new("decoded", OutputFormat::Jpeg).or_if_transparent(OutputFormat::Png);

/// The samples of a decoded pixel, 8 bits each. Colours are not premultiplied with the opacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Gray.
    Gray,
    /// Gray, opacity.
    GrayAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, opacity.
    Rgba,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Self; 4] = [Self::Gray, Self::GrayAlpha, Self::Rgb, Self::Rgba];

    /// The name in the Python API: `gray`, `gray-alpha`, `rgb`, `rgba`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gray => "gray",
            Self::GrayAlpha => "gray-alpha",
            Self::Rgb => "rgb",
            Self::Rgba => "rgba",
        }
    }

    /// Returns the layout with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }

    /// The number of bytes per pixel.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }

    /// The kind of pixels that the other steps receive.
    const fn kind(self) -> PixelKind {
        match self {
            Self::Gray => PixelKind::Luma,
            Self::Rgb => PixelKind::Rgb,
            Self::GrayAlpha | Self::Rgba => PixelKind::Rgba,
        }
    }
}

/// A decoded image, possibly at a smaller size than its source.
#[derive(Debug, Clone, Copy)]
pub struct DecodedImage<'a> {
    header: Header,
    size: Size,
    layout: Layout,
    pixels: &'a [u8],
    icc: Option<&'a [u8]>,
    code_points: Option<(u8, u8)>,
}

impl<'a> DecodedImage<'a> {
    /// Creates an image from its pixels: rows from top to bottom, without gaps.
    ///
    /// # Errors
    /// [`ThumbnailError::Internal`] if the number of bytes does not match the size, or if there are
    /// no pixels.
    pub fn new(size: Size, layout: Layout, pixels: &'a [u8]) -> Result<Self, ThumbnailError> {
        let Size { width, height } = size;
        if size.pixels() == 0
            || size.pixels().checked_mul(layout.bytes() as u64) != Some(pixels.len() as u64)
        {
            return Err(ThumbnailError::Internal(format!(
                "the decoder returned {} bytes for {width}x{height} pixels in the layout '{}'",
                pixels.len(),
                layout.name()
            )));
        }
        let has_alpha = matches!(layout, Layout::GrayAlpha | Layout::Rgba);
        let header = Header { has_alpha, ..Header::still(DECODED, size) };
        Ok(Self { header, size, layout, pixels, icc: None, code_points: None })
    }

    /// Sets the EXIF orientation of the pixels.
    #[must_use]
    pub fn oriented(self, orientation: u16) -> Self {
        Self { header: self.header.oriented(orientation), ..self }
    }

    /// Sets the colour space of the samples. It is the ICC profile if there is one, otherwise the
    /// colour primaries and transfer characteristics (ITU-T H.273).
    #[must_use]
    pub fn with_profile(self, icc: Option<&'a [u8]>, code_points: Option<(u8, u8)>) -> Self {
        let header = Header { has_icc: icc.is_some(), ..self.header };
        Self { header, icc, code_points, ..self }
    }

    /// Sets the number of pages of the source, and the full size of the upright page.
    ///
    /// # Errors
    /// [`ThumbnailError::Internal`] if the pixels do not have the proportions of the page.
    pub fn of_source(self, full: Size, pages: u32) -> Result<Self, ThumbnailError> {
        let size = self.header.transform.original_size(full);
        let across = u64::from(self.size.width) * u64::from(size.height);
        let down = u64::from(self.size.height) * u64::from(size.width);
        // The sides of both images may have been rounded.
        if across.abs_diff(down) > 2 * u64::from(size.width.max(size.height)) {
            return Err(ThumbnailError::Internal(format!(
                "the decoder returned {}x{} pixels for an image of {}x{}",
                self.size.width, self.size.height, size.width, size.height
            )));
        }
        Ok(Self { header: Header { size, pages, ..self.header }, ..self })
    }

    /// The source for the other steps.
    pub(super) fn source(&'a self) -> Box<dyn Source + 'a> {
        Box::new(Decoded(self))
    }

    /// Fills `out` with pixels, starting at the given byte of the image.
    fn read(&self, start: usize, out: &mut [u8]) -> Option<usize> {
        if self.layout == Layout::GrayAlpha {
            let (out, _) = out.as_chunks_mut::<4>();
            let end = start.checked_add(out.len().checked_mul(2)?)?;
            let (pixels, _) = self.pixels.get(start..end)?.as_chunks::<2>();
            for (pixel, &[gray, alpha]) in out.iter_mut().zip(pixels) {
                *pixel = [gray, gray, gray, alpha];
            }
            return Some(end);
        }
        let end = start.checked_add(out.len())?;
        out.copy_from_slice(self.pixels.get(start..end)?);
        Some(end)
    }
}

struct Decoded<'a>(&'a DecodedImage<'a>);

impl Source for Decoded<'_> {
    fn header(&self) -> &Header {
        &self.0.header
    }

    fn decoded_pixels(&self, _request: DecodeRequest) -> u64 {
        self.0.size.pixels()
    }

    fn pixel_bytes(&self) -> u64 {
        self.0.layout.bytes() as u64
    }

    fn profile(&mut self) -> Option<Profile> {
        match (self.0.icc, self.0.code_points) {
            (Some(icc), _) => Some(Profile::Icc(icc.to_vec())),
            (None, Some((primaries, transfer))) => {
                Some(Profile::CodePoints { primaries, transfer })
            }
            (None, None) => None,
        }
    }

    fn frames(
        self: Box<Self>,
        _request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        let image = self.0;
        let mut position = 0;
        let mut read = |out: &mut [u8]| {
            position = image.read(position, out).ok_or_else(|| {
                ThumbnailError::Internal("the decoder returned too few pixels".into())
            })?;
            Ok(())
        };
        let rows = Rows { size: image.size, kind: image.layout.kind(), read: &mut read };
        sink(DecodedFrame { pixels: Pixels::Rows(rows), delay: 0 })?;
        Ok(Completeness::Whole)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::options::{Qualities, RenderOptions};
    use super::super::super::spec::Spec;
    use super::super::super::{encode::Style, limits::Limits, render, resize::Averaging};
    use super::super::Input;
    use super::super::svg::Fonts;
    use super::*;

    fn thumbnail(image: &DecodedImage<'_>, spec: &str) -> Result<(u32, u32), ThumbnailError> {
        let options = RenderOptions {
            spec: &Spec::parse(spec).unwrap(),
            format: Some(OutputFormat::Png),
            qualities: Qualities::default(),
            style: Style::default(),
            averaging: Averaging::default(),
            watermark: None,
            fonts: &Fonts::SYSTEM,
            limits: &Limits::default(),
            is_partial: false,
            expired: &|| false,
        };
        render(Input::Decoded(image), &options).map(|made| (made.width, made.height))
    }

    #[test]
    fn the_length_has_to_match() {
        let size = Size { width: 3, height: 2 };
        for layout in Layout::ALL {
            let right = 6 * layout.bytes();
            for length in [0, right - 1, right + 1] {
                assert!(DecodedImage::new(size, layout, &vec![0; length]).is_err());
            }
            let pixels = vec![0; right];
            let image = DecodedImage::new(size, layout, &pixels).unwrap();
            assert_eq!(thumbnail(&image, "3x2"), Ok((3, 2)));
        }
        let nothing = Size { width: 0, height: 2 };
        assert!(DecodedImage::new(nothing, Layout::Rgb, &[]).is_err());
        let huge = Size { width: u32::MAX, height: u32::MAX };
        assert!(DecodedImage::new(huge, Layout::Rgba, &[0; 4]).is_err());
    }

    #[test]
    fn a_smaller_image_stands_for_the_page() {
        let pixels = vec![0; 30 * 20];
        let image =
            DecodedImage::new(Size { width: 30, height: 20 }, Layout::Gray, &pixels).unwrap();
        let full = Size { width: 301, height: 199 };
        let page = image.of_source(full, 2).unwrap();
        assert_eq!(thumbnail(&page, "3000x15"), Ok((23, 15)));
        assert_eq!(thumbnail(&page, "15x-,page-2"), Ok((15, 10)));
        let missing = ThumbnailError::NoSuchPage { page: 3, pages: 2 };
        assert_eq!(thumbnail(&page, "15x-,page-3"), Err(missing));
        let turned = image.oriented(6).of_source(full.swapped(), 1).unwrap();
        assert_eq!(thumbnail(&turned, "-x15"), Ok((10, 15)));
        assert!(image.oriented(6).of_source(full, 1).is_err());
        assert!(image.of_source(Size { width: 100, height: 100 }, 1).is_err());
    }
}
