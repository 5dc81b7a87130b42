//! What libjpeg-turbo makes of a file at 1/8.

use turbojpeg::{Decompressor, Image, PixelFormat, ScalingFactor};

pub(crate) struct Decoded {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
}

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

pub(crate) fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares: f64 = a.iter().zip(b).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares).log10()
}
