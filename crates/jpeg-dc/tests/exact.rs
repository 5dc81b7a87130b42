//! Compares the results with those of libjpeg-turbo at 1/8, for generated files of every layout and
//! for photographs.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use jpeg_dc::{Chroma, Color, Options, decode};
use support::encode::Image;
use support::{generate, oracle};
use turbojpeg::PixelFormat;

/// Checks that both decoders return the same picture. Luminance must also be the same if chroma is
/// decoded from its DC coefficients alone.
fn check(name: &str, image: &Image) {
    let data = image.encode();
    let gray = oracle::decode(&data, PixelFormat::GRAY)
        .unwrap_or_else(|error| panic!("{name}: the generated file is invalid: {error}"));
    let ours = decode(&data, &Options::new())
        .unwrap_or_else(|error| panic!("{name}: {error}: {:?}", image.scans));
    assert_eq!((ours.width, ours.height), (gray.width, gray.height), "{name}");
    assert!(ours.is_exact(), "{name}");
    assert!(ours.to_gray() == gray.pixels, "{name}: luma differs");
    let rgb = oracle::decode(&data, PixelFormat::RGB).unwrap();
    assert!(ours.to_rgb() == rgb.pixels, "{name}: RGB differs");

    let low = decode(&data, &Options::new().chroma(Chroma::Dc)).unwrap();
    assert_eq!(low.is_exact(), low == ours, "{name}");
    if low.color != Color::Rgb {
        assert!(low.to_gray() == gray.pixels, "{name}: luma differs with DC alone");
    }
}

macro_rules! samplings {
    ($($name:ident: $index:expr,)*) => {$(
        #[test]
        fn $name() {
            let sampling = generate::SAMPLINGS[$index].1;
            for seed in 0..100 {
                check(&format!("seed {seed}"), &generate::image(seed, sampling));
            }
            for seed in 0..4 {
                let image = generate::large_image(seed, sampling);
                check(&format!("large, seed {seed}"), &image);
            }
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

/// Photographs in Debian's package `plasma-workspace-wallpapers`. If it is not installed, there is
/// nothing to compare.
#[test]
fn wallpapers() {
    for (path, data) in oracle::wallpapers() {
        let rgb = oracle::decode(&data, PixelFormat::RGB).unwrap();
        let ours = decode(&data, &Options::new()).unwrap();
        assert!(ours.is_exact() && ours.to_rgb() == rgb.pixels, "{}", path.display());
        let gray = oracle::decode(&data, PixelFormat::GRAY).unwrap();
        assert!(ours.to_gray() == gray.pixels, "{}", path.display());
        // The lowest value is 24 dB, for a small picture in strong colours.
        let low = decode(&data, &Options::new().chroma(Chroma::Dc)).unwrap();
        let psnr = oracle::psnr(&low.to_rgb(), &rgb.pixels);
        assert!(low.is_exact() || psnr > 24.0, "{}: {psnr} dB", path.display());
    }
}
