//! The background, which shows through transparent pixels and fills the padding.

use super::crop::Geometry;
use super::format::OutputFormat;
use super::spec::{Compass, Gravity, Rgb, Spec};
use raster::{Picture, PixelKind, Size};

/// Returns the background colour in sRGB, if there is one. In a JPEG, it is white by default.
#[must_use]
pub fn color(spec: &Spec, format: OutputFormat) -> Option<Rgb> {
    spec.background.or((format == OutputFormat::Jpeg).then_some(Rgb::WHITE))
}

/// Flattens the image if there is a background colour, and places the image on its canvas.
#[must_use]
pub fn apply(picture: Picture, geometry: &Geometry, spec: &Spec, color: Option<Rgb>) -> Picture {
    let picture = match color {
        Some(color) => flatten(picture, color),
        None => picture,
    };
    if geometry.canvas == picture.size() {
        return picture.without_idle_alpha();
    }
    let gravity = match spec.gravity {
        Some(Gravity::Compass(compass)) => compass,
        _ => Compass::C,
    };
    match color {
        Some(Rgb([red, green, blue])) => {
            pad(&picture.into_color(), geometry.canvas, gravity, &[red, green, blue])
        }
        None => pad(&picture.into_rgba(), geometry.canvas, gravity, &[0; 4]),
    }
}

/// Puts an opaque colour behind an image.
#[must_use]
pub fn flatten(picture: Picture, Rgb(color): Rgb) -> Picture {
    if picture.kind != PixelKind::Rgba {
        return picture;
    }
    let (pixels, _) = picture.data.as_chunks::<4>();
    let data = pixels
        .iter()
        .flat_map(|&[red, green, blue, alpha]| {
            let blend = |front: u8, back: u8| {
                let (front, back, alpha) = (u16::from(front), u16::from(back), u16::from(alpha));
                let sum = front * alpha + back * (255 - alpha);
                u8::try_from((sum + 127) / 255).unwrap_or(255)
            };
            let [back_red, back_green, back_blue] = color;
            [blend(red, back_red), blend(green, back_green), blend(blue, back_blue)]
        })
        .collect();
    Picture { kind: PixelKind::Rgb, data, ..picture }
}

fn pad(picture: &Picture, canvas: Size, gravity: Compass, pixel: &[u8]) -> Picture {
    let (x, y) = gravity.position();
    let before = |free: u32, fraction: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let before = (f64::from(free) * fraction).floor() as usize;
        before
    };
    let left = before(canvas.width - picture.width, x);
    let top = before(canvas.height - picture.height, y);
    let stride = canvas.width as usize * pixel.len();
    let right = stride - left * pixel.len() - picture.stride();
    let below = canvas.height as usize - top - picture.height as usize;

    let mut data = Vec::with_capacity(stride * canvas.height as usize);
    let fill = |data: &mut Vec<u8>, bytes: usize| {
        data.extend(pixel.iter().copied().cycle().take(bytes));
    };
    fill(&mut data, top * stride);
    for row in picture.data.chunks_exact(picture.stride()) {
        fill(&mut data, left * pixel.len());
        data.extend_from_slice(row);
        fill(&mut data, right);
    }
    fill(&mut data, below * stride);
    Picture { width: canvas.width, height: canvas.height, kind: picture.kind, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flattens_on_a_color() {
        let data = [[0, 0, 0, 0], [255, 0, 0, 255], [0, 0, 0, 128], [255, 255, 255, 1]].concat();
        let picture = Picture { width: 4, height: 1, kind: PixelKind::Rgba, data };
        let flat = flatten(picture, Rgb([255, 255, 0]));
        assert_eq!(flat.kind, PixelKind::Rgb);
        assert_eq!(flat.data, [255, 255, 0, 255, 0, 0, 127, 127, 0, 255, 255, 1]);
    }

    #[test]
    fn pads_around_the_picture() {
        let picture =
            || Picture { width: 1, height: 1, kind: PixelKind::Luma, data: b"#".to_vec() };
        let canvas = Size { width: 4, height: 2 };
        for (gravity, padded) in
            [(Compass::C, ".#......"), (Compass::SE, ".......#"), (Compass::W, "#.......")]
        {
            let padded = padded.as_bytes();
            assert_eq!(pad(&picture(), canvas, gravity, b".").data, padded, "{gravity:?}");
        }
    }
}
