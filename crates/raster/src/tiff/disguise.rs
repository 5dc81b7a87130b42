//! Changes to the first page of a TIFF, so that the `tiff` crate decodes samples that it refuses.

use super::overhead::OVERHEAD;

/// The value of a tag on the first page of a source.
struct Entry {
    /// The position of the entry.
    at: usize,
    tag: u64,
    kind: u64,
    /// The number of values.
    count: u64,
    /// The position of the value, or the position of an offset to the value.
    value: usize,
}

/// The number at a position, in the byte order of a source.
fn number_at(source: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = source.get(at..at.checked_add(length)?)?.iter();
    let push = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    let is_little = source.starts_with(b"II");
    Some(if is_little { bytes.rev().fold(0, push) } else { bytes.fold(0, push) })
}

/// The entries of the first page.
fn entries(source: &[u8]) -> impl Iterator<Item = Entry> {
    // BigTIFF has longer numbers.
    let is_big = number_at(source, 2, 2) == Some(43);
    let (start, counter, length, width) = if is_big { (8, 8, 20, 8) } else { (4, 2, 12, 4) };
    let directory = number_at(source, start, width).and_then(|at| usize::try_from(at).ok());
    let directory = directory.unwrap_or(usize::MAX);
    let count = number_at(source, directory, counter).unwrap_or(0).min(u64::from(u16::MAX));
    (0..usize::try_from(count).unwrap_or(0)).map_while(move |index| {
        let at = directory.checked_add(counter)?.checked_add(index * length)?;
        Some(Entry {
            at,
            tag: number_at(source, at, 2)?,
            kind: number_at(source, at + 2, 2)?,
            count: number_at(source, at + 4, width)?,
            value: at + 4 + width,
        })
    })
}

/// The values of the tag `PhotometricInterpretation`.
pub(super) const WHITE_IS_ZERO: u64 = 0;
pub(super) const BLACK_IS_ZERO: u64 = 1;
pub(super) const RGB: u64 = 2;
pub(super) const PALETTE: u64 = 3;
pub(super) const CMYK: u64 = 5;
pub(super) const CIE_LAB: u64 = 8;
pub(super) const ICC_LAB: u64 = 9;

/// Bytes that replace those of a source, and their position.
pub(super) type Patch = (u64, Vec<u8>);

/// What the crate does not support on the first page, and how to change the page so that the crate
/// decodes its samples.
pub(super) struct Disguise {
    /// The original meaning of the samples.
    pub(super) photometric: Option<u64>,
    /// The planes of a page whose tiles contain one sample of each pixel.
    pub(super) stacked: Option<Planes>,
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
    let number = |value: u32, length: usize| {
        let bytes = value.to_be_bytes().into_iter().skip(4_usize.saturating_sub(length));
        if source.starts_with(b"II") { bytes.rev().collect() } else { bytes.collect() }
    };
    let find = |tag: u64| entries(source).find(|entry| entry.tag == tag);
    let photometric_at = find(PHOTOMETRIC_INTERPRETATION).map(|entry| entry.value);
    let photometric = photometric_at.and_then(|at| number_at(source, at, 2));
    let mut patches: Vec<Patch> = Vec::new();
    // Only the first page is read, so the list of pages may contain a cycle.
    if let Some((at, width)) = next_page(source) {
        patches.push((at as u64, vec![0; width]));
    }
    let mut stacked = stack(source);
    if let (Some(planes), Some(length)) = (&stacked, find(TILE_LENGTH)) {
        let tile = first(source, &length).and_then(|length| u32::try_from(length).ok());
        let height = tile.and_then(|tile| {
            planes.height.div_ceil(tile.max(1)).checked_mul(tile)?.checked_mul(planes.count.into())
        });
        let depth = find(BITS_PER_SAMPLE).and_then(|entry| first(source, &entry));
        let depth = depth.and_then(|depth| u32::try_from(depth).ok());
        if let (Some(height), Some(depth)) = (height, depth) {
            let values = [
                (IMAGE_LENGTH, height),
                (SAMPLES_PER_PIXEL, 1),
                (BITS_PER_SAMPLE, depth),
                (PLANAR_CONFIGURATION, 1),
            ];
            for (entry, value) in
                values.into_iter().filter_map(|(tag, value)| Some((find(tag)?, value)))
            {
                const LONG: u32 = 4;
                let width = entry.value - entry.at - 4;
                let mut count: Vec<u8> = number(1, 4);
                let padding = vec![0; width - 4];
                if source.starts_with(b"II") {
                    count.extend(padding);
                } else {
                    count.splice(..0, padding);
                }
                let parts = [number(LONG, 2), count, number(value, 4)];
                patches.push((entry.at as u64 + 2, parts.concat()));
            }
            // An unknown tag is ignored.
            if let Some(entry) = find(EXTRA_SAMPLES) {
                patches.push((entry.at as u64, vec![0xff; 2]));
            }
        } else {
            stacked = None;
        }
    }
    let shown = match photometric {
        Some(PALETTE) => Some(BLACK_IS_ZERO),
        Some(RGB | CMYK) if stacked.is_some() => Some(BLACK_IS_ZERO),
        Some(CIE_LAB | ICC_LAB) => Some(RGB),
        _ => None,
    };
    if let (Some(at), Some(shown)) = (photometric_at, shown) {
        patches.push((at as u64, number(u32::try_from(shown).unwrap_or_default(), 2)));
    }
    Disguise { photometric, stacked, patches }
}

const IMAGE_LENGTH: u64 = 257;
const BITS_PER_SAMPLE: u64 = 258;
const PHOTOMETRIC_INTERPRETATION: u64 = 262;
const SAMPLES_PER_PIXEL: u64 = 277;
const PLANAR_CONFIGURATION: u64 = 284;
const TILE_LENGTH: u64 = 323;
const EXTRA_SAMPLES: u64 = 338;

/// The planes of the first page, if it has several and is stored in tiles. The crate would panic on
/// them.
fn stack(source: &[u8]) -> Option<Planes> {
    let value = |tag: u64| {
        let entry = entries(source).find(|entry| entry.tag == tag)?;
        first(source, &entry)
    };
    let count = u16::try_from(value(SAMPLES_PER_PIXEL)?).ok()?;
    let height = u32::try_from(value(IMAGE_LENGTH)?).ok()?;
    let extra = value(EXTRA_SAMPLES).and_then(|extra| u16::try_from(extra).ok());
    let is_stacked = value(PLANAR_CONFIGURATION) == Some(2) && count > 1;
    (is_stacked && value(TILE_LENGTH).is_some()).then_some(Planes { count, height, extra })
}

/// The first number of an entry.
fn first(source: &[u8], entry: &Entry) -> Option<u64> {
    let length = match entry.kind {
        1 => 1,
        3 => 2,
        4 => 4,
        16 => 8,
        _ => return None,
    };
    let width = entry.value - entry.at - 4;
    let is_inline = entry.count.checked_mul(length as u64)? <= width as u64;
    let at = if is_inline {
        entry.value
    } else {
        usize::try_from(number_at(source, entry.value, width)?).ok()?
    };
    number_at(source, at, length)
}

/// The position and the length of the number that states where the second page is.
fn next_page(source: &[u8]) -> Option<(usize, usize)> {
    let is_big = number_at(source, 2, 2) == Some(43);
    let (start, counter, length, width) = if is_big { (8, 8, 20, 8) } else { (4, 2, 12, 4) };
    let directory = usize::try_from(number_at(source, start, width)?).ok()?;
    let count = usize::try_from(number_at(source, directory, counter)?).ok()?;
    let at = directory.checked_add(counter)?.checked_add(count.checked_mul(length)?)?;
    Some((at, width))
}

/// Whether a string on the first page claims to be long, and longer than the source. The crate
/// would print an error for such a string.
pub(super) fn has_long_text(source: &[u8]) -> bool {
    const ASCII: u64 = 2;
    let most = source.len().max(OVERHEAD) as u64;
    entries(source).any(|entry| entry.kind == ASCII && entry.count > most)
}
