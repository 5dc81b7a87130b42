//! The decoded image.

use std::ops::Deref;

use archmage::autoversion;

/// The colour components of an image's planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Color {
    /// One plane of luminance.
    Gray,
    /// Luminance, blue difference, red difference, as JFIF (ITU-T T.871) defines them.
    YCbCr,
    /// Red, green, blue.
    Rgb,
}

/// One component, at its own resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plane {
    /// The number of samples in a row.
    pub width: usize,
    /// The number of rows.
    pub height: usize,
    /// The distance from one row to the next in `data`; at least `width`.
    pub stride: usize,
    /// The number of pixels of the decoded image that one sample covers, across and down: `(2, 1)`
    /// for the chroma planes of a 4:2:2 image.
    pub scale: (usize, usize),
    /// The samples.
    pub data: Vec<u8>,
}

impl Plane {
    /// The rows, without the padding between them.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let rows = self.data.chunks_exact(self.stride.max(1)).take(self.height);
        rows.map(|row| row.get(..self.width).unwrap_or(row))
    }
}

/// The components of an image, each in a plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planes {
    /// Width of the image in pixels.
    pub width: usize,
    /// Height of the image in pixels.
    pub height: usize,
    /// The colour components of the planes.
    pub color: Color,
    /// One for [`Color::Gray`], three for the others.
    pub planes: Vec<Plane>,
    /// The variance of the detail that a plane lacks, for the first planes. Their number is that of
    /// [`Options::variances`](crate::Options::variances).
    pub variances: Vec<Variances>,
}

/// The variance of the detail that a scale leaves out.
///
/// With the variance, you can average a function `f` of the pixels although you have only their
/// means. Where a sample `s` is the mean of some pixels, the mean of `f` over these pixels is about
/// `f(s) + f''(s) / 2 * variance`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variances {
    /// The side length of a block, in samples of the plane.
    pub side: usize,
    /// The number of blocks in a row.
    pub across: usize,
    /// For each block of 8 x 8 samples of the component, the mean square of the frequencies that the
    /// scale leaves out, rounded to an integer. The unit is the square of a sample's unit.
    pub values: Vec<u16>,
}

impl Planes {
    /// Returns the image as `width * height` pixels of red, green and blue, one byte each, in rows
    /// without padding. As in libjpeg at scale 1/8, subsampled planes are enlarged by repeating
    /// their samples, and colours are converted in fixed point.
    #[must_use]
    pub fn to_rgb(&self) -> Vec<u8> {
        let mut pixels = vec![0; self.width * self.height * 3];
        let rows = pixels.chunks_exact_mut((self.width * 3).max(1));
        match self.planes.as_slice() {
            [gray] => {
                for (out, gray) in rows.zip(gray.rows()) {
                    for (pixel, &y) in out.chunks_exact_mut(3).zip(gray) {
                        pixel.fill(y);
                    }
                }
            }
            [first, second, third] if self.color == Color::Rgb => {
                let mut wide = [const { Vec::new() }; 3];
                for (y, out) in rows.enumerate() {
                    let mut full_rows = wide.iter_mut().zip([first, second, third]);
                    let mut next = || full_rows.next().map_or(&[][..], |(w, p)| p.wide_row(y, w));
                    let samples = next().iter().zip(next()).zip(next());
                    let pixels = out.as_chunks_mut().0.iter_mut().zip(samples);
                    pixels.for_each(|(pixel, ((&r, &g), &b))| *pixel = [r, g, b]);
                }
            }
            [luma, blue, red] => {
                let mut converter = RowConverter::default();
                for (y, out) in rows.enumerate() {
                    converter.convert([luma, blue, red], y, out);
                }
            }
            _ => {}
        }
        pixels
    }

    /// Returns the image as `width * height` pixels of luminance, one byte each, in rows without
    /// padding.
    #[must_use]
    pub fn to_gray(&self) -> Vec<u8> {
        if self.color == Color::Rgb {
            return self.to_rgb().chunks_exact(3).map(gray_from_rgb).collect();
        }
        let mut pixels = Vec::with_capacity(self.width * self.height);
        let mut wide = Vec::new();
        for plane in self.planes.iter().take(1) {
            for y in 0..self.height {
                let row = plane.wide_row(y, &mut wide);
                pixels.extend_from_slice(row.get(..self.width).unwrap_or(row));
            }
        }
        pixels
    }
}

/// An image at one eighth of its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DcImage {
    pub(crate) full: (u32, u32),
    pub(crate) image: Planes,
    pub(crate) exact: bool,
}

impl DcImage {
    /// Width of the full image, in pixels.
    #[must_use]
    pub fn full_width(&self) -> u32 {
        self.full.0
    }

    /// Height of the full image, in pixels.
    #[must_use]
    pub fn full_height(&self) -> u32 {
        self.full.1
    }

    /// Whether every plane is bit for bit equal to libjpeg-turbo's plane at 1/8. If not, chroma has
    /// half the resolution that libjpeg-turbo produces, either because of
    /// [`Chroma::Dc`](crate::Chroma::Dc), or because the file stores chroma at a quarter of the
    /// image's resolution in both directions. Luminance is always exact.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Returns the image at 1/8 of its size, with its sides rounded up.
    #[must_use]
    pub fn into_planes(self) -> Planes {
        self.image
    }
}

impl Deref for DcImage {
    type Target = Planes;

    fn deref(&self) -> &Planes {
        &self.image
    }
}

impl Plane {
    /// Row `y` of the image, enlarged into `wide` if necessary.
    fn wide_row<'a>(&'a self, y: usize, wide: &'a mut Vec<u8>) -> &'a [u8] {
        let start = y / self.scale.1 * self.stride;
        let row = self.data.get(start..start + self.width).unwrap_or_default();
        if self.scale.0 == 1 {
            return row;
        }
        wide.resize(row.len() * self.scale.0, 0);
        if self.scale.0 == 2 {
            // This case is common. With a constant count, it is several times as fast.
            let pairs = wide.as_chunks_mut().0.iter_mut().zip(row);
            pairs.for_each(|(pair, &sample)| *pair = [sample; 2]);
        } else {
            let runs = wide.chunks_exact_mut(self.scale.0).zip(row);
            runs.for_each(|(run, &sample)| run.fill(sample));
        }
        wide
    }
}

/// One half in 16.16 fixed point, for rounding to the nearest number.
const ONE_HALF: i32 = 1 << 15;

/// Converts rows of luma and chroma to RGB. Each step works on a whole row, so that the compiler
/// turns it into vector code.
#[derive(Default)]
struct RowConverter {
    /// The row of chroma that `chroma` comes from.
    row: Option<(usize, usize)>,
    /// What chroma adds to red, green and blue, for each pixel.
    chroma: [Vec<i16>; 3],
    /// Red, green and blue.
    colors: [Vec<u8>; 3],
    wide: [Vec<u8>; 3],
}

impl RowConverter {
    fn convert(&mut self, [luma, blue, red]: [&Plane; 3], y: usize, out: &mut [u8]) {
        let Self { row, chroma, colors, wide: [wide_luma, wide_blue, wide_red] } = self;
        let luma = luma.wide_row(y, wide_luma);
        let source = (y / blue.scale.1, y / red.scale.1);
        if *row != Some(source) {
            *row = Some(source);
            let (cb, cr) = (blue.wide_row(y, wide_blue), red.wide_row(y, wide_red));
            for (channel, added) in chroma.iter_mut().enumerate() {
                let of_chroma = FROM_CHROMA.get(channel).copied().unwrap_or_default();
                added.resize(cb.len(), 0);
                convert_chroma(of_chroma, cb, cr, added);
            }
        }
        for (color, added) in colors.iter_mut().zip(&*chroma) {
            color.resize(luma.len(), 0);
            add_chroma(luma, added, color);
        }
        let [red, green, blue] = colors;
        join(red, green, blue, out.as_chunks_mut().0);
    }
}

#[autoversion(v3)]
fn convert_chroma(of_chroma: FromChroma, blues: &[u8], reds: &[u8], added: &mut [i16]) {
    for ((added, &cb), &cr) in added.iter_mut().zip(blues).zip(reds) {
        *added = of_chroma.apply(cb, cr);
    }
}

#[autoversion(v3)]
#[expect(clippy::cast_sign_loss, reason = "the value is in 0..=255 by then")]
fn add_chroma(luma: &[u8], added: &[i16], color: &mut [u8]) {
    for ((color, &y), &added) in color.iter_mut().zip(luma).zip(added) {
        *color = i16::from(y).wrapping_add(added).clamp(0, 255) as u8;
    }
}

#[autoversion(v3)]
fn join(reds: &[u8], greens: &[u8], blues: &[u8], pixels: &mut [[u8; 3]]) {
    for (((pixel, &red), &green), &blue) in pixels.iter_mut().zip(reds).zip(greens).zip(blues) {
        *pixel = [red, green, blue];
    }
}

/// What chroma adds to a colour: whole numbers of Cb and Cr, and fractions of them in 16.16 fixed
/// point. With 16 bits, vector code multiplies eight numbers at once.
#[derive(Clone, Copy, Default)]
struct FromChroma {
    whole: [i16; 2],
    fraction: [i16; 2],
}

/// JFIF's conversion (ITU-T T.871, 7) with libjpeg's constants and rounding, for red, green and
/// blue. The factors are 91,881 for Cr; -22,554 and -46,802; and 116,130 for Cb.
const FROM_CHROMA: [FromChroma; 3] = [
    FromChroma { whole: [0, 1], fraction: [0, 26_345] },
    FromChroma { whole: [0, -1], fraction: [-22_554, 18_734] },
    FromChroma { whole: [2, 0], fraction: [-14_942, 0] },
];

impl FromChroma {
    #[inline]
    fn apply(self, cb: u8, cr: u8) -> i16 {
        let [blue, red] = [cb, cr].map(|sample| i16::from(sample).wrapping_sub(128));
        let Self { whole: [by_blue, by_red], fraction } = self;
        let [blue_part, red_part] = fraction.map(i32::from);
        // Nothing can overflow, but checks would keep the compiler from making vector code.
        let blue_fraction = blue_part.wrapping_mul(blue.into());
        let red_fraction = red_part.wrapping_mul(red.into());
        let fractions = blue_fraction.wrapping_add(red_fraction).wrapping_add(ONE_HALF);
        let whole = by_blue.wrapping_mul(blue).wrapping_add(by_red.wrapping_mul(red));
        whole.wrapping_add((fractions >> 16) as i16)
    }
}

fn gray_from_rgb(rgb: &[u8]) -> u8 {
    let weighted =
        rgb.iter().zip([19_595, 38_470, 7_471]).map(|(&c, weight)| i32::from(c) * weight);
    clamp((weighted.sum::<i32>() + ONE_HALF) >> 16)
}

#[inline]
#[expect(clippy::cast_sign_loss, reason = "the value is in 0..=255 by then")]
pub(crate) fn clamp(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

/// The sample of a block: the inverse DCT of its DC coefficient alone, as in libjpeg. Values far
/// out of range, which occur in damaged files, wrap as in libjpeg's table of 1024 entries.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both factors are used as 16-bit numbers")]
pub(crate) fn pixel(dc: i32, quantisation: u16) -> u8 {
    let value = (i32::from(dc as i16) * i32::from(quantisation.cast_signed()) + 4) >> 3;
    let wrapped = (value << 22) >> 22;
    clamp(wrapped + 128)
}
