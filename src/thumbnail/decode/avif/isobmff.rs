//! Checks the boxes of an AVIF file (ISO/IEC 14496-12) before the parser reads them.
//!
//! The parser copies a property for each item that has it, creates an entry for each sample that a
//! table claims to contain, and compares lists with each other. A file of a few hundred bytes could
//! therefore cost gigabytes or minutes. This module rejects anything that an image does not need.

use super::format::corrupt;
use crate::error::ThumbnailError;

/// The maximum number of bytes in a table of items, their references or their properties. A grid of
/// 256 colour tiles and 256 opacity tiles uses at most a third of this limit.
const MAX_TABLE: usize = 32 * 1024;

/// The maximum number of properties that items may have.
const MAX_PROPERTIES: usize = 1024;

/// The maximum total size of all properties in bytes. A property counts once for each item that has
/// it.
const MAX_PROPERTY_BYTES: usize = 32 * 1024 * 1024;

/// The maximum number of bytes in the description of a sequence, without its frames.
const MAX_MOVIE: usize = 1024 * 1024;

/// The maximum number of frames of a sequence.
pub(super) const MAX_SAMPLES: u32 = 10_000;

/// The maximum number of comparisons between runs of chunks and individual chunks.
const MAX_CHUNK_VISITS: usize = 10_000_000;

/// The type in the `auxC` property of an opacity item, as defined by the AVIF specification (4.1).
const ALPHA: &[u8] = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";

/// The prefix of auxiliary image types.
const NAMES: &[u8] = b"urn:mpeg:";

fn too_large(what: &str) -> ThumbnailError {
    corrupt(format_args!("its {what} exceeds the limits of the parser"))
}

/// A box, which may contain others.
#[derive(Clone, Copy)]
struct Block<'a> {
    name: &'a [u8; 4],
    /// The position of the content in the file.
    start: usize,
    content: &'a [u8],
}

impl<'a> Block<'a> {
    /// A whole file, treated as a box.
    const fn file(content: &'a [u8]) -> Self {
        Self { name: b"file", start: 0, content }
    }

    /// Returns the boxes in this box, after the first `skipped` bytes of its content.
    fn children(self, skipped: usize) -> impl Iterator<Item = Self> {
        let mut start = self.start + skipped;
        let mut rest = self.content.get(skipped..).unwrap_or_default();
        std::iter::from_fn(move || {
            let (size, after) = rest.split_first_chunk::<4>()?;
            let (name, after) = after.split_first_chunk::<4>()?;
            let (header, size) = match u32::from_be_bytes(*size) {
                0 => (8, rest.len()),
                1 => {
                    let long = u64::from_be_bytes(*after.first_chunk::<8>()?);
                    (16, usize::try_from(long).unwrap_or(usize::MAX))
                }
                size => (8, usize::try_from(size).ok()?),
            };
            // A box that is larger than its parent is cut off at the parent's end.
            let (whole, after) = rest.split_at_checked(size).unwrap_or((rest, &[]));
            let block = Self { name, start: start + header, content: whole.get(header..)? };
            start += whole.len();
            rest = after;
            Some(block)
        })
    }

    fn reader(self) -> Fields<'a> {
        Fields(self.content)
    }
}

/// Consecutive big-endian numbers.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn u8(&mut self) -> Option<u8> {
        self.bytes().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.bytes().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_be_bytes)
    }

    /// The ID of an item.
    fn id(&mut self, wide: bool) -> Option<u32> {
        if wide { self.u32() } else { self.u16().map(u32::from) }
    }
}

/// Checks that the file costs no more to parse than the description of an image should.
///
/// # Errors
/// [`ThumbnailError::Corrupt`].
pub(super) fn check(source: &[u8]) -> Result<(), ThumbnailError> {
    for block in Block::file(source).children(0) {
        match block.name {
            b"meta" => check_meta(block)?,
            b"moov" => check_movie(block)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_meta(meta: Block<'_>) -> Result<(), ThumbnailError> {
    let mut bytes = 0;
    for block in meta.children(4) {
        match block.name {
            b"iinf" | b"iloc" | b"iref" | b"grpl" => bytes += block.content.len(),
            b"iprp" => bytes += check_properties(block)?,
            _ => {}
        }
        if bytes > MAX_TABLE {
            return Err(too_large("list of items"));
        }
    }
    Ok(())
}

/// Checks the properties, and returns the number of bytes that associate them with items.
fn check_properties(block: Block<'_>) -> Result<usize, ThumbnailError> {
    let mut sizes = Vec::new();
    let mut associations = 0;
    for block in block.children(0) {
        match block.name {
            b"ipco" => sizes.extend(
                block.children(0).take(MAX_PROPERTIES + 1).map(|block| block.content.len()),
            ),
            b"ipma" => associations += block.content.len(),
            _ => {}
        }
    }
    if sizes.len() > MAX_PROPERTIES || associations > MAX_TABLE {
        return Err(too_large("list of properties"));
    }
    let copied = block.children(0).filter(|block| block.name == b"ipma").flat_map(properties);
    let bytes = copied.filter_map(|(_, index)| sizes.get(index)).sum::<usize>();
    if bytes > MAX_PROPERTY_BYTES {
        return Err(too_large("properties"));
    }
    Ok(associations)
}

/// Pairs from an `ipma` box: the ID of an item, and the index of one of its properties.
fn properties(block: Block<'_>) -> Vec<(u32, usize)> {
    let mut found = Vec::new();
    let mut fields = block.reader();
    let mut read = || {
        let [version, _, _, flags] = fields.bytes()?;
        for _ in 0..fields.u32()? {
            let item = fields.id(version > 0)?;
            for _ in 0..fields.u8()? {
                let index = if flags & 1 == 1 {
                    fields.u16()? & 0x7fff
                } else {
                    u16::from(fields.u8()? & 0x7f)
                };
                // The indices start at 1; 0 means no property.
                found.extend(usize::from(index).checked_sub(1).map(|index| (item, index)));
            }
        }
        Some(())
    };
    let _ = read();
    found
}

fn check_movie(movie: Block<'_>) -> Result<(), ThumbnailError> {
    if movie.content.len() > MAX_MOVIE {
        return Err(too_large("description of a sequence"));
    }
    let named = |name: &'static [u8; 4]| move |block: &Block<'_>| block.name == name;
    let tables = movie
        .children(0)
        .filter(named(b"trak"))
        .flat_map(|track| track.children(0).filter(named(b"mdia")))
        .flat_map(|media| media.children(0).filter(named(b"minf")))
        .flat_map(|info| info.children(0).filter(named(b"stbl")));
    let (mut samples, mut visits) = (0_u32, 0);
    for table in tables {
        let (mut runs, mut chunks) = (0, 0);
        for block in table.children(0) {
            match block.name {
                b"stsz" => {
                    let mut fields = block.reader();
                    let claimed = fields.bytes::<8>().and_then(|_| fields.u32());
                    samples = samples.saturating_add(claimed.unwrap_or_default());
                }
                b"stsc" => runs += block.content.len() / 12 + 1,
                b"stco" => chunks += block.content.len() / 4,
                b"co64" => chunks += block.content.len() / 8,
                _ => {}
            }
        }
        visits += runs * chunks;
    }
    // Colour and opacity each have a track.
    if samples > 2 * MAX_SAMPLES || visits > MAX_CHUNK_VISITS {
        return Err(too_large("tables of pictures"));
    }
    Ok(())
}

/// Whether the second track of a sequence is something other than opacity, such as depth.
///
/// The parser treats any auxiliary track as opacity. The description of a track's samples contains
/// the track's name (HEIF, 7.5.3.1); a track without a name is opacity.
pub(super) fn has_other_auxiliary(source: &[u8]) -> bool {
    let movie = Block::file(source).children(0).find(|block| block.name == b"moov");
    let content = movie.map_or(&[][..], |movie| movie.content);
    let at = content.windows(NAMES.len()).position(|bytes| bytes == NAMES);
    at.and_then(|at| content.get(at..)).is_some_and(|name| !name.starts_with(ALPHA))
}

/// If the file is cut off within the data of its items, returns a copy in which the data box
/// contains only the data that is present. The parser requires complete boxes.
pub(super) fn with_data_cut_off(source: &[u8]) -> Option<Vec<u8>> {
    let mut at = 0;
    loop {
        let rest = source.get(at..)?;
        let (&short, after) = rest.split_first_chunk::<4>()?;
        let (name, after) = after.split_first_chunk::<4>()?;
        let (place, size) = match u32::from_be_bytes(short) {
            1 => (at + 8, u64::from_be_bytes(*after.first_chunk::<8>()?)),
            size => (at, size.into()),
        };
        if size <= rest.len() as u64 {
            // A box with a size of 0 extends to the end of the file.
            at += usize::try_from(size).ok().filter(|&size| size > 0)?;
            continue;
        }
        if name != b"mdat" {
            return None;
        }
        let mut changed = source.to_vec();
        let length = rest.len() as u64;
        if place == at {
            let short = u32::try_from(length).ok()?.to_be_bytes();
            changed.get_mut(place..place + 4)?.copy_from_slice(&short);
        } else {
            changed.get_mut(place..place + 8)?.copy_from_slice(&length.to_be_bytes());
        }
        return Some(changed);
    }
}

/// Returns the same file without its items, if it is a sequence without a primary image. The parser
/// requires a primary image in a file with items.
pub(super) fn without_items(source: &[u8]) -> Option<Vec<u8>> {
    let blocks = || Block::file(source).children(0);
    blocks().find(|block| block.name == b"moov")?;
    let meta = blocks().find(|block| block.name == b"meta")?;
    if meta.children(4).any(|block| block.name == b"pitm") {
        return None;
    }
    let mut changed = source.to_vec();
    let name = changed.get_mut(..meta.start)?.last_chunk_mut::<4>()?;
    // Turn the box into free space, unless a long size lies between its name and its content.
    (name == b"meta").then(|| *name = *b"free")?;
    Some(changed)
}

/// Returns the same file with its opacity as the primary image, if it contains an opacity item.
///
/// The parser reads the tiles of a grid only for the primary image.
pub(super) fn with_alpha_as_primary(source: &[u8]) -> Option<Vec<u8>> {
    let meta = Block::file(source).children(0).find(|block| block.name == b"meta")?;
    let primary = meta.children(4).find(|block| block.name == b"pitm")?;
    let mut fields = primary.reader();
    let [version, ..] = fields.bytes::<4>()?;
    let wide = version > 0;
    let shown = fields.id(wide)?;
    let properties_of = meta.children(4).find(|block| block.name == b"iprp")?;
    let container = properties_of.children(0).find(|block| block.name == b"ipco")?;
    let is_alpha: Vec<bool> = container
        .children(0)
        .map(|block| block.name == b"auxC" && block.content.get(4..) == Some(ALPHA))
        .collect();
    let alphas: Vec<u32> = properties_of
        .children(0)
        .filter(|block| block.name == b"ipma")
        .flat_map(properties)
        .filter(|&(_, index)| is_alpha.get(index) == Some(&true))
        .map(|(item, _)| item)
        .collect();
    let references = meta.children(4).filter(|block| block.name == b"iref");
    let alpha = references
        .flat_map(|block| auxiliaries(block, shown))
        .find(|item| alphas.contains(item))?;
    let mut changed = source.to_vec();
    let at = primary.start + 4;
    if wide {
        changed.get_mut(at..at + 4)?.copy_from_slice(&alpha.to_be_bytes());
    } else {
        let alpha = u16::try_from(alpha).ok()?;
        changed.get_mut(at..at + 2)?.copy_from_slice(&alpha.to_be_bytes());
    }
    Some(changed)
}

/// Returns the auxiliary items that refer to this item in an `iref` box.
fn auxiliaries(block: Block<'_>, shown: u32) -> Vec<u32> {
    let wide = block.content.first() > Some(&0);
    let belongs = |block: Block<'_>| {
        let mut fields = block.reader();
        let from = fields.id(wide)?;
        let count = fields.u16()?;
        (0..count).any(|_| fields.id(wide) == Some(shown)).then_some(from)
    };
    block.children(4).filter(|block| block.name == b"auxl").filter_map(belongs).collect()
}
