//! Thumbnails in linear light are the same on processors without AVX2.

#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, reason = "tests")]

use archmage::X64V3Token;
use raster::{Area, Picture, PixelKind, Size, Variances, resize_linear};

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

#[test]
fn thumbnails_do_not_depend_on_the_processor() {
    let expected = thumbnails();
    X64V3Token::dangerously_disable_token_process_wide(true).unwrap();
    assert!(thumbnails() == expected);
}
