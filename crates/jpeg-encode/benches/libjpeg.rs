//! Compares the time and the bytes with libjpeg-turbo's, at the same quality and thus at about the
//! same SSIMULACRA2 score.
//!
//! Each row is the sum over all photographs, which libjpeg-turbo first decodes at a fraction of
//! their size. Times are CPU times, and the medians of several runs.
//!
//! ```text
//! cargo bench -p jpeg-encode [-- FILES…]
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use jpeg_encode::{Subsampling, encode_rgb};
use rustix::time::{ClockId, clock_gettime};
use turbojpeg::{Compressor, Decompressor, Image, PixelFormat, ScalingFactor, Subsamp};

const RUNS: usize = 7;
const QUALITY: u8 = 85;

fn photographs() -> Vec<PathBuf> {
    let given: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let given: Vec<_> = given.into_iter().filter(|path| path.is_file()).collect();
    if !given.is_empty() {
        return given;
    }
    let wallpapers = Path::new("/usr/share/wallpapers").read_dir().unwrap();
    let file = |path: PathBuf| path.join("contents/images/2560x1600.jpg");
    wallpapers.map(|entry| file(entry.unwrap().path())).filter(|path| path.is_file()).collect()
}

fn decode(file: &[u8], denominator: usize) -> Image<Vec<u8>> {
    let mut decompressor = Decompressor::new().unwrap();
    let scale = ScalingFactor::new(1, denominator);
    decompressor.set_scaling_factor(scale).unwrap();
    let header = decompressor.read_header(file).unwrap().scaled(scale);
    let (width, height) = (header.width, header.height);
    let pixels = vec![0; width * height * 3];
    let mut image = Image { pixels, width, pitch: width * 3, height, format: PixelFormat::RGB };
    decompressor.decompress(file, image.as_deref_mut()).unwrap();
    image
}

fn by_libjpeg(image: &Image<Vec<u8>>, optimize: bool) -> Vec<u8> {
    let mut compressor = Compressor::new().unwrap();
    compressor.set_quality(QUALITY.into()).unwrap();
    compressor.set_subsamp(Subsamp::Sub2x2).unwrap();
    compressor.set_optimize(optimize).unwrap();
    compressor.compress_to_vec(image.as_deref()).unwrap()
}

fn ours(image: &Image<Vec<u8>>) -> Vec<u8> {
    let (width, height) = (image.width.try_into().unwrap(), image.height.try_into().unwrap());
    encode_rgb(&image.pixels, width, height, Subsampling::Half, QUALITY).unwrap()
}

/// Returns the median time, and the bytes.
fn measure(images: &[Image<Vec<u8>>], encode: impl Fn(&Image<Vec<u8>>) -> Vec<u8>) -> (f64, usize) {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let (mut seconds, mut bytes) = (0.0, 0);
    for image in images {
        let mut times: Vec<_> = (0..RUNS)
            .map(|_| {
                let start = now();
                std::hint::black_box(encode(image));
                now().saturating_sub(start)
            })
            .collect();
        times.sort();
        seconds += times.get(RUNS / 2).unwrap().as_secs_f64();
        bytes += encode(image).len();
    }
    (seconds, bytes)
}

fn main() {
    let files: Vec<_> = photographs().iter().map(|path| std::fs::read(path).unwrap()).collect();
    println!("{} photographs; time and bytes relative to libjpeg-turbo", files.len());
    println!("width   with optimal tables   with standard tables");
    for denominator in [8, 4, 2, 1] {
        let images: Vec<_> = files.iter().map(|file| decode(file, denominator)).collect();
        let (seconds, bytes) = measure(&images, ours);
        let [optimal, standard] = [true, false].map(|optimize| {
            let (their_seconds, their_bytes) =
                measure(&images, |image| by_libjpeg(image, optimize));
            (seconds / their_seconds, bytes as f64 / their_bytes as f64)
        });
        let width = images.first().unwrap().width;
        println!(
            "{width:5}   {:.2} time, {:.3} bytes   {:.2} time, {:.3} bytes   ({:.2} ms each)",
            optimal.0,
            optimal.1,
            standard.0,
            standard.1,
            seconds * 1e3 / images.len() as f64
        );
    }
}
