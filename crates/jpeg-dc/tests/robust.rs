//! Tests that decoding damaged or incomplete input always ends in bounded time, with a result or an
//! error.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use jpeg_dc::{Error, Options, Prefix, Scale, Tiles, decode, decode_scaled, read_needed};
use proptest::prelude::*;
use support::generate::{self, SAMPLINGS};

fn encoded(seed: u64, sampling: usize) -> Vec<u8> {
    generate::image(seed, SAMPLINGS[sampling].1).encode()
}

/// Damage to a file.
#[derive(Clone, Debug)]
enum Change {
    Replace(prop::sample::Index, u8),
    FlipBit(prop::sample::Index, u8),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Cut(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (at(), 0..8_u8).prop_map(|(at, bit)| Change::FlipBit(at, bit)),
        (at(), 1..40_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        (at(), 1..40_usize).prop_map(|(at, count)| Change::Repeat(at, count)),
        at().prop_map(Change::Cut),
    ]
}

fn damage(data: &mut Vec<u8>, change: &Change) {
    if data.is_empty() {
        return;
    }
    match change {
        Change::Replace(at, byte) => *at.get_mut(data) = *byte,
        Change::FlipBit(at, bit) => *at.get_mut(data) ^= 1 << bit,
        Change::Remove(at, count) => {
            let at = at.index(data.len());
            data.drain(at..(at + count).min(data.len()));
        }
        Change::Repeat(at, count) => {
            let at = at.index(data.len());
            let piece = data[at..(at + count).min(data.len())].to_vec();
            data.splice(at..at, piece);
        }
        Change::Cut(at) => data.truncate(at.index(data.len())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_get_an_answer(
        seed in 0..400_u64,
        sampling in 0..SAMPLINGS.len(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let mut data = encoded(seed, sampling);
        for change in &changes {
            damage(&mut data, change);
        }
        if let Ok(image) = decode(&data, &Options::new()) {
            prop_assert_eq!(image.to_rgb().len(), image.width * image.height * 3);
            prop_assert_eq!(image.to_gray().len(), image.width * image.height);
        }
        if let Ok(tiles) = Tiles::find(&data, &Options::new(), &|| false) {
            let (across, down) = tiles.count();
            prop_assert_eq!(tiles.differing((0, 0), 10).unwrap().len(), across * down);
            prop_assert!(tiles.cut(0..across.div_ceil(2), down / 2..down).is_ok());
        }
        for scale in Scale::ALL {
            if let Ok(image) = decode_scaled(&data, scale, &Options::new()) {
                for plane in &image.planes {
                    prop_assert_eq!(plane.rows().len(), plane.height);
                    prop_assert!(plane.rows().all(|row| row.len() == plane.width));
                }
            }
        }
    }

    #[test]
    fn noise_gets_an_answer(data in prop::collection::vec(any::<u8>(), 0..600)) {
        let noise = [&[0xFF, 0xD8][..], &data].concat();
        prop_assert!(decode(&noise, &Options::new()).is_err());
        prop_assert!(decode(&data, &Options::new()).is_err());
    }

    #[test]
    fn noise_behind_the_headers_gets_an_answer(
        seed in 0..100_u64,
        sampling in 0..SAMPLINGS.len(),
        noise in prop::collection::vec(any::<u8>(), 0..60_000),
    ) {
        let mut data = encoded(seed, sampling);
        let scan = data.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
        data.truncate(scan + 20);
        data.extend(noise);
        if let Ok(image) = decode(&data, &Options::new()) {
            prop_assert!(image.planes[0].rows().all(|row| row.len() == image.planes[0].width));
        }
    }

    /// The prefix is the same for pieces of any size, is enough to decode the file, and is not
    /// found before all of its bytes have arrived.
    #[test]
    fn the_prefix_is_what_is_needed(
        seed in 0..200_u64,
        sampling in 0..SAMPLINGS.len(),
        step in 1..3000_usize,
        trailing in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut data = encoded(seed, sampling);
        data.extend(trailing);
        let whole = decode(&data, &Options::new()).unwrap();
        let length = Prefix::new(Options::new()).find(&data).unwrap().unwrap();
        prop_assert_eq!(&decode(&data[..length], &Options::new()).unwrap(), &whole);
        let mut prefix = Prefix::new(Options::new());
        let mut known = 0;
        let found = loop {
            known = (known + step).min(data.len());
            if let Some(found) = prefix.find(&data[..known]).unwrap() {
                break found;
            }
        };
        prop_assert_eq!(found, length);
    }
}

#[test]
fn truncated_files_are_refused_or_complete() {
    for seed in 0..60 {
        let data = encoded(seed, 2);
        let whole = decode(&data, &Options::new()).unwrap();
        let needed = Prefix::new(Options::new()).find(&data).unwrap().unwrap();
        for length in (0..data.len()).step_by(data.len() / 50 + 1) {
            match decode(&data[..length], &Options::new()) {
                Ok(image) => assert_eq!(image, whole, "seed {seed}, {length} bytes"),
                Err(_) => assert!(length < needed, "seed {seed}, {length} bytes"),
            }
        }
    }
}

#[test]
fn a_progressive_source_is_not_read_to_its_end() {
    let mut data = generate::image(4, SAMPLINGS[2].1);
    for seed in 0.. {
        data = generate::image(seed, SAMPLINGS[2].1);
        if data.progressive && data.scans.last().is_some_and(|scan| scan.first > 0) {
            break;
        }
    }
    // The last scan of AC coefficients is made as long as one in a large file.
    let data = data.encode();
    let needed = Prefix::new(Options::new()).find(&data).unwrap().unwrap();
    let mut long = data.clone();
    long.splice(data.len() - 2..data.len() - 2, std::iter::repeat_n(0x55, 1 << 20));
    let mut read = Vec::new();
    let mut source = long.as_slice();
    read_needed(&mut source, &mut read, &Options::new()).unwrap();
    assert!(read.len() >= needed && read.len() <= 2 * 64 * 1024, "{} bytes read", read.len());
    assert_eq!(
        source.len() + read.len(),
        long.len(),
        "the bytes that were read from the source are in `data`"
    );
    let image = decode(&read, &Options::new()).unwrap();
    assert_eq!(image, decode(&data, &Options::new()).unwrap());
}

#[test]
fn reading_stops_where_a_file_is_refused() {
    let mut data = encoded(0, 2);
    data[1] = 0;
    data.extend(std::iter::repeat_n(0, 1 << 20));
    let mut read = Vec::new();
    read_needed(data.as_slice(), &mut read, &Options::new()).unwrap();
    assert!(read.len() <= 64 * 1024);
    assert!(matches!(decode(&read, &Options::new()), Err(Error::Malformed(_))));
}

#[test]
fn large_images_are_refused_from_the_header() {
    let image = generate::image(11, SAMPLINGS[2].1);
    let (width, height) = (image.width as u64, image.height as u64);
    let data = image.encode();
    let frame = data.windows(2).position(|pair| pair[0] == 0xFF && pair[1] & 0xFC == 0xC0).unwrap();
    let limited = Options::new().max_pixels(width * height - 1);
    for result in [
        decode(&data, &limited).map(|_| ()),
        decode(&data[..frame + 19], &limited).map(|_| ()),
        Prefix::new(limited).find(&data[..frame + 19]).map(|_| ()),
    ] {
        let Err(Error::TooLarge { width: w, height: h, max_pixels }) = result else {
            panic!("{result:?}")
        };
        assert_eq!((u64::from(w), u64::from(h), max_pixels), (width, height, width * height - 1));
    }
    assert!(decode(&data, &Options::new().max_pixels(width * height)).is_ok());
}

/// A header that claims 65535 x 65535 pixels does not cause any allocation.
#[test]
fn a_claimed_size_is_not_allocated() {
    for seed in 0..20 {
        let mut data = encoded(seed, 2);
        let frame =
            data.windows(2).position(|pair| pair[0] == 0xFF && matches!(pair[1], 0xC0..=0xC2));
        let size = frame.unwrap() + 5;
        data[size..size + 4].fill(0xFF);
        assert!(matches!(decode(&data, &Options::new()), Err(Error::Malformed(_))), "seed {seed}");
        assert!(decode_scaled(&data, Scale::Full, &Options::new()).is_err(), "seed {seed}");
    }
}

#[test]
fn other_kinds_of_jpeg_are_left_to_others() {
    let data = encoded(1, 2);
    let frame =
        data.windows(2).position(|pair| pair[0] == 0xFF && matches!(pair[1], 0xC0..=0xC2)).unwrap();
    for marker in [0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF] {
        let mut other = data.clone();
        other[frame + 1] = marker;
        let result = decode(&other, &Options::new());
        assert!(matches!(result, Err(Error::Unsupported(_))), "{marker:#x}: {result:?}");
    }
    let mut twelve_bits = data.clone();
    twelve_bits[frame + 4] = 12;
    assert!(matches!(decode(&twelve_bits, &Options::new()), Err(Error::Unsupported(_))));
    let mut height_follows = data.clone();
    height_follows[frame + 5..frame + 7].fill(0);
    assert!(matches!(decode(&height_follows, &Options::new()), Err(Error::Unsupported(_))));
}
