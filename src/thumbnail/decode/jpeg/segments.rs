//! The marker segments of a JPEG (ITU-T T.81, annex B) up to its first scan.

use raster::Size;

/// Markers without a segment: TEM, RST0 to RST7, SOI.
const STANDALONE: [std::ops::RangeInclusive<u8>; 2] = [0x01..=0x01, 0xd0..=0xd8];

/// A marker segment, and the bytes that follow it.
pub(super) struct Segment<'a> {
    pub(super) marker: u8,
    pub(super) content: &'a [u8],
    after: &'a [u8],
}

/// The segments up to the header of the first scan.
pub(super) fn segments(source: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    let mut rest = source;
    std::iter::from_fn(move || {
        loop {
            // libjpeg skips bytes between segments, and this parser does the same.
            let start = rest.iter().position(|&byte| byte == 0xff)?;
            rest = rest.get(start..)?;
            let fill = rest.iter().position(|&byte| byte != 0xff)?;
            let (&marker, after) = rest.get(fill..)?.split_first()?;
            rest = after;
            if marker == 0 || STANDALONE.iter().any(|range| range.contains(&marker)) {
                continue;
            }
            let (length, _) = rest.split_first_chunk::<2>()?;
            let (segment, after) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
            let content = segment.get(2..)?;
            // Instead of another segment, the entropy-coded data of the scan follows.
            rest = if marker == 0xda { &[] } else { after };
            return Some(Segment { marker, content, after });
        }
    })
}

/// Whether any data follows the header of the first scan.
pub(super) fn has_data(source: &[u8]) -> bool {
    let is_marker = |data: &[u8]| matches!(data, [] | [0xff] | [0xff, 1..=0xff, ..]);
    segments(source).any(|segment| segment.marker == 0xda && !is_marker(segment.after))
}

/// The frame header (T.81, B.2.2).
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameHeader {
    pub(super) marker: u8,
    /// The number of bits per sample.
    pub(super) precision: u8,
    pub(super) size: Size,
    pub(super) components: u8,
    /// Whether one component has fewer samples than another.
    pub(super) is_subsampled: bool,
    /// The number of samples in a block of pixels, across all components, and the number of pixels
    /// in the block.
    sampling: (u64, u64),
    /// The number of pixels that one sample of the second component covers, across and down.
    pub(super) chroma_covers: (u32, u32),
}

impl FrameHeader {
    /// Whether the image is progressive (SOF2): each scan contains some bits of some coefficients.
    pub(super) const fn is_progressive(self) -> bool {
        self.marker == 0xc2
    }

    /// The total number of samples in all components.
    pub(super) const fn samples(self) -> u64 {
        self.size.pixels() * self.sampling.0 / self.sampling.1
    }

    /// Returns the frame header, if this segment contains it.
    pub(super) fn parse(segment: &Segment<'_>) -> Option<Self> {
        let marker = segment.marker;
        // SOF0 to SOF15, except for DHT, JPG and DAC, which share this range.
        if !matches!(marker, 0xc0..=0xcf) || matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return None;
        }
        let &[precision, h1, h0, w1, w0, components, ref specs @ ..] = segment.content else {
            return None;
        };
        let samplings = || specs.chunks_exact(3).map(|spec| spec.get(1));
        let is_subsampled = samplings().any(|sampling| Some(sampling) != samplings().next());
        let factors =
            || samplings().flatten().map(|both| (u64::from(both >> 4), u64::from(both & 15)));
        let pixels = |side: fn((u64, u64)) -> u64| factors().map(side).max().unwrap_or(1).max(1);
        let samples = factors().map(|(across, down)| across * down).sum();
        let (across, down) = (pixels(|(across, _)| across), pixels(|(_, down)| down));
        let sampling = (samples, across * down);
        let chroma = factors().nth(1).unwrap_or((across, down));
        let covers = |luma: u64, chroma: u64| u32::try_from(luma / chroma.max(1)).unwrap_or(1);
        let chroma_covers = (covers(across, chroma.0).max(1), covers(down, chroma.1).max(1));
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        let size = Size { width: width.into(), height: height.into() };
        Some(Self { marker, precision, size, components, is_subsampled, sampling, chroma_covers })
    }
}

/// Returns the same image. Before its first scan, only the segments needed for decoding remain.
pub(super) fn tidy(source: &[u8]) -> Option<Vec<u8>> {
    let mut tidied = vec![0xff, 0xd8];
    let mut scans = None;
    for Segment { marker, content, after } in segments(source) {
        // Adobe's segment is the only application segment that changes the meaning of the samples.
        if matches!(marker, 0xe0..=0xed | 0xef | 0xfe) {
            continue;
        }
        let length = u16::try_from(content.len() + 2).ok()?;
        tidied.extend([0xff, marker]);
        tidied.extend(length.to_be_bytes());
        tidied.extend(content);
        scans = (marker == 0xda).then_some(after);
    }
    tidied.extend(scans?);
    Some(tidied)
}
