//! [BlurHash](https://github.com/woltapp/blurhash/blob/master/Algorithm.md): a few terms of a cosine
//! transform of linear light, as text in base 83.

use std::f64::consts::PI;

use raster::{Picture, PixelKind};

/// The digits of base 83.
const DIGITS: &[u8; 83] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

/// The largest number of terms along a side.
const MOST_TERMS: usize = 9;

/// The number of pixels along a side of a drawn hash, for each term.
const DRAWN: usize = 8;

/// The number of quantisation steps of the largest term.
const STEPS: f64 = 166.0;

/// The number of quantisation steps on each side of zero, for a single term.
const HALF: f64 = 9.0;

/// Returns the hash of a picture. The pair contains the number of terms across and the number of
/// terms down, each from 1 to 9. Opacities are ignored.
pub(super) fn encode(picture: Picture, (across, down): (usize, usize)) -> String {
    let Picture { width, height, data, .. } = picture.into_rgba();
    let (width, height) = (width as usize, height as usize);
    let light: Vec<f64> = (0..=u8::MAX).map(to_light).collect();
    let (columns, rows) = (cosines(across, width), cosines(down, height));
    let (pixels, _) = data.as_chunks::<4>();
    let term = |column: &[f64], row: &[f64], weight: f64| {
        let mut sums = [0.0; 3];
        for (line, row) in pixels.chunks_exact(width.max(1)).zip(row) {
            for (pixel, column) in line.iter().zip(column) {
                for (sum, &sample) in sums.iter_mut().zip(pixel) {
                    *sum += row * column * light.get(usize::from(sample)).copied().unwrap_or(0.0);
                }
            }
        }
        sums.map(|sum| sum * weight / float(width * height))
    };
    let mut terms = rows.iter().flat_map(|row| columns.iter().map(move |column| (column, row)));
    let mean = terms.next().map_or([0.0; 3], |(column, row)| term(column, row, 1.0));
    let waves: Vec<[f64; 3]> = terms.map(|(column, row)| term(column, row, 2.0)).collect();

    let mut hash = String::new();
    push(&mut hash, across.saturating_sub(1) + down.saturating_sub(1) * MOST_TERMS, 1);
    let largest = waves.iter().flatten().fold(0.0_f64, |most, wave| most.max(wave.abs()));
    let largest = floor(largest * STEPS - 0.5, 82);
    push(&mut hash, largest, 1);
    push(&mut hash, mean.into_iter().fold(0, |packed, light| packed << 8 | from_light(light)), 4);
    let largest = (float(largest) + 1.0) / STEPS;
    for wave in waves {
        let step = |light: f64| floor(signed_power(light / largest, 0.5) * HALF + HALF + 0.5, 18);
        push(&mut hash, wave.into_iter().fold(0, |packed, light| packed * 19 + step(light)), 2);
    }
    hash
}

/// Draws a hash. Returns `None` if the text is not a hash.
pub(super) fn decode(hash: &str) -> Option<Picture> {
    let mut digits = hash
        .bytes()
        .map(|byte| DIGITS.iter().position(|&digit| digit == byte))
        .collect::<Option<Vec<usize>>>()?
        .into_iter();
    let mut number = |length: usize| {
        (0..length).try_fold(0, |number, _| Some(number * DIGITS.len() + digits.next()?))
    };
    let terms = number(1)?;
    let (across, down) = (terms % MOST_TERMS + 1, terms / MOST_TERMS + 1);
    if down > MOST_TERMS {
        return None;
    }
    let largest = (float(number(1)?) + 1.0) / STEPS;
    let mean = number(4)?;
    let mut lights = vec![
        [mean >> 16, mean >> 8, mean]
            .map(|packed| to_light(u8::try_from(packed & 0xff).unwrap_or(u8::MAX))),
    ];
    for _ in 1..across * down {
        let packed = number(2)?;
        lights.push(
            [packed / (19 * 19), packed / 19 % 19, packed % 19]
                .map(|step| signed_power((float(step) - HALF) / HALF, 2.0) * largest),
        );
    }
    if digits.next().is_some() {
        return None;
    }
    let (width, height) = (across * DRAWN, down * DRAWN);
    let (columns, rows) = (cosines(across, width), cosines(down, height));
    let mut data = Vec::with_capacity(width * height * PixelKind::Rgb.bytes());
    for y in 0..height {
        for x in 0..width {
            let mut color = [0.0; 3];
            for (row, lights) in rows.iter().zip(lights.chunks(across)) {
                for (column, light) in columns.iter().zip(lights) {
                    let weight = row.get(y)? * column.get(x)?;
                    color.iter_mut().zip(light).for_each(|(sum, light)| *sum += weight * light);
                }
            }
            data.extend(color.map(|light| u8::try_from(from_light(light)).unwrap_or(u8::MAX)));
        }
    }
    let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    Some(Picture { width, height, kind: PixelKind::Rgb, data })
}

/// The cosine of each term at each of `length` pixels.
fn cosines(terms: usize, length: usize) -> Vec<Vec<f64>> {
    let cosine = |term: usize, pixel: usize| (PI * float(term * pixel) / float(length)).cos();
    (0..terms).map(|term| (0..length).map(|pixel| cosine(term, pixel)).collect()).collect()
}

fn push(hash: &mut String, number: usize, length: u32) {
    for place in (0..length).rev() {
        let digit = number / DIGITS.len().pow(place) % DIGITS.len();
        hash.extend(DIGITS.get(digit).copied().map(char::from));
    }
}

/// Converts an sRGB sample to linear light.
fn to_light(sample: u8) -> f64 {
    let value = f64::from(sample) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// Converts linear light to an sRGB sample.
fn from_light(light: f64) -> usize {
    let light = light.clamp(0.0, 1.0);
    let value =
        if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    floor(value * 255.0 + 0.5, 255)
}

fn signed_power(value: f64, exponent: f64) -> f64 {
    value.abs().powf(exponent).copysign(value)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn floor(value: f64, most: u32) -> usize {
    value.floor().clamp(0.0, most.into()) as usize
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
const fn float(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vector {
        width: u32,
        height: u32,
        pixels: String,
        terms: (usize, usize),
        hash: String,
    }

    #[test]
    fn equals_the_reference() {
        let vectors = include_str!("../../tests/vectors/blurhash.json");
        for vector in serde_json::from_str::<Vec<Vector>>(vectors).unwrap() {
            let Vector { width, height, pixels, terms, hash } = vector;
            let data = BASE64_STANDARD.decode(pixels).unwrap();
            let picture = Picture { width, height, kind: PixelKind::Rgb, data };
            assert_eq!(encode(picture, terms), hash);
            let drawn = decode(&hash).unwrap();
            assert_eq!((drawn.width as usize, drawn.height as usize), (terms.0 * 8, terms.1 * 8));
        }
    }

    #[test]
    fn refuses_other_texts() {
        let hash = "LEHV6nWB2yk8pyo0adR*.7kCMdnj";
        assert!(decode(hash).is_some());
        for text in ["", "L", "00000", "LEHV6nWB2yk8pyo0adR*.7kCMdn", "~~~~~~"] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode(&format!("{hash}0")), None);
        assert_eq!(decode(&hash.replace('L', "é")), None);
        assert_eq!(decode("00~~~~").unwrap().size(), raster::Size { width: 8, height: 8 });
    }
}
