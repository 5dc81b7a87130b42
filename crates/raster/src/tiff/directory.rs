//! Reads the entries of a file's first page.

/// The value of a tag on the first page of a source.
pub(super) struct Entry {
    /// The position of the entry.
    pub(super) at: usize,
    pub(super) tag: u64,
    pub(super) kind: u64,
    /// The number of values.
    pub(super) count: u64,
    /// The position of the value, or the position of an offset to the value.
    pub(super) value: usize,
}

/// The number at a position, in the byte order of a source.
pub(super) fn number_at(source: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = source.get(at..at.checked_add(length)?)?.iter();
    let push = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    let is_little = source.starts_with(b"II");
    Some(if is_little { bytes.rev().fold(0, push) } else { bytes.fold(0, push) })
}

/// The entries of the first page.
pub(super) fn entries(source: &[u8]) -> impl Iterator<Item = Entry> {
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

/// The entry of a tag on the first page.
pub(super) fn find(source: &[u8], tag: u64) -> Option<Entry> {
    entries(source).find(|entry| entry.tag == tag)
}

/// The first number of a tag on the first page.
pub(super) fn value(source: &[u8], tag: u64) -> Option<u64> {
    first(source, &find(source, tag)?)
}

/// The positions of the numbers of an entry, and the length of each number.
pub(super) fn places(
    source: &[u8],
    entry: &Entry,
) -> Option<(impl Iterator<Item = usize> + use<>, usize)> {
    let length = match entry.kind {
        1 => 1,
        3 => 2,
        4 => 4,
        16 => 8,
        _ => return None,
    };
    let width = entry.value - entry.at - 4;
    let bytes = entry.count.checked_mul(length as u64)?;
    let at = if bytes <= width as u64 {
        entry.value
    } else {
        usize::try_from(number_at(source, entry.value, width)?).ok()?
    };
    let end = at.checked_add(usize::try_from(bytes).ok()?)?;
    Some(((at..end).step_by(length), length))
}

/// The numbers of a tag on the first page, at most `most` of them.
pub(super) fn values(source: &[u8], tag: u64, most: usize) -> Vec<u64> {
    let entry = find(source, tag);
    let Some((at, length)) = entry.and_then(|entry| places(source, &entry)) else {
        return Vec::new();
    };
    at.take(most).map_while(|at| number_at(source, at, length)).collect()
}

/// The fractions of a tag on the first page, if it has `N` of them.
pub(super) fn fractions<const N: usize>(source: &[u8], tag: u64) -> Option<[f32; N]> {
    const RATIONAL: u64 = 5;
    let entry = find(source, tag).filter(|entry| entry.count == N as u64)?;
    let mut fractions = [0.0; N];
    if entry.kind != RATIONAL {
        let (at, length) = places(source, &entry)?;
        for (fraction, at) in fractions.iter_mut().zip(at) {
            *fraction = as_float(number_at(source, at, length)?);
        }
        return Some(fractions);
    }
    let at = usize::try_from(number_at(source, entry.value, entry.value - entry.at - 4)?).ok()?;
    for (fraction, at) in fractions.iter_mut().zip((at..).step_by(8)) {
        let (above, below) = (number_at(source, at, 4)?, number_at(source, at + 4, 4)?);
        *fraction = as_float(above) / as_float(below);
    }
    Some(fractions)
}

#[expect(clippy::cast_precision_loss, reason = "the parts of fractions")]
const fn as_float(number: u64) -> f32 {
    number as f32
}

/// The first number of an entry.
fn first(source: &[u8], entry: &Entry) -> Option<u64> {
    let (mut at, length) = places(source, entry)?;
    number_at(source, at.next()?, length)
}

/// The position and the length of the number that contains the position of the second page.
pub(super) fn next_page(source: &[u8]) -> Option<(usize, usize)> {
    let is_big = number_at(source, 2, 2) == Some(43);
    let (start, counter, length, width) = if is_big { (8, 8, 20, 8) } else { (4, 2, 12, 4) };
    let directory = usize::try_from(number_at(source, start, width)?).ok()?;
    let count = usize::try_from(number_at(source, directory, counter)?).ok()?;
    let at = directory.checked_add(counter)?.checked_add(count.checked_mul(length)?)?;
    Some((at, width))
}
