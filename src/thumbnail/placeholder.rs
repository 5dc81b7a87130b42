//! A blurred preview of about 25 bytes, shown until the thumbnail has loaded.
//!
//! [ThumbHash](https://evanw.github.io/thumbhash/) and [`BlurHash`](super::blurhash) store a few
//! terms of a cosine transform. Browsers can't draw these hashes, so each is drawn here as a tiny
//! WebP in a `data:` URI.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::background::flatten;
use super::blurhash;
use super::encode::{self, Metadata, Style};
use super::format::OutputFormat;
use super::spec::{Rgb, Spec};
use crate::error::ThumbnailError;
use raster::{Frame, Picture, PixelKind};

/// The longest side of the image from which the hash is computed, in pixels.
const SIDE: u32 = 100;

/// A low quality does not harm an image without detail.
const QUALITY: u8 = 50;

/// The spec of the image from which the hash is computed.
#[must_use]
pub fn spec() -> Spec {
    Spec { width: Some(SIDE), height: Some(SIDE), ..Spec::default() }
}

/// Returns the hash of a small image.
pub(super) fn hash(picture: Picture) -> Vec<u8> {
    let Picture { width, height, data, .. } = picture.into_rgba();
    thumbhash::rgba_to_thumb_hash(width as usize, height as usize, &data)
}

/// Returns the `BlurHash` of a small image on a white background, with four terms along the longer
/// side.
pub(super) fn blur_hash(picture: Picture) -> String {
    let terms = if picture.width >= picture.height { (4, 3) } else { (3, 4) };
    blurhash::encode(flatten(picture, Rgb::WHITE), terms)
}

/// Draws a `ThumbHash`, and returns the image as a `data:` URI.
///
/// # Errors
/// [`ThumbnailError::Hash`] when the bytes are not a hash, or [`ThumbnailError::Internal`] when the
/// encoder fails.
pub fn draw(hash: &[u8]) -> Result<String, ThumbnailError> {
    let (width, height, data) =
        thumbhash::thumb_hash_to_rgba(hash).map_err(|()| ThumbnailError::Hash)?;
    let side = |side: usize| match u32::try_from(side) {
        Ok(side) if side > 0 => Ok(side),
        _ => Err(ThumbnailError::Hash),
    };
    let drawn = Picture { width: side(width)?, height: side(height)?, kind: PixelKind::Rgba, data };
    data_uri(drawn.without_idle_alpha())
}

/// Draws a `BlurHash`, and returns the image as a `data:` URI.
///
/// # Errors
/// [`ThumbnailError::BlurHash`] when the text is not a hash, or [`ThumbnailError::Internal`] when
/// the encoder fails.
pub fn draw_blurhash(hash: &str) -> Result<String, ThumbnailError> {
    data_uri(blurhash::decode(hash).ok_or(ThumbnailError::BlurHash)?)
}

fn data_uri(drawn: Picture) -> Result<String, ThumbnailError> {
    let frame = Frame { picture: drawn, delay: 0 };
    let in_time = &|| Ok(());
    let (style, metadata) = (Style::default(), Metadata::default());
    let webp = encode::encode(&[frame], 1, OutputFormat::WebP, QUALITY, style, &metadata, in_time)?;
    Ok(format!("data:image/webp;base64,{}", BASE64_STANDARD.encode(&webp)))
}
