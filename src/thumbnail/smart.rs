//! `g-smart`: the part of a picture that draws the eye.
//!
//! On a small copy, every pixel is given a weight: how much it stands out against its
//! neighbours, how saturated it is, and how much it is like skin. The window is put where it
//! holds most weight, the weight near its edges counting less. No randomness, no model: the
//! same picture always gives the same window.

use super::crop::Window;
use super::resize;
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind, Size};

/// The longer side of the copy. Enough to find a face, cheap enough not to matter.
const SIDE: u32 = 96;

/// Where a window of `size` (fractions of the picture) stands best within `area`.
///
/// # Errors
/// [`ThumbnailError::Internal`], which no picture can cause.
pub fn place(picture: &Picture, area: Window, size: (f64, f64)) -> Result<Window, ThumbnailError> {
    let small = shrink(picture, area)?;
    let weights = Weights::new(&small);
    let cells = |fraction: f64, whole: f64, side: u32| {
        let cells = (fraction / whole * f64::from(side)).round().clamp(1.0, f64::from(side));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let cells = cells as usize;
        cells
    };
    let columns = cells(size.0, area.width, small.width);
    let rows = cells(size.1, area.height, small.height);
    let (x, y) = weights.best(columns, rows);
    Ok(Window {
        left: area.left + x * (area.width - size.0),
        top: area.top + y * (area.height - size.1),
        width: size.0,
        height: size.1,
    })
}

fn shrink(picture: &Picture, area: Window) -> Result<Picture, ThumbnailError> {
    let width = area.width * f64::from(picture.width);
    let height = area.height * f64::from(picture.height);
    let scale = (f64::from(SIDE) / width.max(height)).min(1.0);
    let scaled = |side: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let scaled = (side * scale).round().max(1.0) as u32;
        scaled
    };
    let size = Size { width: scaled(width), height: scaled(height) };
    resize::shrunk_copy(picture, area, size).map(|small| small.without_inks().into_rgba())
}

/// What each pixel of the copy weighs.
struct Weights {
    width: usize,
    height: usize,
    cells: Vec<f32>,
}

impl Weights {
    fn new(picture: &Picture) -> Self {
        debug_assert_eq!(picture.kind, PixelKind::Rgba);
        let (pixels, _) = picture.data.as_chunks::<4>();
        let (width, height) = (picture.width as usize, picture.height as usize);
        let luma: Vec<f32> = pixels.iter().map(|&pixel| luma(pixel)).collect();
        let at = |x: usize, y: usize| luma.get(y * width + x).copied().unwrap_or_default();
        let cells = pixels
            .iter()
            .enumerate()
            .map(|(index, &pixel)| {
                let (x, y) = (index % width, index / width);
                let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
                let (above, below) = (y.saturating_sub(1), (y + 1).min(height - 1));
                let neighbours = at(left, y) + at(right, y) + at(x, above) + at(x, below);
                let detail = (4.0 * at(x, y) - neighbours).abs();
                weight(pixel, detail)
            })
            .collect();
        Self { width, height, cells }
    }

    /// The best place of a window of so many cells, as fractions of the free space.
    fn best(&self, columns: usize, rows: usize) -> (f64, f64) {
        let by_column = self.sums(self.width, |x, y| (x, y), self.height);
        let by_row = self.sums(self.height, |y, x| (x, y), self.width);
        (best_start(&by_column, columns), best_start(&by_row, rows))
    }

    /// The sum of each line of cells.
    fn sums(
        &self,
        lines: usize,
        cell: impl Fn(usize, usize) -> (usize, usize),
        length: usize,
    ) -> Vec<f32> {
        (0..lines)
            .map(|line| {
                (0..length)
                    .map(|along| {
                        let (x, y) = cell(line, along);
                        self.cells.get(y * self.width + x).copied().unwrap_or_default()
                    })
                    .sum()
            })
            .collect()
    }
}

/// Where a run of `length` lines holds most, as a fraction of the free space. Lines near the
/// run's ends count less, so that what matters stands within it, not at its edge; of equal
/// places the one nearest to the middle is taken.
fn best_start(lines: &[f32], length: usize) -> f64 {
    let free = lines.len().saturating_sub(length);
    if free == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 96 lines")]
    let fraction = |part: usize, whole: usize| part as f64 / whole as f64;
    let score = |start: usize| -> f64 {
        lines
            .iter()
            .skip(start)
            .take(length)
            .enumerate()
            .map(|(index, &line)| {
                let from_middle = (fraction(2 * index + 1, length) - 1.0).abs();
                f64::from(line) * (1.0 - 0.5 * from_middle * from_middle)
            })
            .sum()
    };
    let off_center = |start: usize| (fraction(start, free) - 0.5).abs();
    (0..=free)
        .max_by(|&one, &other| {
            score(one).total_cmp(&score(other)).then(off_center(other).total_cmp(&off_center(one)))
        })
        .map_or(0.5, |start| fraction(start, free))
}

/// Luma of BT.601, 0 to 1.
fn luma([red, green, blue, alpha]: [u8; 4]) -> f32 {
    let [red, green, blue, alpha] = [red, green, blue, alpha].map(|v| f32::from(v) / 255.0);
    (0.299 * red + 0.587 * green + 0.114 * blue) * alpha
}

fn weight(pixel: [u8; 4], detail: f32) -> f32 {
    let light = luma(pixel);
    let [red, green, blue, alpha] = pixel.map(|sample| f32::from(sample) / 255.0);
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    let saturation = if most > 0.0 { (most - least) / most } else { 0.0 };
    // Very dark and very bright colours look gray, whatever their numbers say.
    let is_colorful = (0.05..0.9).contains(&light);
    let saturation = if is_colorful { (saturation - 0.4).max(0.0) / 0.6 } else { 0.0 };
    (detail + 0.2 * saturation + 1.2 * skin([red, green, blue])) * alpha
}

/// How much a colour is like skin of any tone, 0 to 1: by the direction of the colour alone,
/// which hardly varies between people.
fn skin([red, green, blue]: [f32; 3]) -> f32 {
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

    fn window(picture: &Picture, width: f64) -> Window {
        let area = Window { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };
        place(picture, area, (width, 1.0)).unwrap()
    }

    /// A gray wall with a spot of this colour around a column.
    fn spot(center: u32, color: [u8; 3]) -> Picture {
        let (width, height) = (400, 200);
        let data = (0..height)
            .flat_map(|y: u32| {
                (0..width).flat_map(move |x: u32| {
                    let inside = x.abs_diff(center) < 30 && y.abs_diff(100) < 40;
                    if inside { color } else { [120, 120, 120] }
                })
            })
            .collect();
        Picture { width, height, kind: PixelKind::Rgb, data }
    }

    #[test]
    fn finds_what_stands_out() {
        for color in [[230, 180, 150], [90, 60, 45], [255, 255, 255], [200, 20, 20]] {
            for center in [60, 200, 330] {
                let found = window(&spot(center, color), 0.5);
                let middle = (found.left + 0.25) * 400.0;
                let nearest = f64::from(center).clamp(100.0, 300.0);
                assert!((middle - nearest).abs() < 40.0, "{color:?} at {center}: {middle}");
            }
        }
    }

    #[test]
    fn a_plain_picture_stays_centered() {
        let found = window(&spot(1000, [0; 3]), 0.5);
        assert!((found.left - 0.25).abs() < 0.01, "{found:?}");
    }
}
