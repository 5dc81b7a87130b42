//! The plan of a render: its options, applied to the header of one source.

use super::color::{Converter, Profile};
use super::crop::Geometry;
use super::decode::{self, DecodeRequest, Source};
use super::encode::{self, Style};
use super::format::OutputFormat;
use super::header::Header;
use super::notice::Notice;
use super::options::RenderOptions;
use super::resize::Averaging;
use super::spec::Quality;
use crate::error::ThumbnailError;
use raster::Size;

/// The minimum size at which a decoder outside this crate has to decode a source.
///
/// `full` is the size of the upright source, or of the page to decode.
///
/// # Errors
/// [`ThumbnailError::NoSuchPage`], or [`ThumbnailError::TooLarge`] if the thumbnail is too large.
pub fn size_to_decode(
    full: Size,
    pages: u32,
    options: &RenderOptions<'_>,
) -> Result<Size, ThumbnailError> {
    let header = Header { pages, ..Header::still(decode::DECODED, full) };
    options.check_page(&header)?;
    let geometry = Geometry::new(full, header.transform, options.spec)?;
    options.limits.check_output(geometry.canvas, 1)?;
    let needs_all = options.spec.trim.is_some() || options.averaging == Averaging::LinearLight;
    Ok(if needs_all { full } else { geometry.decoded_size() })
}

/// Everything that depends on the header: which pixels to decode, and how to process them.
pub(super) struct RenderPlan<'a> {
    pub(super) options: &'a RenderOptions<'a>,
    pub(super) header: Header,
    pub(super) geometry: Geometry,
    /// The format to write.
    pub(super) format: OutputFormat,
    /// The quality of the thumbnail, unless there is a `target`.
    pub(super) quality: u8,
    /// The SSIMULACRA2 score that determines the quality.
    pub(super) target: Option<f64>,
    /// The encoder's other settings.
    pub(super) style: Style,
    pub(super) request: DecodeRequest<'a>,
}

impl<'a> RenderPlan<'a> {
    /// Plans a render, and checks the limits.
    ///
    /// # Errors
    /// [`ThumbnailError::TooLarge`].
    pub(super) fn new(
        source: &(dyn Source + '_),
        options: &'a RenderOptions<'a>,
    ) -> Result<Self, ThumbnailError> {
        let header = source.header();
        options.check_page(header)?;
        let RenderOptions { spec, qualities, style, limits, .. } = *options;
        let format = options.format_for(header);
        let (quality, target) = match spec.quality {
            Some(Quality::Fixed(quality)) => (quality, None),
            Some(Quality::Auto) if format.is_lossy() => {
                (qualities.of(format), Some(qualities.target.into()))
            }
            Some(Quality::Auto) | None => (qualities.of(format), None),
        };
        let style = style.of(spec);
        let frames = options.frames_of(header);
        let geometry = Geometry::of(header, spec)?;
        let request = DecodeRequest {
            size: match options.averaging {
                _ if header.is_scalable => geometry.decoded_size(),
                Averaging::Encoded => geometry.decoded_size(),
                // Codecs average gamma-encoded samples when they shrink an image.
                Averaging::LinearLight => Size { width: u32::MAX, height: u32::MAX },
            },
            linear_size: match options.averaging {
                Averaging::Encoded => None,
                Averaging::LinearLight => Some(geometry.decoded_size()),
            },
            // Scores are relative to the picture with chroma at full resolution.
            half_chroma: target.is_none() && encode::halves_chroma(format, quality, style),
            max_frames: options.max_frames(header),
            is_partial: options.is_partial,
            limits,
            expired: options.expired,
        };
        limits.check_source(source.decoded_pixels(request), source.pixel_bytes(), frames)?;
        limits.check_output(geometry.canvas, frames)?;
        Ok(Self { options, header: *header, geometry, format, quality, target, style, request })
    }

    /// Reads the copyright notice of the source, if the thumbnail keeps it.
    pub(super) fn notice(&self, source: &mut dyn Source) -> Notice {
        if self.options.spec.keep_copyright && self.format.has_metadata() {
            source.notice()
        } else {
            Notice::default()
        }
    }

    /// Creates the converter for a source with this profile. Shades of gray do not need a wide
    /// colour space.
    pub(super) fn converter(&self, profile: Option<Profile>) -> Converter {
        let spec = self.options.spec;
        if spec.keep_icc && !spec.grayscale && self.format.has_metadata() {
            Converter::keeping(profile)
        } else {
            Converter::new(profile)
        }
    }
}
