//! Decodes the rows of an image that is not interlaced.

use std::io::{Cursor, ErrorKind};

use png::{
    BitDepth, ColorType, Decoded, DecodingError, Info, Reader, StreamingDecoder, UnfilterRegion,
};
use raster::{PNG_ROWS, PixelKind, Size, is_png_filter, undo_png_filters};

use super::super::decoder::{Completeness, DecodeRequest, Sink};
use super::super::frame::{DecodedFrame, Pixels, Rows};
use super::format::{MAX_OVERHEAD, corrupt, ends_well, from_gray, kind, missing, size};
use crate::error::ThumbnailError;

/// The number of bytes in front of the next one that the decompressor refers to.
const WINDOW: usize = 32 * 1024;

/// The maximum number of bytes that the `png` crate decompresses at once.
const STEP: usize = 8 * 1024;

/// The room for decompressed bytes, in addition to the window or a group of rows.
const ROOM: usize = 128 * 1024;

/// Passes the rows of the default image to the sink.
pub(super) fn rows(
    source: &[u8],
    reader: Reader<Cursor<&[u8]>>,
    request: DecodeRequest<'_>,
    sink: Sink<'_>,
) -> Result<Completeness, ThumbnailError> {
    let size = size(&reader);
    let kind = kind(reader.output_color_type().0)?;
    let mut image = Image::new(source, reader, size, kind);
    let (mut has_rows, mut has_all) = (false, true);
    let mut read = |mut rows: &mut [u8]| {
        while !rows.is_empty() {
            match if has_all { image.read(rows, request) } else { Ok(0) } {
                Ok(count @ 1..) => {
                    has_rows = true;
                    rows = rows.get_mut(count..).unwrap_or_default();
                }
                Err(error) if !has_rows || error == ThumbnailError::Timeout => return Err(error),
                Ok(0) | Err(_) => {
                    has_all = false;
                    rows.fill(missing(kind));
                    break;
                }
            }
        }
        Ok(())
    };
    let pixels = Pixels::Rows(Rows { size, kind, read: &mut read });
    sink(DecodedFrame { pixels, delay: 0 })?;
    Ok(Completeness::whole_if(has_all && image.ends_well()))
}

/// An image whose rows are read from top to bottom.
enum Image<'a> {
    /// The `png` crate decodes one row at a time. `gray` has room for a row of gray pixels with
    /// opacity.
    Single { reader: Box<Reader<Cursor<&'a [u8]>>>, stride: usize, gray: Vec<u8> },
    /// The `png` crate decompresses the rows, and their filters are undone in groups.
    Grouped(Box<GroupedRows<'a>>),
}

impl<'a> Image<'a> {
    fn new(
        source: &'a [u8],
        reader: Reader<Cursor<&'a [u8]>>,
        size: Size,
        kind: PixelKind,
    ) -> Self {
        if let Some(grouped) = GroupedRows::new(source, &reader, size, kind) {
            return Self::Grouped(Box::new(grouped));
        }
        let (width, color) = (size.width as usize, reader.output_color_type().0);
        let gray = vec![0; if color == ColorType::GrayscaleAlpha { 2 * width } else { 0 }];
        Self::Single { reader: Box::new(reader), stride: width * kind.bytes(), gray }
    }

    /// Writes one or more rows to a slice that starts at a row. Returns the number of bytes written.
    fn read(
        &mut self,
        rows: &mut [u8],
        request: DecodeRequest<'_>,
    ) -> Result<usize, ThumbnailError> {
        match self {
            Self::Grouped(grouped) => grouped.read(rows, request),
            Self::Single { reader, stride, gray } => {
                request.check_time()?;
                let (row, _) = rows.split_at_mut((*stride).min(rows.len()));
                reader.read_row(if gray.is_empty() { row } else { gray }).map_err(corrupt)?;
                let ((pixels, _), (gray, _)) = (row.as_chunks_mut(), gray.as_chunks());
                pixels.iter_mut().zip(gray).for_each(|(to, &from)| *to = from_gray(from));
                Ok(row.len())
            }
        }
    }

    /// Whether the data of the image is undamaged. The function is called after all rows have been
    /// read. Anything after the rows may be missing, because it does not affect them.
    fn ends_well(&mut self) -> bool {
        match self {
            Self::Single { reader, .. } => ends_well(reader),
            Self::Grouped(grouped) => grouped.ends_well(),
        }
    }
}

/// The rows of an image with 8 bits per sample.
struct GroupedRows<'a> {
    decoder: StreamingDecoder,
    /// The rest of the file.
    source: &'a [u8],
    kind: PixelKind,
    /// The decompressed bytes. The ones before `used` belong to rows that have been read.
    bytes: Vec<u8>,
    region: UnfilterRegion,
    used: usize,
    /// The number of bytes that are not decompressed yet.
    missing: usize,
    /// Whether all of the image's data has been decompressed.
    is_over: bool,
    /// The last row that was read, or zeros.
    above: Vec<u8>,
}

impl<'a> GroupedRows<'a> {
    /// Returns `None` if the samples need a conversion, or if a group of rows is too large.
    fn new(
        source: &'a [u8],
        reader: &Reader<Cursor<&[u8]>>,
        size: Size,
        kind: PixelKind,
    ) -> Option<Self> {
        let Info { color_type, bit_depth, .. } = *reader.info();
        let stride = size.width as usize * kind.bytes();
        let group = PNG_ROWS * (stride + 1);
        if color_type == ColorType::GrayscaleAlpha
            || bit_depth != BitDepth::Eight
            || reader.output_color_type() != (color_type, bit_depth)
            || group > MAX_OVERHEAD / 2
        {
            return None;
        }
        let mut decoder = StreamingDecoder::new();
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        Some(Self {
            decoder,
            source,
            kind,
            bytes: vec![0; group.max(WINDOW) + ROOM],
            region: UnfilterRegion::default(),
            used: 0,
            missing: (stride + 1).saturating_mul(size.height as usize),
            is_over: false,
            above: vec![0; stride],
        })
    }

    fn read(
        &mut self,
        rows: &mut [u8],
        request: DecodeRequest<'_>,
    ) -> Result<usize, ThumbnailError> {
        let stride = self.above.len().max(1);
        let count = PNG_ROWS.min(rows.len() / stride);
        let mut outcome = Ok(());
        for row in 1..=count {
            request.check_time()?;
            outcome = outcome.and_then(|()| self.decompress(row * (stride + 1)));
        }
        let bytes = self.bytes.get(self.used..self.region.filled).unwrap_or_default();
        let lines = bytes.chunks_exact(stride + 1).take(count);
        let filters = lines.map(|line| line.first().copied().unwrap_or_default());
        let count = filters.clone().take_while(|&filter| is_png_filter(filter)).count();
        if count == 0 {
            outcome.map_err(corrupt)?;
            let filter = filters.into_iter().next().unwrap_or_default();
            return Err(corrupt(format_args!("a row has the unknown filter {filter}")));
        }
        let (filtered, _) = bytes.split_at((count * (stride + 1)).min(bytes.len()));
        let (rows, _) = rows.split_at_mut((count * stride).min(rows.len()));
        undo_png_filters(filtered, &self.above, rows, self.kind);
        if let Some(row) = rows.rchunks_exact(stride).next() {
            self.above.copy_from_slice(row);
        }
        self.used += filtered.len();
        Ok(rows.len())
    }

    /// Decompresses until this number of bytes is available.
    fn decompress(&mut self, count: usize) -> Result<(), DecodingError> {
        while self.region.filled - self.used < count {
            if self.is_over || self.source.is_empty() {
                return Err(DecodingError::IoError(ErrorKind::UnexpectedEof.into()));
            }
            self.make_room();
            let before = self.region.filled;
            let mut buffer = self.region.as_buf(&mut self.bytes);
            let (read, decoded) = self.decoder.update(self.source, Some(&mut buffer))?;
            self.missing = self.missing.saturating_sub(self.region.filled - before);
            self.is_over = matches!(decoded, Decoded::ImageDataFlushed);
            self.source = self.source.get(read..).unwrap_or_default();
        }
        Ok(())
    }

    /// Makes room for decompressed bytes, except for bytes that follow the last row.
    fn make_room(&mut self) {
        let Self { bytes, region, used, missing, .. } = self;
        if bytes.len() - region.filled < STEP {
            let unneeded = region.available.min(*used);
            bytes.copy_within(unneeded..region.filled, 0);
            region.available -= unneeded;
            region.filled -= unneeded;
            *used -= unneeded;
        }
        bytes.truncate(region.filled.saturating_add(*missing));
    }

    fn ends_well(&mut self) -> bool {
        while !self.is_over && !self.source.is_empty() {
            let Ok((read, decoded)) = self.decoder.update(self.source, None) else { return false };
            self.is_over = matches!(decoded, Decoded::ImageDataFlushed);
            self.source = self.source.get(read..).unwrap_or_default();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    use super::super::format::read_info;
    use super::*;
    use crate::thumbnail::limits::Limits;

    /// Decodes an image, and says whether it is complete.
    fn decoded(source: &[u8]) -> Result<(Vec<u8>, bool), ThumbnailError> {
        let (limits, size) = (Limits::default(), Size { width: 1, height: 1 });
        let request = DecodeRequest::still(size, &limits, &|| false);
        let mut samples = Vec::new();
        let completeness = rows(source, read_info(source).unwrap(), request, &mut |frame| {
            samples = frame.pixels.into_picture()?.data;
            Ok(())
        })?;
        Ok((samples, completeness == Completeness::Whole))
    }

    /// The same by the `png` crate, without the rows after a fault.
    fn by_crate(source: &[u8]) -> (Vec<u8>, bool) {
        let mut reader = read_info(source).unwrap();
        let mut samples = Vec::new();
        loop {
            match reader.next_row() {
                Ok(Some(row)) => samples.extend(row.data()),
                outcome => return (samples, outcome.is_ok()),
            }
        }
    }

    /// Writes an image with these filtered rows, in chunks of this length.
    fn image(size: Size, color: u8, rows: &[u8], chunk: usize) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut write = |name: &[u8], content: &[u8]| {
            let mut checked = flate2::Crc::new();
            checked.update(name);
            checked.update(content);
            file.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
            file.extend([name, content, &checked.sum().to_be_bytes()].concat());
        };
        let header =
            [&size.width.to_be_bytes()[..], &size.height.to_be_bytes(), &[8, color, 0, 0, 0]];
        write(b"IHDR", &header.concat());
        let mut compressed = ZlibEncoder::new(Vec::new(), Compression::fast());
        compressed.write_all(rows).unwrap();
        for data in compressed.finish().unwrap().chunks(chunk) {
            write(b"IDAT", data);
        }
        write(b"IEND", &[]);
        file
    }

    /// Random samples with this number of bits. Their rows begin with the filters.
    fn filtered_rows(
        size: Size,
        samples: usize,
        filters: &[u8],
        bits: u32,
        mut seed: u32,
    ) -> Vec<u8> {
        let mut rows = Vec::new();
        for (_, filter) in (0..size.height).zip(filters.iter().cycle()) {
            rows.push(*filter);
            for _ in 0..size.width as usize * samples {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                rows.push(u8::try_from(seed >> 24 >> (8 - bits)).unwrap());
            }
        }
        rows
    }

    const COLORS: [(u8, usize); 3] = [(0, 1), (2, 3), (6, 4)];

    proptest! {
        #[test]
        fn rows_are_those_of_the_crate(
            width in 1..600u32,
            height in 1..40u32,
            color in 0..3usize,
            filters in prop::collection::vec(0..5u8, 1..20),
            chunk in 1..5000usize,
            bits in 0..=8u32,
            seed: u32,
        ) {
            let (size, (color, samples)) = (Size { width, height }, COLORS[color]);
            let rows = filtered_rows(size, samples, &filters, bits, seed);
            let source = image(size, color, &rows, chunk);
            let (expected, _) = by_crate(&source);
            prop_assert_eq!(decoded(&source).unwrap(), (expected, true));
        }

        #[test]
        fn rows_before_a_fault_are_shown(
            width in 1..600u32,
            height in 1..80u32,
            color in 0..3usize,
            filters in prop::collection::vec(0..5u8, 1..20),
            place: prop::sample::Index,
            value: Option<u8>,
            bits in 0..=8u32,
            seed: u32,
        ) {
            let (size, (color, samples)) = (Size { width, height }, COLORS[color]);
            let mut source = image(size, color, &filtered_rows(size, samples, &filters, bits, seed), 999);
            // The header, which ends at 33, is undamaged.
            let place = 41 + place.index(source.len() - 41);
            match value {
                Some(value) => source[place] = value,
                None => source.truncate(place),
            }
            let (expected, is_whole) = by_crate(&source);
            match decoded(&source) {
                Ok((shown, is_complete)) => {
                    prop_assert_eq!(shown.get(..expected.len()), Some(&expected[..]));
                    prop_assert!(is_complete || !is_whole);
                }
                Err(_) => prop_assert!(expected.is_empty()),
            }
        }
    }

    #[test]
    fn rows_after_an_unknown_filter_are_missing() {
        let size = Size { width: 5, height: 30 };
        for (first, samples) in [(0, 0), (1, 5), (12, 60), (29, 145)] {
            let mut rows = filtered_rows(size, 1, &[4], 8, 1);
            rows[first * 6] = 5;
            let source = image(size, 0, &rows, 1000);
            let (expected, _) = by_crate(&source);
            assert_eq!(expected.len(), samples);
            match decoded(&source) {
                Ok((shown, is_complete)) => {
                    assert_eq!(shown[..samples], expected);
                    assert!(shown[samples..].iter().all(|&sample| sample == 128));
                    assert!(!is_complete);
                }
                Err(error) => {
                    assert_eq!(samples, 0);
                    assert!(error.to_string().contains("the unknown filter 5"), "{error}");
                }
            }
        }
    }
}
