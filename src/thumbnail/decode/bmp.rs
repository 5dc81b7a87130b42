//! Decodes BMP with the `image` crate.

use image::{ColorType, ImageDecoder, ImageError, Limits};

use super::super::format::{OutputFormat, SourceFormat};
use super::super::header::Header;
use super::decoder::{Completeness, DecodeRequest, Decoder, Sink, Source};
use crate::error::ThumbnailError;
use raster::{Frame, Picture, PixelKind, Size};

/// The memory that the decoder may allocate for itself, in bytes.
const OVERHEAD: u64 = 16 * 1024 * 1024;

const FORMAT: SourceFormat =
    SourceFormat::new("bmp", OutputFormat::Jpeg).or_if_transparent(OutputFormat::Png);

pub(super) const DECODER: Decoder = Decoder { format: FORMAT, sniff, open };

/// Two letters are weak evidence, so the size of the second header is checked too.
fn sniff(source: &[u8]) -> bool {
    source.starts_with(b"BM") && matches!(source.get(14..18), Some(&[12..=124, 0, 0, 0]))
}

struct Bmp<'a> {
    header: Header,
    source: &'a [u8],
}

fn failed(error: ImageError) -> ThumbnailError {
    match error {
        ImageError::Unsupported(_) => unsupported(),
        error => ThumbnailError::corrupt(FORMAT, error),
    }
}

const fn unsupported() -> ThumbnailError {
    ThumbnailError::UnsupportedFeature { feature: "BMP of this kind" }
}

fn open(source: &[u8]) -> Result<Box<dyn Source + '_>, ThumbnailError> {
    let decoder = raster::bmp(source, &|| true).map_err(failed)?;
    let (width, height) = decoder.dimensions();
    let has_alpha = decoder.color_type().has_alpha();
    let header = Header { has_alpha, ..Header::still(FORMAT, Size { width, height }) };
    Ok(Box::new(Bmp { header, source }))
}

impl Source for Bmp<'_> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn frames(
        self: Box<Self>,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        let goes_on = || request.check_time().is_ok();
        let mut decoder = raster::bmp(self.source, &goes_on).map_err(failed)?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(decoder.total_bytes().saturating_mul(2).saturating_add(OVERHEAD));
        decoder.set_limits(limits).map_err(failed)?;
        let (width, height) = decoder.dimensions();
        let color = decoder.color_type();
        let (kind, fill) = match color {
            ColorType::L8 => (PixelKind::Luma, 128),
            ColorType::Rgb8 => (PixelKind::Rgb, 128),
            ColorType::Rgba8 => (PixelKind::Rgba, 0),
            _ => return Err(unsupported()),
        };
        let mut data = vec![fill; usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX)];
        let outcome = decoder.read_image_boxed(&mut data);
        request.check_time()?;
        let is_whole = match outcome {
            Ok(()) => true,
            // The rows before the damage are present.
            Err(ImageError::IoError(_)) if data.iter().any(|&sample| sample != fill) => false,
            Err(error) => return Err(failed(error)),
        };
        sink(Frame { picture: Picture { width, height, kind, data }, delay: 0 }.into())?;
        Ok(Completeness::whole_if(is_whole))
    }
}
