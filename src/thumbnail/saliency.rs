//! The saliency of a small picture: how strongly each part of it attracts attention.
//!
//! Saliency is the sum of four cues. Each is scaled to a fixed share, regardless of contrast:
//!
//! - Separation from the border: the background usually reaches the edge of the picture. The
//!   measure is the minimum barrier distance, computed in three sweeps (Zhang and others, "Minimum
//!   Barrier Salient Object Detection at 80 FPS", ICCV 2015).
//! - Contrast with the surroundings, in luma, colour and opacity.
//! - Detail.
//! - Detail in skin-coloured areas that are separate from the border.
//!
//! Values of the sum that are below its mean count as zero.

use raster::{Picture, PixelKind};

/// One number for each pixel.
#[derive(Debug, Clone)]
pub(super) struct Map {
    width: usize,
    height: usize,
    cells: Vec<f32>,
}

impl Map {
    /// Computes the saliency of each pixel of an RGBA picture. In a plain picture, it is zero
    /// everywhere.
    pub(super) fn new(picture: &Picture) -> Self {
        debug_assert_eq!(picture.kind, PixelKind::Rgba);
        let (pixels, _) = picture.data.as_chunks::<4>();
        let pixels: Vec<[f32; 4]> = pixels.iter().map(|&pixel| premultiplied(pixel)).collect();
        let map = |value: fn(&[f32; 4]) -> f32| Self {
            width: picture.width as usize,
            height: picture.height as usize,
            cells: pixels.iter().map(value).collect(),
        };
        let light = map(luma);
        let channels = [
            map(|[red, green, _, _]| 2.0 * (red - green)),
            map(|[red, green, blue, _]| blue - f32::midpoint(*red, *green)),
            map(|[_, _, _, alpha]| *alpha),
        ];
        let detail = light.detail();
        let (mut barrier, mut contrast) = (light.barrier(), light.contrast());
        for channel in channels.iter().filter(|channel| !channel.is_plain()) {
            barrier = barrier.combined(&channel.barrier(), |sum, more| sum + more);
            contrast = contrast.combined(&channel.contrast(), |sum, more| sum + more);
        }
        let product = |one: f32, other: f32| one * other;
        let skin = map(skin).combined(&detail, product).combined(&barrier, product);
        let skin = skin.with(skin.cells.iter().map(|value| value.cbrt()).collect());
        [(detail, 0.5), (skin, 1.0), (contrast, 0.5)]
            .into_iter()
            .fold(barrier.scaled(1.0), |sum, (sign, share)| {
                sum.combined(&sign.scaled(share), |sum, more| sum + more)
            })
            .above_mean()
    }

    /// The sum of each column, from left to right.
    pub(super) fn columns(&self) -> Vec<f32> {
        (0..self.width).map(|x| (0..self.height).map(|y| self.at(x, y)).sum()).collect()
    }

    /// The sum of each row, from top to bottom.
    pub(super) fn rows(&self) -> Vec<f32> {
        self.cells.chunks(self.width.max(1)).map(|row| row.iter().sum()).collect()
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        self.cells.get(y * self.width + x).copied().unwrap_or_default()
    }

    /// The positions of all cells, row by row.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let width = self.width;
        (0..self.height).flat_map(move |y| (0..width).map(move |x| (x, y)))
    }

    fn with(&self, cells: Vec<f32>) -> Self {
        Self { width: self.width, height: self.height, cells }
    }

    fn combined(&self, other: &Self, combine: impl Fn(f32, f32) -> f32) -> Self {
        let pairs = self.cells.iter().zip(&other.cells);
        self.with(pairs.map(|(&one, &other)| combine(one, other)).collect())
    }

    fn is_plain(&self) -> bool {
        self.cells.windows(2).all(|pair| pair.first() == pair.last())
    }

    /// Scales the values to this mean, unless they are zero everywhere.
    fn scaled(&self, mean: f32) -> Self {
        let sum: f32 = self.cells.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "a small picture")]
        let factor = if sum > 1e-6 { mean * self.cells.len() as f32 / sum } else { 0.0 };
        self.with(self.cells.iter().map(|value| value * factor).collect())
    }

    /// The excess over the mean.
    fn above_mean(&self) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a small picture")]
        let mean = self.cells.iter().sum::<f32>() / self.cells.len().max(1) as f32;
        self.with(self.cells.iter().map(|value| (value - mean).max(0.0)).collect())
    }

    /// The magnitude of the Laplacian.
    fn detail(&self) -> Self {
        let cells = self.places().map(|(x, y)| {
            let (left, right) = (x.saturating_sub(1), (x + 1).min(self.width - 1));
            let (above, below) = (y.saturating_sub(1), (y + 1).min(self.height - 1));
            let around =
                self.at(left, y) + self.at(right, y) + self.at(x, above) + self.at(x, below);
            (4.0 * self.at(x, y) - around).abs()
        });
        self.with(cells.collect())
    }

    /// The squared difference between each spot and its surroundings.
    fn contrast(&self) -> Self {
        let sums = Sums::new(self);
        let squares =
            self.places().map(|place| (sums.mean(place, 1) - sums.mean(place, 4)).powi(2));
        self.with(squares.collect())
    }

    /// The minimum barrier distance to the border: the smallest difference between the highest and
    /// the lowest value along a path, found by sweeps down, up and down again.
    fn barrier(&self) -> Self {
        let (width, height) = (self.width, self.height);
        let is_inside =
            |&(x, y): &(usize, usize)| x > 0 && y > 0 && x + 1 < width && y + 1 < height;
        // The lowest and the highest value of the best path so far.
        let unknown = (f32::NEG_INFINITY, f32::INFINITY);
        let mut paths: Vec<(f32, f32)> = self
            .places()
            .zip(&self.cells)
            .map(|(place, &value)| if is_inside(&place) { unknown } else { (value, value) })
            .collect();
        let inside: Vec<_> = self.places().filter(is_inside).collect();
        let mut visit = |(x, y): (usize, usize), before: [usize; 2]| {
            let (index, value) = (y * width + x, self.at(x, y));
            let path = |index: usize| paths.get(index).copied().unwrap_or(unknown);
            let shortest = before.into_iter().fold(path(index), |best, before| {
                let (low, high) = path(before);
                let (low, high) = (low.min(value), high.max(value));
                if high - low < best.1 - best.0 { (low, high) } else { best }
            });
            if let Some(path) = paths.get_mut(index) {
                *path = shortest;
            }
        };
        for is_down in [true, false, true] {
            if is_down {
                for &(x, y) in &inside {
                    visit((x, y), [y * width + x - 1, (y - 1) * width + x]);
                }
            } else {
                for &(x, y) in inside.iter().rev() {
                    visit((x, y), [y * width + x + 1, (y + 1) * width + x]);
                }
            }
        }
        self.with(paths.into_iter().map(|(low, high)| high - low).collect())
    }
}

/// For each corner between cells, the sum of all cells above and to the left of it.
struct Sums {
    width: usize,
    height: usize,
    corners: Vec<f64>,
}

impl Sums {
    fn new(map: &Map) -> Self {
        let mut above = vec![0.0; map.width + 1];
        let mut corners = above.clone();
        for row in map.cells.chunks(map.width.max(1)) {
            let mut sum = 0.0;
            for (corner, value) in above.iter_mut().skip(1).zip(row) {
                sum += f64::from(*value);
                *corner += sum;
            }
            corners.extend_from_slice(&above);
        }
        Self { width: map.width, height: map.height, corners }
    }

    /// The mean of the cells that are at most `radius` cells away, across and down.
    fn mean(&self, (x, y): (usize, usize), radius: usize) -> f32 {
        let (left, right) = (x.saturating_sub(radius), (x + radius + 1).min(self.width));
        let (top, bottom) = (y.saturating_sub(radius), (y + radius + 1).min(self.height));
        let corner = |x: usize, y: usize| {
            self.corners.get(y * (self.width + 1) + x).copied().unwrap_or_default()
        };
        let sum =
            corner(right, bottom) + corner(left, top) - corner(left, bottom) - corner(right, top);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "few")]
        let mean = sum as f32 / ((right - left) * (bottom - top)) as f32;
        mean
    }
}

/// The colour multiplied by the opacity, with values from 0 to 1.
fn premultiplied([red, green, blue, alpha]: [u8; 4]) -> [f32; 4] {
    let [red, green, blue, alpha] = [red, green, blue, alpha].map(|v| f32::from(v) / 255.0);
    [red * alpha, green * alpha, blue * alpha, alpha]
}

/// BT.601 luma.
fn luma([red, green, blue, _]: &[f32; 4]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// The similarity of a colour to skin of any tone, 0 to 1. Only the direction of the colour in RGB
/// space is compared, because it hardly varies between people.
fn skin([red, green, blue, _]: &[f32; 4]) -> f32 {
    let length = (red * red + green * green + blue * blue).sqrt();
    if length < 0.25 {
        return 0.0;
    }
    let [dr, dg, db] = [red / length - 0.734, green / length - 0.537, blue / length - 0.414];
    let distance = (dr * dr + dg * dg + db * db).sqrt();
    (1.0 - distance / 0.2).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rows: &[&[f32]]) -> Map {
        Map { width: rows[0].len(), height: rows.len(), cells: rows.concat() }
    }

    #[test]
    fn what_reaches_the_border_is_behind() {
        let light = map(&[
            &[0.0, 0.0, 0.0, 0.0, 0.0],
            &[0.0, 0.5, 0.5, 0.5, 0.0],
            &[0.9, 0.9, 0.5, 0.2, 0.0],
            &[0.0, 0.5, 0.5, 0.5, 0.0],
            &[0.0, 0.0, 0.0, 0.0, 0.0],
        ]);
        let found = light.barrier();
        // A bright bar from the left, and a spot within a closed ring.
        let near =
            |x, y, expected: f32| assert!((found.at(x, y) - expected).abs() < 1e-6, "{x} {y}");
        near(1, 2, 0.0);
        near(2, 2, 0.4);
        near(3, 2, 0.2);
        near(1, 1, 0.4);
        near(0, 0, 0.0);
    }

    #[test]
    fn means_of_what_is_around() {
        let sums = Sums::new(&map(&[&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0]]));
        for (place, radius, mean) in [
            ((0, 0), 0, 1.0),
            ((3, 1), 0, 8.0),
            ((0, 0), 1, 3.5),
            ((2, 1), 1, 5.0),
            ((1, 0), 9, 4.5),
        ] {
            assert!((sums.mean(place, radius) - mean).abs() < 1e-6, "{place:?} {radius}");
        }
    }

    #[test]
    fn tiny_pictures() {
        for (width, height) in [(1, 1), (1, 5), (2, 2), (5, 1)] {
            let data = (0..5)
                .flat_map(|i| [40 * i, 0, 200, 255])
                .take((4 * width * height) as usize)
                .collect();
            let found = Map::new(&Picture { width, height, kind: PixelKind::Rgba, data });
            assert!(found.cells.iter().all(|value| value.is_finite()), "{width}x{height}");
            assert_eq!(found.columns().len(), width as usize);
            assert_eq!(found.rows().len(), height as usize);
        }
    }

    #[test]
    fn skin_of_any_tone() {
        for color in [[255, 224, 196], [224, 172, 138], [141, 95, 74], [80, 55, 43]] {
            let [red, green, blue] = color;
            assert!(skin(&premultiplied([red, green, blue, 255])) > 0.3, "{color:?}");
        }
        for color in [[40, 90, 200], [60, 140, 50], [128, 128, 128], [0, 0, 0], [220, 20, 30]] {
            let [red, green, blue] = color;
            let found = skin(&premultiplied([red, green, blue, 255]));
            assert!(found < 0.15, "{color:?}: {found}");
        }
    }
}
