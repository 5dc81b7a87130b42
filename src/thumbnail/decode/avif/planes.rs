//! Converts luma and chroma planes to red, green and blue (ITU-T H.273).

use std::borrow::Cow;

use super::super::components::{Components, Range};
use crate::error::ThumbnailError;
use raster::{Area, Picture, PixelKind, Size};

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
    /// The matrix of JPEG and WebP (ITU-R BT.601).
    const BT_601: Self = Self::Weights { red: 0.299, blue: 0.114 };

    /// The matrix for this code point (H.273, table 4), or the BT.601 matrix if the code is
    /// unknown.
    pub(super) const fn from_code_point(code: u8) -> Self {
        let (red, blue) = match code {
            0 => return Self::Identity,
            1 => (0.2126, 0.0722),
            4 => (0.30, 0.11),
            7 => (0.212, 0.087),
            9 | 10 => (0.2627, 0.0593),
            _ => return Self::BT_601,
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

    /// The number of pixels that each sample covers, across and down, if the luma of the picture
    /// has this size.
    const fn covers(&self, luma: Size) -> (u32, u32) {
        const fn side(luma: u32, samples: u32) -> u32 {
            if samples < luma { 2 } else { 1 }
        }
        (side(luma.width, self.width), side(luma.height, self.height))
    }

    /// Returns the samples of a picture whose luma has the size `luma`, at a different size. The
    /// last samples of a row or column may extend beyond the picture.
    fn at(&self, luma: Size, to: Size) -> Result<Cow<'_, Self>, ThumbnailError> {
        if to == self.size() {
            return Ok(Cow::Borrowed(self));
        }
        let (across, down) = self.covers(luma);
        let side = |pixels: u32, covered: u32| f64::from(pixels) / f64::from(covered);
        let (width, height) = (side(luma.width, across), side(luma.height, down));
        let area = Area { left: 0.0, top: 0.0, width, height };
        let data = raster::resize_plane(&self.data, self.size(), area, to, self.wide)?;
        Ok(Cow::Owned(Self { width: to.width, height: to.height, data, wide: self.wide }))
    }

    /// Returns the samples in eight bits. In limited range, this removes the lowest bits. In full
    /// range, the highest value becomes 255.
    fn into_bytes(self, bits: usize, range: Range) -> Vec<u8> {
        if !self.wide {
            return self.data;
        }
        let (most, step) = ((1_u32 << bits) - 1, 1_u32 << (bits - 8));
        let (samples, _) = self.data.as_chunks::<2>();
        let byte = |&sample: &[u8; 2]| {
            let sample = u32::from(u16::from_ne_bytes(sample));
            let byte = match range {
                Range::Full => (sample * 255 + most / 2) / most,
                Range::Limited => (sample + step / 2) / step,
            };
            u8::try_from(byte).unwrap_or(u8::MAX)
        };
        samples.iter().map(byte).collect()
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

    /// Whether luma and chroma were converted with the weights of JPEG and WebP.
    pub(super) fn are_components(&self) -> bool {
        self.chroma.is_some() && self.matrix == Matrix::BT_601
    }

    /// Returns the planes, with one byte per sample. Returns `None` if the image has no chroma.
    pub(super) fn into_components(self) -> Option<Components> {
        let Self { luma, chroma, bits, full_range, .. } = self;
        let [blue, red] = chroma?;
        let range = if full_range { Range::Full } else { Range::Limited };
        let whole = luma.size();
        let covered = blue.covers(whole);
        let planes = [(luma, (1, 1)), (blue, covered), (red, covered)].map(|(plane, covered)| {
            let size = plane.size();
            (plane.into_bytes(bits, range), size, covered)
        });
        Some(Components::separate(whole, range, planes))
    }

    /// Returns the picture at this size. Without chroma, it is gray.
    pub(super) fn to_picture(&self, size: Size) -> Result<Picture, ThumbnailError> {
        let Some([blue, red]) = &self.chroma else { return self.luma(size) };
        let full = self.size();
        let (luma, blue, red) =
            (self.luma.at(full, size)?, blue.at(full, size)?, red.at(full, size)?);
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
        let luma = self.luma.at(self.size(), size)?;
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
