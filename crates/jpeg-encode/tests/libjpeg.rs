//! Compares the files with libjpeg-turbo's.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "tests"
)]

use jpeg_encode::{Error, Subsampling, encode_components, encode_gray, encode_rgb};
use proptest::prelude::*;
use turbojpeg::{Compressor, Decompressor, Image, PixelFormat, Subsamp};

/// Smooth colours, an edge and a little noise.
fn picture(width: usize, height: usize, seed: u32, channels: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut pixels = Vec::with_capacity(width * height * channels);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..channels {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let wave = ((x * (3 + channel) + y * 2 + seed as usize % 97) / 2) % 200;
                let edge = if (x / 13 + y / 11 + channel) % 5 == 0 { 40 } else { 0 };
                pixels.push(u8::try_from(wave + edge).unwrap().saturating_add((state >> 29) as u8));
            }
        }
    }
    pixels
}

fn decode(file: &[u8], format: PixelFormat) -> (usize, usize, Subsamp, Vec<u8>) {
    let mut decompressor = Decompressor::new().unwrap();
    let header = decompressor.read_header(file).unwrap();
    let (width, height, size) = (header.width, header.height, format.size());
    let mut pixels = vec![0; width * height * size];
    let image = Image { pixels: &mut pixels[..], width, pitch: width * size, height, format };
    decompressor.decompress(file, image).unwrap();
    (width, height, header.subsamp, pixels)
}

fn by_libjpeg(
    pixels: &[u8],
    width: usize,
    height: usize,
    subsamp: Subsamp,
    quality: i32,
) -> Vec<u8> {
    let format = if subsamp == Subsamp::Gray { PixelFormat::GRAY } else { PixelFormat::RGB };
    let mut compressor = Compressor::new().unwrap();
    compressor.set_quality(quality).unwrap();
    compressor.set_subsamp(subsamp).unwrap();
    let image = Image { pixels, width, pitch: width * format.size(), height, format };
    compressor.compress_to_vec(image).unwrap()
}

/// The root of the mean squared error.
fn error(one: &[u8], other: &[u8]) -> f64 {
    assert_eq!(one.len(), other.len());
    let squares = one.iter().zip(other).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2));
    (squares.sum::<f64>() / one.len() as f64).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The pictures have any size, and libjpeg-turbo decodes them with about the error of its own.
    #[test]
    fn libjpeg_decodes_rgb(
        width in 1_u16..70, height in 1_u16..70, seed: u32, quality in 5_u8..=100, kind in 0..3
    ) {
        let (subsampling, subsamp) = [
            (Subsampling::Full, Subsamp::None),
            (Subsampling::HalfWidth, Subsamp::Sub2x1),
            (Subsampling::Half, Subsamp::Sub2x2),
        ][usize::try_from(kind).unwrap()];
        let (w, h) = (usize::from(width), usize::from(height));
        let pixels = picture(w, h, seed, 3);
        let file = encode_rgb(&pixels, width, height, subsampling, quality).unwrap();
        let (decoded_width, decoded_height, found, decoded) = decode(&file, PixelFormat::RGB);
        prop_assert_eq!((decoded_width, decoded_height, found), (w, h, subsamp));
        let theirs = by_libjpeg(&pixels, w, h, subsamp, quality.into());
        let limit = 1.6 * error(&pixels, &decode(&theirs, PixelFormat::RGB).3) + 2.0;
        let error = error(&pixels, &decoded);
        prop_assert!(error <= limit, "{} > {}", error, limit);
    }

    #[test]
    fn libjpeg_decodes_gray(
        width in 1_u16..70, height in 1_u16..70, seed: u32, quality in 5_u8..=100
    ) {
        let (w, h) = (usize::from(width), usize::from(height));
        let samples = picture(w, h, seed, 1);
        let file = encode_gray(&samples, width, height, quality).unwrap();
        let (decoded_width, decoded_height, found, decoded) = decode(&file, PixelFormat::GRAY);
        prop_assert_eq!((decoded_width, decoded_height, found), (w, h, Subsamp::Gray));
        let theirs = by_libjpeg(&samples, w, h, Subsamp::Gray, quality.into());
        let limit = 1.6 * error(&samples, &decode(&theirs, PixelFormat::GRAY).3) + 2.0;
        let error = error(&samples, &decoded);
        prop_assert!(error <= limit, "{} > {}", error, limit);
    }

    /// At quality 100, each step is 1.
    #[test]
    fn components_are_kept(width in 1_u16..70, height in 1_u16..70, seed: u32) {
        let (w, h) = (usize::from(width), usize::from(height));
        let luma = picture(w, h, seed, 1);
        let chroma = picture(w.div_ceil(2), h.div_ceil(2), seed / 2, 2);
        let (blue, red) = chroma.split_at(chroma.len() / 2);
        let file = encode_components([&luma, blue, red], width, height, 100).unwrap();
        let image = turbojpeg::decompress_to_yuv(&file).unwrap();
        prop_assert_eq!((image.width, image.height, image.subsamp), (w, h, Subsamp::Sub2x2));
        // Rows of the decoded planes are padded.
        let (stride, chroma_stride) = (image.y_width(), image.uv_width());
        let (decoded, chroma) = image.pixels.split_at(stride * image.y_height());
        let planes = [
            (decoded, stride, luma.as_slice(), w),
            (chroma, chroma_stride, blue, w.div_ceil(2)),
            (&chroma[chroma_stride * image.uv_height()..], chroma_stride, red, w.div_ceil(2)),
        ];
        for (decoded, stride, samples, width) in planes {
            for (row, decoded) in samples.chunks(width).zip(decoded.chunks(stride)) {
                for (&sample, &decoded) in row.iter().zip(decoded) {
                    prop_assert!(sample.abs_diff(decoded) <= 2, "{} != {}", sample, decoded);
                }
            }
        }
    }

    /// Samples without structure have the largest coefficients.
    #[test]
    fn noise_and_extremes(
        samples in prop::collection::vec(prop_oneof![Just(0_u8), Just(255), any::<u8>()], 64..600)
    ) {
        let width = u16::try_from(samples.len() / 8).unwrap();
        let used = &samples[..usize::from(width) * 8];
        let file = encode_gray(used, width, 8, 100).unwrap();
        let (.., decoded) = decode(&file, PixelFormat::GRAY);
        for (&sample, &decoded) in used.iter().zip(&decoded) {
            prop_assert!(sample.abs_diff(decoded) <= 3, "{} != {}", sample, decoded);
        }
    }
}

/// The file has more symbols than the encoder keeps in memory.
#[test]
fn large_pictures() {
    let length = 2600_u16;
    let side = usize::from(length);
    let mut state = 1_u32;
    let samples: Vec<u8> = (0..side * side)
        .map(|index| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Only the lower half needs long codes.
            if index < side * side / 2 { (state >> 28) as u8 } else { (state >> 24) as u8 }
        })
        .collect();
    let file = encode_gray(&samples, length, length, 100).unwrap();
    assert!(error(&samples, &decode(&file, PixelFormat::GRAY).3) < 1.0);
}

#[test]
fn wrong_sizes() {
    assert_eq!(encode_gray(&[], 0, 8, 80), Err(Error::Empty));
    assert_eq!(encode_gray(&[0; 63], 8, 8, 80), Err(Error::Samples));
    assert_eq!(encode_rgb(&[0; 191], 8, 8, Subsampling::Half, 80), Err(Error::Samples));
    assert_eq!(encode_components([&[0; 64], &[0; 16], &[0; 15]], 8, 8, 80), Err(Error::Samples));
}
