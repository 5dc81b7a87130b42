//! Decodes AV1 frames with libaom.

use zenavif_parse::ColorInformation;

use super::format::corrupt;
use super::planes::{Matrix, Plane, Planes};
use crate::error::ThumbnailError;
use crate::ffi::av1::{self, Av1Error, DecodedImage, Decoder, Samples};
use raster::Size;

/// The type of a sequence header, which contains the size of the frames that follow it (AV1, 5.5).
const SEQUENCE_HEADER: u8 = 1;

/// The types of the units needed to decode an image (AV1, 6.2.2): sequence headers, frames with
/// their headers and tiles, and the delimiters between frames.
const PICTURE_UNITS: [u8; 6] = [SEQUENCE_HEADER, 2, 3, 4, 6, 7];

/// The type of a unit with only a frame's header, and the type of a unit with a whole frame.
const FRAMES: [u8; 2] = [3, 6];

/// The maximum number of frames in an item or a sample. One frame is shown, or one for each spatial
/// layer. In a sequence, other frames may be needed to predict the shown frame. Each frame may need
/// as much memory and time as a whole image.
const MAX_FRAMES: usize = 8;

/// A unit of a bitstream.
struct Unit<'a> {
    kind: u8,
    /// The one or two bytes before the length.
    header: &'a [u8],
    /// The bytes after the length.
    payload: &'a [u8],
}

impl<'a> Unit<'a> {
    /// Splits the data into its first unit (AV1, 5.3.1) and the bytes after it. A unit without a
    /// length extends to the end of the data.
    fn split(data: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let first = data.first()?;
        let (has_extension, has_length) = (first & 4 != 0, first & 2 != 0);
        let (header, rest) = data.split_at_checked(1 + usize::from(has_extension))?;
        let (payload, rest) = if has_length {
            let (length, rest) = leb128(rest)?;
            rest.split_at_checked(length)?
        } else {
            (rest, [].as_slice())
        };
        Some((Self { kind: first >> 3 & 15, header, payload }, rest))
    }

    /// The spatial layer of a frame (AV1, 5.3.3).
    fn spatial_layer(&self) -> usize {
        usize::from(self.header.get(1).map_or(0, |extension| extension >> 3 & 3))
    }

    /// Whether a frame header causes its own frame or an earlier one to be shown (AV1, 5.9.2).
    /// Short headers do not contain this information.
    fn is_shown(&self) -> bool {
        self.payload.first().is_some_and(|bits| bits & 0x80 != 0 || bits & 0x10 != 0)
    }

    /// Writes the unit with its length, which libaom requires.
    fn write(&self, to: &mut Vec<u8>) {
        let (first, rest) = self.header.split_first().unwrap_or((&0, &[]));
        to.push(first | 2);
        to.extend_from_slice(rest);
        let mut length = self.payload.len();
        while let low @ 0x80.. = length {
            to.push(low.to_le_bytes()[0] | 0x80);
            length >>= 7;
        }
        to.push(length.to_le_bytes()[0]);
        to.extend_from_slice(self.payload);
    }
}

/// Returns the number at the start of the data (AV1, 4.10.5), and the bytes after it.
fn leb128(data: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, &byte) in data.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, data.get(index + 1..)?));
        }
    }
    None
}

/// Returns the bitstream up to the first shown frame of each spatial layer. It leaves out units
/// such as metadata, so that the decoder reads no more than it needs. Each frame may have at most
/// `max_pixels` pixels.
fn pictures_only(data: &[u8], max_pixels: u64) -> Result<Vec<u8>, ThumbnailError> {
    let mut kept = Vec::with_capacity(data.len());
    let mut rest = data;
    let mut frames = 0;
    let mut shown = [false; 4];
    let mut always_shown = false;
    while !rest.is_empty() {
        let (unit, after) =
            Unit::split(rest).ok_or_else(|| corrupt("a unit of its bitstream is cut off"))?;
        let start = kept.len();
        if FRAMES.contains(&unit.kind) {
            let layer = shown.get_mut(unit.spatial_layer());
            let Some(layer) = layer.filter(|shown| !**shown) else { break };
            *layer = always_shown || unit.is_shown();
            frames += 1;
            if frames > MAX_FRAMES {
                return Err(corrupt("it has too many frames that are not shown"));
            }
        }
        if PICTURE_UNITS.contains(&unit.kind) {
            unit.write(&mut kept);
        }
        if unit.kind == SEQUENCE_HEADER {
            let size = av1::largest(kept.get(start..).unwrap_or_default()).map_err(corrupt)?;
            if size.pixels() > max_pixels {
                return Err(corrupt(Av1Error::Size));
            }
            // This bit follows the profile and the flag for stills. It indicates that a still has a
            // short header.
            always_shown = unit.payload.first().is_some_and(|bits| bits & 0x08 != 0);
        }
        rest = after;
    }
    if kept.is_empty() { Err(corrupt(Av1Error::NoPicture)) } else { Ok(kept) }
}

/// Decodes AV1 frames. Each frame may depend on the frames before it.
pub(super) struct Stream {
    decoder: Decoder,
    max_pixels: u64,
}

impl Stream {
    /// Creates a decoder for frames that have no more pixels than an image of this size.
    pub(super) fn new(size: Size) -> Result<Self, ThumbnailError> {
        let max_pixels = size.pixels();
        Ok(Self { decoder: Decoder::new(max_pixels).map_err(corrupt)?, max_pixels })
    }

    /// Returns the next picture. The container's colour information takes precedence over the
    /// bitstream's.
    pub(super) fn next(
        &mut self,
        data: &[u8],
        color: Option<&ColorInformation>,
    ) -> Result<Planes, ThumbnailError> {
        let data = pictures_only(data, self.max_pixels)?;
        let decoded = self.decoder.decode(&data).map_err(corrupt)?;
        planes(&decoded, color).map_err(corrupt)
    }
}

fn planes(
    decoded: &DecodedImage<'_>,
    color: Option<&ColorInformation>,
) -> Result<Planes, Av1Error> {
    let bits = decoded.bits();
    let plane =
        |Samples { data, stride, size }| Plane::new(data, stride, size.width, size.height, bits);
    let (matrix, full_range) = match color {
        Some(&ColorInformation::Nclx { matrix_coefficients, full_range, .. }) => {
            (u8::try_from(matrix_coefficients).unwrap_or(2), full_range)
        }
        _ => (decoded.matrix_coefficients(), decoded.full_range()),
    };
    Ok(Planes {
        luma: plane(decoded.luma()?),
        chroma: decoded.chroma()?.map(|both| both.map(plane)),
        bits,
        matrix: Matrix::from_code_point(matrix),
        full_range,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A unit of this type with a spatial layer.
    fn unit(kind: u8, layer: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[kind << 3 | 6, layer << 3, length], payload].concat()
    }

    fn kept(units: &[Vec<u8>]) -> Result<usize, ThumbnailError> {
        pictures_only(&units.concat(), 100).map(|kept| kept.len())
    }

    const SHOWN: &[u8] = &[0x10, 1];
    const SHOWN_AGAIN: &[u8] = &[0x80];
    const HIDDEN: &[u8] = &[0, 1];

    #[test]
    fn ends_before_a_second_shown_frame() {
        let one = [unit(2, 0, &[]), unit(6, 0, HIDDEN), unit(3, 0, SHOWN), unit(4, 0, b"tiles")];
        let length = one.concat().len();
        assert_eq!(kept(&one).unwrap(), length);
        for next in [SHOWN, SHOWN_AGAIN, HIDDEN] {
            let more = [&one[..], &[unit(3, 0, next), unit(4, 0, b"tiles"), unit(6, 0, next)]];
            assert_eq!(kept(&more.concat()).unwrap(), length);
        }
    }

    #[test]
    fn each_spatial_layer_has_a_shown_frame() {
        let layers: Vec<_> = (0..4).map(|layer| unit(6, layer, SHOWN)).collect();
        assert_eq!(kept(&layers).unwrap(), layers.concat().len());
        let twice = [layers.clone(), layers.clone()].concat();
        assert_eq!(kept(&twice).unwrap(), layers.concat().len());
    }

    #[test]
    fn few_frames_are_hidden() {
        assert!(kept(&vec![unit(6, 0, HIDDEN); MAX_FRAMES]).is_ok());
        assert!(kept(&vec![unit(6, 0, HIDDEN); MAX_FRAMES + 1]).is_err());
    }
}
