//! PNG by the `png` crate.

use std::io::Cursor;

use png::{ColorType, Decoder, DecodingError, Reader, Transformations};

use super::super::color::Profile;
use super::super::exif;
use super::super::format::SourceFormat;
use super::super::orient::Transform;
use super::super::probe::Header;
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind, Size};

/// What the decoder may allocate beside the picture: profiles and rows.
const MAX_OVERHEAD: usize = 8 * 1024 * 1024;

fn corrupt(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(SourceFormat::Png, error)
}

fn open(source: &[u8]) -> Result<Reader<Cursor<&[u8]>>, DecodingError> {
    let limits = png::Limits { bytes: MAX_OVERHEAD };
    let mut decoder = Decoder::new_with_limits(Cursor::new(source), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.read_info()
}

pub(super) fn header(source: &[u8]) -> Result<Header, ThumbnailError> {
    let reader = open(source).map_err(corrupt)?;
    let info = reader.info();
    let orientation = info.exif_metadata.as_deref().map_or(1, exif::orientation);
    Ok(Header {
        format: SourceFormat::Png,
        size: Size { width: info.width, height: info.height },
        orientation,
        transform: Transform::from_exif(orientation),
        frames: 1,
        plays: 1,
        has_alpha: matches!(info.color_type, ColorType::GrayscaleAlpha | ColorType::Rgba)
            || info.trns.is_some(),
        has_icc: info.icc_profile.is_some(),
    })
}

/// What the samples mean, by the precedence of the PNG specification (third edition, 4.3).
pub(super) fn profile(source: &[u8]) -> Option<Profile> {
    let reader = open(source).ok()?;
    let info = reader.info();
    if let Some(points) = info.coding_independent_code_points {
        let (primaries, transfer) = (points.color_primaries, points.transfer_function);
        return Some(Profile::CodePoints { primaries, transfer });
    }
    if let Some(icc) = &info.icc_profile {
        return Some(Profile::Icc(icc.to_vec()));
    }
    if info.srgb.is_some() {
        return None;
    }
    info.gama_chunk.map(|gamma| Profile::Gamma(gamma.into_value()))
}

pub(super) fn decode(source: &[u8]) -> Result<Picture, ThumbnailError> {
    let mut reader = open(source).map_err(corrupt)?;
    let bytes = reader.output_buffer_size().ok_or_else(|| corrupt("it is too large"))?;
    let mut data = vec![0; bytes];
    let output = reader.next_frame(&mut data).map_err(corrupt)?;
    data.truncate(output.buffer_size());
    let (kind, data) = match output.color_type {
        ColorType::Grayscale => (PixelKind::Luma, data),
        ColorType::GrayscaleAlpha => {
            let (pixels, _) = data.as_chunks::<2>();
            (PixelKind::Rgba, pixels.iter().flat_map(|&[l, a]| [l, l, l, a]).collect())
        }
        ColorType::Rgb => (PixelKind::Rgb, data),
        ColorType::Rgba => (PixelKind::Rgba, data),
        ColorType::Indexed => return Err(corrupt("it has no palette")),
    };
    Ok(Picture { width: output.width, height: output.height, kind, data })
}
