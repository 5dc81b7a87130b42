//! The results of libjpeg-turbo for a file, and files to compare the results for.

use std::path::{Path, PathBuf};

use jpeg_dc::Plane;
use turbojpeg::{Decompressor, Image, PixelFormat, ScalingFactor, YuvImage};

use super::files;

pub(crate) struct Decoded {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
}

/// The picture at 1/8.
pub(crate) fn decode(data: &[u8], format: PixelFormat) -> turbojpeg::Result<Decoded> {
    let mut decompressor = Decompressor::new()?;
    let header = decompressor.read_header(data)?;
    let scale = ScalingFactor::ONE_EIGHTH;
    decompressor.set_scaling_factor(scale)?;
    let (width, height) = (scale.scale(header.width), scale.scale(header.height));
    let pitch = width * format.size();
    let mut pixels = vec![0; pitch * height];
    let image = Image { pixels: pixels.as_mut_slice(), width, pitch, height, format };
    decompressor.decompress(data, image)?;
    Ok(Decoded { width, height, pixels })
}

/// The planes of an image, with `8 / divisor` samples for each side of a block. They may be padded.
/// The planes of chroma are empty if the image is gray.
pub(crate) fn planes(data: &[u8], divisor: usize) -> turbojpeg::Result<Vec<Plane>> {
    let mut decompressor = Decompressor::new()?;
    let scale = ScalingFactor::new(1, divisor);
    let header = decompressor.read_header(data)?;
    decompressor.set_scaling_factor(scale)?;
    let header = header.scaled(scale);
    let (width, height, subsamp) = (header.width, header.height, header.subsamp);
    let empty = YuvImage { pixels: (), width, align: 1, height, subsamp };
    let sizes = [empty.y_size(), empty.uv_size(), empty.uv_size()];
    let mut pixels = vec![0; sizes.iter().map(|(width, height)| width * height).sum()];
    let image = YuvImage { pixels: pixels.as_mut_slice(), width, align: 1, height, subsamp };
    decompressor.decompress_to_yuv(data, image)?;
    let mut rest = pixels.as_slice();
    let planes = sizes.map(|(width, height)| {
        let (plane, others) = rest.split_at(width * height);
        rest = others;
        Plane { width, height, stride: width, scale: (1, 1), data: plane.to_vec() }
    });
    Ok(planes.into())
}

/// The photographs in Debian's package `plasma-workspace-wallpapers`.
pub(crate) fn wallpapers() -> Vec<(PathBuf, Vec<u8>)> {
    files::jpegs(Path::new("/usr/share/wallpapers"))
}

pub(crate) fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares: f64 = a.iter().zip(b).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares).log10()
}
