//! Encodes JPEG with `jpeg-encode`. For a progressive file, libjpeg-turbo converts the result.

use turbojpeg::Transform;

use super::super::background::flatten;
use super::super::spec::{Progressive, Rgb, Subsampling};
use super::metadata::Metadata;
use super::style::Style;
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind};

pub(super) fn encode(
    picture: &Picture,
    quality: u8,
    style: Style,
    metadata: &Metadata,
) -> Result<Vec<u8>, ThumbnailError> {
    let encode = |picture: &Picture| encode(picture, quality, style, metadata);
    let subsampling = match style.subsampling {
        Subsampling::Full => jpeg_encode::Subsampling::Full,
        Subsampling::HalfWidth => jpeg_encode::Subsampling::HalfWidth,
        Subsampling::Half => jpeg_encode::Subsampling::Half,
    };
    let [width, height] = sides(picture)?;
    let file = match picture.kind {
        // An RGB profile does not apply to gray samples.
        PixelKind::Luma if metadata.icc.is_some() => return encode(&picture.clone().into_color()),
        PixelKind::Luma => jpeg_encode::encode_gray(&picture.data, width, height, quality),
        PixelKind::Rgb if metadata.icc.is_none() && is_gray(picture) => {
            return encode(&picture.clone().into_luma());
        }
        PixelKind::Rgb => {
            jpeg_encode::encode_rgb(&picture.data, width, height, subsampling, quality)
        }
        PixelKind::Cmyk => return encode(&picture.clone().without_inks()),
        PixelKind::Rgba => return encode(&flatten(picture.clone(), Rgb::WHITE)),
    };
    finish(file.map_err(|error| internal(&error))?, style, metadata)
}

/// The width and height of a picture. A JPEG has at most 65,535 pixels on each side.
fn sides(picture: &Picture) -> Result<[u16; 2], ThumbnailError> {
    let [width, height] = [picture.width, picture.height].map(u16::try_from);
    Ok([width.map_err(|error| internal(&error))?, height.map_err(|error| internal(&error))?])
}

/// Makes a file progressive if the style says so, and adds metadata.
fn finish(file: Vec<u8>, style: Style, metadata: &Metadata) -> Result<Vec<u8>, ThumbnailError> {
    let Progressive(is_progressive) = style.progressive;
    let file = if is_progressive {
        let mut transform = Transform::default();
        transform.progressive = true;
        turbojpeg::transform(&transform, &file).map_err(|error| internal(&error))?.to_vec()
    } else {
        file
    };
    Ok(with_metadata(file, metadata))
}

/// Whether all colours are gray. The image may still have three samples per pixel, for example
/// because of a palette or a background.
fn is_gray(picture: &Picture) -> bool {
    picture.data.as_chunks().0.iter().all(|&[red, green, blue]| red == green && green == blue)
}

/// Encodes luma, with Cb and Cr at half its width and height.
pub(super) fn encode_components(
    [luma, blue, red]: &[Picture; 3],
    quality: u8,
    style: Style,
    metadata: &Metadata,
) -> Result<Vec<u8>, ThumbnailError> {
    let [width, height] = sides(luma)?;
    let components = [luma, blue, red].map(|component| component.data.as_slice());
    let file = jpeg_encode::encode_components(components, width, height, quality);
    finish(file.map_err(|error| internal(&error))?, style, metadata)
}

/// The maximum number of bytes in a segment after its length.
const SEGMENT: usize = 65_533;

/// The start of an APP1 segment with EXIF data (CIPA DC-008, 4.7.2).
const EXIF: &[u8] = b"Exif\0\0";

/// The start of an APP1 segment with XMP data (ISO 16684-3).
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// The start of an APP2 segment with a part of an ICC profile (ICC.1:2022, annex B.4).
const ICC: &[u8] = b"ICC_PROFILE\0";

/// Returns the file with metadata after its first segment, which is the JFIF segment.
fn with_metadata(file: Vec<u8>, metadata: &Metadata) -> Vec<u8> {
    let mut segments = Vec::new();
    let mut push = |marker: u8, parts: &[&[u8]]| {
        let content = parts.concat();
        if let Ok(length) = u16::try_from(content.len() + 2) {
            segments.extend([0xff, marker]);
            segments.extend(length.to_be_bytes());
            segments.extend(content);
        }
    };
    if let Some(exif) = &metadata.exif {
        push(0xe1, &[EXIF, exif]);
    }
    if let Some(xmp) = &metadata.xmp {
        push(0xe1, &[XMP, xmp.as_bytes()]);
    }
    if let Some(icc) = &metadata.icc {
        let parts = icc.chunks(SEGMENT - ICC.len() - 2);
        let count = u8::try_from(parts.len()).unwrap_or(u8::MAX);
        for (number, part) in (1..=count).zip(parts) {
            push(0xe2, &[ICC, &[number, count], part]);
        }
    }
    let start = match *file {
        [0xff, 0xd8, 0xff, 0xe0, high, low, ..] => 4 + usize::from(u16::from_be_bytes([high, low])),
        _ => 2,
    };
    match file.split_at_checked(start) {
        Some((before, after)) if !segments.is_empty() => [before, &segments, after].concat(),
        _ => file,
    }
}

fn internal(error: &dyn std::error::Error) -> ThumbnailError {
    ThumbnailError::Internal(error.to_string())
}
