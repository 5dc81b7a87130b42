//! Decoded pictures are the same on processors without AVX2.

#![cfg(target_arch = "x86_64")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
#![allow(dead_code, reason = "some helpers are for other tests")]

mod support;

use archmage::X64V3Token;
use jpeg_dc::{Options, Planes, RgbVariances, Scale, decode_scaled};
use support::generate;

fn pictures() -> Vec<(Planes, Vec<u8>, Option<RgbVariances>)> {
    let sources = [2, 5].into_iter().flat_map(|sampling| {
        let sampling = generate::SAMPLINGS[sampling].1;
        let small = (0..8).map(move |seed| generate::image(seed, sampling));
        small.chain([generate::large_image(1, sampling)])
    });
    let files: Vec<_> = sources.map(|image| image.encode()).collect();
    let decoded = Scale::ALL.into_iter().flat_map(|scale| {
        let options = Options::new().variances(3);
        files.iter().map(move |file| decode_scaled(file, scale, &options).unwrap())
    });
    decoded.map(|planes| (planes.clone(), planes.to_rgb(), planes.rgb_variances())).collect()
}

#[test]
fn pictures_do_not_depend_on_the_processor() {
    let expected = pictures();
    X64V3Token::dangerously_disable_token_process_wide(true).unwrap();
    assert!(pictures() == expected);
}
