//! `radius`: rounds the corners of the picture.

use raster::{Picture, PixelKind};

/// Makes the pixels outside rounded corners transparent. The radius is in pixels, and is limited to
/// half of the shorter side.
#[must_use]
pub fn round(picture: Picture, radius: f64) -> Picture {
    let mut picture = picture.into_rgba();
    let shorter = picture.width.min(picture.height);
    let radius = radius.min(f64::from(shorter) / 2.0);
    let (width, height) = (picture.width as usize, picture.height as usize);
    // Process the rows of each corner from the outside in. A corner is symmetric.
    let corner = corner(radius);
    let rows = picture.data.chunks_exact_mut((width * PixelKind::Rgba.bytes()).max(1));
    for (y, row) in rows.enumerate() {
        let Some(opacities) = corner.get(y.min(height - 1 - y)) else { continue };
        let (pixels, _) = row.as_chunks_mut::<4>();
        for (pixel, &opacity) in pixels.iter_mut().zip(opacities) {
            weigh(pixel, opacity);
        }
        for (pixel, &opacity) in pixels.iter_mut().rev().zip(opacities) {
            weigh(pixel, opacity);
        }
    }
    picture
}

/// The opacities of the upper left corner, row by row. Each row ends before its first opaque pixel.
fn corner(radius: f64) -> Vec<Vec<u8>> {
    let opacity = |x: u32, y: u32| {
        let from_center = |pixel: u32| radius - f64::from(pixel) - 0.5;
        let distance = from_center(x).hypot(from_center(y));
        let covered = (radius - distance + 0.5).clamp(0.0, 1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
        let opacity = (covered * 255.0).round() as u8;
        opacity
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "65535 at most")]
    let side = radius.round() as u32;
    (0..side)
        .map(|y| (0..side).map(|x| opacity(x, y)).take_while(|&opacity| opacity < 255).collect())
        .collect()
}

const fn weigh([red, green, blue, alpha]: &mut [u8; 4], opacity: u8) {
    let product = *alpha as u16 * opacity as u16;
    #[expect(clippy::cast_possible_truncation, reason = "at most 255")]
    let weighed = ((product + 127) / 255) as u8;
    *alpha = weighed;
    if weighed == 0 {
        (*red, *green, *blue) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opacities(width: u32, height: u32, radius: f64) -> Vec<u8> {
        let data = vec![200; (width * height) as usize];
        let made = round(Picture { width, height, kind: PixelKind::Luma, data }, radius);
        assert_eq!(made.kind, PixelKind::Rgba);
        made.data.as_chunks::<4>().0.iter().map(|&[.., alpha]| alpha).collect()
    }

    #[test]
    fn a_corner_is_symmetric_and_antialiased() {
        let (width, height) = (30, 20);
        let made = opacities(width, height, 8.0);
        let at = |x: u32, y: u32| made[(y * width + x) as usize];
        assert_eq!((at(0, 0), at(10, 0), at(0, 10), at(15, 10)), (0, 255, 255, 255));
        assert!(made.iter().any(|alpha| (60..=200).contains(alpha)));
        for y in 0..height {
            for x in 0..width {
                assert_eq!(at(x, y), at(width - 1 - x, y));
                assert_eq!(at(x, y), at(x, height - 1 - y));
            }
        }
        for y in 0..8 {
            for x in 0..8 {
                assert_eq!(at(x, y), at(y, x));
            }
        }
    }

    #[test]
    fn the_area_of_a_circle() {
        for side in [1, 2, 3, 7, 40, 101] {
            let made = opacities(side, side, 65_535.0);
            let area = made.iter().map(|&alpha| f64::from(alpha) / 255.0).sum::<f64>();
            let expected = std::f64::consts::PI * f64::from(side * side) / 4.0;
            assert!((area - expected).abs() <= 0.25 + 0.01 * expected, "{side}: {area} {expected}");
        }
    }

    #[test]
    fn transparent_pixels_stay_transparent() {
        let data = vec![0; 4 * 100];
        let picture = Picture { width: 10, height: 10, kind: PixelKind::Rgba, data };
        assert_eq!(round(picture.clone(), 3.0), picture);
    }
}
