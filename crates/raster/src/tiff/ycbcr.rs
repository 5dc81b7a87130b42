//! Converts luma and colour differences to red, green and blue (TIFF 6.0, sections 20 and 21), and
//! reads pixels that share their colour differences.

use super::directory::{fractions, values};
use super::tags::{REFERENCE_BLACK_WHITE, Y_CB_CR_COEFFICIENTS, Y_CB_CR_SUBSAMPLING};

/// The part of red, green and blue in the luma (ITU-R BT.601).
const COEFFICIENTS: [f32; 3] = [0.299, 0.587, 0.114];

/// Black and white of the luma, and the neutral and highest value of each difference.
const REFERENCE: [f32; 6] = [0.0, 255.0, 128.0, 255.0, 128.0, 255.0];

/// The number of fractional bits in the tables.
const BITS: u32 = 16;

/// What each value of a sample adds to the colours.
#[derive(Clone)]
pub(super) struct YCbCr {
    luma: [i32; 256],
    blue_to_green: [i32; 256],
    blue_to_blue: [i32; 256],
    red_to_red: [i32; 256],
    red_to_green: [i32; 256],
}

impl YCbCr {
    /// The conversion of JFIF.
    pub(super) fn jfif() -> Self {
        Self::new(COEFFICIENTS, REFERENCE)
    }

    /// The conversion of the first page.
    pub(super) fn find(source: &[u8]) -> Self {
        let coefficients = fractions(source, Y_CB_CR_COEFFICIENTS)
            .filter(|all: &[f32; 3]| all.iter().all(|part| (0.01..1.0).contains(part)));
        let reference = fractions(source, REFERENCE_BLACK_WHITE).filter(
            |&[black, white, blue, most_blue, red, most_red]: &[f32; 6]| {
                black < white && blue < most_blue && red < most_red
            },
        );
        Self::new(coefficients.unwrap_or(COEFFICIENTS), reference.unwrap_or(REFERENCE))
    }

    fn new([red, green, blue]: [f32; 3], reference: [f32; 6]) -> Self {
        let [black, white, neutral_blue, most_blue, neutral_red, most_red] = reference;
        let table = |black: f32, white: f32, range: f32, factor: f32| {
            let mut values = [0; 256];
            for (sample, value) in (0..=u8::MAX).zip(&mut values) {
                let full = (f32::from(sample) - black) * range / (white - black);
                let scaled = f64::from(full * factor) * f64::from(1 << BITS);
                #[expect(clippy::cast_possible_truncation, reason = "clamped")]
                let scaled = scaled.round().clamp(-1e8, 1e8) as i32;
                *value = scaled;
            }
            values
        };
        let difference = |neutral: f32, most: f32, factor: f32| table(neutral, most, 127.0, factor);
        let (from_red, from_blue) = (2.0 - 2.0 * red, 2.0 - 2.0 * blue);
        Self {
            luma: table(black, white, 255.0, 1.0),
            blue_to_green: difference(neutral_blue, most_blue, -from_blue * blue / green),
            blue_to_blue: difference(neutral_blue, most_blue, from_blue),
            red_to_red: difference(neutral_red, most_red, from_red),
            red_to_green: difference(neutral_red, most_red, -from_red * red / green),
        }
    }

    pub(super) fn to_rgb(&self, [luma, blue, red]: [u8; 3]) -> [u8; 3] {
        let at = |table: &[i32; 256], sample: u8| {
            table.get(usize::from(sample)).copied().unwrap_or_default()
        };
        let light = at(&self.luma, luma) + (1 << (BITS - 1));
        let parts = [
            at(&self.red_to_red, red),
            at(&self.blue_to_green, blue) + at(&self.red_to_green, red),
            at(&self.blue_to_blue, blue),
        ];
        parts.map(|part| u8::try_from(((light + part) >> BITS).clamp(0, 255)).unwrap_or_default())
    }
}

/// The number of pixels that share colour differences, horizontally and vertically.
#[derive(Clone, Copy)]
pub(super) struct Subsampling {
    across: usize,
    down: usize,
}

impl Subsampling {
    /// The subsampling of the first page, or `None` if it is invalid.
    pub(super) fn find(source: &[u8]) -> Option<Self> {
        let factors = values(source, Y_CB_CR_SUBSAMPLING, 2);
        let factor = |index: usize| match factors.get(index) {
            Some(&factor @ (1 | 2 | 4)) => usize::try_from(factor).ok(),
            None => Some(2),
            _ => None,
        };
        Some(Self { across: factor(0)?, down: factor(1)? })
    }

    /// The number of bytes of a unit: the luma of its pixels, and two colour differences.
    const fn unit(self) -> usize {
        self.across * self.down + 2
    }

    /// The number of bytes in which a strip or tile is stored.
    pub(super) const fn length(self, width: usize, rows: usize) -> usize {
        let units = width.div_ceil(self.across).saturating_mul(rows.div_ceil(self.down));
        units.saturating_mul(self.unit())
    }

    /// Returns the three samples of each pixel.
    pub(super) fn expanded(self, data: &[u8], width: usize, rows: usize) -> Vec<u8> {
        let stride = width.saturating_mul(3);
        let mut pixels = vec![0; stride.saturating_mul(rows)];
        let lines = data.chunks_exact((width.div_ceil(self.across) * self.unit()).max(1));
        for (line, rows) in lines.zip(pixels.chunks_mut((stride * self.down).max(1))) {
            for (column, unit) in line.chunks_exact(self.unit()).enumerate() {
                let (luma, differences) = unit.split_at(unit.len() - 2);
                for (row, luma) in rows.chunks_mut(stride).zip(luma.chunks_exact(self.across)) {
                    let places = row.chunks_exact_mut(3).skip(column * self.across);
                    for (pixel, luma) in places.zip(luma) {
                        if let ([first, rest @ ..], [blue, red]) = (pixel, differences) {
                            *first = *luma;
                            rest.copy_from_slice(&[*blue, *red]);
                        }
                    }
                }
            }
        }
        pixels
    }
}
