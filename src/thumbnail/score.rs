//! SSIMULACRA2: how visible the loss of an encoded picture is, from 100 (no loss) through 90 (no
//! visible loss) and 70 (high quality) to negative scores.
//!
//! <https://github.com/cloudinary/ssimulacra2>

use std::borrow::Cow;

use fast_ssim2::{PixelDescriptor, PixelSlice, Ssimulacra2Reference};

use super::decode::{self, DecodeRequest};
use super::limits::Limits;
use super::options::RenderOptions;
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind};

/// The number of tiles in a row and in a column of a sample.
const TILES: u32 = 2;

/// The side of a tile in pixels: a multiple of the codecs' blocks, so that no block contains pixels
/// of two tiles. Seams between tiles change the scores, so a sample has few of them.
const TILE: u32 = 384;

/// Scores encoded versions of a picture.
pub(super) struct Scorer {
    reference: Ssimulacra2Reference,
    kind: PixelKind,
}

impl Scorer {
    /// Prepares the picture, which must be in colour.
    pub(super) fn new(picture: &Picture) -> Result<Self, ThumbnailError> {
        let reference = Ssimulacra2Reference::new(&slice(picture)?).map_err(|e| internal(&e))?;
        Ok(Self { reference, kind: picture.kind })
    }

    /// Decodes a file and returns its score.
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
        self.reference.compare(&slice(&picture)?).map_err(|error| internal(&error))
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
    let scorer = Scorer::new(&sample(&reference))?;
    scorer.reference.compare(&slice(&sample(&picture))?).map_err(|error| internal(&error))
}

/// The part that represents a picture: evenly spaced tiles of a large picture, or all of a smaller
/// one. Scoring a large picture would take more time and memory than rendering it.
pub(super) fn sample(picture: &Picture) -> Cow<'_, Picture> {
    let side = TILES * TILE;
    let Picture { width, height, kind, ref data } = *picture;
    if picture.size().pixels() <= u64::from(side) * u64::from(side) {
        return Cow::Borrowed(picture);
    }
    let starts = |length: u32| {
        // A side that is shorter than the sample's side has fewer tiles.
        let count = (length / TILE).clamp(1, TILES);
        let tile = TILE.min(length);
        let gaps = count.saturating_sub(1).max(1);
        let start = move |index| if count == 1 { 0 } else { (length - tile) * index / gaps };
        (0..count).map(move |index| (start(index) as usize, tile as usize)).collect::<Vec<_>>()
    };
    let (columns, rows) = (starts(width), starts(height));
    let mut sampled = Vec::new();
    for y in rows.iter().flat_map(|&(start, length)| start..start + length) {
        let row = data.get(y * picture.stride()..).unwrap_or_default();
        for &(x, length) in &columns {
            let (start, end) = (x * kind.bytes(), (x + length) * kind.bytes());
            sampled.extend_from_slice(row.get(start..end).unwrap_or_default());
        }
    }
    let length = |tiles: &[(usize, usize)]| {
        tiles.iter().map(|&(_, length)| u32::try_from(length).unwrap_or_default()).sum()
    };
    Cow::Owned(Picture { width: length(&columns), height: length(&rows), kind, data: sampled })
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
    fn a_sample_is_no_larger_than_its_tiles() {
        for (width, height, expected) in [
            (768, 768, (768, 768)),
            (1100, 500, (1100, 500)),
            (1600, 1000, (768, 768)),
            (8000, 100, (768, 100)),
            (7, 90_000, (7, 768)),
            (4000, 500, (768, 384)),
        ] {
            let whole = picture(width, height);
            let sample = sample(&whole);
            assert_eq!((sample.width, sample.height), expected, "{width}x{height}");
            assert_eq!(sample.data.len(), sample.stride() * sample.height as usize);
        }
    }

    #[test]
    fn the_score_of_a_picture_in_comparison_with_itself_is_perfect() {
        let png = include_bytes!("../../tests/images/interlaced.png");
        let score = score(png, png, &Limits::default()).unwrap();
        assert!((score - 100.0).abs() < 1e-6, "{score}");
    }

    #[test]
    fn a_sample_reaches_all_edges() {
        let whole = picture(1600, 1000);
        let sample = sample(&whole);
        assert_eq!(sample.data.first_chunk::<3>(), whole.data.first_chunk());
        assert_eq!(sample.data.last_chunk::<3>(), whole.data.last_chunk());
    }
}
