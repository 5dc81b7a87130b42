//! JPEG by libjpeg-turbo: baseline, 4:2:0, optimised Huffman tables.

use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use super::super::background::flatten;
use super::super::spec::Rgb;
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind};

pub(super) fn encode(picture: &Picture, quality: u8) -> Result<Vec<u8>, ThumbnailError> {
    let (format, subsampling) = match picture.kind {
        PixelKind::Luma => (PixelFormat::GRAY, Subsamp::Gray),
        PixelKind::Rgb => (PixelFormat::RGB, Subsamp::Sub2x2),
        PixelKind::Cmyk => return encode(&picture.clone().without_inks(), quality),
        PixelKind::Rgba => return encode(&flatten(picture.clone(), Rgb::WHITE), quality),
    };
    let image = Image {
        pixels: picture.data.as_slice(),
        width: picture.width as usize,
        pitch: picture.stride(),
        height: picture.height as usize,
        format,
    };
    let compress = || {
        let mut compressor = Compressor::new()?;
        compressor.set_quality(quality.into())?;
        compressor.set_subsamp(subsampling)?;
        compressor.set_optimize(true)?;
        compressor.compress_to_vec(image)
    };
    compress().map_err(|error: turbojpeg::Error| ThumbnailError::Internal(error.to_string()))
}
