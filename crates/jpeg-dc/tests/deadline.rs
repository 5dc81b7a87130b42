//! Tests that decoders check the caller's time limit about once per row of blocks, and stop at once
//! when it is exceeded.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::cell::Cell;

use jpeg_dc::{
    Chroma, Error, Options, Scale, decode, decode_scaled, decode_scaled_until, decode_until,
};
use support::encode::{Component, Image, Scan, Tables};
use support::generate::{self, SAMPLINGS};

/// Counts the calls of a clock that never expires. Then checks that a clock is not called again
/// once it has expired during the same work.
fn check(image: &Image, work: impl Fn(&dyn Fn() -> bool) -> Result<(), Error>) -> usize {
    let calls = Cell::new(0);
    let count = |most: usize| {
        calls.set(0);
        let outcome = work(&|| {
            calls.set(calls.get() + 1);
            calls.get() > most
        });
        (outcome, calls.get())
    };
    let (outcome, all) = count(usize::MAX);
    outcome.unwrap();
    for most in [0, 1, all / 3, all / 2, all - 1] {
        assert_eq!(count(most), (Err(Error::Expired), most + 1), "{:?}", image.scans);
    }
    all
}

/// The maximum number of rows of blocks that a decoder visits: the rows of all components, for each
/// scan and once more for the samples.
fn rows(image: &Image) -> usize {
    let rows = (image.height.div_ceil(8) + 4) * image.max_v();
    rows * image.components.len() * (image.scans.len() + 1)
}

#[test]
fn sequential_files_stop_between_rows() {
    for (seed, chroma) in [(0, Chroma::Full), (1, Chroma::Dc), (2, Chroma::Full)] {
        let image = generate::large_image(seed, SAMPLINGS[5].1);
        let (data, options) = (image.encode(), Options::new().chroma(chroma));
        let calls = check(&image, |expired| {
            decode_scaled_until(&data, Scale::Half, &options, expired).map(drop)
        });
        assert!(calls > image.height / 16, "{calls} calls");
        let calls = check(&image, |expired| decode_until(&data, &options, expired).map(drop));
        assert!(calls > image.height / 16, "{calls} calls");
        assert!(calls < rows(&image) + image.width * image.height / 64 / 100, "{calls} calls");
    }
}

#[test]
fn progressive_files_stop_between_rows_and_scans() {
    let images = (0..200).map(|seed| generate::image(seed, SAMPLINGS[5].1));
    let mut checked = 0;
    for image in images.filter(|image| image.progressive && image.height > 60) {
        let (data, options) = (image.encode(), Options::new());
        let calls = check(&image, |expired| {
            decode_scaled_until(&data, Scale::Half, &options, expired).map(drop)
        });
        assert!(calls > image.scans.len() + image.height / 8, "{calls} calls");
        assert!(calls <= rows(&image), "{calls} calls");
        let calls = check(&image, |expired| decode_until(&data, &options, expired).map(drop));
        assert!(calls <= rows(&image), "{calls} calls");
        checked += 1;
    }
    assert!(checked > 20);
}

/// The first and the last coefficient of a scan, and the number of bits that are left out before and
/// after it.
type GrayScan = ((usize, usize), (u8, u8));

/// A gray image of this number of blocks.
fn gray((across, down): (usize, usize), scans: &[GrayScan]) -> Image {
    let scan = |&((first, last), (high, low))| {
        let components = vec![0];
        Scan { components, first, last, high, low, restart_interval: 0 }
    };
    let blocks = vec![[1; 64]; across * down];
    Image {
        width: 8 * across,
        height: 8 * down,
        progressive: scans.len() > 1,
        extended: false,
        components: vec![Component {
            id: 1,
            h: 1,
            v: 1,
            quantisation: [1; 64],
            stride: across,
            blocks,
        }],
        scans: scans.iter().map(scan).collect(),
        tables: Tables::Optimised,
        jfif: true,
        adobe: None,
        fill: 0,
    }
}

#[test]
fn each_scan_and_each_row_asks_once() {
    let (across, down) = (3, 5);
    let scans = [((0, 0), (0, 1)), ((1, 5), (0, 0)), ((6, 63), (0, 0)), ((0, 0), (1, 0))];
    let image = gray((across, down), &scans);
    let (data, options) = (image.encode(), Options::new());
    // Both scans of DC coefficients are decoded row by row.
    let of_dc = scans.len() + 2 * down;
    let calls = check(&image, |expired| decode_until(&data, &options, expired).map(drop));
    assert_eq!(calls, of_dc);
    let calls = check(&image, |expired| {
        decode_scaled_until(&data, Scale::Full, &options, expired).map(drop)
    });
    // The AC coefficients are read row by row when all scans are known.
    assert_eq!(calls, of_dc + down);
}

#[test]
fn the_search_for_blocks_asks_too() {
    for seed in 0..4 {
        let image = generate::large_image(seed, SAMPLINGS[0].1);
        let (data, options) = (image.encode(), Options::new());
        let calls = check(&image, |expired| decode_until(&data, &options, expired).map(drop));
        let of_rows = image.scans.len() + image.height.div_ceil(8);
        assert!(calls > of_rows + data.len() / 20_000, "{calls} calls, {of_rows} of rows");
    }
}

#[test]
fn the_clock_changes_nothing() {
    let never = &|| false;
    for seed in 0..30 {
        let data = generate::image(seed, SAMPLINGS[5].1).encode();
        let options = Options::new();
        assert_eq!(decode_until(&data, &options, never), decode(&data, &options));
        let until = decode_scaled_until(&data, Scale::Full, &options, never);
        assert_eq!(until, decode_scaled(&data, Scale::Full, &options));
    }
}
