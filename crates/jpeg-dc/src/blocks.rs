//! Computes with several adjacent blocks at once, and writes the rows of their samples. The
//! compiler turns the arithmetic into vector code.

#![expect(clippy::inline_always, reason = "the compiler vectorizes it only as a whole")]

/// Adds 128, and rounds to the nearest number between 0 and 255.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the lowest byte is the integer")]
pub(crate) fn to_sample(number: f32) -> u8 {
    /// Between this number and its double, the last bit of a floating-point number stands for 1.
    const ONES: f32 = 8_388_608.0;
    let number = number + 128.0;
    let number = if number > 0.0 { number } else { 0.0 };
    let number = if number < 255.0 { number } else { 255.0 };
    (number + ONES).to_bits() as u8
}

/// Regroups the samples of a row. They are grouped by column, with one sample of each block. The
/// result is grouped by block, with one sample of each column.
#[inline(always)]
pub(crate) fn by_block<const N: usize, const P: usize>(samples: [[u8; P]; N]) -> [[u8; P]; N] {
    match N {
        3 => without_padding(&interleaved(padded::<4, N, P>(&samples))),
        5..=7 => without_padding(&interleaved(padded::<8, N, P>(&samples))),
        _ => interleaved(samples),
    }
}

/// Takes a sample from each array in turn. The number of arrays must be a power of two.
#[inline(always)]
fn interleaved<const N: usize, const P: usize>(mut samples: [[u8; P]; N]) -> [[u8; P]; N] {
    let mut shuffled = [[0; P]; N];
    // Each pass takes samples alternately from the first half and from the second half.
    for _ in 0..N.ilog2() {
        let (first, second) = samples.as_flattened().split_at(N * P / 2);
        let pairs = shuffled.as_flattened_mut().as_chunks_mut::<2>().0.iter_mut();
        for (pair, (&first, &second)) in pairs.zip(first.iter().zip(second)) {
            *pair = [first, second];
        }
        samples = shuffled;
    }
    samples
}

/// Adds arrays until there are `S`.
#[inline(always)]
fn padded<const S: usize, const N: usize, const P: usize>(samples: &[[u8; P]; N]) -> [[u8; P]; S] {
    let mut padded = [[0; P]; S];
    padded.iter_mut().zip(samples).for_each(|(to, from)| *to = *from);
    padded
}

/// Returns the first `N` samples of each run of `S` samples.
#[inline(always)]
fn without_padding<const S: usize, const N: usize, const P: usize>(
    padded: &[[u8; P]; S],
) -> [[u8; P]; N] {
    let mut samples = [[0; P]; N];
    let mut rest = samples.as_flattened_mut();
    for run in padded.as_flattened().as_chunks::<S>().0 {
        // Whole runs are faster to copy. The next run replaces the padding.
        match rest.first_chunk_mut() {
            Some(place) => *place = *run,
            None => rest.iter_mut().zip(run).for_each(|(to, &from)| *to = from),
        }
        rest = rest.split_at_mut_checked(N).unwrap_or_default().1;
    }
    samples
}

/// Copies a row of the samples of some blocks to a row of the image, starting at the column `left`.
/// Samples beyond the edge of the image are left out.
#[inline(always)]
pub(crate) fn write_row<const N: usize, const P: usize>(
    samples: &[[u8; P]; N],
    row: &mut [u8],
    left: usize,
) {
    let row = row.get_mut(left..).unwrap_or_default();
    let samples = samples.as_flattened();
    match row.get_mut(..samples.len()) {
        Some(row) => row.copy_from_slice(samples),
        None => row.copy_from_slice(samples.split_at(row.len()).0),
    }
}
