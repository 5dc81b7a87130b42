//! Resizes opaque pictures in linear light.
//!
//! Rows are converted to linear light as they are needed, so that only a few of them are in memory
//! as numbers. The columns of a row of the result are resized after its rows, because there are
//! fewer of them by then. Nothing is rounded or clamped before the last step: a sharp filter
//! overshoots at the edge of a light, and in linear light, the dark side of the edge would change
//! visibly.
//!
//! The compiler turns the loops into vector code, for AVX2 where the processor has it. The results
//! are the same, because both versions add and round in the same order.

use archmage::autoversion;

use crate::error::RasterError;
use crate::picture::{Picture, PixelKind, Size};
use crate::resize::{Area, LANCZOS_RADIUS, lanczos3, resize_with_opacity};

/// The variance of the detail that a reduced picture lacks, in gamma-encoded samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Variances {
    /// The side length of the squares of pixels that share a variance.
    pub side: usize,
    /// The number of squares in a row.
    pub across: usize,
    /// For each square, the variance of red, green and blue. The unit is the square of a sample's
    /// unit. In a gray picture, the first one applies.
    pub values: Vec<[f32; 3]>,
}

/// The number of rows that are added at once.
const TAPS: usize = 4;

/// The number of rows of the result whose columns are added at once: enough for the compiler to turn
/// the loops over them into vector code.
const LANES: usize = 8;

/// The samples of a column in several rows of the result.
type Column<const C: usize> = [[f32; LANES]; C];

/// Resizes a part of a picture in linear light, by [`Filter::Lanczos3`](crate::Filter::Lanczos3): the
/// samples are converted from the gamma of sRGB before the resize, and back to it afterwards. If a
/// decoder has reduced the picture, `variances` describe the detail that it lacks.
///
/// # Errors
/// Fails if the area lies outside the picture, or if the size is zero.
pub fn resize_linear(
    picture: &Picture,
    variances: Option<&Variances>,
    area: Area,
    size: Size,
) -> Result<Picture, RasterError> {
    let lies_within = |start: f64, length: f64, side: u32| {
        start >= 0.0 && length > 0.0 && start + length <= f64::from(side)
    };
    if size.pixels() == 0
        || !lies_within(area.left, area.width, picture.width)
        || !lies_within(area.top, area.height, picture.height)
    {
        return Err(RasterError::new("the area lies outside the picture, or the size is zero"));
    }
    match picture.kind {
        PixelKind::Luma => Ok(resize::<1>(picture, variances, area, size)),
        PixelKind::Rgb => Ok(resize::<3>(picture, variances, area, size)),
        PixelKind::Rgba | PixelKind::Cmyk => resize_with_opacity(picture, area, size),
    }
}

/// Resizes a part of a picture of `C` samples per pixel by Lanczos' filter.
fn resize<const C: usize>(
    picture: &Picture,
    variances: Option<&Variances>,
    area: Area,
    to: Size,
) -> Picture {
    let across = Kernel::new(area.left, area.width, picture.width, to.width);
    let down = Kernel::new(area.top, area.height, picture.height, to.height);
    let mut rows = Rows::<C>::new(picture, variances, &across, down.taps);
    let encoding = encoding();
    let mut sums: [_; LANES] = std::array::from_fn(|_| vec![[0.0; C]; rows.width]);
    let mut columns: Vec<Column<C>> = vec![[[0.0; LANES]; C]; rows.width];
    let stride = (to.width as usize * C).max(1);
    let mut data = vec![0; stride * to.height as usize];
    let mut kernels = down.each();
    for lines in data.chunks_mut(stride * LANES) {
        for (sums, (first, weights)) in sums.iter_mut().zip(kernels.by_ref()) {
            rows.load(first + down.taps);
            rows.add(first, weights, sums.as_flattened_mut());
        }
        arrange(&sums, &mut columns);
        let mut lines = lines.chunks_exact_mut(stride).map(|line| line.as_chunks_mut::<C>().0);
        let mut lines: [_; LANES] = std::array::from_fn(|_| lines.next().unwrap_or_default());
        for (index, (first, weights)) in across.each().enumerate() {
            let columns = columns.get(first - rows.left..).unwrap_or_default();
            let sums = product(columns, weights);
            for (lane, line) in lines.iter_mut().enumerate() {
                let Some(pixel) = line.get_mut(index) else { continue };
                for (sample, sums) in pixel.iter_mut().zip(&sums) {
                    *sample = encoded(&encoding, sums.get(lane).copied().unwrap_or_default());
                }
            }
        }
    }
    Picture { width: to.width, height: to.height, kind: picture.kind, data }
}

/// Arranges rows as columns.
#[autoversion(v3)]
fn arrange<const C: usize>(rows: &[Vec<[f32; C]>; LANES], columns: &mut [Column<C>]) {
    for (lane, row) in rows.iter().enumerate() {
        for (column, samples) in columns.iter_mut().zip(row) {
            for (column, &sample) in column.iter_mut().zip(samples) {
                if let Some(place) = column.get_mut(lane) {
                    *place = sample;
                }
            }
        }
    }
}

/// The weighted sum of columns.
///
/// This function is not inlined, because the compiler would arrange the samples for what the caller
/// does with the result.
#[autoversion(v3)]
#[inline(never)]
fn product<const C: usize>(columns: &[Column<C>], weights: &[f32]) -> Column<C> {
    let mut sums = [[0.0; LANES]; C];
    for (column, weight) in columns.iter().zip(weights) {
        for (sums, samples) in sums.iter_mut().zip(column) {
            for (sum, sample) in sums.iter_mut().zip(samples) {
                *sum += sample * weight;
            }
        }
    }
    sums
}

/// The weights of one direction.
struct Kernel {
    /// The number of weights of a pixel: a multiple of [`TAPS`].
    taps: usize,
    /// The first pixel of the source for each pixel of the result.
    first: Vec<usize>,
    weights: Vec<f32>,
}

impl Kernel {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "positions in a picture"
    )]
    fn new(start: f64, length: f64, from: u32, to: u32) -> Self {
        let scale = length / f64::from(to);
        let stretch = scale.max(1.0);
        let radius = LANCZOS_RADIUS * stretch;
        let taps = (2.0 * radius).ceil() as usize + 1;
        let taps = taps.min(from as usize).next_multiple_of(TAPS);
        let mut weights = vec![0.0; taps * to as usize];
        let mut first = Vec::with_capacity(to as usize);
        for (index, weights) in (0..to).zip(weights.chunks_exact_mut(taps.max(1))) {
            let middle = start + (f64::from(index) + 0.5) * scale;
            // The pixels whose middle is within the radius.
            let left = (middle - radius + 0.5).max(0.0) as usize;
            let right = ((middle + radius + 0.5) as usize).min(from as usize);
            let weight = |pixel: usize| lanczos3((pixel as f64 + 0.5 - middle) / stretch);
            let total: f64 = (left..right).map(weight).sum();
            for (place, pixel) in weights.iter_mut().zip(left..right) {
                *place = (weight(pixel) / total) as f32;
            }
            first.push(left);
        }
        Self { taps, first, weights }
    }

    /// The first pixel of the source and the weights, for each pixel of the result.
    fn each(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.first.iter().copied().zip(self.weights.chunks_exact(self.taps.max(1)))
    }
}

/// The rows of a picture that are needed next, in linear light.
struct Rows<'a, const C: usize> {
    source: std::slice::ChunksExact<'a, u8>,
    /// The first column that is used.
    left: usize,
    /// The number of columns, with room for weights that are zero.
    width: usize,
    /// The number of rows that are kept.
    kept: usize,
    /// The samples of these rows.
    samples: Vec<f32>,
    /// The number of rows that were read.
    read: usize,
    variances: Option<&'a Variances>,
    /// The variances of a row of squares, for each column from the first square that is used.
    spread: Vec<[f32; C]>,
}

impl<'a, const C: usize> Rows<'a, C> {
    fn new(
        picture: &'a Picture,
        variances: Option<&'a Variances>,
        across: &Kernel,
        kept: usize,
    ) -> Self {
        let left = across.first.first().copied().unwrap_or_default();
        let right = across.first.last().copied().unwrap_or_default() + across.taps;
        let width = right - left;
        Self {
            source: picture.data.chunks_exact((picture.width as usize * C).max(1)),
            left,
            width,
            kept,
            samples: vec![0.0; width * C * kept],
            read: 0,
            variances,
            spread: variances.map_or_else(Vec::new, |it| vec![[0.0; C]; width + it.side]),
        }
    }

    /// Reads the rows before `end`. Rows that no pixel needs are skipped.
    fn load(&mut self, end: usize) {
        let skipped = end.saturating_sub(self.read + self.kept);
        if let Some(last) = skipped.checked_sub(1) {
            self.source.nth(last);
            self.read += skipped;
        }
        let stride = self.width * C;
        let mut is_spread = skipped == 0;
        while self.read < end {
            let Some(row) = self.source.next() else { return };
            let start = self.read % self.kept * stride;
            let target = self.samples.get_mut(start..start + stride).unwrap_or_default();
            let samples = row.get(self.left * C..).unwrap_or_default();
            if let Some(variances) = self.variances {
                let side = variances.side.max(1);
                if !is_spread || self.read.is_multiple_of(side) {
                    variances.spread(self.read / side, self.left, &mut self.spread);
                    is_spread = true;
                }
                let spread = self.spread.get(self.left % side..).unwrap_or_default();
                convert_with_variances(samples, spread.as_flattened(), target);
            } else {
                convert(samples, target);
            }
            self.read += 1;
        }
    }

    /// Writes the weighted sum of rows.
    fn add(&self, first: usize, weights: &[f32], sums: &mut [f32]) {
        let stride = self.width * C;
        let row = |index: usize| {
            let start = (first + index) % self.kept * stride;
            self.samples.get(start..start + stride).unwrap_or_default()
        };
        for (index, weights) in weights.as_chunks::<TAPS>().0.iter().enumerate() {
            let rows = std::array::from_fn(|offset| row(index * TAPS + offset));
            if index == 0 {
                add_rows::<true>(rows, *weights, sums);
            } else {
                add_rows::<false>(rows, *weights, sums);
            }
        }
    }
}

/// Adds the weighted sum of rows, or replaces the sums by it.
#[autoversion(v3)]
fn add_rows<const REPLACES: bool>(rows: [&[f32]; TAPS], weights: [f32; TAPS], sums: &mut [f32]) {
    let [one, two, three, four] = rows;
    let [by_one, by_two, by_three, by_four] = weights;
    let rows = one.iter().zip(two).zip(three).zip(four);
    for (sum, (((one, two), three), four)) in sums.iter_mut().zip(rows) {
        let added = (by_one * one + by_two * two) + (by_three * three + by_four * four);
        *sum = if REPLACES { added } else { *sum + added };
    }
}

impl Variances {
    /// Writes the variances of a row of squares for each column, starting with the square that
    /// contains the column `left`.
    fn spread<const C: usize>(&self, row: usize, left: usize, columns: &mut [[f32; C]]) {
        let squares = self.values.chunks_exact(self.across.max(1)).nth(row).unwrap_or_default();
        let squares = squares.get(left / self.side.max(1)..).unwrap_or_default();
        for (columns, values) in columns.chunks_exact_mut(self.side.max(1)).zip(squares) {
            if let Some(values) = values.first_chunk::<C>() {
                columns.fill(*values);
            }
        }
    }
}

/// The transfer function of sRGB (IEC 61966-2-1), from samples to light. White is 1 in both.
fn light(sample: f32) -> f32 {
    if sample <= 0.040_45 { sample / 12.92 } else { ((sample + 0.055) / 1.055).powf(2.4) }
}

/// Converts samples to light.
#[autoversion(v3)]
fn convert(samples: &[u8], lights: &mut [f32]) {
    for (place, &sample) in lights.iter_mut().zip(samples) {
        *place = mean_light(sample, 0.0);
    }
}

/// Converts samples to the mean light of values with these variances.
#[autoversion(v3)]
fn convert_with_variances(samples: &[u8], variances: &[f32], lights: &mut [f32]) {
    for ((place, &sample), &variance) in lights.iter_mut().zip(samples).zip(variances) {
        *place = mean_light(sample, variance);
    }
}

/// The mean light of values that have this mean and variance: the light of the mean, and half the
/// second derivative of light times the variance. Computing is faster than a table, which vector code
/// cannot use. The result differs from [`light`] by less than 0.006 %.
#[inline(always)]
fn mean_light(sample: u8, variance: f32) -> f32 {
    const HALF_CURVATURE: f32 = 2.4 * 1.4 / 1.055 / 1.055 / 2.0 / 255.0 / 255.0;
    let sample = f32::from(sample);
    let base = sample * (1.0 / 255.0 / 1.055) + 0.055 / 1.055;
    // The base to the power of 0.4, by the polynomial of its root with the least relative error.
    let root = base.sqrt();
    let power = (root * -0.098_034 + 0.349_533_5) * root - 0.565_005_3;
    let power = (power * root + 1.270_779_4) * root + 0.042_675_1;
    let light = (base * base + HALF_CURVATURE * variance) * power;
    // The last sample on the line is 10.
    if sample < 10.5 { sample * (1.0 / 255.0 / 12.92) } else { light }
}

/// The number of steps in which light is encoded. From black to the next sample, there are 20.
const LEVELS: u16 = u16::MAX;

/// The sample for each step of light.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 65,536")]
fn encoding() -> Vec<u8> {
    let mut samples = Vec::with_capacity(usize::from(LEVELS) + 1);
    for sample in 0..255_u8 {
        // Light below this level is closer to this sample than to the next one.
        let end = light((f32::from(sample) + 0.5) / 255.0) * f32::from(LEVELS);
        samples.resize(end.ceil() as usize, sample);
    }
    samples.resize(usize::from(LEVELS) + 1, 255);
    samples
}

/// The sample for this light, which is black or white if the light is out of range.
#[inline]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
fn encoded(samples: &[u8], light: f32) -> u8 {
    let level = (light * f32::from(LEVELS) + 0.5) as u16;
    samples.get(usize::from(level)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Noise with bright pixels, a gradient, and black.
    fn picture(size: Size, kind: PixelKind) -> Picture {
        let mut state = 1_u32;
        let samples = (0..size.pixels() * kind.bytes() as u64).map(|index| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match index % 90 {
                0..30 => u8::try_from(state >> 24).unwrap(),
                30..60 => u8::try_from(index % 256).unwrap(),
                _ => 0,
            }
        });
        Picture { width: size.width, height: size.height, kind, data: samples.collect() }
    }

    fn weights(start: f64, length: f64, from: u32, to: u32, index: u32) -> Vec<f64> {
        let scale = length / f64::from(to);
        let middle = start + (f64::from(index) + 0.5) * scale;
        let distance = |pixel| (f64::from(pixel) + 0.5 - middle) / scale.max(1.0);
        let weights: Vec<_> = (0..from).map(|pixel| lanczos3(distance(pixel))).collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / total).collect()
    }

    fn encode(light: f64) -> f64 {
        let light = light.clamp(0.0, 1.0);
        let sample = if light <= 0.003_130_8 {
            light * 12.92
        } else {
            1.055 * light.powf(1.0 / 2.4) - 0.055
        };
        sample * 255.0
    }

    /// The result by the definition of the filter, with numbers of 64 bits.
    fn expected(
        picture: &Picture,
        variances: Option<&Variances>,
        area: Area,
        to: Size,
    ) -> Vec<f64> {
        let samples = picture.kind.bytes();
        let mut expected = Vec::new();
        for (y, x) in (0..to.height).flat_map(|y| (0..to.width).map(move |x| (y, x))) {
            let rows = weights(area.top, area.height, picture.height, to.height, y);
            let columns = weights(area.left, area.width, picture.width, to.width, x);
            for sample in 0..samples {
                let mut sum = 0.0;
                for ((row, by_row), (column, by_column)) in rows
                    .iter()
                    .enumerate()
                    .flat_map(|row| columns.iter().enumerate().map(move |column| (row, column)))
                {
                    let at = (row * picture.width as usize + column) * samples + sample;
                    let encoded = f64::from(picture.data[at]) / 255.0;
                    let variance = variances.map_or(0.0, |it| {
                        f64::from(it.values[row / it.side * it.across + column / it.side][sample])
                    });
                    let (light, curvature) = if encoded <= 0.040_45 {
                        (encoded / 12.92, 0.0)
                    } else {
                        let base = (encoded + 0.055) / 1.055;
                        (base.powf(2.4), 2.4 * 1.4 / 1.055_f64.powi(2) * base.powf(0.4))
                    };
                    let light = light + curvature / 2.0 * variance / 255.0_f64.powi(2);
                    sum += light * by_row * by_column;
                }
                expected.push(encode(sum));
            }
        }
        expected
    }

    fn part() -> impl Strategy<Value = (f64, f64)> {
        prop_oneof![Just((0.0, 1.0)), (0.0..0.9, 0.02..1.0)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn light_is_the_weighted_sum(
            (width, height) in (1..50_u32, 1..50_u32),
            (to_width, to_height) in (1..20_u32, 1..20_u32),
            (columns, rows) in (part(), part()),
            kind in prop::sample::select(vec![PixelKind::Luma, PixelKind::Rgb]),
            side in prop::option::of(1..5_usize),
        ) {
            let picture = picture(Size { width, height }, kind);
            let along = |(start, length): (f64, f64), side: u32| {
                let start = start * f64::from(side);
                (start, (length * f64::from(side)).min(f64::from(side) - start))
            };
            let ((left, width), (top, height)) = (along(columns, width), along(rows, height));
            let area = Area { left, top, width, height };
            let to = Size { width: to_width, height: to_height };
            let variances = side.map(|side| {
                let across = (picture.width as usize).div_ceil(side);
                let count = across * (picture.height as usize).div_ceil(side);
                let value = |at: usize, cycle: usize| u16::try_from(at % cycle * 20).unwrap().into();
                let values = (0..count).map(|at| [7, 11, 5].map(|cycle| value(at, cycle)));
                Variances { side, across, values: values.collect() }
            });
            let made = resize_linear(&picture, variances.as_ref(), area, to).unwrap();
            let expected = expected(&picture, variances.as_ref(), area, to);
            prop_assert_eq!((made.size(), made.kind, made.data.len()), (to, kind, expected.len()));
            for (&made, expected) in made.data.iter().zip(expected) {
                prop_assert!((f64::from(made) - expected).abs() < 0.6, "{made}, not {expected}");
            }
        }
    }

    #[test]
    fn the_light_of_each_sample_is_exact() {
        for sample in 0..=255_u8 {
            let expected = light(f32::from(sample) / 255.0);
            let difference = (mean_light(sample, 0.0) - expected).abs();
            assert!(difference <= expected * 6e-5, "{sample}: {difference}");
        }
    }

    #[test]
    fn every_sample_stays_the_same() {
        let samples = encoding();
        for sample in 0..=255_u8 {
            assert_eq!(encoded(&samples, mean_light(sample, 0.0)), sample);
        }
        assert_eq!([-1.0, 2.0, f32::NAN].map(|light| encoded(&samples, light)), [0, 255, 0]);
    }

    #[test]
    fn an_area_beyond_the_picture_is_an_error() {
        let picture = picture(Size { width: 4, height: 4 }, PixelKind::Rgb);
        let size = picture.size();
        for (top, height) in [(0.0, 5.0), (3.5, 1.0), (4.0, 1.0), (-1.0, 2.0), (0.0, 0.0)] {
            let area = Area { left: 0.0, top, width: 4.0, height };
            assert!(resize_linear(&picture, None, area, size).is_err(), "{top} {height}");
        }
        let area = Area { left: 0.0, top: 0.0, width: 4.0, height: 4.0 };
        let nothing = Size { width: 0, height: 4 };
        assert!(resize_linear(&picture, None, area, nothing).is_err());
    }
}
