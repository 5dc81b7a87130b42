//! Decodes the first page of a TIFF with the `tiff` crate, to eight bits per sample.

use std::collections::HashSet;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use tiff::decoder::{ChunkType, Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError as CrateError};

use crate::jpeg;
use crate::picture::{Picture, PixelKind, Size};

/// The number of bytes that are always allowed for a value in a directory, or for a strip before it
/// is decoded.
const OVERHEAD: usize = 16 * 1024 * 1024;

/// The number of bytes that may be read more than once even if the source is small.
const REREAD: u64 = 1024 * 1024;

/// The values of the tag `Compression` for no compression and for JPEG.
const UNCOMPRESSED: u16 = 1;
const JPEG: u16 = 7;

/// The maximum number of samples per pixel: four inks and an opacity.
const MAX_SAMPLES: u16 = 5;

/// The number of pixels by which a JPEG strip may be wider or taller than its area in the picture,
/// because it is padded to whole blocks at the coarsest chroma subsampling.
const JPEG_PADDING: u32 = 31;

/// The reason why a TIFF file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum TiffError {
    /// The samples, compression or layout of the file are not supported.
    #[error("this kind of TIFF is not supported")]
    Unsupported,
    /// The file contradicts itself or ends early.
    #[error("{0}")]
    Corrupt(String),
    /// The caller has stopped decoding.
    #[error("decoding was stopped")]
    Stopped,
}

impl From<CrateError> for TiffError {
    fn from(error: CrateError) -> Self {
        match error {
            CrateError::UnsupportedError(_) => Self::Unsupported,
            error => Self::Corrupt(error.to_string()),
        }
    }
}

/// The samples of a pixel, without the opacity.
enum Scheme {
    Gray,
    /// An index into a palette of colours.
    Palette(Vec<[u8; 3]>),
    Rgb,
    /// Luma and two colour differences, in JPEG strips.
    YCbCr,
    Cmyk,
}

impl Scheme {
    const fn samples(&self) -> usize {
        match self {
            Self::Gray | Self::Palette(_) => 1,
            Self::Rgb | Self::YCbCr => 3,
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
    is_planar: bool,
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
        // The crate does not support palettes, so it is made to read their indices as gray samples.
        let gray = palette_as_gray(source);
        let is_palette = gray.is_some();
        let source = Overlaid {
            bytes: Cursor::new(source),
            overlay: gray,
            end: u64::MAX,
            budget: u64::MAX,
            goes_on: &|| true,
        };
        let mut limits = Limits::default();
        limits.ifd_value_size = OVERHEAD;
        let mut decoder = Decoder::new(source)?.with_limits(limits);
        let (width, height) = decoder.dimensions()?;
        let color = decoder.colortype()?;
        let scheme = match color {
            ColorType::Gray(1 | 2 | 4 | 8) | ColorType::Multiband { bit_depth: 8, .. }
                if is_palette =>
            {
                Scheme::Palette(palette(&mut decoder)?)
            }
            ColorType::Gray(1 | 2 | 4 | 8 | 16 | 32)
            | ColorType::Multiband { bit_depth: 8 | 16 | 32, .. }
                if !is_palette =>
            {
                Scheme::Gray
            }
            ColorType::RGB(8 | 16 | 32) | ColorType::RGBA(8 | 16 | 32) => Scheme::Rgb,
            ColorType::CMYK(8 | 16 | 32) | ColorType::CMYKA(8 | 16 | 32) => Scheme::Cmyk,
            ColorType::YCbCr(8) => Scheme::YCbCr,
            _ => return Err(TiffError::Unsupported),
        };
        let number = |decoder: &mut Decoder<_>, tag| decoder.find_tag_unsigned::<u16>(tag);
        let is_planar = number(&mut decoder, Tag::PlanarConfiguration)?.unwrap_or(1) == 2;
        let is_reversed = number(&mut decoder, Tag::FillOrder)?.unwrap_or(1) == 2;
        // The crate ignores the order of bits, and panics on tiles that are stored in planes.
        if is_reversed || is_planar && decoder.get_chunk_type() == ChunkType::Tile {
            return Err(TiffError::Unsupported);
        }
        let stored = number(&mut decoder, Tag::SamplesPerPixel)?.unwrap_or(1);
        if stored > MAX_SAMPLES {
            return Err(TiffError::Unsupported);
        }
        // Samples without a known meaning are not decoded.
        let samples = usize::from(color.num_samples());
        let extra = decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples)?.unwrap_or_default();
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
        let chunk_places = places(&mut decoder)?;
        let mut file = Self {
            decoder,
            size,
            scheme,
            alpha,
            depth,
            samples,
            is_planar,
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
        let mut found = false;
        for chunk in 0..file.chunks.count {
            if !goes_on() {
                return Err(TiffError::Stopped);
            }
            match file.chunk(chunk) {
                Ok((size, data)) => {
                    found = true;
                    file.place(chunk, size, &data, &mut picture);
                }
                Err(error @ TiffError::Unsupported) => return Err(error),
                Err(_) if !goes_on() => return Err(TiffError::Stopped),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        match first_error {
            Some(error) if !found => Err(error),
            error => Ok((picture, error.is_none())),
        }
    }

    /// Limits the memory that a strip may use, and the total number of bytes that may be read for
    /// all strips. The total needs a limit because strips may share their data, and data may decode
    /// to nothing.
    fn with_limits<'b>(self, goes_on: &'b dyn Fn() -> bool) -> Tiff<'b>
    where
        'a: 'b,
    {
        let mut file: Tiff<'b> = self;
        let Size { width, height } = file.chunks.size;
        let samples = file.samples.saturating_mul(usize::from(file.depth.div_ceil(8)));
        let rows = height.min(file.size.height) as usize;
        let bytes = (width as usize).saturating_mul(rows).saturating_mul(samples);
        let mut limits = Limits::default();
        limits.decoding_buffer_size = bytes;
        limits.intermediate_buffer_size = bytes.saturating_add(OVERHEAD);
        limits.ifd_value_size = OVERHEAD;
        let pixels = file.size.pixels().saturating_mul(samples as u64);
        let source = file.decoder.inner();
        source.budget = budget(source.bytes.get_ref()).saturating_add(pixels);
        source.goes_on = goes_on;
        file.decoder = file.decoder.with_limits(limits);
        file
    }

    /// Decodes a strip or tile. Returns its size and its pixels.
    fn chunk(&mut self, chunk: u32) -> Result<(Size, Vec<u8>), TiffError> {
        let (width, height) = self.decoder.chunk_data_dimensions(chunk);
        let size = Size { width, height };
        let pixels = usize::try_from(size.pixels()).unwrap_or(usize::MAX);
        let planes = if self.is_planar { self.samples } else { 1 };
        let row = width as usize * (self.samples / planes);
        let is_index = matches!(self.scheme, Scheme::Palette(_));
        let mut samples = Vec::new();
        for plane in 0..planes {
            let index = u32::try_from(plane).unwrap_or_default() * self.chunks.count + chunk;
            // Without compression, the strip's dimensions already limit the number of bytes that
            // are read, and its stated length may be wrong.
            let place =
                self.places.get(index as usize).filter(|_| self.compression != UNCOMPRESSED);
            let end = place.map_or(u64::MAX, |&(start, length)| start.saturating_add(length));
            self.decoder.inner().end = end;
            let decoded = self.decoder.read_chunk(index)?;
            samples.extend(eight_bits(decoded, self.depth, row, is_index)?);
        }
        if samples.len() < pixels.saturating_mul(self.samples) {
            return Err(TiffError::Corrupt("some of its samples are missing".into()));
        }
        if planes > 1 {
            samples = interleaved(&samples, pixels, planes);
        }
        Ok((size, self.pixels(samples)))
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
                Scheme::YCbCr => to_rgb([at(0), at(1), at(2)]),
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

/// The number of bytes that may be read from a source, including parts that are read more than
/// once.
const fn budget(source: &[u8]) -> u64 {
    (source.len() as u64).saturating_mul(2).saturating_add(REREAD)
}

const OVERLAP: &str = "its strips overlap too often";

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
    let (across, down) = (size.width.div_ceil(width.max(1)), size.height.div_ceil(height.max(1)));
    Chunks { size: Size { width, height }, across, count: across.saturating_mul(down) }
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

/// Converts every sample to eight bits. A row contains `row` samples. Samples of fewer bits are
/// scaled to the range from black to white, unless they are indices.
fn eight_bits(
    decoded: DecodingResult,
    depth: u8,
    row: usize,
    is_index: bool,
) -> Result<Vec<u8>, TiffError> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let from_float = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
    Ok(match decoded {
        DecodingResult::U8(samples) if depth == 8 => samples,
        DecodingResult::U8(packed) => {
            let most = (1_u16 << depth) - 1;
            let scale = if is_index { 1 } else { 255 / most };
            let in_a_byte = 8 / usize::from(depth.max(1));
            let mut samples = Vec::with_capacity(packed.len() * in_a_byte);
            for bytes in packed.chunks(row.div_ceil(in_a_byte).max(1)) {
                let all = bytes.iter().flat_map(|byte| {
                    (1..=in_a_byte).map(move |place| {
                        let sample = u16::from(*byte) >> (8 - place * usize::from(depth)) & most;
                        u8::try_from(sample * scale).unwrap_or(u8::MAX)
                    })
                });
                samples.extend(all.take(row));
            }
            samples
        }
        DecodingResult::U16(samples) => {
            let byte = |value: u16| u8::try_from((u32::from(value) + 128) / 257).unwrap_or(u8::MAX);
            samples.into_iter().map(byte).collect()
        }
        DecodingResult::U32(samples) => {
            samples.into_iter().map(|value| value.to_be_bytes()[0]).collect()
        }
        DecodingResult::F32(samples) => samples.into_iter().map(from_float).collect(),
        _ => return Err(TiffError::Unsupported),
    })
}

/// Interleaves samples that are stored plane by plane.
fn interleaved(samples: &[u8], pixels: usize, planes: usize) -> Vec<u8> {
    let mut data = vec![0; pixels.saturating_mul(planes)];
    for (index, plane) in samples.chunks_exact(pixels.max(1)).take(planes).enumerate() {
        for (target, sample) in data.iter_mut().skip(index).step_by(planes).zip(plane) {
            *target = *sample;
        }
    }
    data
}

/// Converts colours as in JFIF, which is the same as in TIFF with the default coefficients.
fn to_rgb([luma, blue, red]: [u8; 3]) -> [u8; 3] {
    let [luma, blue, red] = [luma, blue, red].map(f32::from);
    let (blue, red) = (blue - 128.0, red - 128.0);
    [luma + 1.402 * red, luma - 0.344_136 * blue - 0.714_136 * red, luma + 1.772 * blue].map(
        |sample| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let sample = sample.round().clamp(0.0, 255.0) as u8;
            sample
        },
    )
}

fn unmultiplied(sample: u8, opacity: u8) -> u8 {
    let opacity = u16::from(opacity);
    let whole = (u16::from(sample) * 255 + opacity / 2).checked_div(opacity);
    whole.map_or(0, |whole| u8::try_from(whole).unwrap_or(u8::MAX))
}

/// The value of a tag on the first page of a source.
struct Entry {
    tag: u64,
    kind: u64,
    /// The number of values.
    count: u64,
    /// The position of the value, or the position of an offset to the value.
    value: usize,
}

/// The number at a position, in the byte order of a source.
fn number_at(source: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = source.get(at..at.checked_add(length)?)?.iter();
    let push = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    let is_little = source.starts_with(b"II");
    Some(if is_little { bytes.rev().fold(0, push) } else { bytes.fold(0, push) })
}

/// The entries of the first page.
fn entries(source: &[u8]) -> impl Iterator<Item = Entry> {
    // BigTIFF has longer numbers.
    let is_big = number_at(source, 2, 2) == Some(43);
    let (start, counter, length, width) = if is_big { (8, 8, 20, 8) } else { (4, 2, 12, 4) };
    let directory = number_at(source, start, width).and_then(|at| usize::try_from(at).ok());
    let directory = directory.unwrap_or(usize::MAX);
    let count = number_at(source, directory, counter).unwrap_or(0).min(u64::from(u16::MAX));
    (0..usize::try_from(count).unwrap_or(0)).map_while(move |index| {
        let at = directory.checked_add(counter)?.checked_add(index * length)?;
        Some(Entry {
            tag: number_at(source, at, 2)?,
            kind: number_at(source, at + 2, 2)?,
            count: number_at(source, at + 4, width)?,
            value: at + 4 + width,
        })
    })
}

/// The position at which the first page states that its samples are indices into a palette, and the
/// bytes that would state that they are gray.
fn palette_as_gray(source: &[u8]) -> Option<(u64, [u8; 2])> {
    const PHOTOMETRIC_INTERPRETATION: u64 = 262;
    const PALETTE: u64 = 3;
    let at = entries(source).find(|entry| entry.tag == PHOTOMETRIC_INTERPRETATION)?.value;
    let gray = if source.starts_with(b"II") { [1, 0] } else { [0, 1] };
    (number_at(source, at, 2)? == PALETTE).then_some((at as u64, gray))
}

/// Whether a string on the first page claims to be long, and longer than the source. The crate
/// would print an error for such a string.
fn has_long_text(source: &[u8]) -> bool {
    const ASCII: u64 = 2;
    let most = source.len().max(OVERHEAD) as u64;
    entries(source).any(|entry| entry.kind == ASCII && entry.count > most)
}

/// A source in which two bytes are replaced, and from which a limited number of bytes may be read.
struct Overlaid<'a> {
    bytes: Cursor<&'a [u8]>,
    overlay: Option<(u64, [u8; 2])>,
    /// The position after the last byte that may be read.
    end: u64,
    /// The number of bytes that may still be read.
    budget: u64,
    /// Whether to continue reading.
    goes_on: &'a dyn Fn() -> bool,
}

impl Read for Overlaid<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = self.bytes.position();
        let most = usize::try_from(self.end.saturating_sub(start)).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        let length = self.bytes.read(buffer.get_mut(..most).unwrap_or_default())?;
        let budget = self.budget.checked_sub(length as u64);
        self.budget = budget.ok_or_else(|| io::Error::other(OVERLAP))?;
        if !(self.goes_on)() {
            return Err(io::Error::other(TiffError::Stopped));
        }
        if let Some((at, others)) = self.overlay {
            for (place, other) in (at..).zip(others) {
                let index = place.checked_sub(start).and_then(|index| usize::try_from(index).ok());
                let read = buffer.get_mut(..length);
                if let Some(byte) = index.zip(read).and_then(|(index, read)| read.get_mut(index)) {
                    *byte = other;
                }
            }
        }
        Ok(length)
    }
}

impl Seek for Overlaid<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(position)
    }
}
