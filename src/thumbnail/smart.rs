//! `g-smart`: the most salient window.
//!
//! The search uses the [saliency](super::saliency) of a small copy. The middle of the window has
//! the largest weight, and the default position of the window has a small advantage. The search
//! uses neither randomness nor a model: the same image always results in the same window.

use super::crop::{Choice, Window};
use super::resize;
use super::saliency::Map;
use crate::error::ThumbnailError;
use raster::{Picture, Size};

/// The longer side of the copy in pixels. It is large enough to find a face, at negligible cost.
const SIDE: u32 = 96;

/// The share of its score that a window loses if it is half the free space away from the default
/// position.
const HABIT: f64 = 0.2;

/// Finds the most salient window.
///
/// # Errors
/// [`ThumbnailError::Internal`], which does not occur for valid images.
pub fn window(picture: &Picture, choice: Choice) -> Result<Window, ThumbnailError> {
    let Choice { area, usual } = choice;
    let saliency = Map::new(&shrink(picture, area)?);
    let left = Axis {
        free: area.width - usual.width,
        usual: usual.left - area.left,
        size: usual.width / area.width,
    };
    let top = Axis {
        free: area.height - usual.height,
        usual: usual.top - area.top,
        size: usual.height / area.height,
    };
    Ok(Window {
        left: area.left + left.best(&saliency.columns()),
        top: area.top + top.best(&saliency.rows()),
        ..usual
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

/// The possible starts of a window along one side of its area.
struct Axis {
    /// The last start; the first is 0.
    free: f64,
    /// The default start.
    usual: f64,
    /// The size of the window, as a fraction of the size of the area.
    size: f64,
}

impl Axis {
    /// The start of the highest-scoring run of lines.
    fn best(&self, lines: &[f32]) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "at most 96 lines")]
        let fraction = |part: usize, whole: usize| part as f64 / whole as f64;
        #[expect(clippy::cast_precision_loss, reason = "at most 96 lines")]
        let length = (self.size * lines.len() as f64).round();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let length = (length as usize).clamp(1, lines.len().max(1));
        let last = lines.len().saturating_sub(length);
        let is_plain = lines.iter().all(|&line| line <= 0.0);
        if last == 0 || self.free <= 0.0 || is_plain {
            return self.usual;
        }
        let usual = self.usual / self.free;
        let scores = (0..=last).map(|first| {
            let run = lines.iter().skip(first).take(length).enumerate();
            let weighted = run.map(|(index, &line)| {
                let from_middle = fraction(2 * index + 1, length) - 1.0;
                f64::from(line) * (1.0 - from_middle * from_middle)
            });
            let start = fraction(first, last);
            let unusual = 2.0 * (start - usual);
            (start, weighted.sum::<f64>() * (1.0 - HABIT * unusual * unusual))
        });
        let best = scores.max_by(|one, other| one.1.total_cmp(&other.1));
        best.map_or(self.usual, |(start, _)| start * self.free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use raster::PixelKind;

    const WHOLE: Window = Window { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };

    fn found(picture: &Picture, width: f64) -> Window {
        let usual = Window { left: (1.0 - width) / 2.0, width, ..WHOLE };
        window(picture, Choice { area: WHOLE, usual }).unwrap()
    }

    /// A gray wall with a spot of this colour around a column.
    fn spot(center: u32, color: [u8; 3]) -> Picture {
        picture(|x, y| {
            let inside = x.abs_diff(center) < 30 && y.abs_diff(100) < 40;
            if inside { color } else { [120, 120, 120] }
        })
    }

    fn picture(color: impl Fn(u32, u32) -> [u8; 3]) -> Picture {
        let (width, height) = (400, 200);
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let data = places.flat_map(|(x, y)| color(x, y)).collect();
        Picture { width, height, kind: PixelKind::Rgb, data }
    }

    #[test]
    fn finds_what_stands_out() {
        for color in [[230, 180, 150], [90, 60, 45], [255, 255, 255], [200, 20, 20]] {
            for center in [60, 200, 330] {
                let found = found(&spot(center, color), 0.5);
                let middle = (found.left + 0.25) * 400.0;
                let nearest = f64::from(center).clamp(100.0, 300.0);
                assert!((middle - nearest).abs() < 40.0, "{color:?} at {center}: {middle}");
            }
        }
    }

    #[test]
    fn a_subject_outweighs_a_busy_background() {
        // A bird with little detail, and bark at the left edge, which has the most detail.
        let found = found(
            &picture(|x, y| {
                if x.abs_diff(290) < 40 && y.abs_diff(100) < 40 {
                    [60, 70, 90]
                } else if x < 120 && (x / 8 + y / 12) % 2 == 0 {
                    [120, 110, 100]
                } else if x < 120 {
                    [95, 85, 75]
                } else {
                    [225, 225, 230]
                }
            }),
            0.4,
        );
        assert!(found.left < 0.65 && found.left + 0.4 > 0.8, "{found:?}");
    }

    #[test]
    fn what_is_transparent_draws_no_eye() {
        // Black pixels on transparent pixels, which are also black.
        let (width, height) = (300, 100);
        let data = (0..width * height)
            .flat_map(|index| [0, 0, 0, if (index % width) / 30 == 8 { 255 } else { 0 }])
            .collect();
        let picture = Picture { width, height, kind: PixelKind::Rgba, data };
        let found = found(&picture, 0.3);
        assert!(found.left < 0.8 && found.left + 0.3 > 0.9, "{found:?}");
    }

    #[test]
    fn a_plain_picture_stays_where_it_usually_is() {
        let found = found(&spot(1000, [0; 3]), 0.5);
        assert!((found.left - 0.25).abs() < 0.01, "{found:?}");
        let usual = Window { top: 0.2, height: 0.4, ..WHOLE };
        let found = window(&spot(1000, [0; 3]), Choice { area: WHOLE, usual }).unwrap();
        assert_eq!(found, usual);
    }

    #[test]
    fn stays_within_its_area() {
        let area = Window { left: 0.5, width: 0.5, ..WHOLE };
        let usual = Window { left: 0.625, width: 0.25, ..WHOLE };
        let found = window(&spot(380, [250, 40, 40]), Choice { area, usual }).unwrap();
        assert!(found.left >= 0.5 && found.left + found.width <= 1.0 + 1e-9, "{found:?}");
        let found = window(&spot(60, [250, 40, 40]), Choice { area, usual }).unwrap();
        assert_eq!(found, usual);
    }
}
