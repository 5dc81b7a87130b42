//! `frame`: shows one frame of an animation as a still image.
//!
//! Most frames depend on earlier frames, so these are decoded, too. The result is another source
//! with a single frame, so that the other steps do not have to choose a frame.

use super::color::Profile;
use super::decode::{self, Completeness, DecodeRequest, Input, Sink, Source};
use super::header::Header;
use super::notice::Notice;
use super::options::RenderOptions;
use crate::error::ThumbnailError;

/// Reads the header of a source. If the spec has a `frame`, the source consists of this frame.
///
/// # Errors
/// [`ThumbnailError::NoSuchFrame`] if the frame does not exist, [`ThumbnailError::TooLarge`] if too
/// many frames would have to be decoded, or an error of [`decode::open`].
pub(super) fn open<'a>(
    input: Input<'a>,
    options: &RenderOptions<'_>,
) -> Result<Box<dyn Source + 'a>, ThumbnailError> {
    let mut source = decode::open(input, options.limits)?;
    source.set_fonts(options.fonts)?;
    let Some(frame) = options.spec.frame.map(super::spec::FrameNumber::number) else {
        return Ok(source);
    };
    let header = *source.header();
    if frame > header.frames {
        return Err(ThumbnailError::NoSuchFrame { frame, frames: header.frames });
    }
    if header.frames == 1 {
        return Ok(source);
    }
    options.limits.check_frames(frame)?;
    Ok(Box::new(Still { source, frame, header: Header { frames: 1, plays: 1, ..header } }))
}

/// A frame of an animation.
struct Still<'a> {
    source: Box<dyn Source + 'a>,
    /// The number of the frame, starting at 1.
    frame: u32,
    header: Header,
}

impl Source for Still<'_> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn decoded_pixels(&self, request: DecodeRequest) -> u64 {
        self.source.decoded_pixels(request)
    }

    fn pixel_bytes(&self) -> u64 {
        self.source.pixel_bytes()
    }

    fn profile(&mut self) -> Option<Profile> {
        self.source.profile()
    }

    fn notice(&mut self) -> Notice {
        self.source.notice()
    }

    fn frames(
        self: Box<Self>,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        let mut decoded = 0;
        let request = DecodeRequest { max_frames: self.frame, ..request };
        let completeness = self.source.frames(request, &mut |frame| {
            decoded += 1;
            if decoded == self.frame { sink(frame) } else { Ok(()) }
        })?;
        if decoded < self.frame {
            let reason = format!("frame {} is damaged", decoded + 1);
            return Err(ThumbnailError::corrupt(self.header.format, reason));
        }
        Ok(completeness)
    }
}
