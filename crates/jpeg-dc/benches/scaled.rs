//! Compares decoding files to planes, shrunk or at full size, with libjpeg-turbo. Both
//! decoders use one thread and take turns. The figures are medians of the thread's CPU time.
//!
//! `cargo bench -p jpeg-dc --bench scaled [-- [--runs N] FILE…]`: without files, the benchmark
//! uses the photographs in Debian's package `plasma-workspace-wallpapers`.

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

use jpeg_dc::{Options, Scale, decode_scaled};
use support::{Processor, collect, median, millis, shortened};
use turbojpeg::{Decompressor, ScalingFactor, YuvImage};

fn main() {
    let mut runs = 9;
    let mut sources = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {}
            "--runs" => runs = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(runs),
            _ => sources.push(PathBuf::from(argument)),
        }
    }
    let files = collect(sources);
    println!("{:<46} {:>8} {:>8} {:>8} {:>6}", "file", "scale", "ms", "turbo ms", "ratio");
    for (path, data) in &files {
        let scales = [
            (Scale::Full, 8),
            (Scale::SevenEighths, 7),
            (Scale::ThreeQuarters, 6),
            (Scale::FiveEighths, 5),
            (Scale::Half, 4),
            (Scale::ThreeEighths, 3),
            (Scale::Quarter, 2),
        ];
        for (scale, side) in scales {
            if decode_scaled(data, scale, &Options::new()).is_err() {
                continue;
            }
            let mut times = [const { Vec::new() }; 2];
            for _ in 0..runs {
                let start = Processor::now();
                std::hint::black_box(decode_scaled(data, scale, &Options::new()).unwrap());
                times[0].push(start.elapsed());
                let start = Processor::now();
                std::hint::black_box(by_turbo(data, ScalingFactor::new(side, 8)));
                times[1].push(start.elapsed());
            }
            let [ours, turbo] = times.map(median);
            println!(
                "{:<46} {:>8} {:>8.2} {:>8.2} {:>6.2}",
                shortened(path),
                format!("{side}/8"),
                millis(ours),
                millis(turbo),
                turbo.as_secs_f64() / ours.as_secs_f64(),
            );
        }
    }
}

fn by_turbo(data: &[u8], scale: ScalingFactor) -> Vec<u8> {
    let mut decompressor = Decompressor::new().unwrap();
    let header = decompressor.read_header(data).unwrap().scaled(scale);
    decompressor.set_scaling_factor(scale).unwrap();
    let (width, height, subsamp) = (header.width, header.height, header.subsamp);
    let empty = YuvImage { pixels: (), width, align: 1, height, subsamp };
    let (luma, chroma) = (empty.y_size(), empty.uv_size());
    let mut pixels = vec![0; luma.0 * luma.1 + 2 * chroma.0 * chroma.1];
    let image = YuvImage { pixels: pixels.as_mut_slice(), width, align: 1, height, subsamp };
    decompressor.decompress_to_yuv(data, image).unwrap();
    pixels
}
