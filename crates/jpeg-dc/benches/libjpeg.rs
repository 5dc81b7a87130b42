//! Compares decoding at 1/8 with libjpeg-turbo. Both decoders use one thread and take turns. The
//! figures are medians of the thread's CPU time, which other programs hardly affect.
//!
//! `cargo bench -p jpeg-dc [-- [--runs N] [--best] [--dc] FILE|DIRECTORY…]`: `--best` uses the best
//! run instead of the median, and `--dc` decodes chroma from its DC coefficients alone. Without
//! files, the benchmark uses the JPEGs below `/usr/share/wallpapers` (on Debian: package
//! `plasma-workspace-wallpapers`).

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a program for people who build this crate"
)]

#[path = "support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::time::Duration;

use jpeg_dc::{Chroma, Options, decode};
use support::{Processor, collect, millis, shortened};
use turbojpeg::{Decompressor, Image, PixelFormat, ScalingFactor, Subsamp};

fn main() {
    let mut runs = 15;
    let mut best = false;
    let mut options = Options::new();
    let mut sources = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {}
            "--best" => best = true,
            "--dc" => options = options.chroma(Chroma::Dc),
            "--runs" => runs = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(runs),
            _ => sources.push(PathBuf::from(argument)),
        }
    }
    let files = collect(sources);
    println!(
        "{:<46} {:>5} {:>5} {:>11} {:>8} {:>8} {:>8} {:>6}",
        "file", "MP", "MB", "kind", "planes", "RGB ms", "turbo ms", "ratio"
    );
    let mut totals = [Totals::default(), Totals::default()];
    for (path, data) in &files {
        let Ok(image) = decode(data, &options) else { continue };
        let progressive = is_progressive(data);
        let pixels = f64::from(image.full_width()) * f64::from(image.full_height()) / 1e6;
        let [planes, rgb, turbo] = measure(data, &options, runs, best);
        println!(
            "{:<46} {:>5.1} {:>5.2} {:>11} {:>8.2} {:>8.2} {:>8.2} {:>6.2}",
            shortened(path),
            pixels,
            data.len() as f64 / 1e6,
            kind(data, progressive),
            millis(planes),
            millis(rgb),
            millis(turbo),
            turbo.as_secs_f64() / rgb.as_secs_f64(),
        );
        let totals = &mut totals[usize::from(progressive)];
        totals.ours += rgb;
        totals.turbo += turbo;
        if pixels >= 1.0 {
            totals.ratios.push(turbo.as_secs_f64() / rgb.as_secs_f64());
        }
    }
    for (name, totals) in ["baseline", "progressive"].iter().zip(&mut totals) {
        totals.ratios.sort_by(f64::total_cmp);
        println!(
            "{name}: {:.1} ms, libjpeg-turbo {:.1} ms: {:.2} times as fast in total; \
             files of 1 MP and more: {:.2} at the least",
            millis(totals.ours),
            millis(totals.turbo),
            totals.turbo.as_secs_f64() / totals.ours.as_secs_f64(),
            totals.ratios.first().copied().unwrap_or_default(),
        );
    }
}

#[derive(Default)]
struct Totals {
    ours: Duration,
    turbo: Duration,
    ratios: Vec<f64>,
}

/// Returns the median times, or the times of the best runs, for our planes, our RGB, and
/// libjpeg-turbo's RGB.
fn measure(data: &[u8], options: &Options, runs: usize, best: bool) -> [Duration; 3] {
    let mut decompressor = Decompressor::new().unwrap();
    let header = decompressor.read_header(data).unwrap();
    let scale = ScalingFactor::ONE_EIGHTH;
    decompressor.set_scaling_factor(scale).unwrap();
    let (width, height) = (scale.scale(header.width), scale.scale(header.height));
    let mut pixels = vec![0; width * height * 3];
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..runs {
        let start = Processor::now();
        let image = decode(data, options).unwrap();
        times[0].push(start.elapsed());
        std::hint::black_box(image.to_rgb());
        times[1].push(start.elapsed());
        let start = Processor::now();
        let image = Image {
            pixels: pixels.as_mut_slice(),
            width,
            pitch: width * 3,
            height,
            format: PixelFormat::RGB,
        };
        decompressor.decompress(data, image).unwrap();
        times[2].push(start.elapsed());
    }
    times.map(|mut times| {
        times.sort();
        times.get(if best { 0 } else { times.len() / 2 }).copied().unwrap_or_default()
    })
}

fn is_progressive(data: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = data.get(at..at + 4) {
        match marker {
            0xC0 | 0xC1 => return false,
            0xC2 => return true,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    false
}

fn kind(data: &[u8], progressive: bool) -> String {
    let sampling = match turbojpeg::read_header(data).map(|header| header.subsamp) {
        Ok(Subsamp::None) => "4:4:4",
        Ok(Subsamp::Sub2x1) => "4:2:2",
        Ok(Subsamp::Sub2x2) => "4:2:0",
        Ok(Subsamp::Gray) => "gray",
        _ => "other",
    };
    if progressive { format!("{sampling} prog") } else { sampling.to_owned() }
}
