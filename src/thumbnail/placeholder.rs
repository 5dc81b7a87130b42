//! A blurred picture of about 25 bytes, to be shown until the thumbnail is there.
//!
//! [ThumbHash](https://evanw.github.io/thumbhash/) keeps a few terms of a cosine transform.
//! A browser knows nothing of it, so the hash is drawn again, as a tiny WebP in a `data:` URI.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::color::Converter;
use super::decode;
use super::encode::{self, Style};
use super::format::OutputFormat;
use super::spec::Spec;
use super::{Job, Outline};
use crate::error::ThumbnailError;
use raster::{Frame, Picture, PixelKind};

/// The longest side that a hash is made of.
const SIDE: u32 = 100;

/// There is no detail that a low quality could harm.
const QUALITY: u8 = 50;

/// The placeholder of an image as a `data:` URI. Of the job only the limits and the time count.
///
/// # Errors
/// Those of [`super::render`].
pub fn data_uri(source: &[u8], job: &Job<'_>) -> Result<String, ThumbnailError> {
    let spec = Spec { width: Some(SIDE), height: Some(SIDE), ..Spec::default() };
    // PNG keeps what is transparent, and a single frame is enough.
    let job = Job { spec: &spec, format: OutputFormat::Png, ..*job };
    let outline = Outline::new(source, &job)?;
    let mut colors = Converter::new(decode::profile(source, outline.header.format));
    let frames = outline.frames(source, &mut colors, &job)?;
    let Some(Frame { picture, .. }) = frames.into_iter().next() else {
        return Err(ThumbnailError::Internal("there is no picture".into()));
    };
    let Picture { width, height, data, .. } = picture.into_rgba();
    let hash = thumbhash::rgba_to_thumb_hash(width as usize, height as usize, &data);
    let (width, height, data) = thumbhash::thumb_hash_to_rgba(&hash)
        .map_err(|()| ThumbnailError::Internal("the hash can't be drawn".into()))?;
    let side = |side: usize| {
        u32::try_from(side).map_err(|error| ThumbnailError::Internal(error.to_string()))
    };
    let drawn = Picture { width: side(width)?, height: side(height)?, kind: PixelKind::Rgba, data }
        .without_idle_alpha();
    let frame = Frame { picture: drawn, delay: 0 };
    let webp = encode::encode(&[frame], 1, OutputFormat::WebP, QUALITY, Style::default())?;
    Ok(format!("data:image/webp;base64,{}", BASE64_STANDARD.encode(&webp)))
}
