//! `pixelate`: fills each square of pixels with its mean colour.

use raster::{Picture, PixelKind};

/// Divides the picture into squares, starting at the upper left corner, and fills each square with
/// its mean colour. `side` is the side length of the squares in thumbnail pixels. If it is not a
/// whole number, the side lengths differ by up to one pixel.
#[must_use]
pub fn apply(mut picture: Picture, side: f64) -> Picture {
    if side <= 1.0 {
        return picture;
    }
    let (bytes, stride) = (picture.kind.bytes(), picture.stride().max(1));
    let has_alpha = picture.kind == PixelKind::Rgba;
    let columns = edges(picture.width, side);
    let mut rest = picture.data.as_mut_slice();
    for rows in edges(picture.height, side).windows(2) {
        let &[top, bottom] = rows else { continue };
        let Some((band, below)) = rest.split_at_mut_checked((bottom - top) * stride) else { break };
        rest = below;
        for square in columns.windows(2) {
            let &[left, right] = square else { continue };
            let range = left * bytes..right * bytes;
            let mut mean = Mean { has_alpha, ..Mean::default() };
            for row in band.chunks_exact(stride) {
                for pixel in row.get(range.clone()).unwrap_or_default().chunks_exact(bytes) {
                    mean.add(pixel);
                }
            }
            let color = mean.color();
            for row in band.chunks_exact_mut(stride) {
                for pixel in row.get_mut(range.clone()).unwrap_or_default().chunks_exact_mut(bytes)
                {
                    pixel.iter_mut().zip(color).for_each(|(sample, mean)| *sample = mean);
                }
            }
        }
    }
    picture
}

/// The positions of the edges of the squares along a side of the picture, including both ends.
fn edges(length: u32, side: f64) -> Vec<usize> {
    let position = |square: u32| {
        let position = (f64::from(square) * side).round().min(f64::from(length));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to length")]
        let position = position as usize;
        position
    };
    let mut edges: Vec<usize> = (0..=length).map(position).collect();
    edges.dedup();
    edges
}

/// The mean of several pixels. Transparent pixels do not affect the colour.
#[derive(Default)]
struct Mean {
    has_alpha: bool,
    sums: [u64; 4],
    /// The sum of the weights of the colours.
    weight: u64,
    count: u64,
}

impl Mean {
    fn add(&mut self, pixel: &[u8]) {
        let weight = match *pixel {
            [_, _, _, alpha] if self.has_alpha => u64::from(alpha),
            _ => 1,
        };
        self.weight += weight;
        self.count += 1;
        for (sum, &sample) in self.sums.iter_mut().zip(pixel) {
            *sum += u64::from(sample) * weight;
        }
    }

    fn color(&self) -> [u8; 4] {
        let divided = |sum: u64, by: u64| {
            let mean = (sum + by / 2).checked_div(by).unwrap_or_default();
            u8::try_from(mean).unwrap_or(u8::MAX)
        };
        let mut color = self.sums.map(|sum| divided(sum, self.weight));
        if let ([_, _, _, alpha], true) = (&mut color, self.has_alpha) {
            *alpha = divided(self.weight, self.count);
        }
        color
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luma(width: u32, data: &[u8], side: f64) -> Vec<u8> {
        let height = u32::try_from(data.len()).unwrap() / width;
        let picture = Picture { width, height, kind: PixelKind::Luma, data: data.to_vec() };
        apply(picture, side).data
    }

    #[test]
    fn fills_squares_and_what_is_left_at_the_edges() {
        let data = [0, 2, 9, 4, 6, 11, 100, 50, 3];
        assert_eq!(luma(3, &data, 2.0), [3, 3, 10, 3, 3, 10, 75, 75, 3]);
        assert_eq!(luma(3, &data, 1.0), data);
        assert_eq!(luma(3, &data, 0.1), data);
        assert_eq!(luma(3, &data, 99.0), [21; 9]);
    }

    #[test]
    fn squares_of_one_and_a_half_pixels() {
        assert_eq!(luma(6, &[0, 2, 4, 6, 8, 10], 1.5), [1, 1, 4, 7, 7, 10]);
        assert_eq!(edges(6, 1.5), [0, 2, 3, 5, 6]);
    }

    #[test]
    fn transparent_pixels_have_no_colour() {
        let data = vec![200, 100, 50, 255, 0, 0, 0, 0];
        let picture = Picture { width: 2, height: 1, kind: PixelKind::Rgba, data };
        assert_eq!(apply(picture, 2.0).data, [200, 100, 50, 128, 200, 100, 50, 128]);
        let picture = Picture { width: 2, height: 1, kind: PixelKind::Rgba, data: vec![0; 8] };
        assert_eq!(apply(picture.clone(), 2.0), picture);
    }
}
