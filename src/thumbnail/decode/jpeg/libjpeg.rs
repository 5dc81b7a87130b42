//! Pixels and components of a JPEG by libjpeg-turbo, shrunk in the frequency domain.

use std::borrow::Cow;

use raster::{Picture, PixelKind};
use turbojpeg::{
    Colorspace, DecompressHeader, Decompressor, Image, PixelFormat, ScalingFactor, Subsamp,
    YuvImage,
};

use super::super::components::Components;
use super::format::corrupt;
use super::scale::without_invisible;
use super::segments::tidy;
use crate::error::ThumbnailError;

/// The most scans of a progressive file. Each costs time, and no file needs more.
const MAX_SCANS: u32 = 100;

/// A decoder that has read the header, and the image without scans and segments that it does not
/// need.
struct Prepared<'a> {
    decoder: Decompressor,
    source: Cow<'a, [u8]>,
    found: DecompressHeader,
}

/// Get ready to decode at this scale.
fn prepare(source: &[u8], scaling: ScalingFactor) -> Result<Prepared<'_>, ThumbnailError> {
    let source = without_invisible(source, scaling);
    let mut decoder = Decompressor::new().map_err(corrupt)?;
    decoder.set_scan_limit(MAX_SCANS).map_err(corrupt)?;
    decoder.set_scaling_factor(scaling).map_err(corrupt)?;
    match decoder.read_header(&source) {
        Ok(found) => Ok(Prepared { decoder, source, found }),
        // A mere warning, such as of bytes between two segments, counts as a failure here.
        Err(error) => {
            let tidied = tidy(&source).ok_or_else(|| corrupt(error))?;
            let found = decoder.read_header(&tidied).map_err(corrupt)?;
            Ok(Prepared { decoder, source: Cow::Owned(tidied), found })
        }
    }
}

/// Decode at this scale. `has_inverted_inks` applies to CMYK.
pub(super) fn decode(
    source: &[u8],
    scaling: ScalingFactor,
    has_inverted_inks: bool,
) -> Result<Picture, ThumbnailError> {
    let Prepared { mut decoder, source, found } = prepare(source, scaling)?;
    let (kind, format) = match found.colorspace {
        Colorspace::Gray => (PixelKind::Luma, PixelFormat::GRAY),
        Colorspace::CMYK | Colorspace::YCCK => (PixelKind::Cmyk, PixelFormat::CMYK),
        _ => (PixelKind::Rgb, PixelFormat::RGB),
    };
    let found = found.scaled(scaling);
    let pitch = found.width * kind.bytes();
    let mut data = vec![0; found.height * pitch];
    let image = Image {
        pixels: data.as_mut_slice(),
        width: found.width,
        pitch,
        height: found.height,
        format,
    };
    if let Err(error) = decoder.decompress(&source, image) {
        accept_partly(&error.to_string(), &data, pitch)?;
    }
    if kind == PixelKind::Cmyk && has_inverted_inks {
        for sample in &mut data {
            *sample = 255 - *sample;
        }
    }
    let side = |side: usize| u32::try_from(side).map_err(corrupt);
    Ok(Picture { width: side(found.width)?, height: side(found.height)?, kind, data })
}

/// Accept a picture with a warning of libjpeg if most of it is there.
fn accept_partly(error: &str, data: &[u8], pitch: usize) -> Result<(), ThumbnailError> {
    // The starts of libjpeg's warnings. After any other message it has stopped.
    const WARNINGS: [&str; 5] = [
        "Corrupt JPEG data",
        "Premature end of JPEG file",
        "Inconsistent progression sequence",
        "Invalid SOS parameters for sequential JPEG",
        "Unknown Adobe color transform",
    ];
    let message = error.strip_prefix("TurboJPEG error: ").unwrap_or(error);
    if !WARNINGS.iter().any(|warning| message.starts_with(warning)) {
        return Err(corrupt(message));
    }
    // Blocks without data come out as middle gray.
    let is_missing = |row: &[u8]| row.iter().all(|&sample| sample == 128);
    let missing = data.chunks_exact(pitch).rev().take_while(|row| is_missing(row)).count();
    if missing * 2 > data.len() / pitch.max(1) {
        return Err(corrupt(format_args!("more than half of it is missing ({message})")));
    }
    Ok(())
}

/// Decode the components at this scale. `None` for a JPEG without luma and chroma at the usual
/// resolutions, or a damaged one.
pub(super) fn components(source: &[u8], scaling: ScalingFactor) -> Option<Components> {
    let Prepared { mut decoder, source, found } = prepare(source, scaling).ok()?;
    if found.colorspace != Colorspace::YCbCr {
        return None;
    }
    let covers = match found.subsamp {
        Subsamp::None => (1, 1),
        Subsamp::Sub2x1 => (2, 1),
        Subsamp::Sub2x2 => (2, 2),
        _ => return None,
    };
    let found = found.scaled(scaling);
    let image = YuvImage {
        pixels: (),
        width: found.width,
        align: 1,
        height: found.height,
        subsamp: found.subsamp,
    };
    let (stored, chroma) = (image.y_size(), image.uv_size());
    let mut samples = vec![0; stored.0 * stored.1 + 2 * chroma.0 * chroma.1];
    let image = YuvImage {
        pixels: samples.as_mut_slice(),
        width: image.width,
        align: image.align,
        height: image.height,
        subsamp: image.subsamp,
    };
    decoder.decompress_to_yuv(&source, image).ok()?;
    let size = (found.width, found.height);
    crop(&mut samples, stored, size);
    let (luma, chroma) = (size.try_into().ok()?, chroma.try_into().ok()?);
    Some(Components::contiguous(samples, [(luma, (1, 1)), (chroma, covers), (chroma, covers)]))
}

/// Cut the first plane from the size `stored` to `size`, at the right and below.
fn crop(samples: &mut Vec<u8>, stored: (usize, usize), size: (usize, usize)) {
    if stored == size {
        return;
    }
    for row in 1..size.1 {
        samples.copy_within(row * stored.0..row * stored.0 + size.0, row * size.0);
    }
    samples.drain(size.0 * size.1..stored.0 * stored.1);
}
