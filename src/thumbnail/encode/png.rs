//! Encodes PNG with the `png` crate. A palette is used if it is lossless, or on request.

use std::borrow::Cow;
use std::io::Write;

use png::{BitDepth, ColorType, DeflateCompression, Encoder, Filter, Info, Writer};

use super::super::limits::CheckTime;
use super::metadata::Metadata;
use super::palette::{self, Colors, Indexed};
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind};

/// The compression level, 1 to 9. The next level takes a third more time for 1 to 4 % fewer bytes.
const LEVEL: u8 = 3;

/// Pixels of at least this size, in bytes, are written in several chunks.
const MANY: usize = 1 << 20;

/// The size of such a chunk, in bytes.
const CHUNK: usize = 64 * 1024;

/// The keyword of XMP data (ISO 16684-3).
const XMP: &str = "XML:com.adobe.xmp";

pub(super) fn encode(
    picture: &Picture,
    most: Option<Colors>,
    metadata: &Metadata,
    check_time: CheckTime<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    if picture.kind == PixelKind::Luma && metadata.icc.is_some() {
        // An RGB profile does not apply to gray samples.
        return encode(&picture.clone().into_color(), most, metadata, check_time);
    }
    let indexed = match most {
        Some(most) => Some(palette::best(&picture.clone().into_rgba(), most)?),
        None => own_colors(picture),
    };
    match indexed {
        Some(indexed) => write_indexed(picture, indexed, metadata, check_time),
        None => write(picture, metadata, check_time),
    }
}

fn internal(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::Internal(error.to_string())
}

/// Returns the image with a palette of its own colours, if that makes it smaller.
fn own_colors(picture: &Picture) -> Option<Indexed> {
    let most = Colors::default();
    match picture.kind {
        // A gray pixel takes one byte, just like an index.
        PixelKind::Luma => None,
        PixelKind::Rgb => {
            let (pixels, _) = picture.data.as_chunks();
            palette::exact(pixels.iter().map(|&[r, g, b]| [r, g, b, 255]), most)
        }
        PixelKind::Rgba | PixelKind::Cmyk => {
            palette::exact(picture.data.as_chunks().0.iter().copied(), most)
        }
    }
}

/// Starts a file with this metadata.
fn start<'a>(
    data: &'a mut Vec<u8>,
    picture: &Picture,
    metadata: &'a Metadata,
) -> Result<Encoder<'a, &'a mut Vec<u8>>, ThumbnailError> {
    let mut info = Info::with_size(picture.width, picture.height);
    info.icc_profile = metadata.icc.as_deref().map(Cow::Borrowed);
    info.exif_metadata = metadata.exif.as_deref().map(Cow::Borrowed);
    let mut encoder = Encoder::with_info(data, info).map_err(internal)?;
    if let Some(xmp) = &metadata.xmp {
        encoder.add_itxt_chunk(XMP.to_owned(), xmp.clone()).map_err(internal)?;
    }
    Ok(encoder)
}

fn write(
    picture: &Picture,
    metadata: &Metadata,
    check_time: CheckTime<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    let gray = if metadata.icc.is_none() { gray_with_alpha(picture) } else { None };
    let mut data = Vec::new();
    let mut encoder = start(&mut data, picture, metadata)?;
    encoder.set_color(match picture.kind {
        PixelKind::Luma => ColorType::Grayscale,
        PixelKind::Rgb => ColorType::Rgb,
        PixelKind::Rgba if gray.is_some() => ColorType::GrayscaleAlpha,
        PixelKind::Rgba | PixelKind::Cmyk => ColorType::Rgba,
    });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_filter(Filter::Adaptive);
    encoder.set_deflate_compression(DeflateCompression::Level(LEVEL));
    let pixels = gray.as_ref().unwrap_or(&picture.data);
    write_pixels(encoder.write_header().map_err(internal)?, pixels, check_time)?;
    Ok(data)
}

/// Returns the gray and the opacity of each pixel, if all colours are gray.
fn gray_with_alpha(picture: &Picture) -> Option<Vec<u8>> {
    let (pixels, _) = picture.data.as_chunks::<4>();
    let is_gray = picture.kind == PixelKind::Rgba
        && pixels.iter().all(|&[red, green, blue, _]| red == green && green == blue);
    is_gray.then(|| pixels.iter().flat_map(|&[gray, _, _, alpha]| [gray, alpha]).collect())
}

fn write_indexed(
    picture: &Picture,
    indexed: Indexed,
    metadata: &Metadata,
    check_time: CheckTime<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    let Indexed { colors, indices } = indexed;
    let (depth, bits) = match colors.len() {
        ..=2 => (BitDepth::One, 1),
        3..=4 => (BitDepth::Two, 2),
        5..=16 => (BitDepth::Four, 4),
        _ => (BitDepth::Eight, 8),
    };
    let mut data = Vec::new();
    let mut encoder = start(&mut data, picture, metadata)?;
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(depth);
    encoder.set_deflate_compression(DeflateCompression::Level(LEVEL));
    // Differences between indices are meaningless.
    encoder.set_filter(Filter::NoFilter);
    encoder.set_palette(colors.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect::<Vec<_>>());
    if colors.iter().any(|&[.., alpha]| alpha < 255) {
        encoder.set_trns(colors.iter().map(|&[.., alpha]| alpha).collect::<Vec<_>>());
    }
    let packed: Vec<u8> = indices
        .chunks(picture.width.max(1) as usize)
        .flat_map(|row| row.chunks(8 / bits))
        .map(|group| {
            let packed =
                group.iter().fold(0, |packed: u16, &index| packed << bits | u16::from(index));
            let missing = 8 / bits - group.len();
            u8::try_from(packed << (missing * bits)).unwrap_or_default()
        })
        .collect();
    write_pixels(encoder.write_header().map_err(internal)?, &packed, check_time)?;
    Ok(data)
}

/// Writes the pixels. A large image is written in chunks, because a single chunk would be held in
/// memory twice.
fn write_pixels(
    mut writer: Writer<&mut Vec<u8>>,
    pixels: &[u8],
    check_time: CheckTime<'_>,
) -> Result<(), ThumbnailError> {
    if pixels.len() < MANY {
        writer.write_image_data(pixels).map_err(internal)?;
    } else {
        let mut chunks = writer.stream_writer_with_size(CHUNK).map_err(internal)?;
        for part in pixels.chunks(MANY) {
            check_time()?;
            chunks.write_all(part).map_err(internal)?;
        }
        chunks.finish().map_err(internal)?;
    }
    writer.finish().map_err(internal)
}
