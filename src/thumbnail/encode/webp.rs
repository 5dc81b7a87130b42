//! WebP by libwebp.

use super::super::picture::{Picture, PixelKind};
use super::super::webp_ffi;
use crate::error::ThumbnailError;

/// Lossy; lossless at quality 100.
pub(super) fn encode(picture: &Picture, quality: u8) -> Result<Vec<u8>, ThumbnailError> {
    let color;
    let picture = if picture.kind == PixelKind::Luma {
        color = picture.clone().into_color();
        &color
    } else {
        picture
    };
    webp_ffi::encode(picture, quality).map_err(|error| ThumbnailError::Internal(error.to_string()))
}
