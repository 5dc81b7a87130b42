//! The variances of red, green and blue, for pictures that are averaged in linear light.
//!
//! A block has a variance for luma and one for each component of chroma. The variances of red, green
//! and blue also depend on how luma and chroma vary together: between a red and a blue area, red
//! varies much more than luma does. The gradients of the decoded picture show this, because the
//! detail within a block mostly has the same colours as the blocks around it.

#![expect(clippy::cast_precision_loss, reason = "sums of a few variances")]

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
        // The size of a block of chroma in each plane.
        let sizes =
            [(covered * luma.side, down * luma.side), (blue.side, blue.side), (red.side, red.side)];
        let with_sizes = || planes.into_iter().zip(sizes);
        let columns: Vec<_> = with_sizes()
            .map(|(plane, (width, _))| Sides::columns(plane, width, own_across))
            .collect();
        let mut values = Vec::with_capacity(luma.values.len() / (side * side));
        let mut row: Vec<Chroma> = Vec::with_capacity(own_across);
        let mut lumas = vec![0; across / side];
        for (index, lines) in luma.values.chunks_exact(across * side).enumerate() {
            if (index * side).is_multiple_of(down) {
                let own_index = index * side / down;
                let start = own_index * own_across;
                let [blue, red] = [blue, red]
                    .map(|it| it.values.get(start..start + own_across).unwrap_or_default());
                let rows: Vec<_> = with_sizes()
                    .map(|(plane, (_, height))| Sides::row(plane, own_index, height))
                    .collect();
                row.clear();
                row.extend(blue.iter().zip(red).enumerate().map(|(index, (&blue, &red))| {
                    let gradient = |plane: usize| {
                        let (rows, columns) = (rows.get(plane), columns.get(plane));
                        let columns = columns.and_then(|columns| columns.get(index));
                        rows.zip(columns).map_or([0.0; 2], |(rows, columns)| rows.gradient(columns))
                    };
                    Chroma::new([blue, red], || [gradient(0), gradient(1), gradient(2)])
                }));
            }
            lumas.fill(0);
            for line in lines.chunks_exact(across) {
                for (sum, values) in lumas.iter_mut().zip(line.chunks_exact(side)) {
                    *sum += values.iter().map(|&value| u32::from(value)).sum::<u32>();
                }
            }
            let squares = lumas.chunks(covered / side).zip(&row);
            values.extend(squares.flat_map(|(lumas, chroma)| {
                lumas.iter().map(|&sum| chroma.with(sum as f32 / (side * side) as f32))
            }));
        }
        Some(RgbVariances { side, across: across / side, values })
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

/// What the variances of a block of chroma add to the variance of luma.
#[derive(Clone, Copy, Default)]
struct Chroma {
    /// The variances that chroma alone causes in red, green and blue.
    own: [f32; 3],
    /// The factors of luma's standard deviation.
    together: [f32; 3],
}

impl Chroma {
    fn new(variances: [u16; 2], gradients: impl Fn() -> [[f32; 2]; 3]) -> Self {
        if variances == [0; 2] {
            return Self::default();
        }
        let [luma, blue, red] = gradients().map(direction);
        let [of_blue, of_red] = variances.map(|variance| f32::from(variance).sqrt());
        let cosine = |[a, b]: [f32; 2], [c, d]: [f32; 2]| a * c + b * d;
        let luma_blue = cosine(luma, blue) * of_blue;
        let luma_red = cosine(luma, red) * of_red;
        let blue_red = cosine(blue, red) * of_blue * of_red;
        Self {
            own: CHROMA.map(|[cb, cr]| {
                (cb * of_blue).powi(2) + (cr * of_red).powi(2) + 2.0 * cb * cr * blue_red
            }),
            together: CHROMA.map(|[cb, cr]| 2.0 * (cb * luma_blue + cr * luma_red)),
        }
    }

    /// The variances of red, green and blue.
    fn with(&self, luma: f32) -> [f32; 3] {
        let deviation = luma.sqrt();
        let mut variances = self.own;
        for (variance, together) in variances.iter_mut().zip(self.together) {
            *variance = (luma + *variance + together * deviation).max(0.0);
        }
        variances
    }
}

/// The direction of a gradient, as a vector of length 1, or of length 0 if the gradient is 0. The
/// elements of the gradient are whole numbers.
fn direction([a, b]: [f32; 2]) -> [f32; 2] {
    let factor = 1.0 / (a * a + b * b).max(1.0).sqrt();
    [a * factor, b * factor]
}

/// The samples before, in the middle of, and after a block of chroma, in one direction: columns of
/// a plane, or rows of samples.
struct Sides<T>([T; 3]);

/// The positions of the samples before, in the middle of, and after a block of this length. The
/// plane has `side` samples.
fn sides(index: usize, length: usize, side: usize) -> [usize; 3] {
    let start = index * length;
    [start.saturating_sub(1), start + length / 2, start + length]
        .map(|at| at.min(side.saturating_sub(1)))
}

impl Sides<usize> {
    /// The columns of each of `count` blocks of this width.
    fn columns(plane: &Plane, width: usize, count: usize) -> Vec<Self> {
        (0..count).map(|index| Self(sides(index, width, plane.width))).collect()
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

    /// The difference between the samples on both sides of a block: across, and down.
    fn gradient(&self, columns: &Sides<usize>) -> [f32; 2] {
        let (Self([above, row, below]), Sides([left, column, right])) = (self, columns);
        let sample =
            |row: &[u8], column: &usize| f32::from(row.get(*column).copied().unwrap_or_default());
        [sample(row, right) - sample(row, left), sample(below, column) - sample(above, column)]
    }
}
