//! The quantisation tables.
//!
//! A step grows with the distance of its frequency from the lowest one. The constants give the
//! smallest files for photographs with sides of 300 and 640 pixels, at the SSIMULACRA2 scores of
//! libjpeg's qualities 75 and 85.

/// How the steps of a component grow.
struct Shape {
    /// The step of the lowest frequencies.
    lowest: f32,
    /// The growth from the lowest frequency to the highest one in one dimension.
    growth: f32,
    /// The exponent of the distance. Below 1, steps grow most at low frequencies.
    power: f32,
}

const LUMA: Shape = Shape { lowest: 10.0, growth: 3.9, power: 0.6 };
const CHROMA: Shape = Shape { lowest: 12.0, growth: 3.5, power: 0.7 };

/// A table of steps. The first index is the vertical frequency.
pub(crate) type Steps = [[u8; 8]; 8];

/// Returns the tables for luma and chroma.
pub(crate) fn steps(quality: u8) -> [Steps; 2] {
    let scale = scale(quality);
    [LUMA, CHROMA].map(|shape| {
        let mut steps = Steps::default();
        for (row, vertical) in steps.iter_mut().zip(0_u8..) {
            for (step, horizontal) in row.iter_mut().zip(0_u8..) {
                *step = shape.step(horizontal, vertical, scale);
            }
        }
        steps
    })
}

impl Shape {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    fn step(&self, horizontal: u8, vertical: u8, scale: f32) -> u8 {
        let distance = f32::from(horizontal).hypot(f32::from(vertical)) - 1.0;
        let growth = self.growth * (distance.max(0.0) / 7.0).powf(self.power);
        // The DCT is not precise enough for a step of 1 at the highest frequency.
        let least = if (horizontal, vertical) == (7, 7) { 2.0 } else { 1.0 };
        (self.lowest * scale * (1.0 + growth)).round().clamp(least, 255.0) as u8
    }
}

/// The factor by which a quality multiplies the steps. It is chosen so that the mean scores are the
/// same as with libjpeg's tables, whose factor at quality 50 is 1.
fn scale(quality: u8) -> f32 {
    let quality = f32::from(quality.clamp(1, 100));
    let libjpeg = if quality < 50.0 { 50.0 / quality } else { 2.0 - quality / 50.0 };
    1.18 * libjpeg.powf(0.907)
}
