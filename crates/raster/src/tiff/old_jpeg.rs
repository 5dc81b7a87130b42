//! Decodes the JPEG compression of TIFF 6.0, section 22. A strip or tile contains a scan without
//! headers. The headers are in another part of the file, and are not always JPEG segments.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::directory::{value, values};
use super::error::TiffError;
use super::limits::JPEG_PADDING;
use super::stored::Stored;
use super::tags::{INTERCHANGE_FORMAT, Y_CB_CR_SUBSAMPLING};
use crate::jpeg;
use crate::picture::Size;

const INTERCHANGE_FORMAT_LENGTH: u64 = 514;
const TABLES: [u64; 3] = [519, 520, 521];

/// Markers of segments (ITU-T T.81, B.1.1.3).
const START_OF_IMAGE: [u8; 2] = [0xff, 0xd8];
const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];
const FRAME: u8 = 0xc0;
const HUFFMAN: u8 = 0xc4;
const SCAN: u8 = 0xda;
const QUANTIZATION: u8 = 0xdb;

/// Where the headers are.
pub(super) struct OldJpeg {
    /// The position and length of JPEG segments.
    segments: Option<(usize, usize)>,
    /// The positions of the quantization tables, and of the Huffman tables for DC and AC
    /// coefficients, one for each component.
    tables: [Vec<usize>; 3],
    /// The number of luma samples for each chroma sample, horizontally and vertically.
    subsampling: [u8; 2],
}

impl OldJpeg {
    pub(super) fn find(source: &[u8]) -> Self {
        let position = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let length = value(source, INTERCHANGE_FORMAT_LENGTH).filter(|&length| length > 0);
        let segments = value(source, INTERCHANGE_FORMAT).filter(|&at| at > 0);
        let factors = values(source, Y_CB_CR_SUBSAMPLING, 2);
        let factor = |index: usize| match factors.get(index) {
            Some(1) => 1,
            Some(4) => 4,
            _ => 2,
        };
        Self {
            segments: segments.map(|at| (position(at), length.map_or(usize::MAX, position))),
            tables: TABLES.map(|tag| values(source, tag, 3).into_iter().map(position).collect()),
            subsampling: [factor(0), factor(1)],
        }
    }

    /// Decodes a strip or tile to interleaved samples.
    pub(super) fn decode(&self, stored: &Stored<'_>) -> Result<Vec<u8>, TiffError> {
        let corrupt = |reason: &str| TiffError::Corrupt(reason.into());
        let file =
            self.file(stored).ok_or_else(|| corrupt("the headers of its JPEG are invalid"))?;
        let padded = |side: u32| side.saturating_add(JPEG_PADDING);
        let most = Size { width: padded(stored.width), height: padded(stored.rows) };
        if !jpeg::fits(&file, most, u16::try_from(stored.samples).unwrap_or_default()) {
            return Err(corrupt("a strip is larger than its area in the picture"));
        }
        let color = if stored.samples == 1 { ColorSpace::Luma } else { ColorSpace::YCbCr };
        let options = DecoderOptions::default().jpeg_set_out_colorspace(color);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
        let pixels = decoder.decode().map_err(|error| TiffError::Corrupt(error.to_string()))?;
        let (width, _) = decoder.dimensions().unwrap_or_default();
        let stride = stored.stride();
        let mut data = vec![0; stored.length()];
        let lines = pixels.chunks_exact((width * stored.samples).max(1));
        for (row, line) in data.chunks_exact_mut(stride.max(1)).zip(lines) {
            row.iter_mut().zip(line).for_each(|(sample, other)| *sample = *other);
        }
        Ok(data)
    }

    /// A complete JPEG of a strip or tile.
    fn file(&self, stored: &Stored<'_>) -> Option<Vec<u8>> {
        if stored.data.starts_with(&START_OF_IMAGE) {
            return Some(stored.data.to_vec());
        }
        let head = self.head(stored);
        let (mut file, scan) =
            head.or_else(|| self.head_of_tables(stored).map(|head| (head, 0)))?;
        // A strip may start in the header of the scan, which is then in the file only once.
        let skipped = scan.saturating_sub(stored.start);
        let data = self.data(stored);
        file.extend(data.get(skipped..).unwrap_or(data));
        file.extend(END_OF_IMAGE);
        Some(file)
    }

    /// The data of a strip or tile. The length of the only one may be too short, so it ends where the
    /// file says that the JPEG ends.
    fn data<'a>(&self, stored: &Stored<'a>) -> &'a [u8] {
        let end = self.segments.and_then(|(start, length)| start.checked_add(length));
        let data = end.and_then(|end| stored.source.get(stored.start..end));
        match data {
            Some(data) if stored.is_only && data.len() > stored.data.len() => data,
            _ => stored.data,
        }
    }

    /// The segments before the data of a scan, with the size of the strip or tile. The second value
    /// is the position in the file after the header of the scan, or 0 if the file does not have one.
    fn head(&self, stored: &Stored<'_>) -> Option<(Vec<u8>, usize)> {
        let (start, length) = self.segments?;
        let rest = stored.source.get(start..)?;
        let mut rest = rest.get(..length).unwrap_or(rest);
        let end = start + rest.len();
        let mut head = START_OF_IMAGE.to_vec();
        let mut components = None;
        while let Some((marker, content, after)) = jpeg::segment(rest) {
            rest = after;
            match (marker, content) {
                (HUFFMAN | QUANTIZATION | 0xdd | 0xee, _) => push(&mut head, marker, content)?,
                (FRAME..=0xc2, &[precision, _, _, _, _, ref list @ ..]) => {
                    components = Some(list.to_vec());
                    push(&mut head, marker, &frame(precision, stored, list)?)?;
                }
                (SCAN, _) => {
                    push(&mut head, marker, content)?;
                    return components.map(|_| (head, end - after.len()));
                }
                _ => {}
            }
        }
        let components = components?;
        let count = components.first().copied()?;
        let names = components.get(1..)?.chunks_exact(3).filter_map(|component| component.first());
        let mut scan = vec![count];
        for (index, name) in names.enumerate() {
            scan.extend([*name, if index == 0 { 0 } else { 0x11 }]);
        }
        scan.extend([0, 63, 0]);
        push(&mut head, SCAN, &scan)?;
        Some((head, 0))
    }

    /// The segments for tables that are stored one by one.
    fn head_of_tables(&self, stored: &Stored<'_>) -> Option<Vec<u8>> {
        let mut head = START_OF_IMAGE.to_vec();
        let [quantization, dc, ac] = &self.tables;
        let count = u8::try_from(stored.samples).ok()?;
        let mut list = vec![count];
        let mut scan = vec![count];
        for index in 0..count {
            // Components may share a table.
            let first = |places: &[usize]| {
                let place = places.get(usize::from(index)).or(places.last())?;
                u8::try_from(places.iter().position(|other| other == place)?).ok()
            };
            let factors = match (index, count) {
                (0, 3) => self.subsampling[0] << 4 | self.subsampling[1],
                _ => 0x11,
            };
            list.extend([index + 1, factors, first(quantization)?]);
            scan.extend([index + 1, first(dc)? << 4 | first(ac)?]);
        }
        scan.extend([0, 63, 0]);
        for (index, &at) in (0_u8..).zip(quantization) {
            let table = stored.source.get(at..at.checked_add(64)?)?;
            push(&mut head, QUANTIZATION, &[&[index], table].concat())?;
        }
        push(&mut head, FRAME, &frame(8, stored, &list)?)?;
        for (class, places) in [(0, dc), (0x10, ac)] {
            for (index, &at) in (0_u8..).zip(places) {
                let lengths = stored.source.get(at..at.checked_add(16)?)?;
                let count: usize = lengths.iter().map(|&count| usize::from(count)).sum();
                let table = stored.source.get(at..at + 16 + count)?;
                push(&mut head, HUFFMAN, &[&[class | index], table].concat())?;
            }
        }
        push(&mut head, SCAN, &scan)?;
        Some(head)
    }
}

/// Adds a segment.
fn push(file: &mut Vec<u8>, marker: u8, content: &[u8]) -> Option<()> {
    let length = u16::try_from(content.len() + 2).ok()?;
    file.extend([0xff, marker]);
    file.extend(length.to_be_bytes());
    file.extend(content);
    Some(())
}

/// The content of a frame header.
fn frame(precision: u8, stored: &Stored<'_>, components: &[u8]) -> Option<Vec<u8>> {
    let side = |side: u32| u16::try_from(side).ok().map(u16::to_be_bytes);
    Some([&[precision], &side(stored.rows)?[..], &side(stored.width)?[..], components].concat())
}
