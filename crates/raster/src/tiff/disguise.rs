//! Changes to the first page of a TIFF, so that the `tiff` crate decodes samples that it refuses.

use super::directory::{Entry, entries, find, next_page, number_at, places, value};
use super::limits::{MAX_SAMPLES, OVERHEAD};
use super::packing::Packing;
use super::tags::{
    BITS_PER_SAMPLE, BLACK_IS_ZERO, CIE_LAB, CMYK, COMPRESSION, EXTRA_SAMPLES, ICC_LAB,
    IMAGE_LENGTH, INTERCHANGE_FORMAT, PALETTE, PHOTOMETRIC_INTERPRETATION, PLANAR_CONFIGURATION,
    PREDICTOR, RGB, SAMPLES_PER_PIXEL, STRIP_BYTE_COUNTS, STRIP_OFFSETS, TILE_BYTE_COUNTS,
    TILE_LENGTH, TILE_OFFSETS, Y_CB_CR,
};

/// Bytes that replace those of a source, and their position.
pub(super) type Patch = (u64, Vec<u8>);

/// What the crate does not support on the first page, and how to change the page so that the crate
/// decodes its samples.
pub(super) struct Disguise {
    /// The original meaning of the samples.
    pub(super) photometric: Option<u64>,
    /// The planes of a page whose tiles contain one sample of each pixel.
    pub(super) stacked: Option<Planes>,
    /// How the samples are unpacked before the crate reads them.
    pub(super) packing: Option<Packing>,
    pub(super) patches: Vec<Patch>,
}

/// Planes that the crate reads as one gray image, stacked from top to bottom.
pub(super) struct Planes {
    pub(super) count: u16,
    /// The height of the page.
    pub(super) height: u32,
    /// The meaning of the first sample that is not a colour.
    pub(super) extra: Option<u16>,
}

pub(super) fn disguise(source: &[u8]) -> Disguise {
    let photometric_at = find(source, PHOTOMETRIC_INTERPRETATION).map(|entry| entry.value);
    let photometric = photometric_at.and_then(|at| number_at(source, at, 2));
    let packing = Packing::find(source);
    let mut patches: Vec<Patch> = Vec::new();
    // Only the first page is read, so the list of pages may contain a cycle.
    if let Some((at, width)) = next_page(source) {
        patches.push((at as u64, vec![0; width]));
    }
    patches.extend(without_predictor(source, packing.as_ref()));
    patches.extend(as_tiles(source));
    let mut stacked = stack(source);
    if let Some(planes) = &stacked {
        match as_one_plane(source, planes) {
            Some(changes) => patches.extend(changes),
            None => stacked = None,
        }
    }
    patches
        .extend(packing.as_ref().map(|packing| as_unpacked(source, packing)).unwrap_or_default());
    let shown = match (photometric, &packing) {
        (Some(PALETTE), _) => Some(BLACK_IS_ZERO),
        (Some(RGB | CMYK), _) if stacked.is_some() => Some(BLACK_IS_ZERO),
        (Some(Y_CB_CR), Some(Packing::OldJpeg(_) | Packing::YCbCr(..)))
        | (Some(CIE_LAB | ICC_LAB), _) => Some(RGB),
        _ => None,
    };
    if let (Some(at), Some(shown)) = (photometric_at, shown) {
        patches.push((at as u64, number(source, u32::try_from(shown).unwrap_or_default(), 2)));
    }
    Disguise { photometric, stacked, packing, patches }
}

/// The bytes of a number, in the byte order of a source.
fn number(source: &[u8], value: u32, length: usize) -> Vec<u8> {
    let bytes = value.to_be_bytes().into_iter().skip(4_usize.saturating_sub(length));
    if source.starts_with(b"II") { bytes.rev().collect() } else { bytes.collect() }
}

/// Replaces the values of an entry with a single value.
fn with_value(source: &[u8], entry: &Entry, value: u32) -> Patch {
    const LONG: u32 = 4;
    let width = entry.value - entry.at - 4;
    let mut count: Vec<u8> = number(source, 1, 4);
    let padding = vec![0; width - 4];
    if source.starts_with(b"II") {
        count.extend(padding);
    } else {
        count.splice(..0, padding);
    }
    let parts = [number(source, LONG, 2), count, number(source, value, 4)];
    (entry.at as u64 + 2, parts.concat())
}

/// Makes the crate read the planes as one gray image.
fn as_one_plane(source: &[u8], planes: &Planes) -> Option<Vec<Patch>> {
    let tile = u32::try_from(value(source, TILE_LENGTH)?).ok()?;
    let height =
        planes.height.div_ceil(tile.max(1)).checked_mul(tile)?.checked_mul(planes.count.into())?;
    let depth = u32::try_from(value(source, BITS_PER_SAMPLE)?).ok()?;
    let values = [
        (IMAGE_LENGTH, height),
        (SAMPLES_PER_PIXEL, 1),
        (BITS_PER_SAMPLE, depth),
        (PLANAR_CONFIGURATION, 1),
    ];
    let changed = values.into_iter().filter_map(|(tag, value)| {
        find(source, tag).map(|entry| with_value(source, &entry, value))
    });
    // An unknown tag is ignored.
    let extra = find(source, EXTRA_SAMPLES).map(|entry| (entry.at as u64, vec![0xff; 2]));
    Some(changed.chain(extra).collect())
}

/// Makes the crate read the samples as uncompressed.
fn as_unpacked(source: &[u8], packing: &Packing) -> Vec<Patch> {
    let tag = |tag| find(source, tag);
    let compression = tag(COMPRESSION).map(|entry| with_value(source, &entry, 1));
    let other: Vec<Patch> = match packing {
        Packing::TwelveBits => {
            let places = tag(BITS_PER_SAMPLE).and_then(|entry| places(source, &entry));
            let (at, length) = places.map_or((None, 0), |(at, length)| (Some(at), length));
            let at = at.into_iter().flatten().take(MAX_SAMPLES.into());
            at.map(|at| (at as u64, number(source, 16, length))).collect()
        }
        // Some programs leave out the number of samples.
        Packing::OldJpeg(_) if tag(SAMPLES_PER_PIXEL).is_none() => {
            let depths = tag(BITS_PER_SAMPLE).and_then(|entry| u32::try_from(entry.count).ok());
            let spare = tag(INTERCHANGE_FORMAT).zip(depths);
            let samples = u32::try_from(SAMPLES_PER_PIXEL).unwrap_or_default();
            let changed = spare.map(|(entry, depths)| {
                let tag = (entry.at as u64, number(source, samples, 2));
                [tag, with_value(source, &entry, depths)]
            });
            changed.into_iter().flatten().collect()
        }
        _ => Vec::new(),
    };
    compression.into_iter().chain(other).collect()
}

/// Removes a predictor where the compression method does not have one. As in libtiff, such a
/// predictor is ignored.
fn without_predictor(source: &[u8], packing: Option<&Packing>) -> Option<Patch> {
    const DEFLATE: [u64; 2] = [8, 32946];
    let has_one = match packing {
        Some(Packing::Compressed(_)) => true,
        None => value(source, COMPRESSION).is_some_and(|method| DEFLATE.contains(&method)),
        _ => false,
    };
    let entry = find(source, PREDICTOR).filter(|_| !has_one)?;
    Some(with_value(source, &entry, 1))
}

/// Renames the positions and lengths of tiles, if they have the tags of strips.
fn as_tiles(source: &[u8]) -> Vec<Patch> {
    let is_renamed = find(source, TILE_LENGTH).is_some() && find(source, TILE_OFFSETS).is_none();
    [(STRIP_OFFSETS, TILE_OFFSETS), (STRIP_BYTE_COUNTS, TILE_BYTE_COUNTS)]
        .into_iter()
        .filter(|_| is_renamed)
        .filter_map(|(tag, other)| {
            let other = number(source, u32::try_from(other).unwrap_or_default(), 2);
            find(source, tag).map(|entry| (entry.at as u64, other))
        })
        .collect()
}

/// The planes of the first page, if it has several and is stored in tiles. The crate would panic on
/// them.
fn stack(source: &[u8]) -> Option<Planes> {
    let value = |tag| value(source, tag);
    let count = u16::try_from(value(SAMPLES_PER_PIXEL)?).ok()?;
    let height = u32::try_from(value(IMAGE_LENGTH)?).ok()?;
    let extra = value(EXTRA_SAMPLES).and_then(|extra| u16::try_from(extra).ok());
    let is_stacked = value(PLANAR_CONFIGURATION) == Some(2) && count > 1;
    (is_stacked && value(TILE_LENGTH).is_some()).then_some(Planes { count, height, extra })
}

/// Whether a string on the first page claims to be long, and longer than the source. The crate
/// would print an error for such a string.
pub(super) fn has_long_text(source: &[u8]) -> bool {
    const ASCII: u64 = 2;
    let most = source.len().max(OVERHEAD) as u64;
    entries(source).any(|entry| entry.kind == ASCII && entry.count > most)
}
