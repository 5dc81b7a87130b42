//! A blurred preview of about 25 bytes, shown until the thumbnail has loaded.
//!
//! [ThumbHash](https://evanw.github.io/thumbhash/) stores a few terms of a cosine transform.
//! Browsers can't draw it, so the hash is drawn here as a tiny WebP in a `data:` URI.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::encode::{self, Style};
use super::format::OutputFormat;
use super::spec::Spec;
use crate::error::ThumbnailError;
use raster::{Frame, Picture, PixelKind};

/// The longest side of the image from which the hash is computed, in pixels.
const SIDE: u32 = 100;

/// A low quality does not harm an image without detail.
const QUALITY: u8 = 50;

/// The spec of the image from which the hash is computed.
pub(super) fn spec() -> Spec {
    Spec { width: Some(SIDE), height: Some(SIDE), ..Spec::default() }
}

/// Returns the hash of a small image.
pub(super) fn hash(picture: Picture) -> Vec<u8> {
    let Picture { width, height, data, .. } = picture.into_rgba();
    thumbhash::rgba_to_thumb_hash(width as usize, height as usize, &data)
}

/// Draws a hash, and returns the image as a `data:` URI.
///
/// # Errors
/// [`ThumbnailError::Hash`] when the bytes are not a hash, [`ThumbnailError::Internal`] when the
/// encoder fails.
pub fn draw(hash: &[u8]) -> Result<String, ThumbnailError> {
    let (width, height, data) =
        thumbhash::thumb_hash_to_rgba(hash).map_err(|()| ThumbnailError::Hash)?;
    let side = |side: usize| match u32::try_from(side) {
        Ok(side) if side > 0 => Ok(side),
        _ => Err(ThumbnailError::Hash),
    };
    let drawn = Picture { width: side(width)?, height: side(height)?, kind: PixelKind::Rgba, data }
        .without_idle_alpha();
    let frame = Frame { picture: drawn, delay: 0 };
    let in_time = &|| Ok(());
    let webp = encode::encode(&[frame], 1, OutputFormat::WebP, QUALITY, Style::default(), in_time)?;
    Ok(format!("data:image/webp;base64,{}", BASE64_STANDARD.encode(&webp)))
}
