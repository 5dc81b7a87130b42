//! AVIF: the container by `zenavif-parse`, its pictures by [`av1`](super::av1).
//!
//! The planes of luma and chroma are brought to one size before they become red, green and
//! blue. When the thumbnail is much smaller than the source, that size is smaller too, so that
//! most of the pixels never become colours at all.

use zenavif_parse::{AV1Metadata, AnimationInfo, AvifParser, ColorInformation, DecodeConfig};

use super::super::color::Profile;
use super::super::format::SourceFormat;
use super::super::orient::Transform;
use super::super::probe::Header;
use super::super::resize;
use super::Sink;
use super::av1::Stream;
use super::isobmff;
use crate::error::ThumbnailError;
use raster::{Frame, Picture, PixelKind, Size};

fn corrupt(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(SourceFormat::Avif, error)
}

fn open(source: &[u8]) -> Result<AvifParser<'_>, ThumbnailError> {
    isobmff::check(source)?;
    // The parser keeps to the source's own bytes; these bounds are for what it copies.
    let config = DecodeConfig::default()
        .with_peak_memory_limit(64 * 1024 * 1024)
        .with_max_animation_frames(isobmff::MAX_SAMPLES)
        .with_max_grid_tiles(256)
        .lenient(true);
    let stop = &zenavif_parse::Unstoppable;
    match isobmff::without_items(source) {
        Some(source) => AvifParser::from_owned_with_config(source, &config, stop),
        None => AvifParser::from_bytes_with_config(source, &config, stop),
    }
    .map_err(corrupt)
}

/// The sequence of a file that says to be one, as browsers have it: its brand decides.
fn sequence(file: &AvifParser<'_>, source: &[u8]) -> Option<AnimationInfo> {
    let is_sequence = file.major_brand() == b"avis";
    let info = file.animation_info().filter(|info| is_sequence && info.frame_count > 0)?;
    let has_alpha = info.has_alpha && !isobmff::has_other_auxiliary(source);
    Some(AnimationInfo { has_alpha, ..info })
}

/// How the tiles of a picture lie (HEIF, 6.6.2.3.2).
struct Grid {
    rows: u32,
    columns: u32,
    size: Size,
}

fn grid(file: &AvifParser<'_>) -> Result<Option<Grid>, ThumbnailError> {
    if file.grid_config().is_none() {
        return Ok(None);
    }
    let data = file.primary_data().map_err(corrupt)?;
    let [0, flags, rows, columns, ref rest @ ..] = *data else {
        return Err(corrupt("its grid is of an unknown version"));
    };
    let (width, height) = match *rest {
        [w3, w2, w1, w0, h3, h2, h1, h0, ..] if flags & 1 == 1 => {
            (u32::from_be_bytes([w3, w2, w1, w0]), u32::from_be_bytes([h3, h2, h1, h0]))
        }
        [w1, w0, h1, h0, ..] if flags & 1 == 0 => {
            (u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into())
        }
        _ => return Err(corrupt("its grid has no size")),
    };
    let (rows, columns) = (u32::from(rows) + 1, u32::from(columns) + 1);
    Ok(Some(Grid { rows, columns, size: Size { width, height } }))
}

pub(super) fn header(source: &[u8]) -> Result<Header, ThumbnailError> {
    let file = open(source)?;
    let sequence = sequence(&file, source);
    let size = if sequence.is_some() {
        let first = file.frame(0).map_err(corrupt)?;
        frame_size(&AV1Metadata::parse_av1_bitstream(&first.data).map_err(corrupt)?)
    } else if let Some(grid) = grid(&file)? {
        grid.size
    } else {
        frame_size(&file.primary_metadata().map_err(corrupt)?)
    };
    let transform = transform(&file);
    Ok(Header {
        format: SourceFormat::Avif,
        size,
        orientation: transform.to_exif(),
        transform,
        frames: sequence.map_or(1, |info| u32::try_from(info.frame_count).unwrap_or(u32::MAX)),
        plays: sequence.map_or(1, |info| u16::try_from(info.loop_count).unwrap_or(u16::MAX)),
        has_alpha: sequence.map_or(file.alpha_data().is_some(), |info| info.has_alpha),
        has_icc: matches!(file.color_info(), Some(ColorInformation::IccProfile(_))),
    })
}

fn frame_size(metadata: &AV1Metadata) -> Size {
    Size { width: metadata.max_frame_width.get(), height: metadata.max_frame_height.get() }
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

pub(super) fn frames(
    source: &[u8],
    header: &Header,
    needed: Size,
    all: bool,
    sink: Sink<'_>,
) -> Result<(), ThumbnailError> {
    let file = open(source)?;
    let size = resize::roomy(header.size, needed);
    if sequence(&file, source).is_some() {
        let header = Header { frames: if all { header.frames } else { 1 }, ..*header };
        return play(&file, &header, size, sink);
    }
    let picture = if let Some(grid) = grid(&file)? {
        let picture = decode_grid(&file, &grid, PixelKind::Rgb)?;
        match isobmff::with_alpha_as_primary(source) {
            Some(source) => {
                let alpha = grid_of_alpha(&open(&source)?, header.size)?;
                with_alpha(picture, &alpha, file.premultiplied_alpha())
            }
            None => picture,
        }
    } else {
        let data = file.primary_data().map_err(corrupt)?;
        let planes = Stream::new(header.size)?.next(&data, file.color_info())?;
        let picture = planes.to_picture(size)?;
        match file.alpha_data() {
            Some(alpha) => {
                let data = alpha.map_err(corrupt)?;
                let alpha = Stream::new(header.size)?.next(&data, None)?.luma(size)?;
                with_alpha(picture, &alpha, file.premultiplied_alpha())
            }
            None => picture,
        }
    };
    sink(Frame { picture, delay: 0 }.into())
}

/// The pictures of a sequence, each of which may need those before it.
fn play(
    file: &AvifParser<'_>,
    header: &Header,
    size: Size,
    sink: Sink<'_>,
) -> Result<(), ThumbnailError> {
    let (mut colors, mut opacities) = (Stream::new(header.size)?, Stream::new(header.size)?);
    for index in 0..header.frames as usize {
        let mut next = || {
            let frame = file.frame(index).map_err(corrupt)?;
            let picture = colors.next(&frame.data, file.color_info())?.to_picture(size)?;
            let picture = match frame.alpha_data.filter(|_| header.has_alpha) {
                Some(data) => {
                    let alpha = opacities.next(&data, None)?.luma(size)?;
                    with_alpha(picture, &alpha, file.premultiplied_alpha())
                }
                None => picture,
            };
            Ok(Frame { picture, delay: frame.duration_ms })
        };
        match next() {
            Ok(frame) => sink(frame.into())?,
            Err(error) if index == 0 => return Err(error),
            // The frames before the damage can be shown.
            Err(_) => break,
        }
    }
    Ok(())
}

/// The tiles put together: in colour, or the luma alone.
fn decode_grid(
    file: &AvifParser<'_>,
    grid: &Grid,
    kind: PixelKind,
) -> Result<Picture, ThumbnailError> {
    let &Grid { rows, columns, size: Size { width, height } } = grid;
    // All but the last tile of a row or column are seen whole.
    let largest = Size {
        width: width.div_ceil((columns - 1).max(1)),
        height: height.div_ceil((rows - 1).max(1)),
    };
    let stride = width as usize * kind.bytes();
    let mut data = vec![0; stride * height as usize];
    let mut index = 0;
    let mut top = 0;
    for _ in 0..rows {
        let mut left = 0;
        let mut tallest = 0;
        for _ in 0..columns {
            let tile = file.tile_data(index).map_err(corrupt)?;
            index += 1;
            let planes = Stream::new(largest)?.next(&tile, file.color_info())?;
            let tile = match kind {
                PixelKind::Luma => planes.luma(planes.size())?,
                _ => planes.to_picture(planes.size())?.into_color(),
            };
            let lines = data.chunks_exact_mut(stride.max(1)).skip(top);
            for (row, line) in lines.zip(tile.data.chunks_exact(tile.stride().max(1))) {
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

/// The opacity of a grid, in a file that has it for its primary picture: a grid of its own, or
/// a single picture.
fn grid_of_alpha(file: &AvifParser<'_>, size: Size) -> Result<Picture, ThumbnailError> {
    match grid(file)? {
        Some(grid) if grid.size == size => decode_grid(file, &grid, PixelKind::Luma),
        Some(_) => Err(corrupt("its opacity is of another size")),
        None => {
            let data = file.primary_data().map_err(corrupt)?;
            Stream::new(size)?.next(&data, None)?.luma(size)
        }
    }
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
