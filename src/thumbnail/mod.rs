//! Thumbnails: what one looks like ([`spec`]) and the steps that make it ([`render`]).
//!
//! | step | module | works on |
//! |---|---|---|
//! | what the header says | [`probe`] | the first bytes |
//! | is that within the limits | [`limits`] | the header |
//! | which part, how large | [`crop`] | sizes |
//! | decode, shrunk where the codec can | [`decode`] | the source |
//! | where to crop | [`smart`] | pixels, if asked for |
//! | resize | [`resize`] | pixels, or rows as they are decoded |
//! | to sRGB | [`color`] | pixels of the thumbnail |
//! | stand upright, turn, mirror | [`orient`] | pixels of the thumbnail |
//! | blur, sharpen | [`effects`] | pixels of the thumbnail |
//! | flatten, pad | [`background`] | pixels of the thumbnail |
//! | encode | [`encode`] | pixels of the thumbnail |
//!
//! Where a JPEG or lossy WebP becomes one of these and only its size changes, `straight` is a
//! shorter way.

mod av1_ffi;
pub mod background;
pub mod color;
pub mod crop;
pub mod decode;
pub mod effects;
pub mod encode;
pub mod exif;
pub mod format;
pub mod limits;
pub mod many;
pub mod orient;
pub mod placeholder;
pub mod probe;
pub mod resize;
mod saliency;
pub mod smart;
pub mod source;
pub mod spec;
mod straight;
mod webp_ffi;

use crate::error::ThumbnailError;
use color::Converter;
use crop::{Plan, Window};
use decode::{Decoded, Pixels, Wanted};
use encode::{LOSSLESS_WEBP, Style, Subsampling};
use format::OutputFormat;
use limits::Limits;
use probe::Header;
use raster::{Frame, Size};
use resize::Light;
use spec::{Gravity, Spec};

/// The codec libraries and their versions, for a report of what is in use.
#[must_use]
pub fn codecs() -> [(&'static str, String); 7] {
    [
        ("libjpeg-turbo", "3.1.0".into()),
        ("libwebp", webp_ffi::version()),
        ("png", "0.18.1".into()),
        ("gif", "0.14.2".into()),
        ("image", "0.25.10".into()),
        ("tiff", "0.11.3".into()),
        ("libaom", av1_ffi::version()),
    ]
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
    /// How the file is written beside that.
    pub style: Style,
    /// How samples are averaged.
    pub light: Light,
    /// What a source may be.
    pub limits: &'a Limits,
    /// Whether the source is but the start of a longer file. Then what can't be made of it is
    /// [`ThumbnailError::Corrupt`], and the whole file has to be read.
    pub is_start: bool,
    /// Asked between the steps: is the time over?
    pub expired: &'a dyn Fn() -> bool,
}

impl Job<'_> {
    /// How large the source has to be decoded at least.
    fn needed(&self, plan: &Plan) -> Size {
        match self.light {
            Light::Encoded => plan.needed(),
            // What a codec shrinks it averages as encoded.
            Light::Linear => Size { width: u32::MAX, height: u32::MAX },
        }
    }

    /// The quality to write with.
    fn quality(&self) -> u8 {
        self.spec.quality.unwrap_or(self.quality)
    }

    /// Whether colour is written at half the resolution both ways (4:2:0).
    fn halves_chroma(&self) -> bool {
        match self.format {
            OutputFormat::Jpeg => self.style.subsampling == Subsampling::Half,
            OutputFormat::WebP => self.quality() < LOSSLESS_WEBP,
            OutputFormat::Avif => encode::halves_chroma_of_avif(self.quality()),
            OutputFormat::Png | OutputFormat::Gif => false,
        }
    }

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
    let outline = Outline::new(source, job)?;
    let mut colors = Converter::new(decode::profile(source, outline.header.format));
    let data = if let Some(data) = straight::render(source, &outline, &mut colors, job)? {
        data
    } else {
        let frames = outline.frames(source, &mut colors, job)?;
        job.check_time()?;
        encode::encode(&frames, outline.header.plays, job.format, job.quality(), job.style)?
    };
    let Size { width, height } = outline.plan.canvas;
    Ok(Thumbnail { data, width, height, format: job.format })
}

/// What is known before a source is decoded.
struct Outline {
    header: Header,
    plan: Plan,
    wanted: Wanted,
}

impl Outline {
    fn new(source: &[u8], job: &Job<'_>) -> Result<Self, ThumbnailError> {
        let header = probe::probe(source, job.limits)?;
        let count = if job.format.is_animated() { header.frames } else { 1 };
        job.limits.check_source(header.size, count)?;
        let plan = Plan::new(&header, job.spec)?;
        job.limits.check_output(plan.canvas, count)?;
        let wanted = Wanted {
            size: job.needed(&plan),
            half_chroma: job.halves_chroma(),
            all_frames: count > 1,
            is_start: job.is_start,
        };
        Ok(Self { header, plan, wanted })
    }

    /// All the steps but the last.
    fn frames(
        &self,
        source: &[u8],
        colors: &mut Converter,
        job: &Job<'_>,
    ) -> Result<Vec<Frame>, ThumbnailError> {
        let Self { header, plan, wanted } = self;
        let mut window = None;
        let mut frames: Vec<Frame> = Vec::new();
        decode::frames(source, header, *wanted, &mut |Decoded { mut pixels, delay }| {
            job.check_time()?;
            // One window for all frames: an animation must not jump.
            let window = match window {
                Some(window) => window,
                None => *window.insert(place(&mut pixels, plan, job.spec)?),
            };
            let picture = resize::resize(pixels, window, plan.stored_size(), job)?;
            job.check_time()?;
            let picture = colors.to_srgb(picture);
            let picture = orient::apply(picture, plan.transform);
            let picture = effects::apply(picture, job.spec)?;
            let picture = background::apply(picture, plan, job.spec, job.format);
            frames.push(Frame { picture, delay });
            Ok(())
        })?;
        Ok(frames)
    }
}

/// The part of the source that is kept.
fn place(pixels: &mut Pixels<'_>, plan: &Plan, spec: &Spec) -> Result<Window, ThumbnailError> {
    let gravity = spec.gravity.unwrap_or(Gravity::CENTER);
    match plan.choice() {
        Some(choice) if gravity == Gravity::Smart => smart::place(pixels.whole()?, choice),
        _ => Ok(plan.window(gravity)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_are_the_locked_ones() {
        let lock = include_str!("../../Cargo.lock");
        let locked = |name: &str, version: &str| {
            lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n"))
        };
        for (name, version) in codecs() {
            let found = match name {
                "libjpeg-turbo" => locked("turbojpeg-sys", "1.2.0"),
                "libwebp" => true,
                "libaom" => lock.contains(&format!("+libaom.{version}\"\n")),
                name => locked(name, &version),
            };
            assert!(found, "{name} is not locked at {version}");
        }
    }
}
