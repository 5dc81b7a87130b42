//! Converts decoded samples to eight bits.

use std::array;

use tiff::decoder::DecodingResult;

use super::error::TiffError;

/// Converts every sample to eight bits. `most` is the highest value of an unsigned sample. A row
/// contains `row` samples. Samples of fewer bits are scaled to the range from black to white, unless
/// they are indices.
///
/// The range of signed samples is not standardised. As in Pillow and libtiff, samples of eight bits
/// are read as unsigned. For 16 and 32 bits, 0 is black and 65535 is white.
pub(super) fn eight_bits(
    decoded: DecodingResult,
    most: u32,
    row: usize,
    is_index: bool,
) -> Result<Vec<u8>, TiffError> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let from_float = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
    let from_16 = |value: u16| u8::try_from((u32::from(value) + 128) / 257).unwrap_or(u8::MAX);
    let from_signed = |value: i32| from_16(u16::try_from(value.max(0)).unwrap_or(u16::MAX));
    Ok(match decoded {
        DecodingResult::U8(samples) if most == 0xff => samples,
        DecodingResult::U8(packed) => match most {
            0b1 => expanded::<8>(&packed, row, is_index),
            0b11 => expanded::<4>(&packed, row, is_index),
            _ => expanded::<2>(&packed, row, is_index),
        },
        DecodingResult::U16(samples) if most == 0xffff => {
            samples.into_iter().map(from_16).collect()
        }
        DecodingResult::U16(samples) => {
            let scaled = |value: u16| ((u32::from(value) & most) * 255 + most / 2) / most;
            let byte = |value: u16| u8::try_from(scaled(value)).unwrap_or(u8::MAX);
            samples.into_iter().map(byte).collect()
        }
        DecodingResult::U32(samples) => {
            samples.into_iter().map(|value| value.to_be_bytes()[0]).collect()
        }
        DecodingResult::I8(samples) => samples.into_iter().map(i8::cast_unsigned).collect(),
        DecodingResult::I16(samples) => {
            samples.into_iter().map(|value| from_signed(value.into())).collect()
        }
        DecodingResult::I32(samples) => samples.into_iter().map(from_signed).collect(),
        DecodingResult::F32(samples) => samples.into_iter().map(from_float).collect(),
        _ => return Err(TiffError::Unsupported),
    })
}

/// Converts samples of which a byte contains `N` to eight bits.
fn expanded<const N: usize>(packed: &[u8], row: usize, is_index: bool) -> Vec<u8> {
    let depth = 8 / N;
    let most = u8::MAX >> (8 - depth);
    let scale = if is_index { 1 } else { u8::MAX / most };
    let samples: Vec<[u8; N]> = (0..=u8::MAX)
        .map(|byte| array::from_fn(|place| (byte >> (8 - (place + 1) * depth) & most) * scale))
        .collect();
    let samples = |byte: &u8| samples.get(usize::from(*byte)).copied().unwrap_or([0; N]);
    let stride = row.div_ceil(N).max(1);
    let mut data = Vec::with_capacity(packed.len() / stride * row + stride * N);
    for bytes in packed.chunks(stride) {
        let end = data.len() + row.min(bytes.len() * N);
        for byte in bytes {
            data.extend_from_slice(&samples(byte));
        }
        data.truncate(end);
    }
    data
}

/// Interleaves samples that are stored plane by plane.
pub(super) fn interleaved(samples: &[u8], pixels: usize, planes: usize) -> Vec<u8> {
    let mut data = vec![0; pixels.saturating_mul(planes)];
    for (index, plane) in samples.chunks_exact(pixels.max(1)).take(planes).enumerate() {
        for (target, sample) in data.iter_mut().skip(index).step_by(planes).zip(plane) {
            *target = *sample;
        }
    }
    data
}

pub(super) fn unmultiplied(sample: u8, opacity: u8) -> u8 {
    let opacity = u16::from(opacity);
    let whole = (u16::from(sample) * 255 + opacity / 2).checked_div(opacity);
    whole.map_or(0, |whole| u8::try_from(whole).unwrap_or(u8::MAX))
}
