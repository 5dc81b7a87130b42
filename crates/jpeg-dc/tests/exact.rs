//! Against libjpeg-turbo at 1/8: generated files of every layout, and photographs.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use jpeg_dc::{Options, decode};
use support::{generate, oracle};
use turbojpeg::PixelFormat;

/// Whether libjpeg takes a larger inverse DCT than 1x1 for a component at 1/8.
fn has_larger_idct(sampling: &[(usize, usize)]) -> bool {
    let max_h = sampling.iter().map(|s| s.0).max().unwrap();
    let max_v = sampling.iter().map(|s| s.1).max().unwrap();
    sampling.iter().any(|&(h, v)| max_h % (2 * h) == 0 && max_v % (2 * v) == 0)
}

fn check(sampling: &[(usize, usize)], seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let image = generate::image(seed, sampling);
        let data = image.encode();
        let gray = oracle::decode(&data, PixelFormat::GRAY)
            .unwrap_or_else(|error| panic!("seed {seed}: the generated file is invalid: {error}"));
        let ours = decode(&data, &Options::new()).unwrap_or_else(|error| {
            panic!("seed {seed}: {error}: {}x{} {:?}", image.width, image.height, image.scans)
        });
        assert_eq!((ours.width(), ours.height()), (gray.width, gray.height), "seed {seed}");
        let larger = has_larger_idct(sampling);
        if !larger || ours.color() != jpeg_dc::Color::Rgb {
            assert!(ours.to_gray() == gray.pixels, "seed {seed}: luma differs");
        }
        if !larger {
            let rgb = oracle::decode(&data, PixelFormat::RGB).unwrap();
            assert!(ours.to_rgb() == rgb.pixels, "seed {seed}: RGB differs");
        }
    }
}

macro_rules! samplings {
    ($($name:ident: $index:expr,)*) => {$(
        #[test]
        fn $name() {
            check(generate::SAMPLINGS[$index].1, 0..100);
        }
    )*};
}

samplings! {
    gray: 0,
    gray_of_2x2: 1,
    s444: 2,
    s422: 3,
    s440: 4,
    s420: 5,
    s411: 6,
    s441: 7,
    s410: 8,
    s444_of_2x2: 9,
    s422_and_440: 10,
    chroma_above_luma: 11,
    s420_and_444: 12,
}
