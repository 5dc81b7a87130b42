//! AV1 pictures by `rav1d`.

use re_rav1d::dav1d::{Decoder, Picture as Decoded, PixelLayout, PlanarImageComponent, Settings};
use zenavif_parse::ColorInformation;

use super::super::format::SourceFormat;
use super::planes::{Matrix, Plane, Planes};
use crate::error::ThumbnailError;
use raster::Size;

/// The parts in which the decoder may take one picture's data before it must have the picture.
const MAX_PARTS: usize = 64;

/// The units of a bitstream that make a picture (AV1, 6.2.2): the headers of sequences, frames
/// and their tiles, and what tells one picture from the next.
const PICTURE_UNITS: [u8; 6] = [1, 2, 3, 4, 6, 7];

fn corrupt(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(SourceFormat::Avif, error)
}

/// The bitstream without what makes no picture, such as metadata.
///
/// The decoder's functions have C's interface: should it panic, that can't be caught, and ends
/// the process. So it gets nothing that it could do without.
fn pictures_only(data: &[u8]) -> Result<Vec<u8>, ThumbnailError> {
    let mut kept = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some(&header) = rest.first() {
        let unit = unit_length(rest).and_then(|length| rest.split_at_checked(length));
        let (unit, after) = unit.ok_or_else(|| corrupt("a unit of its bitstream is cut off"))?;
        if PICTURE_UNITS.contains(&(header >> 3 & 15)) {
            kept.extend_from_slice(unit);
        }
        rest = after;
    }
    // Of nothing at all the decoder would complain to the standard error.
    if kept.is_empty() { Err(corrupt("there is no picture in its data")) } else { Ok(kept) }
}

/// The length of the unit at the start of a bitstream (AV1, 5.3.1 and 4.10.5).
fn unit_length(data: &[u8]) -> Option<usize> {
    let header = data.first()?;
    let (has_extension, has_size) = (header & 4 != 0, header & 2 != 0);
    if !has_size {
        return Some(data.len());
    }
    let mut length = 0_u64;
    let start = 1 + usize::from(has_extension);
    for (index, &byte) in data.get(start..)?.iter().take(8).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return usize::try_from(length).ok()?.checked_add(start + index + 1);
        }
    }
    None
}

/// Decodes AV1 pictures, each of which may need those before it.
pub(super) struct Stream(Decoder);

impl Stream {
    /// For pictures of at most as many pixels as this.
    pub(super) fn new(size: Size) -> Result<Self, ThumbnailError> {
        let mut settings = Settings::new();
        // One thread: the caller has its own, and a forked child none of the pool's.
        settings.set_n_threads(1);
        settings.set_max_frame_delay(1);
        settings.set_frame_size_limit(u32::try_from(size.pixels()).unwrap_or(u32::MAX));
        Decoder::with_settings(&settings).map(Self).map_err(corrupt)
    }

    /// The next picture. What the container says of its colours goes before what the bitstream
    /// says.
    pub(super) fn next(
        &mut self,
        data: &[u8],
        color: Option<&ColorInformation>,
    ) -> Result<Planes, ThumbnailError> {
        let Self(decoder) = self;
        match decoder.send_data(pictures_only(data)?, None, None, None) {
            Err(error) if !error.is_again() => return Err(corrupt(error)),
            _ => {}
        }
        for _ in 0..MAX_PARTS {
            match decoder.get_picture() {
                Ok(picture) => return Ok(planes(&picture, color)),
                Err(error) if error.is_again() => match decoder.send_pending_data() {
                    Err(error) if !error.is_again() => return Err(corrupt(error)),
                    _ => {}
                },
                Err(error) => return Err(corrupt(error)),
            }
        }
        Err(corrupt("there is no picture in its data"))
    }
}

fn planes(decoded: &Decoded, color: Option<&ColorInformation>) -> Planes {
    let layout = decoded.pixel_layout();
    let (width, height) = (decoded.width(), decoded.height());
    let chroma_width = if layout == PixelLayout::I444 { width } else { width.div_ceil(2) };
    let chroma_height = if layout == PixelLayout::I420 { height.div_ceil(2) } else { height };
    let bits = decoded.bit_depth();
    let plane = |component, width, height| {
        let stride = decoded.stride(component) as usize;
        Plane::new(&decoded.plane(component), stride, width, height, bits)
    };
    let chroma = (layout != PixelLayout::I400).then(|| {
        [PlanarImageComponent::U, PlanarImageComponent::V]
            .map(|component| plane(component, chroma_width, chroma_height))
    });
    let (matrix, full_range) = match color {
        Some(&ColorInformation::Nclx { matrix_coefficients, full_range, .. }) => {
            (u8::try_from(matrix_coefficients).unwrap_or(2), full_range)
        }
        _ => (
            decoded.matrix_coefficients() as u8,
            decoded.color_range() == re_rav1d::dav1d::pixel::YUVRange::Full,
        ),
    };
    Planes {
        luma: plane(PlanarImageComponent::Y, width, height),
        chroma,
        bits,
        matrix: Matrix::from_code_point(matrix),
        full_range,
    }
}
