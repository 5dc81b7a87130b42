//! Decodes files at a fraction of their size, and at full size. Compares the results with the
//! definition of the transform, and those at full size with libjpeg-turbo.

#![allow(
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, on small values"
)]

mod support;

use std::f64::consts::PI;

use jpeg_dc::{
    Chroma, Color, Error, Options, Plane, Planes, RgbVariances, Scale, Shape, Strips, Variances,
    decode, decode_scaled,
};
use support::encode::{Component, Image};
use support::{generate, oracle};

/// Each scale, with the number of samples for each side of a block.
const SCALES: [(Scale, usize); 8] = [
    (Scale::Full, 8),
    (Scale::SevenEighths, 7),
    (Scale::ThreeQuarters, 6),
    (Scale::FiveEighths, 5),
    (Scale::Half, 4),
    (Scale::ThreeEighths, 3),
    (Scale::Quarter, 2),
    (Scale::Eighth, 1),
];

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

/// The weights of the frequencies in each of `side` samples: the inverse DCT of T.81 (A.3.3) for
/// blocks of this size, so that the mean of the samples does not depend on it.
fn weights(side: usize) -> Vec<Vec<f64>> {
    let weight = |x: usize, u: usize| {
        let angle = (2 * x + 1) as f64 * u as f64 * PI / (2 * side) as f64;
        if u == 0 { 1.0 } else { 2_f64.sqrt() * angle.cos() }
    };
    (0..side).map(|x| (0..side).map(|u| weight(x, u)).collect()).collect()
}

/// The plane that the lowest frequencies of the generated blocks define.
fn expected(component: &Component, side: usize, (width, height): (usize, usize)) -> Vec<f64> {
    let (order, weights) = (zigzag(), weights(side));
    let mut plane = vec![0.0; width * height];
    for (index, block) in component.blocks.iter().enumerate() {
        let (left, top) = (index % component.stride * side, index / component.stride * side);
        if left >= width || top >= height {
            continue;
        }
        let mut coefficients = vec![vec![0.0; side]; side];
        for (index, &(row, column)) in order.iter().enumerate() {
            if row < side && column < side {
                let step = f64::from(component.quantisation[index]);
                coefficients[row][column] = f64::from(block[index]) * step / 8.0;
            }
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for x in 0..side {
            let column: Vec<_> = coefficients.iter().map(|row| dot(row, &weights[x])).collect();
            for y in 0..side {
                if left + x < width && top + y < height {
                    plane[(top + y) * width + left + x] = dot(&column, &weights[y]) + 128.0;
                }
            }
        }
    }
    plane
}

/// The mean square of the frequencies that are left out of each of the generated blocks.
fn variances(component: &Component, side: usize) -> Vec<f64> {
    let order = zigzag();
    let of_block = |block: &[i16; 64]| {
        let left_out = order.iter().enumerate().filter(|(_, place)| place.0.max(place.1) >= side);
        let squares = left_out.map(|(index, _)| {
            (f64::from(block[index]) * f64::from(component.quantisation[index])).powi(2)
        });
        squares.sum::<f64>() / 64.0
    };
    component.blocks.iter().map(of_block).collect()
}

fn check_variances(name: &str, image: &Image, ours: &Planes, side: usize) {
    assert_eq!(ours.variances.len(), image.components.len(), "{name}");
    for (component, ours) in image.components.iter().zip(&ours.variances) {
        assert_eq!((ours.side, ours.across), (side, component.stride), "{name}");
        let expected = variances(component, side);
        assert_eq!(ours.values.len(), expected.len(), "{name}");
        // A scan of one component does not contain the blocks that fill up the last MCU.
        let ratio = (8 * image.max_h() / component.h, 8 * image.max_v() / component.v);
        let (across, down) = (image.width.div_ceil(ratio.0), image.height.div_ceil(ratio.1));
        for (index, (&variance, expected)) in ours.values.iter().zip(expected).enumerate() {
            if index % ours.across < across && index / ours.across < down {
                let error = (f64::from(variance) - expected.min(65_535.0)).abs();
                assert!(
                    error < 0.6 + expected * 1e-5,
                    "{name}: {variance}, not {expected}, at {index}"
                );
            }
        }
    }
}

fn check(name: &str, image: &Image) {
    let data = image.encode();
    for (scale, side) in SCALES {
        let ours = decode_scaled(&data, scale, &Options::new())
            .unwrap_or_else(|error| panic!("{name}: {error}: {:?}", image.scans));
        let measured = decode_scaled(&data, scale, &Options::new().variances(3)).unwrap();
        check_variances(name, image, &measured, side);
        assert_eq!(ours, Planes { variances: Vec::new(), ..measured }, "{name}");
        let scaled = |length: usize, ratio| (length * side).div_ceil(8 * ratio);
        let size = (scaled(image.width, 1), scaled(image.height, 1));
        assert_eq!((ours.width, ours.height), size, "{name}");
        for (plane, component) in ours.planes.iter().zip(&image.components) {
            let ratio = (image.max_h() / component.h, image.max_v() / component.v);
            assert_eq!(plane.scale, ratio, "{name}");
            let size = (scaled(image.width, ratio.0), scaled(image.height, ratio.1));
            assert_eq!((plane.width, plane.height), size, "{name}");
            let expected = expected(component, side, size);
            let samples: Vec<u8> = plane.rows().flatten().copied().collect();
            assert_eq!(samples.len(), expected.len(), "{name}");
            for (index, (sample, expected)) in samples.into_iter().zip(expected).enumerate() {
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
            for seed in 0..80 {
                check(&format!("seed {seed}"), &generate::image(seed, sampling));
            }
            check("large", &generate::large_image(0, sampling));
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

/// In large files, most variances are estimates. Their sum is close to that of the measured ones, and
/// most of the large ones are measured.
#[test]
fn variances_of_large_files_are_estimates() {
    for (sampling, seed) in [(0, 1), (0, 2), (3, 3), (5, 4), (5, 5), (5, 6)] {
        let image = generate::huge_image(seed, generate::SAMPLINGS[sampling].1);
        let data = image.encode();
        for (scale, side) in [(Scale::Eighth, 1), (Scale::Quarter, 2), (Scale::Half, 4)] {
            let name = format!("sampling {sampling}, seed {seed}, {scale:?}");
            let ours = decode_scaled(&data, scale, &Options::new().variances(1)).unwrap();
            assert_eq!(ours.variances.len(), 1, "{name}");
            let expected = variances(&image.components[0], side);
            let (mut sums, mut exact, mut large) = ([0.0; 2], 0, 0);
            for (&found, expected) in ours.variances[0].values.iter().zip(expected) {
                let found = f64::from(found);
                sums = [sums[0] + found, sums[1] + expected.min(65_535.0)];
                if expected >= 1000.0 {
                    large += 1;
                    exact += usize::from((found - expected.min(65_535.0)).abs() < 1.0);
                }
            }
            assert!((sums[0] - sums[1]).abs() <= 0.05 * sums[1], "{name}: {sums:?}");
            assert!(exact * 10 >= large * 9, "{name}: {exact} of {large}");
        }
    }
}

/// Without chroma, or without its variances, all colours have the variance of luma.
#[test]
fn colors_have_variances() {
    let data = generate::image(3, generate::SAMPLINGS[5].1).encode();
    let planes = |count| decode_scaled(&data, Scale::Eighth, &Options::new().variances(count));
    assert_eq!(planes(0).unwrap().rgb_variances(), None);
    let luma = planes(1).unwrap();
    let expected: Vec<_> =
        luma.variances[0].values.iter().map(|&value| [f32::from(value); 3]).collect();
    let across = luma.variances[0].across;
    let expected = RgbVariances { side: 1, across, values: expected };
    assert_eq!(luma.rgb_variances(), Some(expected));
    let colors = planes(3).unwrap().rgb_variances().unwrap();
    assert_eq!((colors.side, colors.across), (2, across / 2));
    assert_eq!(colors.values.len(), luma.variances[0].values.len() / 4);
}

/// Between two colours, the variances of red, green and blue are those of the colours, although
/// luma hardly varies.
#[test]
fn colors_vary_more_than_luma() {
    // The blocks are a row of two of each colour, with `side` x `side` samples each.
    let plane = |side: usize, values: [u8; 3]| {
        let row = (0..6 * side).map(|column| values[column / side / 2]);
        Plane {
            width: 6 * side,
            height: side,
            stride: 6 * side,
            scale: (1, 1),
            data: (0..side).flat_map(|_| row.clone()).collect(),
        }
    };
    let image = |side, blue| Planes {
        width: 6 * side,
        height: side,
        color: Color::YCbCr,
        planes: [[90, 95, 100], blue, [100, 150, 200]].map(|it| plane(side, it)).to_vec(),
        variances: [25, 400, 900]
            .map(|value| Variances { side, across: 6, values: vec![value; 6] })
            .to_vec(),
    };
    // Luma and Cr grow by their standard deviations of 5 and 30, Cb falls or grows by 20.
    for (blue, sign) in [([200, 180, 160], -1.0), ([160, 180, 200], 1.0)] {
        for side in 1..4 {
            let found = image(side, blue).rgb_variances().unwrap().values[3];
            let (luma, blue, red) = (5.0_f32, sign * 20.0, 30.0);
            let deviations = [
                luma + 1.402 * red,
                luma - 0.344_136 * blue - 0.714_136 * red,
                luma + 1.772 * blue,
            ];
            for (found, deviation) in found.into_iter().zip(deviations) {
                let expected = deviation.powi(2);
                let error = (found - expected).abs();
                assert!(error < 0.01 * expected + 0.1, "{found}, not {expected}, at {side}");
            }
        }
    }
}

/// Chroma at another scale has the samples of a decode at that scale.
#[test]
fn chroma_may_have_its_own_scale() {
    let scales =
        [(Scale::Eighth, 1), (Scale::Quarter, 2), (Scale::ThreeEighths, 3), (Scale::Half, 4)];
    let (mut decoded, mut refused) = (0, 0);
    for (sampling, seed) in [2, 3, 4, 5, 6, 8]
        .into_iter()
        .flat_map(|sampling| (0..12).map(move |seed| (sampling, seed)))
    {
        let image = generate::image(seed, generate::SAMPLINGS[sampling].1);
        let data = image.encode();
        let at = |scale| decode_scaled(&data, scale, &Options::new());
        if at(Scale::Half).unwrap().color != Color::YCbCr {
            let options = Options::new().chroma_scale(Scale::Eighth);
            assert_eq!(decode_scaled(&data, Scale::Half, &options), at(Scale::Half));
            continue;
        }
        for (luma, side) in scales {
            for (chroma, own) in scales {
                let options = Options::new().chroma_scale(chroma);
                let name = format!("sampling {sampling}, seed {seed}: {luma:?} and {chroma:?}");
                let (h, v) =
                    (image.max_h() / image.components[1].h, image.max_v() / image.components[1].v);
                if h * side % own > 0 || v * side % own > 0 {
                    let result = decode_scaled(&data, luma, &options);
                    assert!(matches!(result, Err(Error::Unsupported(_))), "{name}");
                    refused += 1;
                    continue;
                }
                let found = decode_scaled(&data, luma, &options).unwrap();
                let (whole, part) = (at(luma).unwrap(), at(chroma).unwrap());
                assert_eq!((found.width, found.height), (whole.width, whole.height), "{name}");
                assert_eq!(found.planes[0], whole.planes[0], "{name}");
                for (found, expected) in found.planes.iter().zip(&part.planes).skip(1) {
                    assert!(found.rows().eq(expected.rows()), "{name}");
                    assert_eq!(found.scale, (h * side / own, v * side / own), "{name}");
                }
                decoded += 1;
            }
        }
    }
    assert!(decoded > 300 && refused > 50, "{decoded} decoded, {refused} refused");
}

/// The rows of a sequential file, and the shapes of its planes.
fn strips(data: &[u8], scale: Scale, options: &Options) -> Result<Vec<(Shape, Vec<u8>)>, Error> {
    let strips = Strips::new(data, scale, options)?;
    let mut planes: Vec<_> = strips.shapes().map(|shape| (shape, Vec::new())).collect();
    let mut sinks: Vec<_> = planes
        .iter_mut()
        .map(|(shape, samples)| {
            |rows: &[u8]| {
                assert!(rows.len().is_multiple_of(shape.width) && !rows.is_empty());
                samples.extend_from_slice(rows);
            }
        })
        .collect();
    strips.read(sinks.iter_mut().map(|sink| sink as &mut dyn FnMut(&[u8])), &|| false)?;
    drop(sinks);
    Ok(planes)
}

/// Strips have the samples of the whole planes, at any scale of chroma.
#[test]
fn strips_are_parts_of_the_planes() {
    let (mut decoded, mut fractions) = (0, 0);
    for (sampling, seed) in [0, 2, 3, 5, 6, 11, 12]
        .into_iter()
        .flat_map(|sampling| (0..12).map(move |seed| (sampling, seed)))
    {
        let image = generate::image(seed, generate::SAMPLINGS[sampling].1);
        let data = image.encode();
        for ((luma, _), (chroma, _)) in
            SCALES.into_iter().flat_map(|luma| SCALES.map(|chroma| (luma, chroma)))
        {
            let found = strips(&data, luma, &Options::new().chroma_scale(chroma));
            if image.progressive {
                assert!(matches!(found, Err(Error::Unsupported(_))));
                continue;
            }
            let name = format!("sampling {sampling}, seed {seed}: {luma:?} and {chroma:?}");
            let at = |scale| decode_scaled(&data, scale, &Options::new()).unwrap();
            let whole = at(luma);
            let own = if whole.color == Color::YCbCr { at(chroma) } else { whole.clone() };
            let expected = whole.planes.iter().take(1).chain(own.planes.iter().skip(1));
            let found = found.unwrap();
            assert_eq!(found.len(), whole.planes.len(), "{name}");
            for ((shape, samples), expected) in found.into_iter().zip(expected) {
                assert_eq!((shape.width, shape.height), (expected.width, expected.height));
                assert!(samples == expected.rows().collect::<Vec<_>>().concat(), "{name}");
                let pixels = shape.width as f64 * shape.covers.0;
                assert!((pixels - whole.width as f64).abs() <= 1.0 + shape.covers.0, "{name}");
                fractions += usize::from(shape.covers.0 % 1.0 > 0.0);
            }
            decoded += 1;
        }
    }
    assert!(decoded > 1000 && fractions > 500, "{decoded} decoded, {fractions} fractions");
}

#[test]
fn truncated_strips_are_refused_or_complete() {
    let mut images = (0..).map(|seed| generate::image(seed, generate::SAMPLINGS[5].1));
    let data = images.find(|image| !image.progressive && image.width > 100).unwrap().encode();
    let whole = strips(&data, Scale::Full, &Options::new()).unwrap();
    for length in (0..data.len()).step_by(data.len() / 200 + 1) {
        match strips(&data[..length], Scale::Full, &Options::new()) {
            Ok(found) => assert_eq!(found, whole, "{length} bytes"),
            Err(Error::Malformed(_)) => {}
            Err(error) => panic!("{length} bytes: {error}"),
        }
    }
}

/// At one eighth, the samples are those of the other function.
#[test]
fn one_eighth_has_the_dc_coefficients() {
    for seed in 0..40 {
        let data = generate::image(seed, generate::SAMPLINGS[5].1).encode();
        let found = decode_scaled(&data, Scale::Eighth, &Options::new()).unwrap();
        let expected = decode(&data, &Options::new().chroma(Chroma::Dc)).unwrap();
        assert_eq!((found.width, found.height), (expected.width, expected.height));
        for (found, expected) in found.planes.iter().zip(&expected.planes) {
            assert!(found.rows().eq(expected.rows()), "seed {seed}");
        }
    }
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
fn limits_are_looked_at_first() {
    let image = progressive(2);
    let pixels = image.width as u64 * image.height as u64;
    let data = image.encode();
    let limited = |pixels| decode_scaled(&data, Scale::Full, &Options::new().max_pixels(pixels));
    assert!(matches!(limited(pixels - 1), Err(Error::TooLarge { .. })));
    assert!(limited(pixels).is_ok());
}

/// Bits of a coefficient may be missing, for example if a file was shortened on purpose. A whole
/// coefficient may not be missing.
#[test]
fn refinements_may_be_left_out() {
    let mut image = progressive(2);
    let whole = decode_scaled(&image.encode(), Scale::Full, &Options::new()).unwrap();
    image.scans.retain(|scan| scan.high != 1 || scan.first == 0);
    let coarse = decode_scaled(&image.encode(), Scale::Full, &Options::new()).unwrap();
    assert_ne!(coarse, whole);
    image.scans.retain(|scan| scan.first == 0 || scan.components != [1]);
    let result = decode_scaled(&image.encode(), Scale::Full, &Options::new());
    assert!(matches!(result, Err(Error::Malformed(_))), "{result:?}");
}

#[test]
fn truncated_files_are_refused_or_complete() {
    let data = progressive(5).encode();
    let whole = decode_scaled(&data, Scale::Half, &Options::new()).unwrap();
    for length in 0..data.len() {
        match decode_scaled(&data[..length], Scale::Half, &Options::new()) {
            // Only the end marker may be missing.
            Ok(image) => assert!(image == whole && length + 2 >= data.len(), "{length} bytes"),
            Err(Error::Malformed(_)) => {}
            Err(error) => panic!("{length} bytes: {error}"),
        }
    }
}

/// The photographs in Debian's package `plasma-workspace-wallpapers`. If it is not
/// installed, there is nothing to compare.
#[test]
fn wallpapers() {
    for (path, data) in oracle::wallpapers() {
        let ours = decode_scaled(&data, Scale::Full, &Options::new()).unwrap();
        let theirs = oracle::planes(&data, 1).unwrap();
        let count = if ours.color == Color::Gray { 1 } else { 3 };
        assert_eq!(ours.planes.len(), count, "{}", path.display());
        for (ours, theirs) in ours.planes.iter().zip(&theirs) {
            assert_close(ours, theirs, &path.display().to_string());
        }
    }
}

#[test]
fn truncated_sequential_files_are_refused_or_complete() {
    for seed in 0..40 {
        let image = generate::image(seed, generate::SAMPLINGS[5].1);
        if image.progressive {
            continue;
        }
        let data = image.encode();
        let whole = decode_scaled(&data, Scale::Quarter, &Options::new()).unwrap();
        for length in (0..data.len()).step_by(data.len() / 60 + 1) {
            match decode_scaled(&data[..length], Scale::Quarter, &Options::new()) {
                Ok(image) => assert!(image == whole, "seed {seed}, {length} bytes"),
                Err(Error::Malformed(_)) => {}
                Err(error) => panic!("seed {seed}, {length} bytes: {error}"),
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
