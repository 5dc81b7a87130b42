//! Decodes progressive files with all coefficients, and compares the results with the transform
//! that T.81 defines, and with libjpeg-turbo.

#![allow(
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, on small values"
)]

mod support;

use std::f64::consts::PI;
use std::sync::LazyLock;

use jpeg_dc::{Color, Error, Options, Plane, Scale, decode_progressive};
use support::encode::{Block, Component, Image};
use support::{generate, oracle};

const SCALES: [(Scale, usize); 3] = [(Scale::Full, 1), (Scale::Half, 2), (Scale::Quarter, 4)];

/// The zigzag order: the row and column of each coefficient.
fn zigzag() -> Vec<(usize, usize)> {
    let mut places: Vec<_> = (0..64).map(|place| (place / 8, place % 8)).collect();
    // The order follows the diagonals, every other one upwards.
    places.sort_by_key(|&(row, column)| {
        let diagonal = row + column;
        (diagonal, if diagonal % 2 == 0 { column } else { row })
    });
    places
}

/// The weights of the coefficients in each sample: the inverse DCT of T.81 (A.3.3).
static WEIGHTS: LazyLock<[[f64; 8]; 8]> = LazyLock::new(|| {
    std::array::from_fn(|x| {
        std::array::from_fn(|u| {
            let first = if u == 0 { 0.5_f64.sqrt() } else { 1.0 };
            first / 2.0 * ((2 * x + 1) as f64 * u as f64 * PI / 16.0).cos()
        })
    })
});

/// The transform in one dimension.
fn transform(input: [f64; 8]) -> [f64; 8] {
    WEIGHTS.map(|weights| weights.iter().zip(input).map(|(weight, value)| weight * value).sum())
}

/// The samples of a block before they are rounded.
fn samples(block: &Block, quantisation: &[u16; 64], order: &[(usize, usize)]) -> [[f64; 8]; 8] {
    let mut coefficients = [[0.0; 8]; 8];
    for (index, &(row, column)) in order.iter().enumerate() {
        coefficients[row][column] = f64::from(block[index]) * f64::from(quantisation[index]);
    }
    let rows = coefficients.map(transform);
    let columns: [_; 8] = std::array::from_fn(|x| transform(rows.map(|row| row[x])));
    std::array::from_fn(|y| columns.map(|column| column[y] + 128.0))
}

/// The plane that the generated coefficients define. Each sample is the mean of `divisor` x
/// `divisor` original samples.
fn expected(component: &Component, divisor: usize, (width, height): (usize, usize)) -> Vec<f64> {
    let order = zigzag();
    let side = 8 / divisor;
    let mut plane = vec![0.0; width * height];
    for (index, block) in component.blocks.iter().enumerate() {
        let (left, top) = (index % component.stride * side, index / component.stride * side);
        if left >= width || top >= height {
            continue;
        }
        let samples = samples(block, &component.quantisation, &order);
        for (y, x) in (0..8).flat_map(|y| (0..8).map(move |x| (y, x))) {
            let (column, row) = (left + x / divisor, top + y / divisor);
            if column < width && row < height {
                plane[row * width + column] += samples[y][x] / (divisor * divisor) as f64;
            }
        }
    }
    plane
}

fn check(name: &str, image: &Image) {
    let data = image.encode();
    for (scale, divisor) in SCALES {
        let ours = decode_progressive(&data, scale, &Options::new())
            .unwrap_or_else(|error| panic!("{name}: {error}: {:?}", image.scans));
        let size = (image.width.div_ceil(divisor), image.height.div_ceil(divisor));
        assert_eq!((ours.width, ours.height), size, "{name}");
        for (plane, component) in ours.planes.iter().zip(&image.components) {
            let ratio = (image.max_h() / component.h, image.max_v() / component.v);
            assert_eq!(plane.scale, ratio, "{name}");
            let size = (size.0.div_ceil(ratio.0), size.1.div_ceil(ratio.1));
            assert_eq!((plane.width, plane.height), size, "{name}");
            let expected = expected(component, divisor, size);
            assert_eq!(plane.data.len(), expected.len(), "{name}");
            for (index, (&sample, expected)) in plane.data.iter().zip(expected).enumerate() {
                let error = (f64::from(sample) - expected.clamp(0.0, 255.0)).abs();
                // Rounding causes an error of half a step, and the 24-bit precision of large
                // numbers a small one.
                assert!(error < 0.51, "{name}, {scale:?}: {sample}, not {expected}, at {index}");
            }
        }
    }
}

macro_rules! samplings {
    ($($name:ident: $index:expr,)*) => {$(
        #[test]
        fn $name() {
            let sampling = generate::SAMPLINGS[$index].1;
            let images = (0..60).map(|seed| (seed, generate::image(seed, sampling)));
            for (seed, image) in images.filter(|(_, image)| image.progressive) {
                check(&format!("seed {seed}"), &image);
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

/// A progressive image with this sampling, large enough to contain all kinds of data.
fn progressive(sampling: usize) -> Image {
    let sampling = generate::SAMPLINGS[sampling].1;
    let mut images = (0..).map(|seed| generate::image(seed, sampling));
    let has_refinement =
        |image: &Image| image.scans.iter().any(|scan| scan.high > 0 && scan.first == 1);
    images.find(|image| image.progressive && has_refinement(image) && image.width > 100).unwrap()
}

#[test]
fn sequential_files_are_left_to_others() {
    let mut images = (0..).map(|seed| generate::image(seed, generate::SAMPLINGS[2].1));
    let data = images.find(|image| !image.progressive).unwrap().encode();
    let result = decode_progressive(&data, Scale::Half, &Options::new());
    assert!(matches!(result, Err(Error::Unsupported(_))), "{result:?}");
}

#[test]
fn limits_are_looked_at_first() {
    let image = progressive(2);
    let pixels = image.width as u64 * image.height as u64;
    let data = image.encode();
    let limited =
        |pixels| decode_progressive(&data, Scale::Full, &Options::new().max_pixels(pixels));
    assert!(matches!(limited(pixels - 1), Err(Error::TooLarge { .. })));
    assert!(limited(pixels).is_ok());
}

/// Bits of a coefficient may be missing, for example if a file was shortened on purpose. A whole
/// coefficient may not be missing.
#[test]
fn refinements_may_be_left_out() {
    let mut image = progressive(2);
    let whole = decode_progressive(&image.encode(), Scale::Full, &Options::new()).unwrap();
    image.scans.retain(|scan| scan.high != 1 || scan.first == 0);
    let coarse = decode_progressive(&image.encode(), Scale::Full, &Options::new()).unwrap();
    assert_ne!(coarse, whole);
    image.scans.retain(|scan| scan.first == 0 || scan.components != [1]);
    let result = decode_progressive(&image.encode(), Scale::Full, &Options::new());
    assert!(matches!(result, Err(Error::Malformed(_))), "{result:?}");
}

#[test]
fn truncated_files_are_refused_or_complete() {
    let data = progressive(5).encode();
    let whole = decode_progressive(&data, Scale::Half, &Options::new()).unwrap();
    for length in 0..data.len() {
        match decode_progressive(&data[..length], Scale::Half, &Options::new()) {
            // Only the end marker may be missing.
            Ok(image) => assert!(image == whole && length + 2 >= data.len(), "{length} bytes"),
            Err(Error::Malformed(_)) => {}
            Err(error) => panic!("{length} bytes: {error}"),
        }
    }
}

/// The progressive photographs in Debian's package `plasma-workspace-wallpapers`. If it is not
/// installed, there is nothing to compare.
#[test]
fn wallpapers() {
    for (path, data) in oracle::wallpapers() {
        for (scale, divisor) in SCALES {
            let ours = match decode_progressive(&data, scale, &Options::new()) {
                Ok(ours) => ours,
                Err(Error::Unsupported(_)) => continue,
                Err(error) => panic!("{}: {error}", path.display()),
            };
            assert_eq!(ours.color, Color::YCbCr);
            let theirs = oracle::planes(&data, divisor).unwrap();
            for (ours, theirs) in ours.planes.iter().zip(&theirs) {
                assert_close(ours, theirs, &path.display().to_string());
            }
        }
    }
}

/// libjpeg-turbo uses integers for the transform, so some samples differ by 1.
fn assert_close(ours: &Plane, theirs: &Plane, name: &str) {
    let mut differ = 0;
    for (ours, theirs) in ours.rows().zip(theirs.rows()) {
        for (&ours, &theirs) in ours.iter().zip(theirs) {
            assert!(ours.abs_diff(theirs) <= 1, "{name}: {ours}, not {theirs}");
            differ += usize::from(ours != theirs);
        }
    }
    assert!(differ * 20 < ours.data.len(), "{name}: {differ} samples differ");
}
