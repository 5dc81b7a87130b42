//! SSIMULACRA2: how visible the loss of an encoded picture is, from 100 (no loss) through 90 (no
//! visible loss) and 70 (high quality) to negative scores.
//!
//! <https://github.com/cloudinary/ssimulacra2>

use std::borrow::Cow;
use std::iter;
use std::ops::Range;

use fast_ssim2::{PixelDescriptor, PixelSlice, Ssimulacra2Reference};

use super::decode::{self, DecodeRequest};
use super::format::OutputFormat;
use super::limits::Limits;
use super::options::RenderOptions;
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind, Size};

/// The width of a column of a sample in pixels: a multiple of the blocks of JPEG and WebP, so that
/// none of them contains pixels of two columns. Seams between columns change the scores, so a sample
/// has few of them.
const COLUMN: u32 = 112;

/// A picture has a column for each of these pixels of its width, as long as the sample is not too
/// large.
const SPACING: u32 = 240;

/// The largest sample. Scoring more pixels would take more time and memory than rendering them.
pub(super) const MOST: u32 = 768 * 768;

/// For automatic quality of JPEG and WebP, pictures with more pixels are scored by a sample. At this
/// size, rendering takes a fifth of the time of scoring.
const MOST_AUTOMATIC: u32 = 384 * 384;

/// The most pixels of a picture that is scored as a whole for automatic quality. Encoding AVIF takes
/// so long that a sample would hardly make the search faster.
pub(super) const fn most(format: OutputFormat) -> u32 {
    match format {
        OutputFormat::Avif => MOST,
        _ => MOST_AUTOMATIC,
    }
}

/// The distance of a sample from a perfect score is typically smaller than that of the picture, by
/// this power of the share of the picture. With this correction, the scores of half of a picture
/// and of the picture differ by 0.4 points, those of a third by 0.6 points (standard deviation of
/// 62 photographs with sides of 640 to 1600 pixels, as JPEGs of three qualities).
const SMALLER: f64 = 0.04;

/// Scores encoded versions of a picture.
pub(super) struct Scorer {
    reference: Ssimulacra2Reference,
    kind: PixelKind,
    /// The size of the picture.
    whole: Size,
    /// The number of pixels above which a sample is scored.
    most: u32,
}

impl Scorer {
    /// Prepares a picture, which must be in colour. Above `most` pixels, a [`sample`] is scored.
    pub(super) fn new(picture: &Picture, most: u32) -> Result<Self, ThumbnailError> {
        let sample = sample(picture, most);
        let reference = Ssimulacra2Reference::new(&slice(&sample)?).map_err(|e| internal(&e))?;
        Ok(Self { reference, kind: picture.kind, whole: picture.size(), most })
    }

    /// Decodes a file with the whole picture or its sample, and returns its score.
    pub(super) fn score(
        &self,
        file: &[u8],
        options: &RenderOptions<'_>,
    ) -> Result<f64, ThumbnailError> {
        // The file is our own, so the limits for sources do not apply.
        let limits = Limits { max_memory: u64::MAX, max_bytes: u64::MAX, ..*options.limits };
        let picture = decoded(file, &limits, options.expired)?;
        let picture = match self.kind {
            PixelKind::Rgba => picture.into_rgba(),
            _ => picture.into_color(),
        };
        self.compare(&picture)
    }

    /// Compares a version of the picture, or of its sample.
    #[expect(clippy::cast_precision_loss, reason = "an approximation is enough")]
    fn compare(&self, picture: &Picture) -> Result<f64, ThumbnailError> {
        let is_whole = picture.size() == self.whole;
        let sample = if is_whole { sample(picture, self.most) } else { Cow::Borrowed(picture) };
        let score = self.reference.compare(&slice(&sample)?).map_err(|error| internal(&error))?;
        let share = sample.size().pixels() as f64 / self.whole.pixels() as f64;
        Ok(100.0 - (100.0 - score) / share.powf(SMALLER))
    }
}

/// Returns the score of an encoded picture in comparison with an encoded reference of the same size.
/// Large pictures are compared in a sample; see [`sample`].
///
/// # Errors
/// [`ThumbnailError`] if a file can't be decoded, or if the sizes differ.
pub fn score(reference: &[u8], file: &[u8], limits: &Limits) -> Result<f64, ThumbnailError> {
    let [reference, picture] =
        [decoded(reference, limits, &|| false)?, decoded(file, limits, &|| false)?];
    if reference.size() != picture.size() {
        return Err(internal(&"pictures of different sizes can't be compared"));
    }
    let has_alpha = [&reference, &picture].iter().any(|it| it.kind == PixelKind::Rgba);
    let comparable = |it: Picture| if has_alpha { it.into_rgba() } else { it.into_color() };
    let [reference, picture] = [comparable(reference), comparable(picture)];
    Scorer::new(&reference, MOST)?.compare(&picture)
}

/// The part that represents a picture: evenly spaced columns of a picture with more than `most`
/// pixels, or all of a smaller one. Photographs vary more from top to bottom than from left to right,
/// so columns represent them better than squares.
pub(super) fn sample(picture: &Picture, most: u32) -> Cow<'_, Picture> {
    let Picture { width, height, kind, ref data } = *picture;
    if picture.size().pixels() <= u64::from(most) {
        return Cow::Borrowed(picture);
    }
    let columns = parts(width, width.div_ceil(SPACING).min(MOST / COLUMN / height.min(MOST)));
    let across: usize = columns.iter().map(Range::len).sum();
    let most_rows = MOST / u32::try_from(across).unwrap_or(MOST).max(1);
    // A very high picture has bands instead of whole columns.
    let rows = parts(height, if height > most_rows { most_rows / COLUMN } else { height });
    let mut pixels = Vec::new();
    for y in rows.iter().cloned().flatten() {
        let row = data.get(y * picture.stride()..).unwrap_or_default();
        for Range { start, end } in &columns {
            let part = row.get(start * kind.bytes()..end * kind.bytes());
            pixels.extend_from_slice(part.unwrap_or_default());
        }
    }
    let length = |parts: &[Range<usize>]| {
        parts.iter().map(|part| u32::try_from(part.len()).unwrap_or_default()).sum()
    };
    Cow::Owned(Picture { width: length(&columns), height: length(&rows), kind, data: pixels })
}

/// Parts of `COLUMN` pixels that represent a side, each in the middle of an equal share of it. Their
/// starts are multiples of 16, the side of a block of halved chroma.
fn parts(length: u32, count: u32) -> Vec<Range<usize>> {
    let count = count.max(1);
    if count.saturating_mul(COLUMN) >= length {
        return iter::once(0..length as usize).collect();
    }
    let start = |index| ((2 * index + 1) * (length / 2) / count - COLUMN / 2) / 16 * 16;
    (0..count).map(|index| start(index) as usize..(start(index) + COLUMN) as usize).collect()
}

fn slice(picture: &Picture) -> Result<PixelSlice<'_>, ThumbnailError> {
    let pixels = match picture.kind {
        PixelKind::Rgba => PixelDescriptor::RGBA8_SRGB,
        _ => PixelDescriptor::RGB8_SRGB,
    };
    let Picture { width, height, ref data, .. } = *picture;
    PixelSlice::new(data, width, height, picture.stride(), pixels).map_err(|error| internal(&error))
}

fn decoded(
    file: &[u8],
    limits: &Limits,
    expired: &dyn Fn() -> bool,
) -> Result<Picture, ThumbnailError> {
    let source = decode::open(file, limits)?;
    let request = DecodeRequest::still(source.header().size, limits, expired);
    decode::first_picture(source, request)
}

fn internal(error: &dyn std::fmt::Display) -> ThumbnailError {
    ThumbnailError::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Picture {
        let sample = |x: u32, y: u32| {
            [x / 16, y / 16, (x + y) / 32].map(|it| u8::try_from(it % 256).unwrap())
        };
        let data = (0..height).flat_map(|y| (0..width).flat_map(move |x| sample(x, y))).collect();
        Picture { width, height, kind: PixelKind::Rgb, data }
    }

    #[test]
    fn a_sample_has_evenly_spaced_columns() {
        for (most, width, height, expected) in [
            (MOST_AUTOMATIC, 384, 384, (384, 384)),
            (MOST_AUTOMATIC, 640, 400, (336, 400)),
            (MOST_AUTOMATIC, 1024, 640, (560, 640)),
            (MOST_AUTOMATIC, 1600, 1000, (560, 1000)),
            (MOST_AUTOMATIC, 150, 1000, (112, 1000)),
            (MOST, 768, 768, (768, 768)),
            (MOST, 1100, 500, (1100, 500)),
            (MOST, 1600, 1000, (560, 1000)),
            (MOST, 8000, 100, (3808, 100)),
            (MOST, 100, 8000, (100, 5824)),
            (MOST, 7, 90_000, (7, 84_224)),
        ] {
            let whole = picture(width, height);
            let sample = sample(&whole, most);
            assert_eq!((sample.width, sample.height), expected, "{width}x{height}");
            assert_eq!(sample.data.len(), sample.stride() * sample.height as usize);
            assert!(sample.width * sample.height <= MOST);
        }
        assert_eq!(parts(640, 3), [48..160, 256..368, 464..576]);
    }

    #[test]
    fn the_score_of_a_picture_in_comparison_with_itself_is_perfect() {
        let png = include_bytes!("../../tests/images/interlaced.png");
        let score = score(png, png, &Limits::default()).unwrap();
        assert!((score - 100.0).abs() < 1e-6, "{score}");
    }

    #[test]
    fn a_sample_has_the_pixels_of_its_columns() {
        let whole = picture(640, 400);
        let sample = sample(&whole, MOST_AUTOMATIC);
        for (x, from) in [(0, 48), (111, 159), (112, 256), (335, 575)] {
            for y in [0, 399] {
                let pixel =
                    |of: &Picture, x: usize| of.data[y * of.stride() + x * 3..][..3].to_vec();
                assert_eq!(pixel(&sample, x), pixel(&whole, from), "{x} {y}");
            }
        }
    }

    #[test]
    fn a_picture_is_scored_by_its_sample() {
        let whole = picture(640, 400);
        let mut noisy = whole.clone();
        for (index, sample) in noisy.data.iter_mut().enumerate() {
            *sample ^= u8::from(index % 7 == 0) * 8;
        }
        let scorer = Scorer::new(&whole, MOST_AUTOMATIC).unwrap();
        let of_sample = scorer.compare(&sample(&noisy, MOST_AUTOMATIC)).unwrap();
        assert_eq!(scorer.compare(&noisy).unwrap().to_bits(), of_sample.to_bits());
    }
}
