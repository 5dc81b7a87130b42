//! Converts CIE L*a*b* to sRGB.

/// How a* and b* are stored.
#[derive(Clone, Copy)]
pub(super) enum Lab {
    /// As signed numbers (`CIELab`).
    Signed,
    /// With an offset of half the range (`ICCLab`).
    Offset,
}

impl Lab {
    /// Converts a colour to sRGB. The white point is D50, adapted to that of sRGB with the Bradford
    /// matrix.
    pub(super) fn to_rgb(self, [lightness, a, b]: [u8; 3]) -> [u8; 3] {
        let part = |sample: u8| match self {
            Self::Signed => f32::from(sample.cast_signed()),
            Self::Offset => f32::from(sample) - 128.0,
        };
        let y = (f32::from(lightness) * 100.0 / 255.0 + 16.0) / 116.0;
        let linear = |f: f32| {
            if f > 6.0 / 29.0 {
                f.powi(3)
            } else {
                (f - 4.0 / 29.0) * 3.0 * (6.0_f32 / 29.0).powi(2)
            }
        };
        let xyz = [
            0.964_22 * linear(y + part(a) / 500.0),
            linear(y),
            0.825_21 * linear(y - part(b) / 200.0),
        ];
        let rows = [
            [3.133_856, -1.616_867, -0.490_615],
            [-0.978_768, 1.916_142, 0.033_454],
            [0.071_945, -0.228_991, 1.405_243],
        ];
        rows.map(|row: [f32; 3]| {
            let light: f32 = row.into_iter().zip(xyz).map(|(factor, part)| factor * part).sum();
            let sample = if light <= 0.003_130_8 {
                12.92 * light
            } else {
                1.055 * light.powf(1.0 / 2.4) - 0.055
            };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let sample = (sample * 255.0).round().clamp(0.0, 255.0) as u8;
            sample
        })
    }
}
