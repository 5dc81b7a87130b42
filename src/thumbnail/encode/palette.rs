//! Palettes: the exact palette if an image has few colours, otherwise the best approximation.

use std::collections::HashMap;

use quantizr::{Histogram, Image, Options, QuantizeResult};

use crate::error::ThumbnailError;
use raster::Picture;

/// The maximum number of colours in a palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colors(u16);

impl Colors {
    /// Returns `None` unless the number is from 2 to 256.
    #[must_use]
    pub const fn new(count: u16) -> Option<Self> {
        match count {
            2..=256 => Some(Self(count)),
            _ => None,
        }
    }
}

impl Default for Colors {
    /// 256, the limit for an index of eight bits.
    fn default() -> Self {
        Self(256)
    }
}

/// The maximum number of pixels whose colours are counted. There is a limit because counting takes
/// memory. In a larger image, only evenly spaced rows are counted.
const MAX_COUNTED: usize = 1 << 20;

/// An image as indices into a palette.
pub(super) struct Indexed {
    pub(super) colors: Vec<[u8; 4]>,
    pub(super) indices: Vec<u8>,
}

/// Convert an RGBA image to a palette: its own colours if they are few enough, otherwise the best
/// approximation.
pub(super) fn best(picture: &Picture, most: Colors) -> Result<Indexed, ThumbnailError> {
    let (pixels, _) = picture.data.as_chunks::<4>();
    exact(pixels.iter().copied(), most).map_or_else(|| quantized(picture, most), Ok)
}

/// Convert the image to a palette of exactly its own colours, if they are few enough.
pub(super) fn exact(
    pixels: impl ExactSizeIterator<Item = [u8; 4]>,
    most: Colors,
) -> Option<Indexed> {
    let mut colors = Vec::new();
    let mut known = HashMap::new();
    let mut last = None;
    let mut indices = Vec::with_capacity(pixels.len());
    for pixel in pixels {
        let index = match last {
            Some((color, index)) if color == pixel => index,
            _ => *known.entry(pixel).or_insert_with(|| {
                colors.push(pixel);
                colors.len() - 1
            }),
        };
        last = Some((pixel, index));
        // The first colour beyond the maximum ends the search.
        indices.push(u8::try_from(index).ok().filter(|_| index < usize::from(most.0))?);
    }
    Some(Indexed { colors, indices })
}

/// Convert the image to the best palette, with dithering.
fn quantized(picture: &Picture, most: Colors) -> Result<Indexed, ThumbnailError> {
    let internal = |error: quantizr::Error| ThumbnailError::Internal(format!("{error:?}"));
    let (width, height) = (picture.width as usize, picture.height as usize);
    let image = Image::new(&picture.data, width, height).map_err(internal)?;
    let mut options = Options::default();
    options.set_max_colors(most.0.into()).map_err(internal)?;
    let mut histogram = Histogram::new();
    let every = (width * height).div_ceil(MAX_COUNTED).max(1);
    for row in picture.data.chunks_exact(picture.stride().max(1)).step_by(every) {
        histogram.add_image(&Image::new(row, width, 1).map_err(internal)?);
    }
    let mut result = QuantizeResult::quantize_histogram(&histogram, &options);
    result.set_dithering_level(1.0).map_err(internal)?;
    let mut indices = vec![0; width * height];
    result.remap_image(&image, &mut indices).map_err(internal)?;
    let palette = result.get_palette();
    let used = usize::try_from(palette.count).unwrap_or_default();
    let colors = palette.entries.iter().take(used).map(|c| [c.r, c.g, c.b, c.a]).collect();
    Ok(Indexed { colors, indices })
}
