//! Decodes pixels and components of a JPEG with libjpeg-turbo, shrunk in the frequency domain.

use std::borrow::Cow;

use jpeg_dc::has_all_scans;
use raster::{Picture, PixelKind, Size};
use turbojpeg::{
    Colorspace, DecompressHeader, Decompressor, Image, PixelFormat, ScalingFactor, Subsamp,
    YuvImage,
};

use super::super::components::Components;
use super::super::decoder::{Completeness, DecodeRequest};
use super::format::corrupt;
use super::scale::{above_one_eighth, without_invisible};
use super::segments::{FrameHeader, has_data, tidy};
use crate::error::ThumbnailError;

/// The maximum number of scans in a progressive file of ordinary size, and in a large one. Each
/// scan costs time for every pixel, and libjpeg can't be stopped: the time limit is checked only
/// before and after libjpeg runs. Encoders write about ten scans.
const MAX_SCANS: (u64, u64) = (100, 20);

/// The product of scans and pixels above which a file counts as large.
const MAX_SCANNED: u64 = 500_000_000;

/// A decoder that has read the header, and the image without the unneeded scans and segments.
struct Prepared<'a> {
    decoder: Decompressor,
    source: Cow<'a, [u8]>,
    found: DecompressHeader,
}

/// Read the header, and prepare to decode at this scale.
fn prepare(
    source: &[u8],
    scaling: ScalingFactor,
    size: Size,
) -> Result<Prepared<'_>, ThumbnailError> {
    let source = without_invisible(source, above_one_eighth(scaling));
    let mut decoder = Decompressor::new().map_err(corrupt)?;
    let scans = MAX_SCANNED / size.pixels().max(1);
    let scans = u32::try_from(scans.clamp(MAX_SCANS.1, MAX_SCANS.0)).unwrap_or_default();
    decoder.set_scan_limit(scans).map_err(corrupt)?;
    decoder.set_scaling_factor(scaling).map_err(corrupt)?;
    match decoder.read_header(&source) {
        Ok(found) => Ok(Prepared { decoder, source, found }),
        // Here, even a warning counts as a failure, for example about bytes between two segments.
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
    frame: FrameHeader,
    has_inverted_inks: bool,
    request: DecodeRequest<'_>,
) -> Result<(Picture, Completeness), ThumbnailError> {
    let Prepared { mut decoder, source, found } = prepare(source, scaling, frame.size)?;
    let (kind, format) = match found.colorspace {
        Colorspace::Gray => (PixelKind::Luma, PixelFormat::GRAY),
        Colorspace::CMYK | Colorspace::YCCK => (PixelKind::Cmyk, PixelFormat::CMYK),
        _ => (PixelKind::Rgb, PixelFormat::RGB),
    };
    let found = found.scaled(scaling);
    let pitch = found.width * kind.bytes();
    let mut data = vec![0; found.height * pitch];
    let image = Image { pixels: (), width: found.width, pitch, height: found.height, format };
    let mut decompress = |source: &[u8], data: &mut [u8]| {
        request.check_time()?;
        let Image { width, pitch, height, format, .. } = image;
        let outcome =
            decoder.decompress(source, Image { pixels: data, width, pitch, height, format });
        outcome.map_or_else(|error| Warning::of(&error.to_string()).map(Some), |()| Ok(None))
    };
    let mut warning = decompress(&source, &mut data)?;
    if warning == Some(Warning::NoEnd) {
        // The data may be complete, but libjpeg can determine this only if the end marker is
        // present.
        let ended = [&source, END.as_slice()].concat();
        warning = decompress(&ended, &mut data)?;
        if warning.is_none() && may_lack_scans(frame) && !has_all_scans(&ended) {
            warning = Some(Warning::Missing);
        }
    }
    let is_whole = !matches!(warning, Some(Warning::NoEnd | Warning::Missing));
    // Blocks without data are decoded as middle gray, but the first one as if it had a few bits.
    let is_empty = || !has_data(&source) || data.iter().all(|&sample| sample == 128);
    if !is_whole && is_empty() {
        return Err(corrupt("all of its pixels are missing"));
    }
    if kind == PixelKind::Cmyk && has_inverted_inks {
        for sample in &mut data {
            *sample = 255 - *sample;
        }
    }
    let side = |side: usize| u32::try_from(side).map_err(corrupt);
    let (width, height) = (side(found.width)?, side(found.height)?);
    Ok((Picture { width, height, kind, data }, Completeness::whole_if(is_whole)))
}

/// Whether the file may end between two scans. Sequential files with four components have only one
/// scan.
const fn may_lack_scans(frame: FrameHeader) -> bool {
    frame.is_progressive() || frame.components <= 3
}

/// The EOI marker.
const END: [u8; 2] = [0xff, 0xd9];

/// The state of the picture, according to libjpeg's first warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Warning {
    /// The picture is complete.
    Harmless,
    /// The file ends without the EOI marker.
    NoEnd,
    /// Some of the picture's data is missing or damaged.
    Missing,
}

impl Warning {
    /// Returns the state indicated by a warning with this message.
    ///
    /// # Errors
    /// Fails if the message is an error, after which libjpeg has stopped.
    fn of(error: &str) -> Result<Self, ThumbnailError> {
        let message = error.strip_prefix("TurboJPEG error: ").unwrap_or(error);
        match message {
            "Premature end of JPEG file" => Ok(Self::NoEnd),
            message if message.contains("extraneous bytes before marker") => Ok(Self::Harmless),
            message if message.starts_with("Corrupt JPEG data") => Ok(Self::Missing),
            message if message.starts_with("Inconsistent progression sequence") => {
                Ok(Self::Missing)
            }
            message
                if message.starts_with("Invalid SOS parameters for sequential JPEG")
                    || message.starts_with("Unknown Adobe color transform") =>
            {
                Ok(Self::Harmless)
            }
            message => Err(corrupt(message)),
        }
    }
}

/// Decode the components at this scale. Returns `None` if the JPEG does not consist of luma and
/// chroma at the usual resolutions, or is damaged.
pub(super) fn components(source: &[u8], scaling: ScalingFactor, size: Size) -> Option<Components> {
    let Prepared { mut decoder, source, found } = prepare(source, scaling, size).ok()?;
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

/// Crop the first plane from size `stored` to `size`, on the right and at the bottom.
fn crop(samples: &mut Vec<u8>, stored: (usize, usize), size: (usize, usize)) {
    if stored == size {
        return;
    }
    for row in 1..size.1 {
        samples.copy_within(row * stored.0..row * stored.0 + size.0, row * size.0);
    }
    samples.drain(size.0 * size.1..stored.0 * stored.1);
}
