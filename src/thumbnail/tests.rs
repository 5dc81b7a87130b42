//! Tests that a render checks the time limit often, and stops at once when the limit is exceeded.

use std::cell::Cell;

use raster::{Frame, Picture, PixelKind};

use super::decode::svg::Fonts;
use super::encode::{self, Metadata, Style};
use super::format::OutputFormat;
use super::limits::Limits;
use super::options::{Qualities, RenderOptions};
use super::resize::Averaging;
use super::spec::{Progressive, Spec};
use super::{Thumbnail, render};
use crate::error::ThumbnailError;

/// A picture with detail.
fn picture(side: u32, seed: u32) -> Picture {
    let sample = |index: u32| {
        let mixed = (index / 3 % side / 9 + seed) * (index / 3 / side / 7 + 3) * (index % 3 + 1);
        mixed.to_le_bytes()[0]
    };
    let data = (0..side * side * 3).map(sample).collect();
    Picture { width: side, height: side, kind: PixelKind::Rgb, data }
}

fn encoded(format: OutputFormat, side: u32, frames: u32, style: Style) -> Vec<u8> {
    let frame = |seed| Frame { picture: picture(side, seed), delay: 50 };
    let frames: Vec<_> = (0..frames).map(frame).collect();
    encode::encode(&frames, 0, format, 80, style, &Metadata::default(), &|| Ok(())).unwrap()
}

/// A BMP. Its rows are stored from bottom to top, and padded to a multiple of four bytes.
fn bmp(side: u32) -> Vec<u8> {
    let Picture { data, .. } = picture(side, 1);
    let numbers = [54 + side * side * 3, 0, 54, 40, side, side, 24 << 16 | 1, 0, 0, 0, 0, 0, 0];
    let numbers = numbers.into_iter().flat_map(u32::to_le_bytes);
    b"BM".iter().copied().chain(numbers).chain(data).collect()
}

fn animated_png(side: u32, frames: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(frames, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for seed in 0..frames {
        writer.write_image_data(&picture(side, seed).data).unwrap();
    }
    writer.finish().unwrap();
    file
}

/// Renders until the clock has been read `most` times. Returns the number of times that it was
/// read.
fn rendered(
    source: &[u8],
    (spec, format): (&str, OutputFormat),
    most: usize,
) -> (Result<Thumbnail, ThumbnailError>, usize) {
    let reads = Cell::new(0);
    let expired = || {
        reads.set(reads.get() + 1);
        reads.get() > most
    };
    let made = render(
        source,
        &RenderOptions {
            spec: &Spec::parse(spec).unwrap(),
            format: Some(format),
            qualities: Qualities::default(),
            style: Style::default(),
            averaging: Averaging::Encoded,
            watermark: None,
            fonts: &Fonts::SYSTEM,
            limits: &Limits::default(),
            is_partial: false,
            expired: &expired,
        },
    );
    (made, reads.get())
}

/// The clock is read at least `least` times, and each of these reads can end the render. Returns
/// the maximum number of reads, counted from the one that ends the render.
fn check(name: &str, source: &[u8], thumbnail: (&str, OutputFormat), least: usize) -> usize {
    let (made, all) = rendered(source, thumbnail, usize::MAX);
    assert!(made.unwrap().is_complete, "{name}");
    assert!((least..50 * least).contains(&all), "{name}: {all} reads, at least {least} expected");
    let ends = [0, all / 4, all / 2, all * 3 / 4, all - 1].map(|most| {
        let (made, reads) = rendered(source, thumbnail, most);
        assert_eq!(made, Err(ThumbnailError::Timeout), "{name}, after {most} of {all} reads");
        // After a failure, a decoder checks once more whether the time limit was the reason.
        assert!(reads <= most + 2, "{name}: {reads} reads after the limit of {most}");
        reads - most
    });
    ends.into_iter().max().unwrap()
}

const JPEG: OutputFormat = OutputFormat::Jpeg;
const PNG: OutputFormat = OutputFormat::Png;

#[test]
fn a_jpeg_stops_between_rows_of_blocks() {
    let baseline = encoded(JPEG, 1600, 1, Style::default());
    let style = Style { progressive: Progressive(true), ..Style::default() };
    let progressive = encoded(JPEG, 1600, 1, style);
    for (name, source, thumbnail, least) in [
        ("at an eighth", &baseline, ("80x80", JPEG), 100),
        ("at an eighth to PNG", &baseline, ("80x80", PNG), 100),
        ("progressive", &progressive, ("700x700", JPEG), 300),
        ("progressive at an eighth", &progressive, ("80x80", JPEG), 100),
    ] {
        // libjpeg is not tried after the time limit.
        assert_eq!(check(name, source, thumbnail, least), 1, "{name}");
    }
}

#[test]
fn a_jpeg_for_libjpeg_stops_before_and_after_it() {
    check("large", &encoded(JPEG, 800, 1, Style::default()), ("700x700", PNG), 4);
}

#[test]
fn bitmaps_stop_between_strips() {
    check("BMP", &bmp(1000), ("100x100", JPEG), 40);
    check("PNG", &encoded(PNG, 1000, 1, Style::default()), ("100x100", JPEG), 1000);
}

#[test]
fn animations_stop_between_frames_or_earlier() {
    check("APNG", &animated_png(100, 20), ("50x50", OutputFormat::WebP), 80);
    for format in [OutputFormat::Gif, OutputFormat::WebP] {
        let source = encoded(format, 100, 20, Style::default());
        check(format.name(), &source, ("50x50", format), 80);
    }
}

#[test]
fn encoders_stop_while_they_work() {
    let source = bmp(1100);
    let size = "1100x1100";
    let (_, decoding) = rendered(&source, (size, JPEG), usize::MAX);
    for (format, least) in [(OutputFormat::WebP, 10), (PNG, 2), (OutputFormat::Avif, 1)] {
        let (made, all) = rendered(&source, (size, format), usize::MAX);
        made.unwrap();
        assert!(all >= decoding + least, "{}: {} reads", format.name(), all - decoding);
        check(format.name(), &source, (size, format), decoding);
    }
}

#[test]
fn an_avif_stops_before_each_picture() {
    let style = Style::default();
    check("AVIF", &encoded(OutputFormat::Avif, 300, 1, style), ("100x100", JPEG), 3);
}

/// A TIFF of gray rows, each in a strip of its own.
fn tiff(side: u32) -> Vec<u8> {
    let Picture { data, .. } = picture(side, 1).into_luma();
    let count = side;
    let (pixels, offsets) = (8, 8 + side * side);
    let lengths = offsets + 4 * count;
    let directory = lengths + 4 * count;
    let entries = [
        [256, 4, 1, side],
        [257, 4, 1, side],
        [258, 3, 1, 8],
        [259, 3, 1, 1],
        [262, 3, 1, 1],
        [273, 4, count, if count == 1 { pixels } else { offsets }],
        [278, 4, 1, 1],
        [279, 4, count, if count == 1 { side } else { lengths }],
    ];
    let mut file = b"II*\0".to_vec();
    file.extend(directory.to_le_bytes());
    file.extend(data);
    file.extend((0..count).flat_map(|row| (pixels + row * side).to_le_bytes()));
    file.extend((0..count).flat_map(|_| side.to_le_bytes()));
    file.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
    for [tag, kind, count, value] in entries {
        file.extend(
            [tag, kind].iter().flat_map(|&half| u16::try_from(half).unwrap().to_le_bytes()),
        );
        file.extend([count, value].iter().flat_map(|word| word.to_le_bytes()));
    }
    file.extend([0; 4]);
    file
}

/// A picture with opacity.
fn translucent(side: u32) -> Frame {
    let mut picture = picture(side, 1).into_rgba();
    picture.data.iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = 99);
    Frame { picture, delay: 0 }
}

/// The steps of a render, each with the number of times that it reads the clock.
type Steps<'a> = &'a [(&'a str, usize)];

/// Each step reads the clock, and each of these reads can end the render.
fn check_steps(name: &str, source: &[u8], thumbnail: (&str, OutputFormat), steps: Steps<'_>) {
    let (made, all) = rendered(source, thumbnail, usize::MAX);
    assert!(made.unwrap().is_complete, "{name}");
    let expected: usize = steps.iter().map(|&(_, reads)| reads).sum();
    assert_eq!(all, expected, "{name}: {steps:?}");
    for most in 0..all {
        let (made, reads) = rendered(source, thumbnail, most);
        assert_eq!(made, Err(ThumbnailError::Timeout), "{name}, after {most} of {all} reads");
        assert!(reads <= most + 2, "{name}: {reads} reads after the limit of {most}");
    }
}

const BEFORE_RESIZING: (&str, usize) = ("before resizing", 1);
const AFTER_RESIZING: (&str, usize) = ("after resizing", 1);
const BEFORE_ENCODING: (&str, usize) = ("before encoding", 1);

/// Checks a still whose decoder has these steps.
fn check_still(name: &str, source: &[u8], thumbnail: (&str, OutputFormat), decoder: Steps<'_>) {
    let others = [BEFORE_RESIZING, AFTER_RESIZING, BEFORE_ENCODING];
    check_steps(name, source, thumbnail, &[decoder, &others].concat());
}

#[test]
fn a_tiff_stops_before_each_strip_and_while_reading_it() {
    let steps = [("before a strip", 20), ("while reading a strip", 20)];
    check_still("TIFF", &tiff(20), ("10x10", PNG), &steps);
    let steps = [("before a strip", 1), ("while reading a strip", 1)];
    check_still("TIFF of one strip", &tiff(1), ("1x1", PNG), &steps);
}

#[test]
fn a_bmp_without_a_pixel_at_the_time_limit_is_not_damaged() {
    // Missing pixels are gray, too.
    let mut gray = bmp(160);
    gray[54..].fill(128);
    check_still("BMP", &gray, ("80x80", JPEG), &[("pieces", 1), ("after decoding", 1)]);
}

#[test]
fn an_interlaced_png_stops_between_rows() {
    let source = include_bytes!("../../tests/images/interlaced.png");
    check_still("interlaced PNG", source, ("4x4", PNG), &[("rows of passes", 15)]);
}

#[test]
fn components_stop_before_and_after_each_step() {
    let others = [("before resizing", 1), ("before encoding", 1)];
    let jpeg = encoded(JPEG, 64, 1, Style::default());
    let strips = [("a scan", 1), ("rows of blocks", 4), ("before encoding", 1)];
    check_steps("JPEG", &jpeg, ("60x60", JPEG), &strips);
    let webp = encoded(OutputFormat::WebP, 64, 1, Style::default());
    let steps = [[("pieces", 1)].as_slice(), &others].concat();
    check_steps("WebP", &webp, ("60x60", JPEG), &steps);
    let avif = encoded(OutputFormat::Avif, 64, 1, Style::default());
    let steps = [[("before the colours", 1)].as_slice(), &others].concat();
    check_steps("AVIF", &avif, ("60x60", JPEG), &steps);
    let (_, reads) = rendered(&webp, ("60x60", JPEG), 0);
    assert_eq!(reads, 1, "the pixels are not tried after the time limit");
    // libwebp reads the clock for each hundredth of its work.
    check("WebP to WebP", &webp, ("60x60", OutputFormat::WebP), 3 + 5);
}

#[test]
fn an_avif_without_components_is_decoded_once() {
    let avif = include_bytes!("../../tests/images/bt709.avif");
    check_still("AVIF in BT.709", avif, ("60x60", JPEG), &[("before the colours", 1)]);
}

#[test]
fn pixels_stop_before_each_codec() {
    let style = Style::default();
    check_still("JPEG", &encoded(JPEG, 64, 1, style), ("60x60", PNG), &[("before libjpeg", 1)]);
    let webp = encoded(OutputFormat::WebP, 64, 1, style);
    check_still("WebP", &webp, ("60x60", PNG), &[("pieces", 1)]);
    let avif = encoded(OutputFormat::Avif, 64, 1, style);
    check_still("AVIF", &avif, ("60x60", PNG), &[("before the colours", 1)]);
    let none = Metadata::default();
    let avif =
        encode::encode(&[translucent(64)], 0, OutputFormat::Avif, 80, style, &none, &|| Ok(()));
    let steps = [("before the colours", 1), ("before the opacity", 1)];
    check_still("AVIF with opacity", &avif.unwrap(), ("60x60", PNG), &steps);
    let grid = include_bytes!("../../tests/images/grid.avif");
    check_still("AVIF of tiles", grid, ("60x60", PNG), &[("before a tile", 2)]);
}

#[test]
fn animations_stop_before_each_frame() {
    let sequence = include_bytes!("../../tests/images/sequence.avif");
    let frames = [("before a frame", 3), ("before resizing", 3), ("after resizing", 3)];
    let encoder = [BEFORE_ENCODING, ("before a frame is encoded", 3)];
    let steps = [frames.as_slice(), &encoder].concat();
    check_steps("AVIF", sequence, ("8x8", OutputFormat::WebP), &steps);
    let gif = encoded(OutputFormat::Gif, 10, 3, Style::default());
    let frames = [("lines", 30), ("before resizing", 3), ("after resizing", 3)];
    let steps = [frames.as_slice(), &encoder].concat();
    check_steps("GIF", &gif, ("8x8", OutputFormat::Gif), &steps);
}

#[test]
fn trimming_stops_between_rows() {
    let jpeg = encoded(JPEG, 64, 1, Style::default());
    // The corner, four strips of tiles at the edges, and the whole picture are decoded.
    let steps = [("rows of tiles", 4), ("before libjpeg", 6), ("rows of strips", 2 * (16 + 64))];
    check_still("JPEG", &jpeg, ("30x30,trim-10", PNG), &steps);
}
