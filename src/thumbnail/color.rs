//! Converts images to sRGB, based on an ICC profile, code points or a gamma value. CMYK images
//! without a profile are converted too.

use std::sync::Arc;

use moxcms::{
    CicpColorPrimaries, CicpProfile, CmsError, ColorProfile, DataColorSpace, Layout,
    MatrixCoefficients, ToneReprCurve, TransferCharacteristics, Transform8BitExecutor,
    TransformOptions,
};

use raster::{Picture, PixelKind};

/// The colour space of the samples, as specified in the source.
#[derive(Debug, Clone, PartialEq)]
pub enum Profile {
    /// An ICC profile (ISO 15076-1).
    Icc(Vec<u8>),
    /// Colour primaries and transfer characteristics, ITU-T H.273.
    CodePoints {
        /// The primaries.
        primaries: u8,
        /// The transfer characteristics.
        transfer: u8,
    },
    /// The sRGB primaries, with samples that are linear light raised to this power.
    Gamma(f32),
}

impl Profile {
    /// Returns the profile, if it matches samples of this kind and is not sRGB.
    fn parse(&self, kind: PixelKind) -> Option<ColorProfile> {
        let space = match kind {
            PixelKind::Luma => DataColorSpace::Gray,
            PixelKind::Rgb | PixelKind::Rgba => DataColorSpace::Rgb,
            PixelKind::Cmyk => DataColorSpace::Cmyk,
        };
        let profile = match self {
            Self::Icc(icc) => ColorProfile::new_from_slice(icc).ok()?,
            Self::CodePoints { primaries, transfer } => {
                // Unspecified (2) means sRGB. The curves of television standards (1, 6, 14, 15)
                // describe cameras, and images with these curves are displayed as sRGB.
                let is_srgb =
                    matches!(primaries, 1 | 2) && matches!(transfer, 1 | 2 | 6 | 13 | 14 | 15);
                if is_srgb {
                    return None;
                }
                let primaries = if *primaries == 2 { 1 } else { *primaries };
                let transfer = if matches!(transfer, 1 | 2 | 6 | 14 | 15) { 13 } else { *transfer };
                let color_primaries = CicpColorPrimaries::try_from(primaries).ok()?;
                let transfer_characteristics = TransferCharacteristics::try_from(transfer).ok()?;
                ColorProfile::new_from_cicp(CicpProfile {
                    color_primaries,
                    transfer_characteristics,
                    matrix_coefficients: MatrixCoefficients::Identity,
                    full_range: true,
                })
            }
            Self::Gamma(gamma) => {
                const SRGB: f32 = 1.0 / 2.2;
                if !gamma.is_normal() || (gamma / SRGB - 1.0).abs() < 0.02 {
                    return None;
                }
                let exponent = 1.0 / gamma;
                if kind == PixelKind::Luma {
                    ColorProfile::new_gray_with_gamma(exponent)
                } else {
                    let curve = Some(ToneReprCurve::Parametric(vec![exponent]));
                    let mut profile = ColorProfile::new_srgb();
                    profile.cicp = None;
                    profile.red_trc.clone_from(&curve);
                    profile.green_trc.clone_from(&curve);
                    profile.blue_trc = curve;
                    profile
                }
            }
        };
        (profile.color_space == space).then_some(profile)
    }
}

/// Converts the frames of one source.
pub struct Converter {
    profile: Option<Profile>,
    /// The transform for images of this kind; `None` if they are already in sRGB.
    prepared: Option<(PixelKind, Option<Arc<Transform8BitExecutor>>)>,
}

impl Converter {
    /// Creates a converter for samples with this profile; `None` = sRGB.
    #[must_use]
    pub const fn new(profile: Option<Profile>) -> Self {
        Self { profile, prepared: None }
    }

    /// Returns the image in sRGB. A profile is ignored if it is damaged or does not match samples
    /// of this kind.
    #[must_use]
    pub fn to_srgb(&mut self, picture: Picture) -> Picture {
        match self.transform(picture.kind) {
            Some(transform) => convert(&picture, transform.as_ref()).unwrap_or(picture),
            None => picture,
        }
        .without_inks()
    }

    /// Whether [`Self::to_srgb`] leaves images of this kind unchanged.
    #[must_use]
    pub fn is_identity(&mut self, kind: PixelKind) -> bool {
        kind != PixelKind::Cmyk && self.transform(kind).is_none()
    }

    fn transform(&mut self, kind: PixelKind) -> Option<Arc<Transform8BitExecutor>> {
        if let Some((prepared, transform)) = &self.prepared
            && *prepared == kind
        {
            return transform.clone();
        }
        let transform = self.profile.as_ref().and_then(|profile| {
            let (from, to) = layouts(kind);
            let options = TransformOptions::default();
            let transform = profile
                .parse(kind)?
                .create_transform_8bit(from, &ColorProfile::new_srgb(), to, options)
                .ok()?;
            (!is_rounding_only(kind, transform.as_ref())).then_some(transform)
        });
        self.prepared = Some((kind, transform.clone()));
        transform
    }
}

/// Whether a transform changes each sample by at most one. This is the case if the profile
/// describes sRGB.
fn is_rounding_only(kind: PixelKind, transform: &Transform8BitExecutor) -> bool {
    const STEPS: [u8; 7] = [0, 28, 77, 128, 179, 227, 255];
    let colors = || {
        let pairs = || STEPS.iter().flat_map(|&green| STEPS.map(move |blue| (green, blue)));
        STEPS.iter().flat_map(move |&red| pairs().map(move |(green, blue)| [red, green, blue]))
    };
    let data: Vec<u8> = match kind {
        PixelKind::Luma => (0..=255).collect(),
        PixelKind::Rgb => colors().flatten().collect(),
        PixelKind::Rgba => {
            colors().flat_map(|[red, green, blue]| [red, green, blue, 255]).collect()
        }
        PixelKind::Cmyk => return false,
    };
    let Ok(width) = u32::try_from(data.len() / kind.bytes()) else { return false };
    let colors = Picture { width, height: 1, kind, data };
    let Ok(converted) = convert(&colors, transform) else { return false };
    colors.data.iter().zip(&converted.data).all(|(before, after)| before.abs_diff(*after) <= 1)
}

const fn layouts(kind: PixelKind) -> (Layout, Layout) {
    match kind {
        PixelKind::Luma => (Layout::Gray, Layout::Rgb),
        PixelKind::Rgb => (Layout::Rgb, Layout::Rgb),
        PixelKind::Rgba => (Layout::Rgba, Layout::Rgba),
        // In moxcms, CMYK uses the layout of RGBA, which also has four samples.
        PixelKind::Cmyk => (Layout::Rgba, Layout::Rgb),
    }
}

fn convert(picture: &Picture, transform: &Transform8BitExecutor) -> Result<Picture, CmsError> {
    let kind = if picture.kind == PixelKind::Rgba { PixelKind::Rgba } else { PixelKind::Rgb };
    let pixels = picture.width as usize * picture.height as usize;
    let mut data = vec![0; pixels * kind.bytes()];
    transform.transform(&picture.data, &mut data)?;
    let converted = Picture { kind, data, ..*picture };
    Ok(if picture.kind == PixelKind::Luma { converted.into_luma() } else { converted })
}
