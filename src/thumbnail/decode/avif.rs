//! AVIF: the container by `zenavif-parse`, its AV1 pictures by `rav1d`.
//!
//! The planes of luma and chroma are brought to one size before they become red, green and
//! blue. When the thumbnail is much smaller than the source, that size is smaller too, so that
//! most of the pixels never become colours at all.

use std::borrow::Cow;

use re_rav1d::dav1d::{Decoder, Picture as Decoded, PixelLayout, PlanarImageComponent, Settings};
use zenavif_parse::{AvifParser, ColorInformation, DecodeConfig};

use super::super::color::Profile;
use super::super::format::SourceFormat;
use super::super::orient::Transform;
use super::super::probe::Header;
use super::super::resize;
use super::planes::{Matrix, Plane, Planes};
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind, Size};

/// The parts in which the decoder may take one picture's data before it must have the picture.
const MAX_PARTS: usize = 64;

fn corrupt(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(SourceFormat::Avif, error)
}

fn open(source: &[u8]) -> Result<AvifParser<'_>, ThumbnailError> {
    // The parser keeps to the source's own bytes; these bounds are for what it copies.
    let config = DecodeConfig::default()
        .with_peak_memory_limit(64 * 1024 * 1024)
        .with_max_animation_frames(10_000)
        .with_max_grid_tiles(256)
        .lenient(true);
    AvifParser::from_bytes_with_config(source, &config, &zenavif_parse::Unstoppable)
        .map_err(corrupt)
}

pub(super) fn header(source: &[u8]) -> Result<Header, ThumbnailError> {
    let file = open(source)?;
    let grid = file.grid_config().filter(|grid| grid.output_width > 0 && grid.output_height > 0);
    let size = if let Some(grid) = grid {
        Size { width: grid.output_width, height: grid.output_height }
    } else {
        let metadata = file.primary_metadata().map_err(corrupt)?;
        Size { width: metadata.max_frame_width.get(), height: metadata.max_frame_height.get() }
    };
    let transform = transform(&file);
    Ok(Header {
        format: SourceFormat::Avif,
        size,
        orientation: transform.to_exif(),
        transform,
        frames: 1,
        plays: 1,
        has_alpha: file.alpha_data().is_some(),
        has_icc: matches!(file.color_info(), Some(ColorInformation::IccProfile(_))),
    })
}

/// The turn and the mirror image of the container; EXIF has no say here (HEIF, 6.5.10, 6.5.12).
fn transform(file: &AvifParser<'_>) -> Transform {
    let turn = Transform::from_exif(match file.rotation().map_or(0, |rotation| rotation.angle) {
        90 => 8,
        180 => 3,
        270 => 6,
        _ => 1,
    });
    turn.then(Transform::from_exif(match file.mirror().map(|mirror| mirror.axis) {
        Some(0) => 4,
        Some(1) => 2,
        _ => 1,
    }))
}

pub(super) fn profile(source: &[u8]) -> Option<Profile> {
    match open(source).ok()?.color_info()? {
        ColorInformation::IccProfile(icc) => Some(Profile::Icc(icc.clone())),
        ColorInformation::Nclx { color_primaries, transfer_characteristics, .. } => {
            Some(Profile::CodePoints {
                primaries: u8::try_from(*color_primaries).ok()?,
                transfer: u8::try_from(*transfer_characteristics).ok()?,
            })
        }
    }
}

pub(super) fn decode(
    source: &[u8],
    header: &Header,
    needed: Size,
) -> Result<Picture, ThumbnailError> {
    let file = open(source)?;
    if let Some(grid) = file.grid_config() {
        return decode_grid(&file, header, usize::from(grid.columns));
    }
    let size = resize::roomy(header.size, needed);
    let data = file.primary_data().map_err(corrupt)?;
    let picture = decode_item(data, header.size, &file)?.to_picture(size)?;
    let Some(alpha) = file.alpha_data() else { return Ok(picture) };
    let alpha = decode_item(alpha.map_err(corrupt)?, header.size, &file)?.luma(size)?;
    Ok(with_alpha(picture, &alpha, file.premultiplied_alpha()))
}

/// One AV1 picture of a file.
fn decode_item(
    data: Cow<'_, [u8]>,
    size: Size,
    file: &AvifParser<'_>,
) -> Result<Planes, ThumbnailError> {
    let mut settings = Settings::new();
    // One thread: the caller has its own, and a forked child none of the pool's.
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_frame_size_limit(u32::try_from(size.pixels()).unwrap_or(u32::MAX));
    let mut decoder = Decoder::with_settings(&settings).map_err(corrupt)?;
    match decoder.send_data(data.into_owned(), None, None, None) {
        Err(error) if !error.is_again() => return Err(corrupt(error)),
        _ => {}
    }
    for _ in 0..MAX_PARTS {
        match decoder.get_picture() {
            Ok(picture) => return Ok(planes(&picture, file)),
            Err(error) if error.is_again() => match decoder.send_pending_data() {
                Err(error) if !error.is_again() => return Err(corrupt(error)),
                _ => {}
            },
            Err(error) => return Err(corrupt(error)),
        }
    }
    Err(corrupt("there is no picture in its data"))
}

fn planes(decoded: &Decoded, file: &AvifParser<'_>) -> Planes {
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
    // What the container says goes before what the bitstream says.
    let (matrix, full_range) = match file.color_info() {
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

fn decode_grid(
    file: &AvifParser<'_>,
    header: &Header,
    columns: usize,
) -> Result<Picture, ThumbnailError> {
    let Size { width, height } = header.size;
    let kind = PixelKind::Rgb;
    let stride = width as usize * kind.bytes();
    let mut data = vec![0; stride * height as usize];
    let mut top = 0;
    for start in (0..file.grid_tile_count()).step_by(columns.max(1)) {
        let mut left = 0;
        let mut tallest = 0;
        for index in start..(start + columns).min(file.grid_tile_count()) {
            let tile = file.tile_data(index).map_err(corrupt)?;
            let planes = decode_item(tile, header.size, file)?;
            let tile = planes.to_picture(planes.luma.size())?.into_color();
            let rows = data.chunks_exact_mut(stride).skip(top);
            for (row, line) in rows.zip(tile.data.chunks_exact(tile.stride())) {
                if let Some(rest) = row.get_mut(left..) {
                    rest.iter_mut().zip(line).for_each(|(to, &from)| *to = from);
                }
            }
            left += tile.stride();
            tallest = tallest.max(tile.height as usize);
        }
        top += tallest;
    }
    Ok(Picture { width, height, kind, data })
}

fn with_alpha(picture: Picture, alpha: &Picture, premultiplied: bool) -> Picture {
    let mut picture = picture.into_rgba();
    let (pixels, _) = picture.data.as_chunks_mut::<4>();
    for (pixel, &alpha) in pixels.iter_mut().zip(&alpha.data) {
        let [red, green, blue, _] = *pixel;
        let plain = |sample: u8| match (premultiplied, alpha) {
            (true, 1..) => {
                let sample = u16::from(sample) * 255 / u16::from(alpha);
                u8::try_from(sample).unwrap_or(255)
            }
            _ => sample,
        };
        *pixel = [plain(red), plain(green), plain(blue), alpha];
    }
    picture
}
