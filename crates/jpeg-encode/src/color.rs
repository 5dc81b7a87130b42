//! The conversion of RGB to luma and chroma (JFIF, ITU-R BT.601 in full range).

use super::Subsampling;
use super::component::{Component, repeat_last};

/// The number of bits of the fractions.
const BITS: u32 = 16;

/// One half, as a fraction.
const HALF: i32 = 1 << (BITS - 1);

pub(crate) fn luma(rows: &[&[[u8; 3]]], luma: &mut Component) {
    let width = luma.width;
    for (row, pixels) in luma.rows_mut().zip(rows) {
        for (sample, &[red, green, blue]) in row.iter_mut().zip(*pixels) {
            let [red, green, blue] = [red, green, blue].map(u32::from);
            let sum = red * 19_595 + green * 38_470 + blue * 7_471 + (1 << (BITS - 1));
            *sample = sum.to_be_bytes()[1];
        }
        repeat_last(row, width);
    }
}

pub(crate) fn chroma(
    rows: &[&[[u8; 3]]],
    subsampling: Subsampling,
    blue: &mut Component,
    red: &mut Component,
) {
    let width = blue.width;
    let across = if subsampling == Subsampling::Full { 1 } else { 2 };
    let down = if subsampling == Subsampling::Half { 2 } else { 1 };
    for ((blue, red), rows) in blue.rows_mut().zip(red.rows_mut()).zip(rows.chunks(down)) {
        match (across, rows) {
            (1, [row]) => {
                let sums = row.iter().map(|pixel| pixel.map(i32::from));
                write::<0>(sums, blue, red);
            }
            (_, [row]) => write::<1>(pairs(row), blue, red),
            (_, [upper, lower]) => {
                let sums = pairs(upper).zip(pairs(lower));
                let sums = sums.map(|([r, g, b], [red, green, blue])| {
                    [r + red, g + green, b + blue]
                });
                write::<2>(sums, blue, red);
            }
            _ => {}
        }
        repeat_last(blue, width);
        repeat_last(red, width);
    }
}

/// The sums of two neighbours. If the last pixel has no neighbour, it counts twice.
fn pairs(row: &[[u8; 3]]) -> impl Iterator<Item = [i32; 3]> {
    let (pairs, rest) = row.as_chunks::<2>();
    let sum = |&[[r, g, b], [red, green, blue]]: &[[u8; 3]; 2]| {
        [(r, red), (g, green), (b, blue)].map(|(one, two)| i32::from(one) + i32::from(two))
    };
    let last = rest.first().map(|pixel| pixel.map(|sample| 2 * i32::from(sample)));
    pairs.iter().map(sum).chain(last)
}

/// Write Cb and Cr for sums of `1 << S` pixels.
fn write<const S: u32>(
    sums: impl Iterator<Item = [i32; 3]>,
    blues: &mut [u8],
    reds: &mut [u8],
) {
    // The result is 255 at most, because half a unit is rounded down.
    let middle = ((128 << BITS) + HALF - 1) << S;
    let sample = |sum: i32| ((sum >> S).cast_unsigned()).to_be_bytes()[1];
    for ((blue_sample, red_sample), [red, green, blue]) in blues.iter_mut().zip(reds).zip(sums) {
        *blue_sample = sample(middle + blue * HALF - red * 11_059 - green * 21_709);
        *red_sample = sample(middle + red * HALF - green * 27_439 - blue * 5_329);
    }
}
