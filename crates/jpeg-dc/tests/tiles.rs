//! Cuts files into smaller ones. Each has the samples of its part of the whole.

#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test code, on small values"
)]

mod support;

use jpeg_dc::{Error, Options, Plane, Scale, Tiles, decode_scaled};
use support::generate::{self, Random, SAMPLINGS};
use support::{encode::Image, oracle};
use turbojpeg::PixelFormat;

fn find(data: &[u8]) -> Result<Tiles, Error> {
    Tiles::find(data, &Options::new(), &|| false)
}

/// Whether the file consists of one scan, without restart markers.
fn is_plain(image: &Image) -> bool {
    !image.progressive
        && image.scans.len() == 1
        && image.scans.iter().all(|scan| scan.restart_interval == 0)
}

/// A part of a plane.
fn part(plane: &Plane, left: usize, top: usize, (width, height): (usize, usize)) -> Vec<u8> {
    let rows = plane.rows().skip(top).take(height);
    rows.flat_map(|row| row[left..left + width].iter().copied()).collect()
}

#[test]
fn parts_have_the_samples_of_the_whole() {
    let (mut cuts, mut by_libjpeg) = (0, 0);
    for (index, (name, sampling)) in SAMPLINGS.iter().enumerate() {
        let small = (0..150).map(|seed| generate::image(seed, sampling));
        let large = (0..2).map(|seed| generate::large_image(seed, sampling));
        for image in small.chain(large).filter(is_plain) {
            let data = image.encode();
            let tiles = find(&data).unwrap();
            let whole = decode_scaled(&data, Scale::Half, &Options::new()).unwrap();
            let (tile, count) = (tiles.tile(), tiles.count());
            let mut random = Random::new(index as u64);
            let mut range = |count: usize| {
                let start = random.below(count as u64) as usize;
                start..start + 1 + random.below((count - start) as u64) as usize
            };
            for _ in 0..4 {
                let (columns, rows) = (range(count.0), range(count.1));
                let (left, top) = (columns.start * tile.0, rows.start * tile.1);
                let file = tiles.cut(columns, rows).unwrap();
                let cut = decode_scaled(&file, Scale::Half, &Options::new()).unwrap();
                assert_eq!(cut.color, whole.color, "{name}");
                for (cut, whole) in cut.planes.iter().zip(&whole.planes) {
                    let at = (left / 2 / whole.scale.0, top / 2 / whole.scale.1);
                    let size = (cut.width, cut.height);
                    assert_eq!(cut.data, part(whole, at.0, at.1, size), "{name}");
                }
                by_libjpeg += usize::from(oracle::decode(&file, PixelFormat::RGB).is_ok());
                cuts += 1;
            }
        }
    }
    assert!(cuts > 300 && by_libjpeg > 100, "{cuts} cuts, {by_libjpeg} by libjpeg-turbo");
}

#[test]
fn tiles_that_differ_are_found() {
    let sampling = SAMPLINGS[5].1;
    let images = (0..150).map(|seed| generate::image(seed, sampling));
    let mut differing = 0;
    for image in images.filter(is_plain) {
        let data = image.encode();
        let tiles = find(&data).unwrap();
        let dc = decode_scaled(&data, Scale::Eighth, &Options::new()).unwrap();
        let (across, down) = tiles.count();
        let found = tiles.differing((0, 0), 40).unwrap();
        assert_eq!(found.len(), across * down);
        for (index, differs) in found.iter().enumerate() {
            // Chroma has one block for each tile. Its samples are clamped, its means are not.
            let (x, y) = (index % across, index / across);
            let is_far = dc.planes[1..]
                .iter()
                .any(|plane| plane.data[y * plane.stride + x].abs_diff(plane.data[0]) > 41);
            assert!(!is_far || *differs, "{x}, {y}");
            differing += usize::from(*differs);
        }
        assert!(!found[0] || image.components[0].h > 1);
    }
    assert!(differing > 100, "{differing}");
}

#[test]
fn other_files_are_refused() {
    for seed in 0..150 {
        let image = generate::image(seed, SAMPLINGS[5].1);
        if !is_plain(&image) {
            let result = find(&image.encode()).map(drop);
            assert!(matches!(result, Err(Error::Unsupported(_))), "{result:?}");
        }
    }
}

#[test]
fn the_clock_is_looked_at() {
    let data = generate::large_image(0, SAMPLINGS[2].1).encode();
    let result = Tiles::find(&data, &Options::new(), &|| true).map(drop);
    assert_eq!(result, Err(Error::Expired));
}
