//! AVIF: the pictures by libaom, the container by `avif-serialize`.

use avif_serialize::Aviffy;
use avif_serialize::constants::MatrixCoefficients;

use super::super::av1_ffi::{self, Still};
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind};

/// Of 0 to 9, where 9 is fastest.
const SPEED: u8 = 9;

/// Before the first picture of a bitstream, which in a file has no meaning (AV1, 5.6).
const TEMPORAL_DELIMITER: [u8; 2] = [0x12, 0];

pub(super) fn encode(picture: &Picture, quality: u8) -> Result<Vec<u8>, ThumbnailError> {
    let half_chroma = halves_chroma(quality);
    let size = picture.size();
    let color = planes(picture, half_chroma);
    let quantizer = quantizer(quality);
    let compress = |still: &Still<'_>| -> Result<Vec<u8>, ThumbnailError> {
        let stream = av1_ffi::encode(still, quantizer, SPEED)
            .map_err(|error| ThumbnailError::Internal(error.to_string()))?;
        let start = if stream.starts_with(&TEMPORAL_DELIMITER) { TEMPORAL_DELIMITER.len() } else { 0 };
        Ok(stream.get(start..).unwrap_or_default().to_vec())
    };
    let Planes { luma, blue, red } = &color;
    let chroma = Some([blue.as_slice(), red]);
    let color = compress(&Still { size, luma, chroma, half_chroma })?;
    let alpha = alpha(picture)
        .map(|luma| compress(&Still { size, luma: &luma, chroma: None, half_chroma: true }))
        .transpose()?;
    let mut file = Vec::new();
    Aviffy::new()
        .set_matrix_coefficients(MatrixCoefficients::Bt601)
        .set_seq_profile(u8::from(!half_chroma))
        .set_chroma_subsampling((half_chroma, half_chroma))
        .set_width(size.width)
        .set_height(size.height)
        .set_bit_depth(8)
        .write_slice(&mut file, &color, alpha.as_deref())
        .map_err(|error| ThumbnailError::Internal(error.to_string()))?;
    Ok(file)
}

/// Whether colour is written at half the resolution both ways (4:2:0) at this quality.
pub(in super::super) const fn halves_chroma(quality: u8) -> bool {
    quality < 95
}

/// libaom's measure of the loss, 63 to 0.
fn quantizer(quality: u8) -> u8 {
    let loss = u16::from(100 - quality.min(100));
    u8::try_from((loss * 63 + 50) / 100).unwrap_or(63)
}

/// Luma, and the differences of blue and red from it.
struct Planes {
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
}

/// The picture's opacity, if any of its pixels are not opaque.
fn alpha(picture: &Picture) -> Option<Vec<u8>> {
    if picture.kind != PixelKind::Rgba {
        return None;
    }
    let (pixels, _) = picture.data.as_chunks::<4>();
    let alpha: Vec<_> = pixels.iter().map(|&[.., alpha]| alpha).collect();
    alpha.iter().any(|&alpha| alpha != u8::MAX).then_some(alpha)
}

fn planes(picture: &Picture, half_chroma: bool) -> Planes {
    match picture.kind {
        PixelKind::Luma => planes(&picture.clone().into_color(), half_chroma),
        PixelKind::Cmyk => planes(&picture.clone().without_inks(), half_chroma),
        PixelKind::Rgb => mixed::<3>(picture, half_chroma),
        PixelKind::Rgba => mixed::<4>(picture, half_chroma),
    }
}

/// The weights of red, green and blue (ITU-T H.273, BT.601 at the full range) in 65,536ths: in
/// luma, and in the differences, which are 128 for gray.
const LUMA: [i32; 3] = [19_595, 38_470, 7_471];
const BLUE: [i32; 3] = [-11_058, -21_710, 32_768];
const RED: [i32; 3] = [32_768, -27_439, -5_329];

/// The sum of a pixel's red, green and blue by weight.
fn weigh(weights: [i32; 3], [red, green, blue]: [i32; 3]) -> i32 {
    let [of_red, of_green, of_blue] = weights;
    of_red * red + of_green * green + of_blue * blue
}

fn color<const N: usize>(pixel: &[u8; N]) -> [i32; 3] {
    pixel.first_chunk::<3>().map_or([0; 3], |color| color.map(i32::from))
}

/// Of pixels of `N` bytes, the first of which are red, green and blue.
fn mixed<const N: usize>(picture: &Picture, half_chroma: bool) -> Planes {
    let (pixels, _) = picture.data.as_chunks::<N>();
    let byte = |value: i32| u8::try_from(value).unwrap_or(u8::MAX);
    let luma = pixels.iter().map(|pixel| byte((weigh(LUMA, color(pixel)) + (1 << 15)) >> 16));
    let difference = |weights, sum, shift| {
        byte((weigh(weights, sum) + (128 << shift) + (1 << (shift - 1))) >> shift)
    };
    let (blue, red) = if half_chroma {
        // Four pixels make one, which at an odd edge are fewer, and count twice.
        let width = (picture.width as usize).max(1);
        pixels
            .chunks(2 * width)
            .flat_map(|rows| {
                let (upper, lower) = rows.split_at(width.min(rows.len()));
                let lower = if lower.is_empty() { upper } else { lower };
                upper.chunks(2).zip(lower.chunks(2))
            })
            .map(|pairs| {
                let mut sum = [0; 3];
                for pair in <[_; 2]>::from(pairs) {
                    for pixel in [pair.first(), pair.last()].into_iter().flatten() {
                        for (sum, sample) in sum.iter_mut().zip(color(pixel)) {
                            *sum += sample;
                        }
                    }
                }
                (difference(BLUE, sum, 18), difference(RED, sum, 18))
            })
            .unzip()
    } else {
        let both = |pixel| {
            let color = color(pixel);
            (difference(BLUE, color, 16), difference(RED, color, 16))
        };
        pixels.iter().map(both).unzip()
    };
    Planes { luma: luma.collect(), blue, red }
}
