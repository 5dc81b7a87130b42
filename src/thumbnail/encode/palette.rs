//! Palettes: the exact palette if an image has few colours, otherwise the best approximation.

use std::collections::HashMap;

use quantizr::{Histogram, Image, Options, QuantizeResult};

use super::super::spec::Rgb;
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind};

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

/// The maximum number of pixels whose colours are counted. It limits the memory that counting
/// takes. In a larger image, only evenly spaced rows are counted.
const MAX_COUNTED: usize = 1 << 20;

/// An image as indices into a palette.
pub(super) struct Indexed {
    pub(super) colors: Vec<[u8; 4]>,
    pub(super) indices: Vec<u8>,
}

/// Converts an RGBA image to a palette: the exact palette if it has few colours, otherwise the best
/// approximation.
pub(super) fn best(picture: &Picture, most: Colors) -> Result<Indexed, ThumbnailError> {
    let (pixels, _) = picture.data.as_chunks::<4>();
    exact(pixels.iter().copied(), most).map_or_else(|| quantized(picture, most, 1.0), Ok)
}

/// Returns the main colours of an image, most frequent first. Transparent pixels are not counted.
/// If all pixels are transparent, the result is white.
///
/// # Errors
/// [`ThumbnailError::Internal`], which does not occur for valid images.
pub fn main_colors(picture: Picture, most: Colors) -> Result<Vec<Rgb>, ThumbnailError> {
    let Picture { data, .. } = picture.into_rgba();
    let (pixels, _) = data.as_chunks::<4>();
    let opaque: Vec<[u8; 4]> = pixels
        .iter()
        .filter(|&&[.., alpha]| alpha > u8::MAX / 2)
        .map(|&[red, green, blue, _]| [red, green, blue, u8::MAX])
        .collect();
    let Ok(width @ 1..) = u32::try_from(opaque.len()) else { return Ok(vec![Rgb::WHITE]) };
    let Indexed { colors, indices } = if let Some(indexed) = exact(opaque.iter().copied(), most) {
        indexed
    } else {
        let data = opaque.concat();
        quantized(&Picture { width, height: 1, kind: PixelKind::Rgba, data }, most, 0.0)?
    };
    let mut counts = vec![0_u32; colors.len()];
    for index in indices {
        if let Some(count) = counts.get_mut(usize::from(index)) {
            *count += 1;
        }
    }
    let mut counted: Vec<_> = counts.into_iter().zip(colors).collect();
    counted.sort_by_key(|&(count, _)| std::cmp::Reverse(count));
    let used = counted.into_iter().filter(|&(count, _)| count > 0);
    Ok(used.map(|(_, [red, green, blue, _])| Rgb([red, green, blue])).collect())
}

/// Converts the image to a palette of exactly its own colours, if it has few enough colours.
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

/// Converts the image to the best palette. `dithering` ranges from 0 to 1.
fn quantized(picture: &Picture, most: Colors, dithering: f32) -> Result<Indexed, ThumbnailError> {
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
    result.set_dithering_level(dithering).map_err(internal)?;
    let mut indices = vec![0; width * height];
    result.remap_image(&image, &mut indices).map_err(internal)?;
    let palette = result.get_palette();
    let used = usize::try_from(palette.count).unwrap_or_default();
    let colors = palette.entries.iter().take(used).map(|c| [c.r, c.g, c.b, c.a]).collect();
    Ok(Indexed { colors, indices })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 200];
    const CLEAR: [u8; 4] = [0, 255, 0, 100];

    fn main(pixels: &[[u8; 4]], most: u16) -> Vec<String> {
        let width = u32::try_from(pixels.len()).unwrap();
        let picture = Picture { width, height: 1, kind: PixelKind::Rgba, data: pixels.concat() };
        let colors = main_colors(picture, Colors::new(most).unwrap()).unwrap();
        colors.iter().map(Rgb::to_string).collect()
    }

    #[test]
    fn the_most_frequent_colour_is_first() {
        assert_eq!(main(&[RED, BLUE, CLEAR, CLEAR, CLEAR, BLUE], 5), ["0000ff", "ff0000"]);
        assert_eq!(main(&[CLEAR, CLEAR], 5), ["ffffff"]);
        assert_eq!(main(&[], 5), ["ffffff"]);
    }

    #[test]
    fn similar_colours_become_one() {
        let near = |red: u8| (0..40).map(move |shade| [red, shade / 4, shade / 4, 255]);
        let pixels: Vec<_> = near(240).chain(near(20)).chain(near(22)).collect();
        let found = main(&pixels, 2);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with('1') && found[1].starts_with('f'), "{found:?}");
    }
}
