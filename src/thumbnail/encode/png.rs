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

/// The maximum size of the sample that decides about the filter, in bytes.
const SAMPLE: usize = 64 * 1024;

/// The sample has at most this fraction of the rows, so that it takes little time.
const SAMPLED: usize = 4;

/// The number of bands of adjacent rows in the sample.
const BANDS: usize = 4;

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
    let color = match picture.kind {
        PixelKind::Luma => ColorType::Grayscale,
        PixelKind::Rgb => ColorType::Rgb,
        PixelKind::Rgba if gray.is_some() => ColorType::GrayscaleAlpha,
        PixelKind::Rgba | PixelKind::Cmyk => ColorType::Rgba,
    };
    let pixels = gray.as_ref().unwrap_or(&picture.data);
    let filter = smaller_filter(pixels, picture.width, color)?;
    set_eight_bits(&mut encoder, color, filter);
    write_pixels(encoder.write_header().map_err(internal)?, pixels, check_time)?;
    Ok(data)
}

fn set_eight_bits(encoder: &mut Encoder<'_, &mut Vec<u8>>, color: ColorType, filter: Filter) {
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_filter(filter);
    encoder.set_deflate_compression(DeflateCompression::Level(LEVEL));
}

/// Chooses between no filter and a filter for each row, by compressing a sample of the rows.
/// Drawings, with their areas of one colour, are smaller without a filter.
fn smaller_filter(pixels: &[u8], width: u32, color: ColorType) -> Result<Filter, ThumbnailError> {
    let stride = (width as usize * color.samples()).max(1);
    let rows = pixels.len() / stride;
    let band = ((SAMPLE / stride).min(rows / SAMPLED) / BANDS).max(1);
    let sample: Vec<u8> = (0..BANDS)
        .flat_map(|index| {
            let start = (rows * (2 * index + 1) / (2 * BANDS)).saturating_sub(band / 2);
            pixels.chunks(stride).skip(start).take(band).flatten()
        })
        .copied()
        .collect();
    let height = u32::try_from(sample.len() / stride).map_err(internal)?;
    let length = |filter| {
        let mut data = Vec::new();
        let mut encoder = Encoder::new(&mut data, width, height);
        set_eight_bits(&mut encoder, color, filter);
        let mut writer = encoder.write_header().map_err(internal)?;
        writer.write_image_data(&sample).map_err(internal)?;
        writer.finish().map_err(internal)?;
        Ok::<_, ThumbnailError>(data.len())
    };
    let is_smaller = length(Filter::NoFilter)? < length(Filter::Adaptive)?;
    Ok(if is_smaller { Filter::NoFilter } else { Filter::Adaptive })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of a file with a filter, without its metadata.
    fn length(picture: &Picture, filter: Filter) -> usize {
        let mut data = Vec::new();
        let mut encoder = Encoder::new(&mut data, picture.width, picture.height);
        set_eight_bits(&mut encoder, ColorType::Rgb, filter);
        write_pixels(encoder.write_header().unwrap(), &picture.data, &|| Ok(())).unwrap();
        data.len()
    }

    fn picture(width: u32, height: u32, color: impl Fn(u32, u32) -> [u32; 3]) -> Picture {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let data = pixels.flat_map(|(x, y)| color(x, y).map(|sample| sample.to_le_bytes()[0]));
        Picture { width, height, kind: PixelKind::Rgb, data: data.collect() }
    }

    #[test]
    fn the_filter_suits_the_picture() {
        let hash = |x: u32, y: u32| (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761) >> 20;
        // Copies of one pattern of many colours, with gaps.
        let drawing = picture(400, 300, |x, y| {
            let color = hash(x % 23, y % 19);
            if hash(x / 23, y / 19) % 3 > 0 { [color, color >> 3, color >> 5] } else { [255; 3] }
        });
        // Slopes with noise.
        let photograph = picture(400, 300, |x, y| {
            let noise = hash(x, y) % 5;
            [x / 2 + noise, y / 2 + noise, (x + y) / 4 + noise]
        });
        for (picture, filter) in [(drawing, Filter::NoFilter), (photograph, Filter::Adaptive)] {
            let made = encode(&picture, None, &Metadata::default(), &|| Ok(())).unwrap();
            let lengths =
                [Filter::NoFilter, Filter::Adaptive].map(|filter| length(&picture, filter));
            assert_eq!(made.len(), length(&picture, filter));
            assert_eq!(Some(&made.len()), lengths.iter().min());
            assert!(lengths[0].abs_diff(lengths[1]) > made.len() / 10, "{lengths:?}");
        }
    }

    #[test]
    fn every_size_has_a_sample() {
        for (width, height) in [(1, 1), (1, 9), (9, 1), (3, 4), (40_000, 2), (2, 40_000)] {
            let picture = picture(width, height, |x, y| [x, y, x * y]);
            encode(&picture, None, &Metadata::default(), &|| Ok(())).unwrap();
        }
    }
}
