//! `brightness`, `contrast` and `saturation`, as defined by the corresponding CSS filters.
//!
//! <https://www.w3.org/TR/filter-effects-1/#supported-filter-functions>

use raster::{Picture, PixelKind};

use super::spec::{Factor, Spec};

/// The weights of red, green and blue in the `saturate` filter.
const WEIGHTS: [f32; 3] = [0.213, 0.715, 0.072];

/// Applies `brightness`, `contrast` and `saturation`, in this order. Opacities stay the same.
#[must_use]
pub fn apply(mut picture: Picture, spec: &Spec) -> Picture {
    let factor = |option: Option<Factor>| option.map_or(1.0, Factor::to_f32);
    if spec.brightness.is_some() || spec.contrast.is_some() {
        let (brightness, contrast) = (factor(spec.brightness), factor(spec.contrast));
        let lookup = |sample: u8| {
            let bright = (f32::from(sample) * brightness).min(255.0);
            sample_of((bright - 127.5) * contrast + 127.5)
        };
        let table: Vec<u8> = (0..=u8::MAX).map(lookup).collect();
        each_color(&mut picture, |samples| {
            for sample in samples {
                *sample = table.get(usize::from(*sample)).copied().unwrap_or_default();
            }
        });
    }
    if let Some(saturation) = spec.saturation
        && picture.kind != PixelKind::Luma
    {
        let saturation = saturation.to_f32();
        each_color(&mut picture, |samples| {
            let weighted = samples.iter().zip(WEIGHTS);
            let gray: f32 = weighted.map(|(&sample, weight)| f32::from(sample) * weight).sum();
            for sample in samples {
                *sample = sample_of(gray + (f32::from(*sample) - gray) * saturation);
            }
        });
    }
    picture
}

/// Whether [`apply`] changes the picture.
#[must_use]
pub const fn has_any(spec: &Spec) -> bool {
    spec.brightness.is_some() || spec.contrast.is_some() || spec.saturation.is_some()
}

/// Calls `change` with the samples of each pixel, except its opacity.
fn each_color(picture: &mut Picture, change: impl Fn(&mut [u8])) {
    let bytes = picture.kind.bytes();
    let colors = if picture.kind == PixelKind::Rgba { 3 } else { bytes };
    for pixel in picture.data.chunks_exact_mut(bytes) {
        change(pixel.get_mut(..colors).unwrap_or_default());
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
fn sample_of(value: f32) -> u8 {
    // Without SSE 4.1, `round` is a function call.
    (value.clamp(0.0, 255.0) + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(text: &str, kind: PixelKind, pixel: &[u8]) -> Vec<u8> {
        let spec = Spec::parse(&format!("9x9,{text}")).unwrap();
        apply(Picture { width: 1, height: 1, kind, data: pixel.to_vec() }, &spec).data
    }

    #[test]
    fn equals_the_formulas_of_css() {
        for (text, pixel, expected) in [
            ("brightness-0", [10, 100, 200], [0, 0, 0]),
            ("brightness-1.5", [10, 100, 200], [15, 150, 255]),
            ("contrast-0", [10, 100, 200], [128, 128, 128]),
            ("contrast-2", [10, 100, 200], [0, 73, 255]),
            ("brightness-1.5,contrast-0.5", [10, 100, 200], [71, 139, 191]),
            ("saturation-0", [255, 0, 0], [54, 54, 54]),
            ("saturation-2", [100, 120, 140], [83, 123, 163]),
            ("saturation-2", [77, 77, 77], [77, 77, 77]),
        ] {
            assert_eq!(applied(text, PixelKind::Rgb, &pixel), expected, "{text}");
        }
    }

    #[test]
    fn keeps_opacities_and_the_kind() {
        let all = "brightness-2,contrast-0.5,saturation-3";
        assert_eq!(applied(all, PixelKind::Rgba, &[60, 60, 60, 7]), [124, 124, 124, 7]);
        assert_eq!(applied(all, PixelKind::Luma, &[60]), [124]);
    }
}
