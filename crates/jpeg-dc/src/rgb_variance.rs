//! The variances of red, green and blue, for pictures that are averaged in linear light.
//!
//! A block has a variance for luma and one for each component of chroma. The variances of red, green
//! and blue also depend on how luma and chroma vary together: between a red and a blue area, red
//! varies much more than luma does. The gradients of the decoded picture show this, because the
//! detail within a block mostly has the same colours as the blocks around it.

#![expect(clippy::cast_precision_loss, reason = "sums of a few variances")]
#![expect(clippy::inline_always, reason = "the compiler vectorizes it only as a whole")]

use archmage::autoversion;

use crate::image::{Plane, Planes, Variances};

/// Cb and Cr in red, green and blue (ITU-T T.871).
const CHROMA: [[f32; 2]; 3] = [[0.0, 1.402], [-0.344_136, -0.714_136], [1.772, 0.0]];

/// The variances of red, green and blue for squares of blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct RgbVariances {
    /// The side length of a square, in blocks of the first plane.
    pub side: usize,
    /// The number of squares in a row.
    pub across: usize,
    /// For each square, the mean variances of red, green and blue, in the unit of
    /// [`Variances::values`].
    pub values: Vec<[f32; 3]>,
}

impl Planes {
    /// The variances of red, green and blue. The squares are as large as possible within a block of
    /// chroma. Without the variances of chroma, all colours have that of luma. The same applies if a
    /// block of Cb does not cover the same whole number of blocks as one of Cr. Returns `None` if
    /// there are no variances.
    #[must_use]
    pub fn rgb_variances(&self) -> Option<RgbVariances> {
        let luma = self.variances.first()?;
        let (planes, blue, red) = match (self.planes.as_slice(), self.variances.as_slice()) {
            ([y, cb, cr], [_, blue, red])
                if blue.size() == red.size() && luma.is_covered_by(blue) =>
            {
                ([y, cb, cr], blue, red)
            }
            _ => {
                let values = luma.values.iter().map(|&it| [f32::from(it); 3]).collect();
                return Some(RgbVariances { side: 1, across: luma.across, values });
            }
        };
        let ((across, down), (own_across, own_down)) = (luma.size(), blue.size());
        let (covered, down) = (across / own_across, down / own_down);
        let side = if covered.is_multiple_of(down) { down } else { 1 };
        // The number of squares side by side in a block of chroma: at most 4.
        let repeated = (covered / side).clamp(1, LANES);
        let group = LANES - LANES % repeated;
        // The size of a block of chroma in each plane.
        let sizes =
            [(covered * luma.side, down * luma.side), (blue.side, blue.side), (red.side, red.side)];
        let mut gradients = [(); 3].map(|()| Gradients::new(own_across));
        let across = across / side;
        let mut values = vec![[0.0; 3]; luma.values.len() / (side * side)];
        let lines = luma.values.chunks_exact((across * side * side).max(1));
        for (index, (lines, values)) in lines.zip(values.chunks_mut(across.max(1))).enumerate() {
            let own_index = index * side / down;
            for ((gradients, plane), size) in gradients.iter_mut().zip(planes).zip(sizes) {
                gradients.read(plane, own_index, size);
            }
            let start = own_index * own_across;
            let chroma =
                [blue, red].map(|it| it.values.get(start..start + own_across).unwrap_or_default());
            for (index, values) in values.chunks_mut(group).enumerate() {
                let squares = index * group..index * group + values.len();
                let mut found = Squares::default();
                for line in lines.chunks_exact(across * side) {
                    let line = line.get(squares.start * side..squares.end * side);
                    add_sums(line.unwrap_or_default(), side, &mut found.luma);
                }
                let start = squares.start / repeated;
                for (lanes, values) in found.chroma.iter_mut().zip(chroma) {
                    repeat(values, start, repeated, lanes);
                }
                for (lanes, Gradients { across, down, .. }) in
                    found.gradients.iter_mut().zip(&gradients)
                {
                    let [lanes_across, lanes_down] = lanes;
                    repeat(across, start, repeated, lanes_across);
                    repeat(down, start, repeated, lanes_down);
                }
                for luma in &mut found.luma {
                    *luma /= (side * side) as f32;
                }
                found.write(values);
            }
        }
        Some(RgbVariances { side, across, values })
    }
}

impl Variances {
    /// The number of blocks, across and down: at least 1.
    fn size(&self) -> (usize, usize) {
        let across = self.across.max(1);
        (across, (self.values.len() / across).max(1))
    }

    /// Whether each block of `other` covers the same whole number of blocks.
    fn is_covered_by(&self, other: &Self) -> bool {
        let ((across, down), (other_across, other_down)) = (self.size(), other.size());
        across.is_multiple_of(other_across) && down.is_multiple_of(other_down)
    }
}

/// The number of squares whose variances are computed at once.
const LANES: usize = 16;

/// A number for each of these squares.
type Lanes = [f32; LANES];

/// What the variances of adjacent squares depend on.
#[derive(Default)]
struct Squares {
    /// The mean variances of luma.
    luma: Lanes,
    /// The variances of Cb and Cr.
    chroma: [[u16; LANES]; 2],
    /// The gradients of luma, Cb and Cr, across and down.
    gradients: [[[i16; LANES]; 2]; 3],
}

impl Squares {
    /// Writes the variances of red, green and blue.
    fn write(&self, values: &mut [[f32; 3]]) {
        let mut colors = [[0.0; LANES]; 3];
        write_colors(self, &mut colors);
        let [red, green, blue] = colors;
        let colors = red.iter().zip(&green).zip(&blue);
        for (value, ((&red, &green), &blue)) in values.iter_mut().zip(colors) {
            *value = [red, green, blue];
        }
    }
}

/// Adds the sums of `side` adjacent values.
fn add_sums(values: &[u16], side: usize, sums: &mut Lanes) {
    if side == 2 {
        let (pairs, _) = values.as_chunks::<2>();
        for (sum, &[one, other]) in sums.iter_mut().zip(pairs) {
            *sum += f32::from(one) + f32::from(other);
        }
    } else {
        for (sum, values) in sums.iter_mut().zip(values.chunks_exact(side)) {
            *sum += values.iter().map(|&value| f32::from(value)).sum::<f32>();
        }
    }
}

#[autoversion(v3)]
fn write_colors(squares: &Squares, colors: &mut [Lanes; 3]) {
    let [luma, blue, red] = squares.gradients.map(direction);
    let [of_blue, of_red] = squares.chroma.map(|it| it.map(|variance| f32::from(variance).sqrt()));
    let luma_blue = product(cosine(luma, blue), of_blue);
    let luma_red = product(cosine(luma, red), of_red);
    let blue_red = product(product(cosine(blue, red), of_blue), of_red);
    let deviation = squares.luma.map(f32::sqrt);
    for (variances, [cb, cr]) in colors.iter_mut().zip(CHROMA) {
        // The variances that chroma alone causes, and the factors of luma's standard deviation.
        let own = combined(of_blue, of_red, |b, r| (cb * b).powi(2) + (cr * r).powi(2));
        let own = combined(own, blue_red, |own, it| own + 2.0 * cb * cr * it);
        let together = combined(luma_blue, luma_red, |b, r| 2.0 * (cb * b + cr * r));
        let together = product(together, deviation);
        let others = combined(squares.luma, own, |luma, own| luma + own);
        *variances = combined(others, together, |others, it| (others + it).max(0.0));
    }
}

/// The directions of gradients, as vectors of length 1, or of length 0 if a gradient is 0.
#[inline(always)]
fn direction(gradients: [[i16; LANES]; 2]) -> [Lanes; 2] {
    let [a, b] = gradients.map(|it| it.map(f32::from));
    let factor = combined(a, b, |a, b| 1.0 / (a * a + b * b).max(1.0).sqrt());
    [product(a, factor), product(b, factor)]
}

/// The cosines of the angles between directions.
#[inline(always)]
fn cosine([a, b]: [Lanes; 2], [c, d]: [Lanes; 2]) -> Lanes {
    combined(product(a, c), product(b, d), |one, other| one + other)
}

#[inline(always)]
fn product(one: Lanes, other: Lanes) -> Lanes {
    combined(one, other, |one, other| one * other)
}

#[inline(always)]
fn combined(mut one: Lanes, other: Lanes, function: impl Fn(f32, f32) -> f32) -> Lanes {
    for (one, other) in one.iter_mut().zip(other) {
        *one = function(*one, other);
    }
    one
}

/// Copies the values from `start` to lanes, each of them `times`.
#[inline]
fn repeat<T: Copy>(values: &[T], start: usize, times: usize, lanes: &mut [T; LANES]) {
    let values = values.get(start..).unwrap_or_default();
    if let (1, Some(values)) = (times, values.first_chunk()) {
        *lanes = *values;
        return;
    }
    for (lanes, &value) in lanes.chunks_mut(times.max(1)).zip(values) {
        lanes.fill(value);
    }
}

/// The differences between the samples on both sides of each block of chroma in a row, in one plane.
struct Gradients {
    across: Vec<i16>,
    down: Vec<i16>,
    /// The samples on one side and on the other.
    samples: [Vec<u8>; 2],
}

impl Gradients {
    /// Creates the gradients for a row of `count` blocks.
    fn new(count: usize) -> Self {
        Self {
            across: vec![0; count],
            down: vec![0; count],
            samples: [vec![0; count], vec![0; count]],
        }
    }

    /// Reads the gradients of the blocks in the row with this index. A block covers `size` samples.
    fn read(&mut self, plane: &Plane, index: usize, (width, height): (usize, usize)) {
        let Self { across, down, samples: [before, after] } = self;
        let row = |at: usize| {
            let start = at.min(plane.height.saturating_sub(1)) * plane.stride;
            plane.data.get(start..start + plane.width).unwrap_or_default()
        };
        let start = index * height;
        let middle = row(start + height / 2);
        if let (Some((to, others)), Some(&first)) = (before.split_first_mut(), middle.first()) {
            *to = first;
            pick(middle, width.saturating_sub(1), width, others);
        }
        pick(middle, width, width, after);
        subtract(after, before, across);
        pick(row(start.saturating_sub(1)), width / 2, width, before);
        pick(row(start + height), width / 2, width, after);
        subtract(after, before, down);
    }
}

/// Copies the samples at `start`, `start + step` and so on. After the end of the row, its last sample
/// counts.
fn pick(row: &[u8], start: usize, step: usize, to: &mut [u8]) {
    let from = row.get(start..).unwrap_or_default();
    let count = from.len().div_ceil(step.max(1)).min(to.len());
    let (known, others) = to.split_at_mut(count);
    match step {
        1 => known.iter_mut().zip(from).for_each(|(to, &sample)| *to = sample),
        2 => known.iter_mut().zip(from.chunks(2)).for_each(|(to, pair)| {
            *to = pair.first().copied().unwrap_or_default();
        }),
        _ => known.iter_mut().zip(from.iter().step_by(step.max(1))).for_each(|(to, &sample)| {
            *to = sample;
        }),
    }
    others.fill(row.last().copied().unwrap_or_default());
}

fn subtract(from: &[u8], other: &[u8], to: &mut [i16]) {
    for ((to, &from), &other) in to.iter_mut().zip(from).zip(other) {
        *to = i16::from(from) - i16::from(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_differences_between_the_samples_next_to_a_block() {
        let (width, height, stride) = (13, 11, 16);
        let data =
            (0..stride * height).map(|at| u8::try_from(at * at * 7 % 251).unwrap()).collect();
        let plane = Plane { width, height, stride, scale: (1, 1), data };
        for (across, down) in [(1, 1), (2, 2), (4, 2), (3, 4), (2, 1)] {
            // The last blocks lie partly outside the plane.
            let (columns, rows) = (width.div_ceil(across) + 1, height.div_ceil(down) + 1);
            let mut gradients = Gradients::new(columns);
            for row in 0..rows {
                gradients.read(&plane, row, (across, down));
                for column in 0..columns {
                    let sample = |x: usize, y: usize| {
                        i16::from(plane.data[y.min(height - 1) * stride + x.min(width - 1)])
                    };
                    let (left, top) = (column * across, row * down);
                    let (x, y) = (left + across / 2, top + down / 2);
                    let found = (gradients.across[column], gradients.down[column]);
                    let expected = (
                        sample(left + across, y) - sample(left.saturating_sub(1), y),
                        sample(x, top + down) - sample(x, top.saturating_sub(1)),
                    );
                    assert_eq!(found, expected, "{across}x{down}: {column}, {row}");
                }
            }
        }
    }

    #[test]
    fn values_are_repeated() {
        let values: Vec<u16> = (0..20).collect();
        for (start, times) in [(0, 1), (3, 1), (10, 1), (0, 2), (5, 4), (18, 3)] {
            let mut lanes = [99; LANES];
            repeat(&values, start, times, &mut lanes);
            for (lane, &found) in lanes.iter().enumerate() {
                let expected = values.get(start + lane / times).copied().unwrap_or(99);
                assert_eq!(found, expected, "{start} {times}: {lane}");
            }
        }
    }
}
