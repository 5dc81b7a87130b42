//! An image as codecs store it: luma and chroma (ITU-R BT.601), each at its own resolution.

use super::super::crop::Window;
use crate::error::ThumbnailError;
use raster::Size;

/// Luma (Y) and chroma (Cb and Cr).
pub struct Components {
    /// The size of the image.
    pub size: Size,
    /// The range of the samples.
    pub range: Range,
    /// The part of the image to show.
    pub shown: Window,
    parts: [Part; 3],
    buffers: Vec<Vec<u8>>,
}

/// The sample values of black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// 0 and 255, as in JPEG (JFIF, ITU-T T.871).
    Full,
    /// 16 and 235 (for chroma, 16 and 240), as in WebP (RFC 6386, section 9.2).
    Limited,
}

impl Range {
    /// Returns a table that maps each sample value of luma or chroma to a different range. Returns
    /// `None` if the range is the same.
    #[must_use]
    pub fn table(self, to: Self, is_luma: bool) -> Option<[u8; 256]> {
        // In limited range: the black of luma or the gray of chroma, and the number of steps that
        // correspond to 255 steps in full range.
        let (offset, steps) = if is_luma { (16.0, 219.0) } else { (128.0, 224.0) };
        let start = if is_luma { 0.0 } else { 128.0 };
        let mut table = [0; 256];
        for (mapped, sample) in table.iter_mut().zip(0..=255_u8) {
            let sample = f32::from(sample);
            let number = match (self, to) {
                (Self::Full, Self::Limited) => (sample - start) * steps / 255.0 + offset,
                (Self::Limited, Self::Full) => (sample - offset) * 255.0 / steps + start,
                _ => return None,
            };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let byte = number.round().clamp(0.0, 255.0) as u8;
            *mapped = byte;
        }
        Some(table)
    }
}

/// One of the components, with one byte per sample and no padding between rows.
pub struct Component<'a> {
    /// The samples.
    pub samples: &'a [u8],
    /// The number of samples, across and down.
    pub size: Size,
    /// The number of pixels of the image that one sample covers, across and down.
    pub covers: (u32, u32),
}

/// Components whose rows are passed on while they are decoded, so that only a few of them are in
/// memory: luma and chroma, or luma alone (`N` = 1).
pub struct ComponentStrips<'a, const N: usize = 3> {
    /// The size of the image.
    pub size: Size,
    /// The range of the samples.
    pub range: Range,
    /// The part of the image to show.
    pub shown: Window,
    /// For each component, the number of samples, across and down, and the number of pixels that
    /// one sample covers.
    pub parts: [(Size, (f64, f64)); N],
    /// Decodes the image.
    pub read: ReadStrips<'a, N>,
}

/// Decodes an image. Each sink receives rows of a component, without padding, from top to bottom.
/// Returns false if the image is damaged.
///
/// # Errors
/// [`ThumbnailError::Timeout`].
pub(super) type ReadStrips<'a, const N: usize> =
    Box<dyn FnOnce([RowSink<'_>; N]) -> Result<bool, ThumbnailError> + 'a>;

/// Receives one or more rows.
pub(super) type RowSink<'a> = &'a mut dyn FnMut(&[u8]);

impl<'a, const N: usize> ComponentStrips<'a, N> {
    /// Creates full-range components of an image of this size. Each part consists of a size, and the
    /// number of pixels that each sample covers.
    pub(super) fn new(size: Size, parts: [(Size, (f64, f64)); N], read: ReadStrips<'a, N>) -> Self {
        Self { size, range: Range::Full, shown: ALL, parts, read }
    }

    /// Returns the same components with `shown` as the part of the image to show.
    #[must_use]
    pub fn part(self, shown: Window) -> Self {
        Self { shown, ..self }
    }
}

/// The whole image.
const ALL: Window = Window { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };

struct Part {
    buffer: usize,
    start: usize,
    size: Size,
    covers: (u32, u32),
}

impl Components {
    /// Creates full-range components from consecutive planes in `samples`, given the size of each
    /// plane and the number of pixels that each of its samples covers.
    pub(super) fn contiguous(samples: Vec<u8>, planes: [(Size, (u32, u32)); 3]) -> Self {
        let [(size, _), ..] = planes;
        let mut next = 0;
        let parts = planes.map(|(size, covers)| {
            let start = next;
            next += size.width as usize * size.height as usize;
            Part { buffer: 0, start, size, covers }
        });
        Self { size, range: Range::Full, shown: ALL, parts, buffers: vec![samples] }
    }

    /// Creates components of an image of this size from separate planes. Each plane consists of its
    /// samples, its size, and the number of pixels that each sample covers.
    pub(super) fn separate(
        size: Size,
        range: Range,
        planes: [(Vec<u8>, Size, (u32, u32)); 3],
    ) -> Self {
        let mut buffers = Vec::with_capacity(planes.len());
        let parts = planes.map(|(samples, size, covers)| {
            buffers.push(samples);
            Part { buffer: buffers.len() - 1, start: 0, size, covers }
        });
        Self { size, range, shown: ALL, parts, buffers }
    }

    /// Returns the same components with `shown` as the part of the image to show.
    #[must_use]
    pub fn part(self, shown: Window) -> Self {
        Self { shown, ..self }
    }

    /// Luma, Cb and Cr.
    #[must_use]
    pub fn each(&self) -> [Component<'_>; 3] {
        self.parts.each_ref().map(|part| Component {
            samples: self.samples(part).unwrap_or_default(),
            size: part.size,
            covers: part.covers,
        })
    }

    fn samples(&self, part: &Part) -> Option<&[u8]> {
        let length = part.size.width as usize * part.size.height as usize;
        self.buffers.get(part.buffer)?.get(part.start..)?.get(..length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_the_same_black_white_and_gray() {
        for (is_luma, full, limited) in
            [(true, [0, 255, 128], [16, 235, 126]), (false, [128, 255, 1], [128, 240, 16])]
        {
            let narrow = Range::Full.table(Range::Limited, is_luma).unwrap();
            assert_eq!(full.map(|sample: usize| narrow[sample]), limited);
            let wide = Range::Limited.table(Range::Full, is_luma).unwrap();
            for sample in 0..=255_u8 {
                let back = wide[usize::from(narrow[usize::from(sample)])];
                assert!(back.abs_diff(sample) <= 1, "{sample}: {back}");
            }
        }
        assert_eq!(Range::Full.table(Range::Full, true), None);
    }
}
