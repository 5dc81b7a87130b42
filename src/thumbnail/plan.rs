//! The plan of a render: its options, applied to the header of one source.

use super::crop::Geometry;
use super::decode::{DecodeRequest, Source};
use super::encode::{self, Style};
use super::format::OutputFormat;
use super::header::Header;
use super::options::RenderOptions;
use super::resize::Averaging;
use crate::error::ThumbnailError;
use raster::Size;

/// Everything that depends on the header: which pixels to decode, and how to process them.
pub(super) struct RenderPlan<'a> {
    pub(super) options: &'a RenderOptions<'a>,
    pub(super) header: Header,
    pub(super) geometry: Geometry,
    /// The format to write.
    pub(super) format: OutputFormat,
    /// The quality of the written file.
    pub(super) quality: u8,
    /// The encoder's other settings.
    pub(super) style: Style,
    pub(super) request: DecodeRequest<'a>,
}

impl<'a> RenderPlan<'a> {
    /// Plan a render, and check the limits.
    ///
    /// # Errors
    /// [`ThumbnailError::TooLarge`].
    pub(super) fn new(
        source: &(dyn Source + '_),
        options: &'a RenderOptions<'a>,
    ) -> Result<Self, ThumbnailError> {
        let header = source.header();
        let RenderOptions { spec, qualities, style, limits, .. } = *options;
        let format = options.format_for(header);
        let quality = spec.quality.unwrap_or_else(|| qualities.of(format));
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
            half_chroma: encode::halves_chroma(format, quality, style),
            all_frames: frames > 1,
            is_partial: options.is_partial,
            limits,
            expired: options.expired,
        };
        limits.check_source(source.decoded_pixels(request), source.pixel_bytes(), frames)?;
        limits.check_output(geometry.canvas, frames)?;
        Ok(Self { options, header: *header, geometry, format, quality, style, request })
    }
}
