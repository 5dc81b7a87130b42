//! Thumbnails in linear light and the rows of PNG files are the same on processors without AVX2.

#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, reason = "tests")]

use archmage::X64V3Token;
use raster::{
    Area, PNG_ROWS, Picture, PixelKind, Size, Variances, resize_linear, undo_png_filters,
};

fn thumbnails() -> Vec<Picture> {
    let (width, height) = (203, 101);
    let area = Area { left: 3.5, top: 0.0, width: 199.0, height: 100.5 };
    let mut thumbnails = Vec::new();
    for (kind, samples) in [(PixelKind::Luma, 1), (PixelKind::Rgb, 3)] {
        let mut state = 1_u32;
        let data = (0..width * height * samples).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        let picture = Picture { width, height, kind, data: data.collect() };
        let values = (0..26 * 13).map(|index: u16| [f32::from(index), 9.5, 300.0]).collect();
        let variances = Variances { side: 8, across: 26, values };
        for (width, height) in [(67, 33), (300, 9), (1, 1)] {
            for variances in [None, Some(&variances)] {
                let size = Size { width, height };
                thumbnails.push(resize_linear(&picture, variances, area, size).unwrap());
            }
        }
    }
    thumbnails
}

fn rows() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (kind, samples) in [(PixelKind::Luma, 1), (PixelKind::Rgb, 3), (PixelKind::Rgba, 4)] {
        for filters in [[0, 1, 2, 3, 4, 3, 2, 1], [4; PNG_ROWS]] {
            let stride = 301 * samples;
            let mut state = 1_u32;
            let mut filtered = Vec::new();
            for filter in filters {
                filtered.push(filter);
                filtered.extend((0..stride).map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                }));
            }
            let mut rows = vec![0; PNG_ROWS * stride];
            undo_png_filters(&filtered, &vec![7; stride], &mut rows, kind);
            all.push(rows);
        }
    }
    all
}

#[test]
fn pixels_do_not_depend_on_the_processor() {
    let expected = (thumbnails(), rows());
    X64V3Token::dangerously_disable_token_process_wide(true).unwrap();
    assert!((thumbnails(), rows()) == expected);
}
