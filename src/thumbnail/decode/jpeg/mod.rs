//! Decodes JPEG with libjpeg-turbo or, if that is faster, with `jpeg-dc`.

mod format;
mod libjpeg;
mod native;
mod scale;
mod scans;
mod segments;
mod tiles;

use super::super::color::Profile;
use super::super::exif;
use super::super::header::Header;
use super::super::notice::Notice;
use super::super::xmp;
use super::components::{ComponentStrips, Components};
use super::decoder::{Completeness, DecodeRequest, Decoder, Sink, Source, Tiles};
use super::frame::{DecodedFrame, Pixels};
use crate::error::ThumbnailError;
use format::{FORMAT, corrupt};
use jpeg_dc::Color;
use raster::Frame;
use scale::{scaled, scaling};
use segments::{FrameHeader, Segment, segments};

pub(super) const DECODER: Decoder = Decoder { format: FORMAT, sniff, open };

/// The start of an APP1 segment with XMP data (ISO 16684-3).
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// The start of an APP13 segment with Photoshop's image resources.
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// A JPEG begins with the SOI marker, followed by another marker.
fn sniff(source: &[u8]) -> bool {
    source.starts_with(&[0xff, 0xd8, 0xff])
}

struct Jpeg<'a> {
    source: &'a [u8],
    header: Header,
    frame: FrameHeader,
    /// Whether the image is distributed over several scans.
    has_scans: bool,
    /// The chunks of the ICC profile, with their numbers.
    icc: Vec<(u8, &'a [u8])>,
    /// Whether Adobe's marker is present. In such files, CMYK values are inverted: they specify the
    /// light that remains, not the ink.
    is_adobe: bool,
}

fn open(source: &[u8]) -> Result<Box<dyn Source + '_>, ThumbnailError> {
    let (mut orientation, mut orientation_in_xmp) = (None, None);
    let mut frame = None;
    let mut icc = Vec::new();
    let mut has_icc = false;
    let mut is_adobe = false;
    let mut components_of_scan = None;
    for segment in segments(source) {
        let Segment { marker, content, .. } = segment;
        match (marker, content) {
            (0xe1, [b'E', b'x', b'i', b'f', 0, _, tiff @ ..]) if orientation.is_none() => {
                orientation = exif::orientation(tiff);
            }
            (0xe1, content) if orientation_in_xmp.is_none() && content.starts_with(XMP) => {
                orientation_in_xmp = xmp::orientation(content);
            }
            (0xe2, content) => {
                if let Some(chunk) = content.strip_prefix(b"ICC_PROFILE\0") {
                    has_icc = true;
                    icc.extend(
                        chunk.split_first_chunk::<2>().map(|(&[number, _], part)| (number, part)),
                    );
                }
            }
            (0xda, content) => components_of_scan = content.first().copied(),
            (0xee, content) => is_adobe |= content.starts_with(b"Adobe"),
            _ => frame = frame.or_else(|| FrameHeader::parse(&segment)),
        }
    }
    let frame = frame.ok_or_else(|| corrupt("it has no frame header"))?;
    check(frame)?;
    let orientation = orientation.or(orientation_in_xmp).unwrap_or(1);
    let header = Header { has_icc, ..Header::still(FORMAT, frame.size) }.oriented(orientation);
    let has_scans = frame.is_progressive() || components_of_scan != Some(frame.components);
    Ok(Box::new(Jpeg { source, header, frame, has_scans, icc, is_adobe }))
}

/// Reject the kinds of JPEG that are not supported.
fn check(FrameHeader { marker, precision, .. }: FrameHeader) -> Result<(), ThumbnailError> {
    let feature = match (marker, precision) {
        (0xc0..=0xc2, 8) => return Ok(()),
        (0xc0..=0xc2, _) => "JPEG with 12-bit samples",
        (0xc9..=0xcb, _) => "JPEG with arithmetic coding",
        (0xc3, _) => "lossless JPEG",
        _ => "hierarchical JPEG",
    };
    Err(ThumbnailError::UnsupportedFeature { feature })
}

impl Jpeg<'_> {
    /// Check the memory that libjpeg needs for the coefficients of a file with several scans.
    ///
    /// # Errors
    /// [`ThumbnailError::TooLarge`].
    fn check_coefficients(&self, request: DecodeRequest<'_>) -> Result<(), ThumbnailError> {
        let bytes = if self.has_scans { 2 * self.frame.samples() } else { 0 };
        request.limits.check_memory("bytes of coefficients", bytes)
    }
}

impl Source for Jpeg<'_> {
    fn header(&self) -> &Header {
        &self.header
    }

    /// The number of pixels at the decoding scale, but at least a quarter of all pixels, because
    /// the whole file is read at any scale.
    fn decoded_pixels(&self, request: DecodeRequest) -> u64 {
        let full = self.frame.size;
        scaled(full, scaling(full, request.size)).pixels().max(full.pixels() / 4)
    }

    fn pixel_bytes(&self) -> u64 {
        u64::from(self.frame.components).max(1)
    }

    /// The chunks of an ICC profile may be in any order (ICC.1, annex B.4).
    fn profile(&mut self) -> Option<Profile> {
        self.icc.sort_by_key(|&(number, _)| number);
        let icc: Vec<u8> = self.icc.iter().flat_map(|&(_, chunk)| chunk).copied().collect();
        (!icc.is_empty()).then_some(Profile::Icc(icc))
    }

    fn notice(&mut self) -> Notice {
        let (mut exif, mut xmp, mut resources) = (None, None, Vec::new());
        for Segment { marker, content, .. } in segments(self.source) {
            match (marker, content) {
                (0xe1, [b'E', b'x', b'i', b'f', 0, _, tiff @ ..]) => exif = exif.or(Some(tiff)),
                (0xe1, content) => xmp = xmp.or_else(|| content.strip_prefix(XMP)),
                // Long resources continue in the next segment.
                (0xed, content) => {
                    resources.extend(content.strip_prefix(PHOTOSHOP).unwrap_or_default());
                }
                _ => {}
            }
        }
        Notice::read(exif, Some(&resources), xmp)
    }

    /// The components may be luma and chroma, or red, green and blue; only decoding can distinguish
    /// them.
    fn has_components(&self) -> bool {
        self.frame.components == 3
    }

    fn component_strips<'a>(
        &'a mut self,
        request: DecodeRequest<'a>,
    ) -> Option<ComponentStrips<'a>> {
        if !self.has_components() {
            return None;
        }
        native::strips(self.source, self.frame, Color::YCbCr, request)
    }

    fn luma_strips<'a>(&'a mut self, request: DecodeRequest<'a>) -> Option<ComponentStrips<'a, 1>> {
        if self.frame.components != 1 {
            return None;
        }
        native::strips(self.source, self.frame, Color::Gray, request)
    }

    fn components(
        &mut self,
        request: DecodeRequest<'_>,
    ) -> Result<Option<Components>, ThumbnailError> {
        if !self.has_components() {
            return Ok(None);
        }
        let scaling = scaling(self.frame.size, request.size);
        let components = native::components(self.source, self.frame, request)?;
        if components.is_some() || request.is_partial {
            return Ok(components);
        }
        request.check_time()?;
        self.check_coefficients(request)?;
        Ok(libjpeg::components(self.source, scaling, self.frame.size))
    }

    fn tiles(
        &mut self,
        request: DecodeRequest<'_>,
    ) -> Result<Option<Box<dyn Tiles>>, ThumbnailError> {
        if self.has_scans || request.is_partial {
            return Ok(None);
        }
        tiles::tiles(self.source, self.frame, request)
    }

    fn frames(
        self: Box<Self>,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        let Self { source, frame, is_adobe, .. } = *self;
        if let Some(size) = request.linear_size.filter(|_| !request.is_partial)
            && let Some((picture, variances)) = native::decode_linear(source, frame, size, request)?
        {
            let pixels = Pixels::Reduced(picture, variances);
            sink(DecodedFrame { pixels, delay: 0 })?;
            return Ok(Completeness::Whole);
        }
        let scaling = scaling(frame.size, request.size);
        let (picture, completeness) = match native::decode(source, frame, request)? {
            Some(picture) => (picture, Completeness::Whole),
            None if request.is_partial => return Err(corrupt("the rest of it is missing")),
            None => {
                self.check_coefficients(request)?;
                libjpeg::decode(source, scaling, frame, is_adobe, request)?
            }
        };
        sink(Frame { picture, delay: 0 }.into())?;
        Ok(completeness)
    }
}
