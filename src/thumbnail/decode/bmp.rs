//! Decodes BMP with the `image` crate.

use std::borrow::Cow;

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

/// Two letters are weak evidence, so the size of the second header is checked, too.
fn sniff(source: &[u8]) -> bool {
    source.starts_with(b"BM") && matches!(source.get(14..18), Some(&[12..=124, 0, 0, 0]))
}

struct Bmp<'a> {
    header: Header,
    source: Cow<'a, [u8]>,
    /// Whether the rows are upside down once they are decoded.
    is_flipped: bool,
}

/// The position of the bytes after the file header, and the size of the usual second header.
const SECOND: usize = 14;
const INFO: u32 = 40;

/// Changes headers that the crate refuses, without changing the pixels. The crate refuses headers
/// of OS/2, numbers of planes other than 1, and compressed rows that are stored from top to bottom.
/// Returns the changed file, and whether the decoded rows are upside down.
fn accepted(source: &[u8]) -> (Cow<'_, [u8]>, bool) {
    changed(source)
        .map_or((Cow::Borrowed(source), false), |(file, flips)| (Cow::Owned(file), flips))
}

fn changed(source: &[u8]) -> Option<(Vec<u8>, bool)> {
    let number = |at: usize| {
        let bytes = source.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let length = number(SECOND)?;
    let is_os2 = matches!(length, 16..=64) && !matches!(length, INFO | 52 | 56);
    let planes_at = if length == 12 { 22 } else { 26 };
    let planes = source.get(planes_at..planes_at + 2)?;
    let height = number(22)?.cast_signed();
    // These numbers mean RLE8 and RLE4.
    let flips = length >= INFO && height < 0 && matches!(number(30)?, 1 | 2);
    if !is_os2 && !flips && planes == [1, 0] {
        return None;
    }
    let mut file = if is_os2 {
        // Missing fields are zero, and the fields after the usual ones matter only to printers.
        let end = SECOND + usize::try_from(length).ok()?;
        let offset = number(10)?.checked_add(INFO)?.saturating_sub(length);
        let mut file = source.get(..10)?.to_vec();
        file.extend(offset.to_le_bytes());
        file.extend(INFO.to_le_bytes());
        let fields = source.get(SECOND + 4..end)?.iter().copied().chain(std::iter::repeat(0));
        file.extend(fields.take(INFO as usize - 4));
        file.extend(source.get(end..)?);
        file
    } else {
        source.to_vec()
    };
    file.get_mut(planes_at..planes_at + 2)?.copy_from_slice(&[1, 0]);
    if flips {
        file.get_mut(22..26)?.copy_from_slice(&height.unsigned_abs().to_le_bytes());
    }
    Some((file, flips))
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
    let (source, is_flipped) = accepted(source);
    let decoder = raster::bmp(&source, &|| true).map_err(failed)?;
    let (width, height) = decoder.dimensions();
    let has_alpha = decoder.color_type().has_alpha();
    drop(decoder);
    let header = Header { has_alpha, ..Header::still(FORMAT, Size { width, height }) };
    Ok(Box::new(Bmp { header, source, is_flipped }))
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
        let mut decoder = raster::bmp(&self.source, &goes_on).map_err(failed)?;
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
        if self.is_flipped {
            let stride = (width as usize * kind.bytes()).max(1);
            data = data.rchunks_exact(stride).flatten().copied().collect();
        }
        sink(Frame { picture: Picture { width, height, kind, data }, delay: 0 }.into())?;
        Ok(Completeness::whole_if(is_whole))
    }
}
