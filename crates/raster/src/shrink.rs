//! Shrinks an image quickly by a whole factor, as codecs do while they decode.

use crate::picture::{Picture, PixelKind, Size};

/// The largest factor. At this factor, the sum of the samples of one pixel fits into 16 bits.
const MAX_FACTOR: u32 = 8;

/// Shrinks an image by the largest factor from 1 to 8 that leaves it at least this size. Each pixel
/// becomes the mean of a square of pixels. At the right and the lower edge, the squares may be
/// incomplete. An image with an alpha channel is returned unchanged.
#[must_use]
pub fn shrink(picture: Picture, least: Size) -> Picture {
    let factor = (picture.width / least.width.max(1)).min(picture.height / least.height.max(1));
    match (factor.min(MAX_FACTOR), picture.kind) {
        (..2, _) | (_, PixelKind::Rgba) => picture,
        (factor, PixelKind::Luma) => means::<1>(&picture, factor as usize),
        (factor, PixelKind::Rgb) => means::<3>(&picture, factor as usize),
        (factor, PixelKind::Cmyk) => means::<4>(&picture, factor as usize),
    }
}

/// Each pixel has `N` bytes.
fn means<const N: usize>(picture: &Picture, factor: usize) -> Picture {
    let Picture { width, height, kind, ref data } = *picture;
    let stride = picture.stride().max(1);
    let side = |side: u32| side.div_ceil(u32::try_from(factor).unwrap_or(1));
    let (width, height) = (side(width), side(height));
    let mut means = Vec::with_capacity(width as usize * height as usize * N);
    let mut sums = vec![0_u16; stride];
    for rows in data.chunks(stride * factor) {
        sums.fill(0);
        for row in rows.chunks_exact(stride) {
            for (sum, &sample) in sums.iter_mut().zip(row) {
                // Sums of eight rows fit. A check for overflow would take most of the time.
                *sum = sum.wrapping_add(u16::from(sample));
            }
        }
        let (columns, _) = sums.as_chunks::<N>();
        for columns in columns.chunks(factor) {
            let mut total = [0_u32; N];
            for column in columns {
                for (total, &sum) in total.iter_mut().zip(column) {
                    *total = total.wrapping_add(u32::from(sum));
                }
            }
            let count = u32::try_from(rows.len() / stride * columns.len()).unwrap_or(1).max(1);
            let part = (1_u32 << 16).div_ceil(count);
            let mean = total.map(|total| u8::try_from((total * part + (1 << 15)) >> 16));
            means.extend(mean.map(|mean| mean.unwrap_or(u8::MAX)));
        }
    }
    Picture { width, height, kind, data: means }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shrunk(picture: Picture, width: u32, height: u32) -> Picture {
        shrink(picture, Size { width, height })
    }

    #[test]
    fn a_plain_color_stays_the_same() {
        for value in 0..=u8::MAX {
            for (kind, bytes) in [(PixelKind::Luma, 1), (PixelKind::Rgb, 3), (PixelKind::Cmyk, 4)] {
                let data = vec![value; 19 * 17 * bytes];
                let picture = Picture { width: 19, height: 17, kind, data };
                for (least, expected) in
                    [((19, 17), (19, 17)), ((6, 5), (7, 6)), ((2, 2), (3, 3)), ((1, 1), (3, 3))]
                {
                    let small = shrunk(picture.clone(), least.0, least.1);
                    assert_eq!((small.width, small.height), expected);
                    assert_eq!(small.data.len(), small.stride() * small.height as usize);
                    assert!(small.data.iter().all(|&sample| sample == value));
                }
            }
        }
    }

    #[test]
    fn a_pixel_is_the_mean_of_a_square() {
        let data = vec![10, 20, 90, 30, 40, 100, 60, 61, 201];
        let picture = Picture { width: 3, height: 3, kind: PixelKind::Luma, data };
        assert_eq!(shrunk(picture, 1, 1).data, [68]);
        let data = vec![10, 20, 90, 30, 40, 101, 60, 61, 201];
        let picture = Picture { width: 3, height: 3, kind: PixelKind::Luma, data };
        let larger = Picture { width: 4, height: 4, data: vec![7; 16], ..picture.clone() };
        assert_eq!(shrunk(larger, 2, 2).data, [7; 4]);
        assert_eq!(shrunk(picture.clone(), 2, 1), picture);
    }

    #[test]
    fn the_last_squares_are_incomplete() {
        let data = vec![10, 20, 90, 30, 40, 101];
        let picture = Picture { width: 3, height: 2, kind: PixelKind::Luma, data };
        assert_eq!(means::<1>(&picture, 2).data, [25, 96]);
    }

    #[test]
    fn an_alpha_channel_prevents_it() {
        let picture = Picture { width: 4, height: 4, kind: PixelKind::Rgba, data: vec![9; 64] };
        assert_eq!(shrunk(picture.clone(), 1, 1), picture);
    }
}
