//! Converts luma and chroma planes to red, green and blue (ITU-T H.273).

use std::borrow::Cow;

use crate::error::ThumbnailError;
use raster::{Picture, PixelKind, Size};

/// The method by which red, green and blue were converted to luma and chroma.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Matrix {
    /// No conversion: the planes are green, blue and red.
    Identity,
    /// The weights of red and blue in luma.
    Weights {
        /// The weight of red.
        red: f32,
        /// The weight of blue.
        blue: f32,
    },
}

impl Matrix {
    /// The matrix for this code point (H.273, table 4), or the BT.601 matrix if the code is
    /// unknown.
    pub(super) const fn from_code_point(code: u8) -> Self {
        let (red, blue) = match code {
            0 => return Self::Identity,
            1 => (0.2126, 0.0722),
            4 => (0.30, 0.11),
            7 => (0.212, 0.087),
            9 | 10 => (0.2627, 0.0593),
            _ => (0.299, 0.114),
        };
        Self::Weights { red, blue }
    }
}

/// Samples of one component without padding: one byte each, or two in native byte order.
#[derive(Clone)]
pub(super) struct Plane {
    width: u32,
    height: u32,
    data: Vec<u8>,
    wide: bool,
}

impl Plane {
    pub(super) fn new(source: &[u8], stride: usize, width: u32, height: u32, bits: usize) -> Self {
        let wide = bits > 8;
        let row = width as usize * if wide { 2 } else { 1 };
        let mut data = Vec::with_capacity(row * height as usize);
        for line in source.chunks(stride.max(1)).take(height as usize) {
            data.extend_from_slice(line.get(..row).unwrap_or_default());
        }
        Self { width, height, data, wide }
    }

    const fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }

    /// Returns the same plane at a different size.
    fn at(&self, size: Size) -> Result<Cow<'_, Self>, ThumbnailError> {
        if size == self.size() {
            return Ok(Cow::Borrowed(self));
        }
        let data = raster::resize_plane(&self.data, self.size(), size, self.wide)?;
        Ok(Cow::Owned(Self { width: size.width, height: size.height, data, wide: self.wide }))
    }

    /// Returns the rows, with samples scaled to the range 0.0 to 1.0. Such samples use four bytes
    /// each, so only one row of them exists at a time.
    fn rows(&self, bits: usize) -> impl Iterator<Item = Vec<f32>> {
        #[expect(clippy::cast_precision_loss, reason = "at most 16 bits")]
        let most = ((1_u32 << bits) - 1) as f32;
        let row = self.width as usize * if self.wide { 2 } else { 1 };
        self.data.chunks_exact(row.max(1)).map(move |row| {
            if self.wide {
                let (samples, _) = row.as_chunks::<2>();
                samples.iter().map(|&sample| f32::from(u16::from_ne_bytes(sample)) / most).collect()
            } else {
                row.iter().map(|&sample| f32::from(sample) / most).collect()
            }
        })
    }
}

/// A decoded picture before its conversion to red, green and blue.
pub(super) struct Planes {
    pub(super) luma: Plane,
    /// Cb and Cr; `None` means gray.
    pub(super) chroma: Option<[Plane; 2]>,
    /// The number of bits per sample: 8, 10 or 12.
    pub(super) bits: usize,
    pub(super) matrix: Matrix,
    pub(super) full_range: bool,
}

impl Planes {
    /// The size of the picture.
    pub(super) const fn size(&self) -> Size {
        self.luma.size()
    }

    /// Returns the picture at this size. Without chroma, it is gray.
    pub(super) fn to_picture(&self, size: Size) -> Result<Picture, ThumbnailError> {
        let Some([blue, red]) = &self.chroma else { return self.luma(size) };
        let (luma, blue, red) = (self.luma.at(size)?, blue.at(size)?, red.at(size)?);
        let stride = size.width as usize * 3;
        let mut data = vec![0; stride * size.height as usize];
        let chroma = blue.rows(self.bits).zip(red.rows(self.bits));
        let lines = data.chunks_exact_mut(stride.max(1)).zip(luma.rows(self.bits));
        for ((line, luma), (blue, red)) in lines.zip(chroma) {
            let (pixels, _) = line.as_chunks_mut::<3>();
            for (((pixel, luma), blue), red) in pixels.iter_mut().zip(luma).zip(blue).zip(red) {
                let [red, green, blue] = self.color(luma, blue, red);
                *pixel = [to_byte(red), to_byte(green), to_byte(blue)];
            }
        }
        Ok(Picture { width: size.width, height: size.height, kind: PixelKind::Rgb, data })
    }

    /// Returns only the luma, at this size.
    pub(super) fn luma(&self, size: Size) -> Result<Picture, ThumbnailError> {
        let luma = self.luma.at(size)?;
        let samples = luma.rows(self.bits).flatten();
        let data = samples.map(|luma| to_byte(self.stretch_luma(luma))).collect();
        Ok(Picture { width: size.width, height: size.height, kind: PixelKind::Luma, data })
    }

    /// Scales luma to the range 0.0 to 1.0. At any bit depth, limited range is 16 to 235 in
    /// eight-bit steps. At 10 bits, the full range is 255.75 such steps.
    fn stretch_luma(&self, luma: f32) -> f32 {
        if self.full_range { luma } else { (luma * self.limited_scale() - 16.0) / 219.0 }
    }

    fn stretch_chroma(&self, chroma: f32) -> f32 {
        if self.full_range {
            chroma - self.middle()
        } else {
            (chroma * self.limited_scale() - 128.0) / 224.0
        }
    }

    /// The full range in eight-bit steps.
    fn limited_scale(&self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "at most 16 bits")]
        let steps = ((1_u32 << self.bits) - 1) as f32;
        steps / f32::from(1_u16 << (self.bits - 8))
    }

    /// The chroma value of gray.
    fn middle(&self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "at most 16 bits")]
        let steps = ((1_u32 << self.bits) - 1) as f32;
        f32::from(1_u16 << (self.bits - 1)) / steps
    }

    fn color(&self, luma: f32, blue: f32, red: f32) -> [f32; 3] {
        let Matrix::Weights { red: red_weight, blue: blue_weight } = self.matrix else {
            return [red, luma, blue].map(|sample| self.stretch_luma(sample));
        };
        let luma = self.stretch_luma(luma);
        let red = luma + 2.0 * (1.0 - red_weight) * self.stretch_chroma(red);
        let blue = luma + 2.0 * (1.0 - blue_weight) * self.stretch_chroma(blue);
        let green_weight = 1.0 - red_weight - blue_weight;
        [red, (luma - red_weight * red - blue_weight * blue) / green_weight, blue]
    }
}

fn to_byte(sample: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let byte = (sample.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    byte
}
