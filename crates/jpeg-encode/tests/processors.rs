//! Files are the same on processors without AVX2.

#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, reason = "tests")]

use archmage::X64V3Token;
use jpeg_encode::{Subsampling, encode_gray, encode_rgb};

fn files() -> Vec<Vec<u8>> {
    let mut state = 1_u32;
    let mut samples = vec![0_u8; 150 * 75 * 3];
    for (sample, index) in samples.iter_mut().zip(0_u32..) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Noise between flat areas.
        *sample = if index / 4_000 % 2 == 0 { (state >> 24) as u8 } else { 200 };
    }
    let mut files = vec![encode_gray(&samples, 150, 75, 90).unwrap()];
    for subsampling in [Subsampling::Full, Subsampling::HalfWidth, Subsampling::Half] {
        for (width, height) in [(150, 75), (128, 64), (33, 17), (1, 1)] {
            files.push(encode_rgb(&samples, width, height, subsampling, 90).unwrap());
        }
    }
    files
}

#[test]
fn files_do_not_depend_on_the_processor() {
    let expected = files();
    X64V3Token::dangerously_disable_token_process_wide(true).unwrap();
    assert!(files() == expected);
}
