//! The variances of red, green and blue, for pictures that are averaged in linear light.
//!
//! A block has a variance for luma and one for each component of chroma. The variances of red, green
//! and blue also depend on how luma and chroma vary together: between a red and a blue area, red
//! varies much more than luma does. The gradients of the decoded picture show this, because the
//! detail within a block mostly has the same colours as the blocks around it.

use crate::image::{Plane, Planes, Variances};

/// Cb and Cr in red, green and blue (ITU-T T.871).
const CHROMA: [[f32; 2]; 3] = [[0.0, 1.402], [-0.344_136, -0.714_136], [1.772, 0.0]];

impl Planes {
    /// The variances of red, green and blue for each block of the first plane, as in
    /// [`Variances`]. Without the variances of chroma, all colours have that of luma. The same applies
    /// if a block of Cb does not cover the same whole number of blocks as one of Cr. Returns `None`
    /// if there are no variances.
    #[must_use]
    pub fn rgb_variances(&self) -> Option<Vec<[f32; 3]>> {
        let luma = self.variances.first()?;
        let (planes, blue, red) = match (self.planes.as_slice(), self.variances.as_slice()) {
            ([y, cb, cr], [_, blue, red])
                if blue.size() == red.size() && luma.is_covered_by(blue) =>
            {
                ([y, cb, cr], blue, red)
            }
            _ => return Some(luma.values.iter().map(|&it| [f32::from(it); 3]).collect()),
        };
        let ((across, down), (own_across, own_down)) = (luma.size(), blue.size());
        let (across, down) = (across / own_across, down / own_down);
        let mut variances = vec![[0.0; 3]; luma.values.len()];
        let mut row = Vec::new();
        let lines = variances.chunks_mut(luma.across.max(1));
        for (y_block, (values, line)) in
            luma.values.chunks(luma.across.max(1)).zip(lines).enumerate()
        {
            if y_block % down == 0 {
                let start = y_block / down * blue.across;
                let [blue, red] = [blue, red]
                    .map(|it| it.values.get(start..start + blue.across).unwrap_or_default());
                row.clear();
                row.extend(blue.iter().zip(red).enumerate().map(|(index, (&blue, &red))| {
                    let gradients = || {
                        planes
                            .map(|plane| gradient(plane, (index * across, y_block), (across, down)))
                    };
                    Chroma::new([blue, red], gradients)
                }));
            }
            let groups = values.chunks(across).zip(line.chunks_mut(across));
            for ((values, places), chroma) in groups.zip(&row) {
                for (&luma, place) in values.iter().zip(places) {
                    *place = chroma.with(luma.into());
                }
            }
        }
        Some(variances)
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
        let [of_luma, of_blue, of_red] = gradients();
        let deviations = variances.map(|variance| f32::from(variance).sqrt());
        let [blue, red] = deviations;
        let luma_blue = correlation(of_luma, of_blue) * blue;
        let luma_red = correlation(of_luma, of_red) * red;
        let blue_red = correlation(of_blue, of_red) * blue * red;
        Self {
            own: CHROMA.map(|[cb, cr]| {
                (cb * blue).powi(2) + (cr * red).powi(2) + 2.0 * cb * cr * blue_red
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

/// The cosine of the angle between two gradients.
fn correlation([a, b]: [f32; 2], [c, d]: [f32; 2]) -> f32 {
    let lengths = (a * a + b * b) * (c * c + d * d);
    if lengths > 1.0 { (a * c + b * d) / lengths.sqrt() } else { 0.0 }
}

/// The difference between the samples on both sides of a block of chroma: across, and down. The block
/// starts at a column and row of the image, and has this size.
fn gradient(
    plane: &Plane,
    (column, row): (usize, usize),
    (across, down): (usize, usize),
) -> [f32; 2] {
    let within =
        |at: usize, covered: usize, side: usize| (at / covered.max(1)).min(side.saturating_sub(1));
    let x = |column| within(column, plane.scale.0, plane.width);
    let y = |row| within(row, plane.scale.1, plane.height) * plane.stride;
    let sample = |index: usize| f32::from(plane.data.get(index).copied().unwrap_or_default());
    let (middle_x, middle_y) = (x(column + across / 2), y(row + down / 2));
    [
        sample(middle_y + x(column + across)) - sample(middle_y + x(column.saturating_sub(1))),
        sample(y(row + down) + middle_x) - sample(y(row.saturating_sub(1)) + middle_x),
    ]
}
