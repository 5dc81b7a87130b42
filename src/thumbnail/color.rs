//! Converts images to sRGB, based on an ICC profile, code points or a gamma value. CMYK images
//! without a profile are converted too. With `keep-icc`, an image keeps its colour space if it is a
//! wide RGB colour space.

use std::borrow::Cow;
use std::sync::Arc;

use moxcms::{
    CicpColorPrimaries, CicpProfile, CmsError, ColorProfile, DataColorSpace, Layout,
    LocalizableString, MatrixCoefficients, ProfileClass, ProfileText, ToneReprCurve,
    TransferCharacteristics, Transform8BitExecutor, TransformOptions,
};

use super::spec::Rgb;
use raster::{Picture, PixelKind};

/// The maximum size of a profile that is kept, in bytes.
const MAX_KEPT: usize = 1024 * 1024;

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

/// A wide RGB colour space that thumbnails keep.
struct Kept {
    icc: Vec<u8>,
    /// The transform from sRGB, for samples with opacity.
    from_srgb: Arc<Transform8BitExecutor>,
}

impl Kept {
    /// Returns the colour space if it can be kept. HDR and linear samples need more than eight
    /// bits, and a gamma value alone describes the same colours as sRGB.
    fn new(profile: &Profile) -> Option<Self> {
        let mut parsed = profile.parse(PixelKind::Rgb)?;
        let needs_more_bits = parsed.cicp.as_ref().is_some_and(|points| {
            use TransferCharacteristics::{Hlg, Linear, Smpte2084};
            matches!(points.transfer_characteristics, Smpte2084 | Hlg | Linear)
        });
        let (class, rgba) = (parsed.profile_class, Layout::Rgba);
        if needs_more_bits
            || matches!(
                class,
                ProfileClass::DeviceLink | ProfileClass::Abstract | ProfileClass::Named
            )
        {
            return None;
        }
        let from_srgb = ColorProfile::new_srgb()
            .create_transform_8bit(rgba, &parsed, rgba, TransformOptions::default())
            .ok()?;
        let icc = match profile {
            Profile::Icc(icc) => {
                let size = u32::from_be_bytes(*icc.first_chunk::<4>()?);
                icc.get(..usize::try_from(size).ok()?)?.to_vec()
            }
            Profile::CodePoints { primaries, transfer } => {
                let text = |text: String| {
                    let (language, country) = ("en".to_owned(), "US".to_owned());
                    let text = LocalizableString::new(language, country, text);
                    Some(ProfileText::Localizable(vec![text]))
                };
                let name = match (primaries, transfer) {
                    (12, 13) => "Display P3".to_owned(),
                    _ => format!("H.273 {primaries}/{transfer}"),
                };
                parsed.cicp = None;
                parsed.media_white_point = Some(parsed.white_point);
                parsed.description = text(name);
                parsed.copyright = text("CC0".to_owned());
                parsed.encode().ok()?
            }
            Profile::Gamma(_) => return None,
        };
        (icc.len() <= MAX_KEPT).then_some(Self { icc, from_srgb })
    }
}

/// Converts the frames of one source.
pub struct Converter {
    profile: Option<Profile>,
    kept: Option<Kept>,
    /// The transform for images of this kind; `None` if they are already in sRGB.
    prepared: Option<(PixelKind, Option<Arc<Transform8BitExecutor>>)>,
}

impl Converter {
    /// Creates a converter to sRGB for samples with this profile; `None` means sRGB.
    #[must_use]
    pub const fn new(profile: Option<Profile>) -> Self {
        Self { profile, kept: None, prepared: None }
    }

    /// Creates a converter that keeps the colour space of this profile if it is RGB but not sRGB.
    #[must_use]
    pub fn keeping(profile: Option<Profile>) -> Self {
        let mut converter = Self::new(profile);
        if converter.transform(PixelKind::Rgb).is_some() {
            converter.kept = converter.profile.as_ref().and_then(Kept::new);
        }
        converter
    }

    /// Returns the ICC profile of the converted images, unless they are in sRGB.
    #[must_use]
    pub fn kept(&self) -> Option<Vec<u8>> {
        self.kept.as_ref().map(|kept| kept.icc.clone())
    }

    /// Returns the image in its own colour space if this is kept, otherwise in sRGB. A profile is
    /// ignored if it is damaged or does not match samples of this kind.
    #[must_use]
    pub fn convert(&mut self, picture: Picture) -> Picture {
        if self.kept.is_some() && matches!(picture.kind, PixelKind::Rgb | PixelKind::Rgba) {
            return picture;
        }
        self.kept = None;
        match self.transform(picture.kind) {
            Some(transform) => convert(&picture, transform.as_ref()).unwrap_or(picture),
            None => picture,
        }
        .without_inks()
    }

    /// Whether [`Self::convert`] leaves images of this kind unchanged.
    #[must_use]
    pub fn is_identity(&mut self, kind: PixelKind) -> bool {
        match kind {
            PixelKind::Cmyk => false,
            PixelKind::Rgb | PixelKind::Rgba if self.kept.is_some() => true,
            kind => self.transform(kind).is_none(),
        }
    }

    /// Converts an RGBA picture from sRGB to the colour space of the converted images.
    #[must_use]
    pub fn from_srgb<'a>(&self, picture: &'a Picture) -> Cow<'a, Picture> {
        let converted =
            self.kept.as_ref().and_then(|kept| convert(picture, kept.from_srgb.as_ref()).ok());
        converted.map_or(Cow::Borrowed(picture), Cow::Owned)
    }

    /// Converts a colour from sRGB to the colour space of the converted images.
    #[must_use]
    pub fn color_from_srgb(&self, Rgb([red, green, blue]): Rgb) -> Rgb {
        let data = vec![red, green, blue, u8::MAX];
        let pixel = Picture { width: 1, height: 1, kind: PixelKind::Rgba, data };
        let color = self.from_srgb(&pixel).data.first_chunk().copied();
        Rgb(color.unwrap_or([red, green, blue]))
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
