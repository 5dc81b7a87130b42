//! The variances of red, green and blue, for pictures that are averaged in linear light.
//!
//! A block has a variance for luma and one for each component of chroma. The variances of red, green
//! and blue also depend on how luma and chroma vary together: between a red and a blue area, red
//! varies much more than luma does. The gradients of the decoded picture show this, because the
//! detail within a block mostly has the same colours as the blocks around it.

#![expect(clippy::cast_precision_loss, reason = "sums of a few variances")]
#![expect(clippy::inline_always, reason = "the compiler vectorizes it only as a whole")]

use std::iter::repeat_n;

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
        let with_sizes = || planes.into_iter().zip(sizes);
        let columns: Vec<_> = with_sizes()
            .map(|(plane, (width, _))| Sides::columns(plane, width, own_across, repeated))
            .collect();
        let across = across / side;
        let mut values = vec![[0.0; 3]; luma.values.len() / (side * side)];
        let lines = luma.values.chunks_exact((across * side * side).max(1));
        for (index, (lines, values)) in lines.zip(values.chunks_mut(across.max(1))).enumerate() {
            let own_index = index * side / down;
            let rows: Vec<_> = with_sizes()
                .map(|(plane, (_, height))| Sides::row(plane, own_index, height))
                .collect();
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
                for (lanes, values) in found.chroma.iter_mut().zip(chroma) {
                    let values = values.get(squares.start / repeated..).unwrap_or_default();
                    for (lanes, &value) in lanes.chunks_mut(repeated).zip(values) {
                        lanes.fill(value);
                    }
                }
                for ((lanes, rows), columns) in found.gradients.iter_mut().zip(&rows).zip(&columns)
                {
                    let columns = columns.get(squares.clone()).unwrap_or_default();
                    rows.gradients(columns, lanes);
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

/// The samples before, in the middle of, and after a block of chroma, in one direction: columns of
/// a plane, or rows of samples.
#[derive(Clone, Copy)]
struct Sides<T>([T; 3]);

/// The positions of the samples before, in the middle of, and after a block of this length. The
/// plane has `side` samples.
fn sides(index: usize, length: usize, side: usize) -> [usize; 3] {
    let start = index * length;
    [start.saturating_sub(1), start + length / 2, start + length]
        .map(|at| at.min(side.saturating_sub(1)))
}

impl Sides<usize> {
    /// The columns of each of `count` blocks of this width, repeated for each of its squares.
    fn columns(plane: &Plane, width: usize, count: usize, squares: usize) -> Vec<Self> {
        let columns = (0..count).map(|index| Self(sides(index, width, plane.width)));
        columns.flat_map(|columns| repeat_n(columns, squares)).collect()
    }
}

impl<'a> Sides<&'a [u8]> {
    /// The rows of a block of this height.
    fn row(plane: &'a Plane, index: usize, height: usize) -> Self {
        Self(sides(index, height, plane.height).map(|row| {
            let start = row * plane.stride;
            plane.data.get(start..start + plane.width).unwrap_or_default()
        }))
    }

    /// Writes the differences between the samples on both sides of adjacent blocks: across, and down.
    fn gradients(&self, columns: &[Sides<usize>], lanes: &mut [[i16; LANES]; 2]) {
        let Self([above, row, below]) = self;
        let sample =
            |row: &[u8], column: &usize| i16::from(row.get(*column).copied().unwrap_or_default());
        let [across, down] = lanes;
        for ((across, down), Sides([left, column, right])) in
            across.iter_mut().zip(down).zip(columns)
        {
            *across = sample(row, right) - sample(row, left);
            *down = sample(below, column) - sample(above, column);
        }
    }
}
