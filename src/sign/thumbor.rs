//! thumbor and imagor: `/signature/[trim:…/][LxT:RxB/][fit-in/][-]WxH/[align/][smart/][filters:…/]source`.
//! The signature is the HMAC of everything that follows it, in padded base64url.
//!
//! <https://thumbor.readthedocs.io/en/latest/usage.html>,
//! <https://github.com/cshum/imagor#image-endpoint>

use std::fmt::Write as _;

use base64::prelude::{BASE64_URL_SAFE, Engine as _};

use super::{
    mac::{HashFunction, KeyedMac},
    translate,
};
use crate::{
    error::{DialectError, SignerError},
    thumbnail::format::OutputFormat,
    thumbnail::spec::{
        Compass, CropRect, Fit, Flip, FormatOption, Fraction, Gravity, Length, Quality, Rgb,
        Rotation, Spec, Tolerance,
    },
    uri,
};

/// The minimum length of a signature, in base64 characters (66 bits).
const MIN_LENGTH: usize = 11;

/// The maximum radius of thumbor's blur, in pixels.
const MAX_BLUR_RADIUS: f64 = 150.0;

/// Signs URLs for thumbor, and for imagor with its additional hash functions.
#[derive(Clone)]
pub struct ThumborSigner {
    mac: KeyedMac,
    length: Option<usize>,
}

impl ThumborSigner {
    /// Creates a signer with thumbor's `SECURITY_KEY`, in UTF-8. thumbor itself uses HMAC-SHA1.
    /// imagor uses the hash function in `IMAGOR_SIGNER_TYPE`, and truncates the signature to
    /// `IMAGOR_SIGNER_TRUNCATE` characters (`length`, at least 11).
    ///
    /// # Errors
    /// [`SignerError::EmptySecret`], or [`SignerError::SignatureLength`].
    pub fn new(key: &[u8], hash: HashFunction, length: Option<usize>) -> Result<Self, SignerError> {
        if key.is_empty() {
            return Err(SignerError::EmptySecret { number: 1 });
        }
        let maximum = match hash {
            HashFunction::Sha1 => 28,
            HashFunction::Sha256 => 44,
            HashFunction::Sha512 => 88,
        };
        if let Some(found) = length.filter(|length| !(MIN_LENGTH..=maximum).contains(length)) {
            let unit = "characters";
            return Err(SignerError::SignatureLength { found, minimum: MIN_LENGTH, maximum, unit });
        }
        Ok(Self { mac: KeyedMac::new(hash, key), length })
    }

    /// Signs a path (`300x200/smart/source.jpg`, percent-encoded as it will be sent). The signature
    /// becomes its first segment.
    #[must_use]
    pub fn sign_path(&self, path: &str) -> String {
        let path = path.strip_prefix('/').unwrap_or(path);
        let mut signature = BASE64_URL_SAFE.encode(self.mac.digest(path.as_bytes()));
        if let Some(length) = self.length {
            signature.truncate(length);
        }
        format!("/{signature}/{path}")
    }

    /// Returns the URL of a thumbnail. `source` is the decoded name or URL for thumbor's loader.
    /// `source_size` is the width and height of the upright source in pixels. It is required for a
    /// focal point or a crop. thumbor negotiates the format `auto` according to its settings
    /// `AUTO_WEBP` and `AUTO_AVIF`. The amount of an unsharp mask is 1.
    ///
    /// # Errors
    /// Fails if thumbor does not support an option of the spec, or if it would parse the source's
    /// name as an option.
    pub fn url(
        &self,
        source: &str,
        spec: &Spec,
        source_size: Option<(u32, u32)>,
    ) -> Result<String, DialectError> {
        if source.is_empty() {
            return Err(DialectError::NoSource);
        }
        if spec.version.is_some() {
            return Err(inexpressible("v", "its URLs can't contain a version of the source"));
        }
        refuse_effects(spec)?;
        refuse_parts_of_sources(spec)?;
        translate::refuse_jpeg_options(
            spec,
            "thumbor",
            "it can only be set in thumbor's own settings",
        )?;
        let mut path = String::new();
        if let Some(tolerance) = spec.trim {
            refuse_positions_after_trim(spec)?;
            let _ = write!(path, "trim:top-left:{}/", distance(tolerance));
        }
        if let Some(crop) = spec.crop {
            let [left, top, right, bottom] = in_pixels(crop, source_size, "crop")?;
            let _ = write!(path, "{left}x{top}:{right}x{bottom}/");
        }
        let size = size(spec);
        path.push_str(&size);
        if spec.fit == Fit::Cover {
            path.push_str(&alignment(spec));
        }
        let filters = filters(source, spec, source_size)?;
        if filters.is_empty() {
            check_source(source, !size.is_empty())?;
        } else {
            let _ = write!(path, "filters:{}/", filters.join(":"));
        }
        uri::encode_nested_url_into(source, &mut path);
        Ok(self.sign_path(&path))
    }
}

const fn inexpressible(option: &'static str, reason: &'static str) -> DialectError {
    DialectError::Inexpressible { server: "thumbor", option, reason }
}

/// Rejects the options that choose a part of a source with several images.
const fn refuse_parts_of_sources(spec: &Spec) -> Result<(), DialectError> {
    Err(if spec.page.is_some() {
        inexpressible("page", "it renders only the first page of a document")
    } else if spec.frame.is_some() {
        inexpressible("frame", "it can only select the first frame, with cover()")
    } else if spec.at.is_some() {
        inexpressible("at", "it chooses the frame of a film itself")
    } else {
        return Ok(());
    })
}

/// Rejects the effects that thumbor does not support, or defines differently.
const fn refuse_effects(spec: &Spec) -> Result<(), DialectError> {
    Err(if spec.brightness.is_some() {
        inexpressible("brightness", "its brightness() adds to the samples instead of multiplying")
    } else if spec.contrast.is_some() {
        inexpressible("contrast", "its contrast() takes only whole steps")
    } else if spec.saturation.is_some() {
        inexpressible("saturation", "its saturation() weighs the colours differently")
    } else if spec.pixelate.is_some() {
        inexpressible("pixelate", "the closest option is blur")
    } else if spec.watermark.is_some() {
        inexpressible("wm", "its watermark() fetches the image from a URL")
    } else if matches!(spec.quality, Some(Quality::Auto)) {
        inexpressible("q-auto", "it has only fixed qualities")
    } else if spec.keep_copyright {
        inexpressible("keep-copyright", "its settings keep all EXIF data or none")
    } else {
        return Ok(());
    })
}

/// The Euclidean distance between two colours whose samples all differ by exactly the tolerance.
fn distance(Tolerance(most): Tolerance) -> f64 {
    (f64::from(most) * f64::sqrt(3.0)).round()
}

/// Rejects a crop or a focal point in a trimmed source. Only thumbor knows the size of that source,
/// and it does not support fractions of the size.
fn refuse_positions_after_trim(spec: &Spec) -> Result<(), DialectError> {
    let is_focal = spec.fit == Fit::Cover && matches!(spec.gravity, Some(Gravity::Focal(..)));
    let option = match spec.crop {
        Some(_) => "crop",
        None if is_focal => "g",
        None => return Ok(()),
    };
    Err(inexpressible(option, "it does not support positions in a source that it trims first"))
}

/// Every part of a thumbor URL except the source is optional. If a part is absent, thumbor may
/// parse the start of the source as that part.
fn check_source(source: &str, has_size: bool) -> Result<(), DialectError> {
    const BEFORE_SIZE: [&str; 7] = [
        "debug",
        "meta",
        "trim",
        "fit-in",
        "full-fit-in",
        "adaptive-fit-in",
        "adaptive-full-fit-in",
    ];
    const AFTER_SIZE: [&str; 7] = ["left", "center", "right", "top", "middle", "bottom", "smart"];
    let Some((start, _)) = source.split_once('/') else {
        return Ok(());
    };
    let is_number =
        |part: &str| part == "orig" || part.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let is_size = start.contains('x') && start.split(['x', ':']).all(is_number);
    let is_before_size = BEFORE_SIZE.contains(&start) || start.starts_with("trim:") || is_size;
    let is_after_size = AFTER_SIZE.contains(&start) || start.starts_with("filters:");
    if is_after_size || (is_before_size && !has_size) {
        return Err(DialectError::AmbiguousSource { start: start.to_owned() });
    }
    Ok(())
}

/// The edges of a part of the source, in pixels.
fn in_pixels(
    rect: CropRect,
    source_size: Option<(u32, u32)>,
    option: &'static str,
) -> Result<[u32; 4], DialectError> {
    let (width, height) = source_size.ok_or(DialectError::NeedsSourceSize { option })?;
    let (left, top) = (rect.x.to_f64(), rect.y.to_f64());
    Ok([
        pixel(left, width),
        pixel(top, height),
        pixel(left + rect.width.to_f64(), width),
        pixel(top + rect.height.to_f64(), height),
    ])
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to side")]
fn pixel(fraction: f64, side: u32) -> u32 {
    (fraction * f64::from(side)).round() as u32
}

/// `[fit-in/][-]WxH/`, before the rotation, which thumbor performs last.
fn size(spec: &Spec) -> String {
    // With `fill`, the free side keeps its length. With the other fits, the length of the free side
    // follows from the other side.
    let free = if spec.fit == Fit::Fill { "orig".to_owned() } else { "0".to_owned() };
    let side = |side: Option<u32>| match side {
        Some(side) => translate::scaled(spec, side.into()).to_string(),
        None => free.clone(),
    };
    let (mut width, mut height) = (side(spec.width), side(spec.height));
    let (mut mirror, mut upend) =
        (spec.flip == Some(Flip::Horizontal), spec.flip == Some(Flip::Vertical));
    if translate::is_sideways(spec) {
        std::mem::swap(&mut width, &mut height);
        std::mem::swap(&mut mirror, &mut upend);
    }
    if (spec.width, spec.height, spec.flip) == (None, None, None) {
        return String::new();
    }
    let fit_in = match spec.fit {
        Fit::Contain | Fit::Pad if spec.upscale => has_both_sides(spec),
        Fit::Contain | Fit::Pad => (spec.width, spec.height) != (None, None),
        Fit::Cover | Fit::Fill => false,
    };
    let sign = |negative| if negative { "-" } else { "" };
    format!(
        "{}{}{width}x{}{height}/",
        if fit_in { "fit-in/" } else { "" },
        sign(mirror),
        sign(upend)
    )
}

const fn has_both_sides(spec: &Spec) -> bool {
    spec.width.is_some() && spec.height.is_some()
}

/// `[left|right/][top|bottom/][smart/]`, before the rotation.
fn alignment(spec: &Spec) -> String {
    let compass = match spec.gravity {
        Some(Gravity::Smart) => return "smart/".to_owned(),
        Some(Gravity::Compass(compass)) => compass,
        Some(Gravity::Focal(..)) | None => return String::new(),
    };
    let (x, y) = translate::to_source(spec, compass.position());
    let word = |position: f64, start, end| match position {
        ..0.5 => start,
        0.5 => "",
        _ => end,
    };
    format!("{}{}", word(x, "left/", "right/"), word(y, "top/", "bottom/"))
}

fn filters(
    source: &str,
    spec: &Spec,
    source_size: Option<(u32, u32)>,
) -> Result<Vec<String>, DialectError> {
    let mut filters = Vec::new();
    if spec.fit == Fit::Fill {
        filters.push("stretch()".to_owned());
    }
    if let (Fit::Cover, Some(Gravity::Focal(x, y))) = (spec.fit, spec.gravity) {
        filters.push(focal_point(spec, (x, y), source_size)?);
    }
    // Without `fit-in`, thumbor always enlarges.
    if spec.upscale && has_both_sides(spec) && matches!(spec.fit, Fit::Contain | Fit::Pad) {
        filters.push("upscale()".to_owned());
    }
    if spec.grayscale {
        filters.push("grayscale()".to_owned());
    }
    if let Some(sigma) = spec.blur {
        let radius = (3.0 * sigma.to_f64()).ceil();
        if radius > MAX_BLUR_RADIUS {
            return Err(inexpressible("blur", "its maximum radius corresponds to a sigma of 50"));
        }
        filters.push(format!("blur({radius},{sigma})"));
    }
    if spec.detail {
        filters.push("convolution(0;-1;0;-1;10;-1;0;-1;0,3,true)".to_owned());
    }
    if let Some(sigma) = spec.sharpen {
        filters.push(format!("sharpen(1,{sigma},true)"));
    }
    if let Some(radius) = spec.radius {
        filters.push(round_corner(source, spec, radius));
    }
    let background = translate::background(spec, source);
    if spec.fit == Fit::Pad {
        if let Some(Gravity::Compass(compass)) = spec.gravity
            && compass != Compass::C
        {
            return Err(inexpressible("g", "it pads a picture equally on all sides"));
        }
        filters.push(match background {
            Some(color) => format!("fill({color},1)"),
            None => "fill(transparent)".to_owned(),
        });
    } else if let Some(color) = background {
        filters.push(format!("background_color({color})"));
    }
    if spec.rotate != Rotation::Deg0 {
        filters.push(format!("rotate({})", 360 - spec.rotate.degrees()));
    }
    if let Some(Quality::Fixed(quality)) = spec.quality {
        filters.push(format!("quality({quality})"));
    }
    if let Some(limit) = spec.max_bytes {
        filters.push(format!("max_bytes({limit})"));
    }
    if let Some(format) = translate::format(spec, source) {
        filters.push(format!("format({format})"));
    }
    Ok(filters)
}

/// The filter for rounded corners. They are transparent. In an opaque thumbnail, they have the
/// background's colour.
fn round_corner(source: &str, spec: &Spec, radius: Length) -> String {
    let radius = translate::scaled(spec, radius.to_f64());
    let is_opaque = spec.output_format(source) == FormatOption::Fixed(OutputFormat::Jpeg);
    let Rgb([red, green, blue]) = spec.background.unwrap_or(Rgb::WHITE);
    let transparent = if is_opaque || spec.background.is_some() { "" } else { ",true" };
    format!("round_corner({radius},{red},{green},{blue}{transparent})")
}

/// The focal point, as a rectangle of one pixel of the source.
fn focal_point(
    spec: &Spec,
    (x, y): (Fraction, Fraction),
    source_size: Option<(u32, u32)>,
) -> Result<String, DialectError> {
    let crop = spec.crop.unwrap_or(CropRect::ALL);
    let [left, top, right, bottom] = in_pixels(crop, source_size, "g")?;
    let (x, y) = translate::to_source(spec, (x.to_f64(), y.to_f64()));
    let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
    let x = left + pixel(x, width).min(width.saturating_sub(1));
    let y = top + pixel(y, height).min(height.saturating_sub(1));
    Ok(format!("focal({x}x{y}:{}x{})", x + 1, y + 1))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        paths: Vec<Signed>,
        urls: Vec<Translated>,
        refused: Vec<Refused>,
    }

    #[derive(Deserialize)]
    struct Signed {
        source: String,
        key: String,
        algorithm: String,
        length: Option<usize>,
        path: String,
        signature: String,
    }

    #[derive(Deserialize)]
    struct Translated {
        source: String,
        spec: String,
        source_size: Option<(u32, u32)>,
        url: String,
    }

    #[derive(Deserialize)]
    struct Refused {
        source: String,
        spec: String,
        source_size: Option<(u32, u32)>,
        error: String,
    }

    fn vectors() -> Vectors {
        serde_json::from_str(include_str!("../../tests/vectors/thumbor.json")).unwrap()
    }

    #[test]
    fn signs_as_thumbor_and_imagor_do() {
        for Signed { source, key, algorithm, length, path, signature } in vectors().paths {
            let hash = algorithm.parse().unwrap();
            let signer = ThumborSigner::new(key.as_bytes(), hash, length).unwrap();
            assert_eq!(signer.sign_path(&path), format!("/{signature}/{path}"), "{source}");
            assert_eq!(signer.sign_path(&format!("/{path}")), format!("/{signature}/{path}"));
        }
    }

    #[test]
    fn translates_a_spec() {
        let signer = ThumborSigner::new(b"my-security-key", HashFunction::Sha1, None).unwrap();
        for Translated { source, spec, source_size, url } in vectors().urls {
            let parsed = Spec::parse(&spec).unwrap();
            assert_eq!(signer.url(&source, &parsed, source_size), Ok(url), "{spec}");
        }
    }

    #[test]
    fn names_what_it_cannot_translate() {
        let signer = ThumborSigner::new(b"my-security-key", HashFunction::Sha1, None).unwrap();
        for Refused { source, spec, source_size, error } in vectors().refused {
            let parsed = Spec::parse(&spec).unwrap();
            let refused = signer.url(&source, &parsed, source_size).expect_err(&spec).to_string();
            assert!(refused.contains(&error), "{spec}: {refused}");
        }
    }

    #[test]
    fn refuses_unusable_keys_and_lengths() {
        let new = |key: &[u8], hash, length| ThumborSigner::new(key, hash, length).map(|_| ());
        let empty = Err(SignerError::EmptySecret { number: 1 });
        assert_eq!(new(b"", HashFunction::Sha1, None), empty);
        for (hash, whole) in
            [(HashFunction::Sha1, 28), (HashFunction::Sha256, 44), (HashFunction::Sha512, 88)]
        {
            assert!(new(b"key", hash, Some(11)).is_ok());
            assert!(new(b"key", hash, Some(whole)).is_ok());
            let signer = ThumborSigner::new(b"key", hash, None).unwrap();
            assert_eq!(signer.sign_path("").len(), whole + 2);
            for length in [0, 10, whole + 1] {
                let refused = new(b"key", hash, Some(length));
                assert!(matches!(refused, Err(SignerError::SignatureLength { .. })), "{length}");
            }
        }
    }
}
