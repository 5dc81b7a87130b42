//! Thumbnails: what one looks like ([`spec`]) and the steps that make it ([`render`]).
//!
//! | step | module | works on |
//! |---|---|---|
//! | what the header says | [`probe`] | the first bytes |
//! | is that within the limits | [`limits`] | the header |
//! | which part, how large | [`crop`] | sizes |
//! | decode, shrunk where the codec can | [`decode`] | the source |
//! | resize | [`resize`] | pixels |
//! | stand upright, turn, mirror | [`orient`] | pixels of the thumbnail |
//! | flatten, pad | [`background`] | pixels of the thumbnail |
//! | encode | [`encode`] | pixels of the thumbnail |

pub mod background;
pub mod crop;
pub mod decode;
pub mod encode;
pub mod exif;
pub mod format;
pub mod limits;
pub mod orient;
pub mod picture;
pub mod probe;
pub mod resize;
pub mod source;
pub mod spec;
mod webp_ffi;

use crate::error::ThumbnailError;
use crop::Plan;
use format::OutputFormat;
use limits::Limits;
use spec::{Gravity, Spec};

/// The codec libraries and their versions, for a report of what is in use.
#[must_use]
pub fn codecs() -> [(&'static str, String); 3] {
    [("libjpeg-turbo", "3.1.0".into()), ("png", "0.18".into()), ("libwebp", webp_ffi::version())]
}

/// Everything about a thumbnail but its source.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// What it looks like. Its format and version are of no importance here.
    pub spec: &'a Spec,
    /// The format to write.
    pub format: OutputFormat,
    /// The quality where the spec has none, 1 to 100.
    pub quality: u8,
    /// What a source may be.
    pub limits: &'a Limits,
    /// Asked between the steps: is the time over?
    pub expired: &'a dyn Fn() -> bool,
}

impl Job<'_> {
    fn check_time(&self) -> Result<(), ThumbnailError> {
        if (self.expired)() { Err(ThumbnailError::Timeout) } else { Ok(()) }
    }
}

/// A finished thumbnail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// The encoded file.
    pub data: Vec<u8>,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Its format.
    pub format: OutputFormat,
}

/// Make a thumbnail of an encoded image.
///
/// # Errors
/// The source exceeds a limit, is no image that can be read, or the time is over.
pub fn render(source: &[u8], job: &Job<'_>) -> Result<Thumbnail, ThumbnailError> {
    let header = probe::probe(source, job.limits)?;
    job.limits.check_header(&header)?;
    let plan = Plan::new(&header, job.spec)?;
    job.limits.check_output(plan.canvas)?;

    let picture = decode::decode(source, &header, plan.needed())?;
    job.check_time()?;
    let window = plan.window(job.spec.gravity.unwrap_or(Gravity::CENTER));
    let picture = resize::resize(picture, window, plan.stored_size())?;
    job.check_time()?;
    let picture = orient::apply(picture, plan.transform);
    let picture = background::apply(picture, &plan, job.spec, job.format);
    job.check_time()?;

    let quality = job.spec.quality.unwrap_or(job.quality);
    let data = encode::encode(&picture, job.format, quality)?;
    Ok(Thumbnail { data, width: picture.width, height: picture.height, format: job.format })
}
