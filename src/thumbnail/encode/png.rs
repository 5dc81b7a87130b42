//! PNG by the `png` crate.

use png::{BitDepth, ColorType, Compression, Encoder};

use super::super::picture::{Picture, PixelKind};
use crate::error::ThumbnailError;

pub(super) fn encode(picture: &Picture) -> Result<Vec<u8>, ThumbnailError> {
    let write = || {
        let mut data = Vec::new();
        let mut encoder = Encoder::new(&mut data, picture.width, picture.height);
        encoder.set_color(match picture.kind {
            PixelKind::Luma => ColorType::Grayscale,
            PixelKind::Rgb => ColorType::Rgb,
            PixelKind::Rgba => ColorType::Rgba,
        });
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Balanced);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&picture.data)?;
        writer.finish()?;
        Ok(data)
    };
    write().map_err(|error: png::EncodingError| ThumbnailError::Internal(error.to_string()))
}
