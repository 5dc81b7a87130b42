//! Decodes the first page of a TIFF with the `tiff` crate, to eight bits per sample.

mod bits;
mod directory;
mod disguise;
mod error;
mod fax;
mod lab;
mod limits;
mod lzw;
mod old_jpeg;
mod overlaid;
mod packing;
mod samples;
mod stored;
mod tags;
mod ycbcr;

use std::collections::HashSet;
use std::io::Cursor;

use tiff::ColorType;
use tiff::decoder::{ChunkType, Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use crate::jpeg;
use crate::picture::{Picture, PixelKind, Size};
use disguise::{Disguise, Planes, disguise, has_long_text};
pub use error::TiffError;
use lab::Lab;
use limits::{JPEG_PADDING, MAX_SAMPLES, OVERHEAD};
use overlaid::{OVERLAP, Overlaid, budget};
use packing::Packing;
use samples::{eight_bits, interleaved, unmultiplied};
use stored::{Stored, Unpacked};
use tags::{BLACK_IS_ZERO, CIE_LAB, CMYK, ICC_LAB, PALETTE, RGB, WHITE_IS_ZERO, Y_CB_CR};
use ycbcr::YCbCr;

/// The values of the tag `Compression` for uncompressed data and for JPEG.
const UNCOMPRESSED: u16 = 1;
const JPEG: u16 = 7;

/// The tag of XMP data (ISO 16684-3).
const XMP: u16 = 700;

/// The tags of IPTC data, and of Photoshop's image resources, which may contain IPTC data.
const IPTC: u16 = 33723;
const PHOTOSHOP: u16 = 34377;

/// The samples of a pixel, without the opacity.
enum Scheme {
    Gray,
    /// An index into a palette of colours.
    Palette(Vec<[u8; 3]>),
    Rgb,
    /// Luma and two colour differences.
    YCbCr(Box<YCbCr>),
    Cmyk,
    /// CIE L*a*b*.
    Lab(Lab),
}

impl Scheme {
    const fn samples(&self) -> usize {
        match self {
            Self::Gray | Self::Palette(_) => 1,
            Self::Rgb | Self::YCbCr(_) | Self::Lab(_) => 3,
            Self::Cmyk => 4,
        }
    }
}

/// How the opacity of a pixel is stored, if it has one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alpha {
    None,
    /// The colours are not multiplied by the opacity.
    Unassociated,
    /// The colours are multiplied by the opacity.
    Associated,
}

/// The first page of a TIFF file whose header has been read.
pub struct Tiff<'a> {
    decoder: Decoder<Overlaid<'a>>,
    size: Size,
    scheme: Scheme,
    alpha: Alpha,
    /// The number of bits per sample.
    depth: u8,
    /// The number of samples per pixel.
    samples: usize,
    /// The number of stored samples per pixel, including those that are not decoded.
    stored: usize,
    is_planar: bool,
    /// Whether the decoder reads the planes as a single tall image.
    is_stacked: bool,
    /// Whether the order of the bits in each byte is reversed (`FillOrder` 2).
    is_reversed: bool,
    /// How the samples are unpacked, if the decoder can't do it.
    packing: Option<Packing>,
    chunks: Chunks,
    /// The position and length of each strip's or tile's data in the source.
    places: Vec<(u64, u64)>,
    compression: u16,
}

/// The strips or tiles that make up a picture.
#[derive(Clone, Copy)]
struct Chunks {
    /// The size of each strip or tile. At the edges of the picture, part of it may be cut off.
    size: Size,
    across: u32,
    /// The number of strips or tiles in one plane.
    count: u32,
    are_tiles: bool,
}

impl<'a> Tiff<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// Fails if the header is invalid or not supported.
    pub fn new(source: &'a [u8]) -> Result<Self, TiffError> {
        if has_long_text(source) {
            return Err(TiffError::Corrupt("a string is longer than the file".into()));
        }
        let Disguise { photometric, stacked, packing, patches } = disguise(source);
        let source = Overlaid {
            bytes: Cursor::new(source),
            patches,
            unpacked: None,
            is_reversed: false,
            end: u64::MAX,
            budget: u64::MAX,
            goes_on: &|| true,
        };
        let mut limits = Limits::default();
        limits.ifd_value_size = OVERHEAD;
        let mut decoder = Decoder::new(source)?.with_limits(limits);
        let (width, stored_height) = decoder.dimensions()?;
        let height = stacked.as_ref().map_or(stored_height, |planes| planes.height);
        let color = decoder.colortype()?;
        let scheme = scheme(&mut decoder, color, photometric, stacked.as_ref())?;
        let number = |decoder: &mut Decoder<_>, tag| decoder.find_tag_unsigned::<u16>(tag);
        let in_planes = number(&mut decoder, Tag::PlanarConfiguration)?.unwrap_or(1) == 2;
        let per_pixel = number(&mut decoder, Tag::SamplesPerPixel)?.unwrap_or(1);
        // The crate panics on such tiles. They remain if a tag is present twice.
        if in_planes && per_pixel > 1 && decoder.get_chunk_type() == ChunkType::Tile {
            return Err(TiffError::Unsupported);
        }
        let is_planar = in_planes || stacked.is_some();
        let is_reversed = number(&mut decoder, Tag::FillOrder)?.unwrap_or(1) == 2;
        let stored = stacked.as_ref().map_or(per_pixel, |planes| planes.count);
        if stored > MAX_SAMPLES {
            return Err(TiffError::Unsupported);
        }
        // Samples without a known meaning are not decoded.
        let samples = match &stacked {
            Some(planes) => usize::from(planes.count),
            None => usize::from(color.num_samples()),
        };
        let extra = match &stacked {
            Some(planes) => planes.extra.into_iter().collect(),
            None => decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples)?.unwrap_or_default(),
        };
        let has_extra = samples > scheme.samples();
        let alpha = match (extra.first(), &scheme) {
            (_, Scheme::Cmyk) => Alpha::None,
            (Some(1), _) if has_extra => Alpha::Associated,
            (Some(2), _) if has_extra => Alpha::Unassociated,
            // A fourth sample besides red, green and blue is almost certainly an opacity.
            (None, Scheme::Rgb) if samples == 4 => Alpha::Unassociated,
            _ => Alpha::None,
        };
        let size = Size { width, height };
        let depth = color.bit_depth();
        let chunks = chunks(&decoder, size);
        // A tile may be much larger than the picture, and all of it is decoded.
        let planes = if is_planar { u64::from(stored) } else { 1 };
        let row = u64::from(chunks.size.width) * u64::from(stored) * u64::from(depth) / planes;
        let stored_bytes = u128::from(row / 8 + 1)
            * u128::from(chunks.size.height)
            * u128::from(chunks.count)
            * u128::from(planes);
        let pixels = u128::from(size.pixels());
        let bound = 4 * pixels * u128::from(stored) * u128::from(depth.div_ceil(8));
        if stored_bytes > bound + OVERHEAD as u128 {
            return Err(TiffError::Corrupt("its tiles are much larger than the picture".into()));
        }
        let compression = number(&mut decoder, Tag::Compression)?.unwrap_or(UNCOMPRESSED);
        if let Some(packing) = &packing
            && !(compression == UNCOMPRESSED && packing.supports(stored, depth, is_planar))
        {
            return Err(TiffError::Unsupported);
        }
        let chunk_places = places(&mut decoder)?;
        let mut file = Self {
            decoder,
            size,
            scheme,
            alpha,
            depth,
            samples,
            stored: stored.into(),
            is_planar,
            is_stacked: stacked.is_some(),
            is_reversed,
            packing,
            chunks,
            places: chunk_places,
            compression,
        };
        file.check_jpegs(stored)?;
        Ok(file)
    }

    /// Checks that JPEG strips are not larger than their area in the picture. The decoder trusts
    /// the headers in the strips themselves.
    fn check_jpegs(&mut self, samples: u16) -> Result<(), TiffError> {
        if self.compression != JPEG {
            return Ok(());
        }
        let tables = self.decoder.get_tag_u8_vec(Tag::JPEGTables).unwrap_or_default();
        let source = *self.decoder.inner().bytes.get_ref();
        let strips = self.places.iter().filter_map(|&(offset, length)| {
            let rest = source.get(usize::try_from(offset).ok()?..)?;
            Some(rest.get(..usize::try_from(length).ok()?).unwrap_or(rest))
        });
        let most = if self.is_planar { 1 } else { samples };
        // A JPEG may be padded to whole blocks.
        let padded = |side: u32| side.saturating_add(JPEG_PADDING);
        let size = Size {
            width: padded(self.chunks.size.width),
            height: padded(self.chunks.size.height.min(self.size.height)),
        };
        let mut seen = HashSet::new();
        let mut budget = budget(source);
        for strip in std::iter::once(tables.as_slice()).chain(strips) {
            // Strips may share their data.
            if !seen.insert((strip.as_ptr(), strip.len())) {
                continue;
            }
            let left = budget.checked_sub(strip.len() as u64);
            budget = left.ok_or_else(|| TiffError::Corrupt(OVERLAP.into()))?;
            if !jpeg::fits(strip, size, most) {
                return Err(TiffError::Corrupt(
                    "a strip is larger than its area in the picture".into(),
                ));
            }
        }
        Ok(())
    }

    /// The size in pixels.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Whether pixels have an opacity.
    #[must_use]
    pub fn has_alpha(&self) -> bool {
        self.alpha != Alpha::None
    }

    /// Returns the ICC profile.
    #[must_use]
    pub fn icc_profile(&mut self) -> Option<Vec<u8>> {
        self.decoder.get_tag_u8_vec(Tag::IccProfile).ok()
    }

    /// Returns the XMP data.
    #[must_use]
    pub fn xmp(&mut self) -> Option<Vec<u8>> {
        self.decoder.get_tag_u8_vec(Tag::Unknown(XMP)).ok()
    }

    /// Returns the IPTC data, or Photoshop's image resources.
    #[must_use]
    pub fn iptc(&mut self) -> Option<Vec<u8>> {
        [IPTC, PHOTOSHOP]
            .into_iter()
            .find_map(|tag| self.decoder.get_tag_u8_vec(Tag::Unknown(tag)).ok())
    }

    /// Decodes the pixels, strip by strip or tile by tile. The pixels of damaged or missing strips
    /// are transparent or gray. Returns the picture, and whether all strips are present.
    ///
    /// Besides the picture, at most one strip is in memory in its stored form. `goes_on` is called
    /// before each strip, and whenever some of its data is read, because a lot of data may decode
    /// to few pixels.
    ///
    /// # Errors
    /// Fails if all strips are invalid or not supported, or `goes_on` returns false.
    pub fn decode(self, goes_on: &dyn Fn() -> bool) -> Result<(Picture, bool), TiffError> {
        let Size { width, height } = self.size;
        let pixels = usize::try_from(self.size.pixels()).unwrap_or(usize::MAX);
        let kind = self.kind();
        let missing = if kind == PixelKind::Rgba { 0 } else { 128 };
        let mut picture = Picture {
            width,
            height,
            kind,
            data: vec![missing; pixels.saturating_mul(kind.bytes())],
        };
        let mut file = self.with_limits(goes_on);
        let mut first_error = None;
        let (mut found, mut is_complete) = (false, true);
        for chunk in 0..file.chunks.count {
            if !goes_on() {
                return Err(TiffError::Stopped);
            }
            match file.chunk(chunk) {
                Ok((size, data, is_whole)) => {
                    found = true;
                    is_complete &= is_whole;
                    file.place(chunk, size, &data, &mut picture);
                }
                Err(error @ TiffError::Unsupported) => return Err(error),
                Err(_) if !goes_on() => return Err(TiffError::Stopped),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        match first_error {
            Some(error) if !found => Err(error),
            error => Ok((picture, is_complete && error.is_none())),
        }
    }

    /// Limits the memory for a strip, and the total number of bytes to read for all strips. The
    /// total needs a limit because strips may share their data, and data may decode to nothing.
    fn with_limits<'b>(self, goes_on: &'b dyn Fn() -> bool) -> Tiff<'b>
    where
        'a: 'b,
    {
        let mut file: Tiff<'b> = self;
        let Size { width, height } = file.chunks.size;
        let samples = file.samples.saturating_mul(usize::from(file.depth.div_ceil(8)));
        let rows = if file.is_stacked { height } else { height.min(file.size.height) } as usize;
        let bytes = (width as usize).saturating_mul(rows).saturating_mul(samples);
        let mut limits = Limits::default();
        limits.decoding_buffer_size = bytes;
        limits.intermediate_buffer_size = bytes.saturating_add(OVERHEAD);
        limits.ifd_value_size = OVERHEAD;
        let pixels = file.size.pixels().saturating_mul(samples as u64);
        let source = file.decoder.inner();
        source.budget = budget(source.bytes.get_ref()).saturating_add(pixels);
        source.goes_on = goes_on;
        // A JPEG has an order of its own.
        source.is_reversed = file.is_reversed && file.compression != JPEG;
        file.decoder = file.decoder.with_limits(limits);
        file
    }

    /// Decodes a strip or tile. Returns its size, its pixels, and whether all of them are present.
    fn chunk(&mut self, chunk: u32) -> Result<(Size, Vec<u8>, bool), TiffError> {
        let (width, height) = self.decoder.chunk_data_dimensions(chunk);
        let size = Size { width, height };
        let pixels = usize::try_from(size.pixels()).unwrap_or(usize::MAX);
        let planes = if self.is_planar { self.samples } else { 1 };
        let row = width as usize * (self.samples / planes);
        let is_index = matches!(self.scheme, Scheme::Palette(_));
        let mut samples = Vec::new();
        let mut is_whole = true;
        for plane in 0..planes {
            let index = u32::try_from(plane).unwrap_or_default() * self.chunks.count + chunk;
            // Without compression, the strip's dimensions already limit the number of bytes that
            // are read, and its stated length may be wrong.
            let place =
                self.places.get(index as usize).filter(|_| self.compression != UNCOMPRESSED);
            let end = place.map_or(u64::MAX, |&(start, length)| start.saturating_add(length));
            self.decoder.inner().end = end;
            is_whole &= self.unpack(index, size, planes)?;
            let decoded = self.decoder.read_chunk(index)?;
            self.decoder.inner().unpacked = None;
            let converted = match (decoded, &self.scheme) {
                // The high byte, because the range of a* and b* is not that of other samples.
                (DecodingResult::U16(samples), Scheme::Lab(_)) => {
                    samples.into_iter().map(|value| value.to_be_bytes()[0]).collect()
                }
                (decoded, _) => eight_bits(decoded, self.most(), row, is_index)?,
            };
            if samples.is_empty() {
                samples = converted;
            } else {
                samples.extend(converted);
            }
        }
        if samples.len() < pixels.saturating_mul(self.samples) {
            return Err(TiffError::Corrupt("some of its samples are missing".into()));
        }
        if planes > 1 {
            samples = interleaved(&samples, pixels, planes);
        }
        Ok((size, self.pixels(samples), is_whole))
    }

    /// The highest value of an unsigned sample.
    const fn most(&self) -> u32 {
        match (&self.packing, self.depth) {
            (Some(Packing::TwelveBits), _) => 0xfff,
            (_, depth) => u32::MAX >> (32 - if depth > 32 { 32 } else { depth }),
        }
    }

    /// Unpacks the data of a strip or tile if the decoder can't do it. Returns whether all of it is
    /// present.
    fn unpack(&mut self, index: u32, size: Size, planes: usize) -> Result<bool, TiffError> {
        let Some(packing) = &self.packing else { return Ok(true) };
        let source = self.decoder.inner();
        let whole = *source.bytes.get_ref();
        let place = self.places.get(index as usize);
        let data = place.and_then(|&(start, length)| {
            let start = usize::try_from(start).ok()?;
            let rest = whole.get(start..)?;
            Some((start, rest.get(..usize::try_from(length).ok()?).unwrap_or(rest)))
        });
        let (start, data) = data.unwrap_or_default();
        source.charge(data.len() as u64)?;
        // A tile is stored with the part that is cut off.
        let rows = if self.chunks.are_tiles { self.chunks.size.height } else { size.height };
        let stored = Stored {
            source: whole,
            start,
            data,
            is_only: self.chunks.count == 1,
            width: self.chunks.size.width,
            rows,
            samples: self.stored / planes,
            depth: self.depth,
            is_reversed: self.is_reversed && packing.has_order(),
        };
        let Unpacked { data, is_whole } = packing.unpack(&stored, source.goes_on)?;
        source.unpacked = Some(Cursor::new(data));
        Ok(is_whole)
    }

    /// Copies the pixels of a strip or tile to its area in the picture.
    fn place(&self, chunk: u32, size: Size, data: &[u8], picture: &mut Picture) {
        let (column, row) = (chunk % self.chunks.across, chunk / self.chunks.across);
        let pixel = picture.kind.bytes();
        let left = column as usize * self.chunks.size.width as usize * pixel;
        let top = row as usize * self.chunks.size.height as usize;
        let length = size.width as usize * pixel;
        let stride = picture.stride().max(1);
        let lines = picture.data.chunks_exact_mut(stride).skip(top).take(size.height as usize);
        for (line, row) in lines.zip(data.chunks_exact(length.max(1))) {
            if let Some(place) = line.get_mut(left..left + length) {
                place.copy_from_slice(row);
            }
        }
    }

    fn kind(&self) -> PixelKind {
        match &self.scheme {
            Scheme::Cmyk => PixelKind::Cmyk,
            Scheme::Gray if !self.has_alpha() => PixelKind::Luma,
            _ if self.has_alpha() => PixelKind::Rgba,
            _ => PixelKind::Rgb,
        }
    }

    /// Converts interleaved samples to pixels.
    fn pixels(&self, samples: Vec<u8>) -> Vec<u8> {
        let (has_alpha, kind) = (self.has_alpha(), self.kind());
        if let (Scheme::Gray, 1) | (Scheme::Rgb, 3) | (Scheme::Cmyk, 4) =
            (&self.scheme, self.samples)
        {
            return samples;
        }
        if let (Scheme::Rgb, 4, Alpha::Unassociated) = (&self.scheme, self.samples, self.alpha) {
            return samples;
        }
        let mut data = Vec::with_capacity(samples.len() / self.samples.max(1) * kind.bytes());
        for pixel in samples.chunks_exact(self.samples.max(1)) {
            let at = |index: usize| pixel.get(index).copied().unwrap_or_default();
            let color = match &self.scheme {
                Scheme::Gray if kind == PixelKind::Luma => {
                    data.push(at(0));
                    continue;
                }
                Scheme::Cmyk => {
                    data.extend([at(0), at(1), at(2), at(3)]);
                    continue;
                }
                Scheme::Gray => [at(0); 3],
                Scheme::Palette(colors) => {
                    colors.get(usize::from(at(0))).copied().unwrap_or_default()
                }
                Scheme::Rgb => [at(0), at(1), at(2)],
                Scheme::YCbCr(colors) => colors.to_rgb([at(0), at(1), at(2)]),
                Scheme::Lab(lab) => lab.to_rgb([at(0), at(1), at(2)]),
            };
            let opacity = at(self.scheme.samples());
            data.extend(match self.alpha {
                Alpha::Associated => color.map(|sample| unmultiplied(sample, opacity)),
                _ => color,
            });
            if has_alpha {
                data.push(opacity);
            }
        }
        data
    }
}

/// The positions and lengths of the strips or tiles.
fn places(decoder: &mut Decoder<Overlaid<'_>>) -> Result<Vec<(u64, u64)>, TiffError> {
    let (offsets, lengths) = match decoder.get_chunk_type() {
        ChunkType::Strip => (Tag::StripOffsets, Tag::StripByteCounts),
        ChunkType::Tile => (Tag::TileOffsets, Tag::TileByteCounts),
    };
    let offsets = decoder.find_tag_unsigned_vec(offsets)?.unwrap_or_default();
    let lengths = decoder.find_tag_unsigned_vec(lengths)?.unwrap_or_default();
    Ok(offsets.into_iter().zip(lengths).collect())
}

fn chunks(decoder: &Decoder<Overlaid<'_>>, size: Size) -> Chunks {
    let (width, height) = decoder.chunk_dimensions();
    let are_tiles = decoder.get_chunk_type() == ChunkType::Tile;
    // A strip may claim more rows than the picture.
    let height = if are_tiles { height } else { height.min(size.height) };
    let (across, down) = (size.width.div_ceil(width.max(1)), size.height.div_ceil(height.max(1)));
    Chunks { size: Size { width, height }, across, count: across.saturating_mul(down), are_tiles }
}

/// The meaning of the samples.
fn scheme(
    decoder: &mut Decoder<Overlaid<'_>>,
    color: ColorType,
    photometric: Option<u64>,
    stacked: Option<&Planes>,
) -> Result<Scheme, TiffError> {
    use ColorType::{
        CMYK as Cmyk, CMYKA as Cmyka, Gray, Multiband, RGB as Rgb, RGBA as Rgba, YCbCr as Chroma,
    };
    if let Some(planes) = stacked {
        return match (color, photometric, planes.count) {
            (Gray(8 | 16), Some(WHITE_IS_ZERO | BLACK_IS_ZERO), _) => Ok(Scheme::Gray),
            (Gray(8 | 16), Some(RGB), 3..) => Ok(Scheme::Rgb),
            (Gray(8 | 16), Some(CMYK), 4..) => Ok(Scheme::Cmyk),
            _ => Err(TiffError::Unsupported),
        };
    }
    Ok(match (photometric, color) {
        (Some(PALETTE), Gray(1 | 2 | 4 | 8) | Multiband { bit_depth: 8, .. }) => {
            Scheme::Palette(palette(decoder)?)
        }
        (Some(CIE_LAB), Rgb(8 | 16) | Rgba(8 | 16)) => Scheme::Lab(Lab::Signed),
        (Some(ICC_LAB), Rgb(8 | 16) | Rgba(8 | 16)) => Scheme::Lab(Lab::Offset),
        (Some(Y_CB_CR), Rgb(8)) => {
            Scheme::YCbCr(YCbCr::find(decoder.inner().bytes.get_ref()).into())
        }
        (Some(PALETTE | CIE_LAB | ICC_LAB), _) => return Err(TiffError::Unsupported),
        (_, Gray(1 | 2 | 4 | 8 | 16 | 32) | Multiband { bit_depth: 8 | 16 | 32, .. }) => {
            Scheme::Gray
        }
        (_, Rgb(8 | 16 | 32) | Rgba(8 | 16 | 32)) => Scheme::Rgb,
        (_, Cmyk(8 | 16 | 32) | Cmyka(8 | 16 | 32)) => Scheme::Cmyk,
        (_, Chroma(8)) => Scheme::YCbCr(YCbCr::jfif().into()),
        _ => return Err(TiffError::Unsupported),
    })
}

/// The colours of a palette.
fn palette(decoder: &mut Decoder<Overlaid<'_>>) -> Result<Vec<[u8; 3]>, TiffError> {
    let map = decoder.get_tag_u16_vec(Tag::ColorMap)?;
    // The values should have sixteen bits, but some programs write eight.
    let shift = if map.iter().any(|&value| value > 255) { 8 } else { 0 };
    let byte = |value: &u16| u8::try_from(value >> shift).unwrap_or(u8::MAX);
    let (red, rest) = map.split_at(map.len() / 3);
    let (green, blue) = rest.split_at(rest.len() / 2);
    let colors = red.iter().zip(green).zip(blue);
    Ok(colors.map(|((red, green), blue)| [byte(red), byte(green), byte(blue)]).collect())
}
