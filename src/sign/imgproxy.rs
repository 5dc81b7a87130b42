//! imgproxy: `/signature/option:…/…/base64url(source)`. The signature is the HMAC-SHA256 of the
//! salt and the path, in unpadded base64url.
//!
//! <https://docs.imgproxy.net/usage/signing_url>,
//! <https://docs.imgproxy.net/usage/processing>

use ::hmac::{Hmac, Mac as _};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use sha2::Sha256;

use super::{
    mac::{decode_hex, keyed},
    translate,
};
use crate::{
    error::{DialectError, SignError, SignerError},
    thumbnail::{
        format::OutputFormat,
        spec::{Compass, CropRect, Fit, Flip, Fraction, Gravity, Quality, Rotation, Spec},
    },
};

/// The minimum length of a signature, in bytes: 64 bits.
const MIN_SIZE: usize = 8;
const MAX_SIZE: usize = 32;

/// Signs URLs for imgproxy.
#[derive(Clone)]
pub struct ImgproxySigner {
    /// The MAC of the first pair, which has already processed the salt.
    salted: Hmac<Sha256>,
    size: usize,
}

impl ImgproxySigner {
    /// Creates a signer with the values of `IMGPROXY_KEY`, `IMGPROXY_SALT` and
    /// `IMGPROXY_SIGNATURE_SIZE` (8 to 32 bytes). The keys and salts are hexadecimal and form
    /// pairs. The first pair signs.
    ///
    /// # Errors
    /// Fails if a value is empty, not hexadecimal or out of range, or if a key or a salt does not
    /// have its counterpart.
    pub fn new(
        keys: &[impl AsRef<str>],
        salts: &[impl AsRef<str>],
        size: usize,
    ) -> Result<Self, SignerError> {
        if !(MIN_SIZE..=MAX_SIZE).contains(&size) {
            return Err(SignerError::SignatureLength {
                found: size,
                minimum: MIN_SIZE,
                maximum: MAX_SIZE,
                unit: "bytes",
            });
        }
        if keys.len() != salts.len() {
            return Err(SignerError::UnpairedKeys { keys: keys.len(), salts: salts.len() });
        }
        let decode = |what| move |(number, value): (usize, &str)| decode_hex(what, number, value);
        let keys = (1..).zip(keys.iter().map(AsRef::as_ref)).map(decode("key"));
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        let salts = (1..).zip(salts.iter().map(AsRef::as_ref)).map(decode("salt"));
        let salts: Vec<_> = salts.collect::<Result<_, _>>()?;
        let (Some(key), Some(salt)) = (keys.first(), salts.first()) else {
            return Err(SignerError::NoSecret);
        };
        Ok(Self { salted: keyed::<Hmac<Sha256>>(key).chain_update(salt), size })
    }

    /// Signs a path (`/options/source`, percent-encoded except for `:`). The signature becomes its
    /// first segment.
    #[must_use]
    pub fn sign_path(&self, path: &str) -> String {
        let path = path.strip_prefix('/').unwrap_or(path);
        let mac = self.salted.clone().chain_update(b"/").chain_update(path);
        let digest = mac.finalize().into_bytes();
        let digest = digest.get(..self.size).unwrap_or(&digest);
        let mut url = String::with_capacity(path.len() + 48);
        url.push('/');
        BASE64_URL_SAFE_NO_PAD.encode_string(digest, &mut url);
        url.push('/');
        url.push_str(path);
        url
    }

    /// Returns the URL of a thumbnail. `source` is the URL that imgproxy fetches, such as
    /// `https://example.org/a.jpg` or `local:///a.jpg`. `expires` is the last valid Unix second.
    /// imgproxy negotiates the format `auto` according to its settings `IMGPROXY_AUTO_WEBP` and
    /// `IMGPROXY_AUTO_AVIF`. The option `flip` requires imgproxy 3.31.
    ///
    /// # Errors
    /// [`DialectError::NoSource`], [`DialectError::Inexpressible`], or an error for an expiry
    /// before 1970.
    pub fn url(
        &self,
        source: &str,
        spec: &Spec,
        expires: Option<i64>,
    ) -> Result<String, DialectError> {
        if source.is_empty() {
            return Err(DialectError::NoSource);
        }
        if let Some(expires @ ..=0) = expires {
            return Err(SignError::ExpiresOutOfRange { expires }.into());
        }
        translate::refuse_jpeg_options(
            spec,
            "imgproxy",
            "only its Pro version supports it in URLs",
        )?;
        refuse_missing(spec)?;
        let mut path = String::new();
        for option in options(source, spec, expires) {
            path.push_str(&option);
            path.push('/');
        }
        BASE64_URL_SAFE_NO_PAD.encode_string(source, &mut path);
        Ok(self.sign_path(&path))
    }
}

/// Rejects the options that imgproxy does not support, or that only its Pro version supports.
fn refuse_missing(spec: &Spec) -> Result<(), DialectError> {
    const PRO: &str = "only its Pro version does";
    let (option, reason) = if spec.page.is_some() {
        ("page", PRO)
    } else if spec.frame.is_some() {
        ("frame", PRO)
    } else if spec.at.is_some() {
        ("at", PRO)
    } else if spec.brightness.is_some() {
        ("brightness", PRO)
    } else if spec.contrast.is_some() {
        ("contrast", PRO)
    } else if spec.saturation.is_some() {
        ("saturation", PRO)
    } else if spec.grayscale {
        ("grayscale", PRO)
    } else if spec.detail {
        ("detail", "the closest option is sharpen")
    } else if spec.radius.is_some() {
        ("radius", "the closest equivalent is the CSS border-radius")
    } else if spec.watermark.is_some() {
        ("wm", "its only watermark is set on the server")
    } else if spec.quality == Some(Quality::Auto) {
        ("q-auto", PRO)
    } else {
        return Ok(());
    };
    Err(DialectError::Inexpressible { server: "imgproxy", option, reason })
}

fn options(source: &str, spec: &Spec, expires: Option<i64>) -> Vec<String> {
    let mut options = vec![resize(spec)];
    if let Some(dpr) = spec.dpr.filter(|_| (spec.width, spec.height) != (None, None)) {
        options.push(format!("dpr:{dpr}"));
    }
    if let Some(tolerance) = spec.trim {
        options.push(format!("t:{tolerance}"));
    }
    if let Some(crop) = spec.crop {
        options.push(crop_option(spec, crop));
    }
    match (spec.fit, spec.gravity) {
        (Fit::Cover, Some(gravity)) => options.push(format!("g:{}", gravity_text(gravity))),
        (Fit::Pad, Some(gravity @ Gravity::Compass(_))) => {
            options.push(format!("ex:1:{}", gravity_text(gravity)));
        }
        _ => {}
    }
    if spec.rotate != Rotation::Deg0 {
        options.push(format!("rot:{}", spec.rotate.degrees()));
    }
    match spec.flip {
        Some(Flip::Horizontal) => options.push("fl:1:0".to_owned()),
        Some(Flip::Vertical) => options.push("fl:0:1".to_owned()),
        None => {}
    }
    if let Some(side) = spec.pixelate {
        options.push(format!("pix:{}", translate::scaled(spec, side.to_f64())));
    }
    if let Some(sigma) = spec.blur {
        options.push(format!("bl:{sigma}"));
    }
    if let Some(sigma) = spec.sharpen {
        options.push(format!("sh:{sigma}"));
    }
    if let Some(color) = translate::background(spec, source) {
        options.push(format!("bg:{color}"));
    }
    if let Some(Quality::Fixed(quality)) = spec.quality {
        options.push(format!("q:{quality}"));
    }
    if let Some(limit) = spec.max_bytes {
        options.push(format!("mb:{limit}"));
    }
    if spec.keep_icc {
        // Do not strip the colour profile.
        options.push("scp:0".to_owned());
    }
    if spec.keep_copyright {
        options.push("kcr:1".to_owned());
    }
    if let Some(format) = translate::format(spec, source) {
        options.push(format!("f:{}", format_name(format)));
    }
    if let Some(version) = spec.version {
        options.push(format!("cb:{version}"));
    }
    if let Some(expires) = expires {
        options.push(format!("exp:{expires}"));
    }
    options
}

fn resize(spec: &Spec) -> String {
    let (kind, enlarge, extend) = match spec.fit {
        Fit::Contain => ("fit", spec.upscale, ""),
        Fit::Pad => ("fit", spec.upscale, ":1"),
        Fit::Cover if spec.upscale => ("fill", true, ""),
        Fit::Cover => ("fill-down", false, ""),
        Fit::Fill => ("force", spec.upscale, ""),
    };
    format!(
        "rs:{kind}:{}:{}:{}{extend}",
        spec.width.unwrap_or(0),
        spec.height.unwrap_or(0),
        u8::from(enlarge)
    )
}

/// imgproxy defines a crop by its size and its centre, both in the rotated image. A size below 1 is
/// a fraction, and 0 is the full length of the side.
fn crop_option(spec: &Spec, crop: CropRect) -> String {
    let side = |side: Fraction| if side == Fraction::MAX { Fraction::MIN } else { side };
    let middle = |start: Fraction, length: Fraction| start.to_f64() + length.to_f64() / 2.0;
    let center = (middle(crop.x, crop.width), middle(crop.y, crop.height));
    let (x, y) = translate::to_turned(spec, center);
    let (width, height) = if translate::is_sideways(spec) {
        (crop.height, crop.width)
    } else {
        (crop.width, crop.height)
    };
    format!("c:{}:{}:fp:{}:{}", side(width), side(height), decimal(x), decimal(y))
}

/// Formats a number with up to five decimal places, which is enough for the midpoint of two
/// fractions.
fn decimal(value: f64) -> String {
    let text = format!("{value:.5}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn gravity_text(gravity: Gravity) -> String {
    let name = match gravity {
        Gravity::Focal(x, y) => return format!("fp:{x}:{y}"),
        Gravity::Smart => "sm",
        Gravity::Compass(compass) => match compass {
            Compass::N => "no",
            Compass::NE => "noea",
            Compass::E => "ea",
            Compass::SE => "soea",
            Compass::S => "so",
            Compass::SW => "sowe",
            Compass::W => "we",
            Compass::NW => "nowe",
            Compass::C => "ce",
        },
    };
    name.to_owned()
}

const fn format_name(format: OutputFormat) -> &'static str {
    match format {
        OutputFormat::Jpeg => "jpg",
        _ => format.name(),
    }
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
        keys: Vec<String>,
        salts: Vec<String>,
        size: usize,
        path: String,
        signature: String,
    }

    #[derive(Deserialize)]
    struct Translated {
        source: String,
        spec: String,
        expires: Option<i64>,
        url: String,
    }

    #[derive(Deserialize)]
    struct Refused {
        source: String,
        spec: String,
        error: String,
    }

    fn vectors() -> Vectors {
        serde_json::from_str(include_str!("../../tests/vectors/imgproxy.json")).unwrap()
    }

    #[test]
    fn signs_as_imgproxy_does() {
        for Signed { source, keys, salts, size, path, signature } in vectors().paths {
            let signer = ImgproxySigner::new(&keys, &salts, size).unwrap();
            assert_eq!(signer.sign_path(&path), format!("/{signature}{path}"), "{source}");
            assert_eq!(signer.sign_path(&path[1..]), format!("/{signature}{path}"), "{source}");
        }
    }

    #[test]
    fn translates_a_spec() {
        // The hexadecimal forms of "test-key" and "test-salt".
        let (key, salt) = ("746573742d6b6579", "746573742d73616c74");
        let signer = ImgproxySigner::new(&[key], &[salt], 32).unwrap();
        for Translated { source, spec, expires, url } in vectors().urls {
            let parsed = Spec::parse(&spec).unwrap();
            assert_eq!(signer.url(&source, &parsed, expires), Ok(url), "{spec}");
        }
        let spec = Spec::default();
        assert_eq!(signer.url("", &spec, None), Err(DialectError::NoSource));
        let error = SignError::ExpiresOutOfRange { expires: 0 };
        assert_eq!(signer.url("a", &spec, Some(0)), Err(error.into()));
    }

    #[test]
    fn names_what_it_cannot_translate() {
        let signer = ImgproxySigner::new(&["00"], &["00"], 32).unwrap();
        for Refused { source, spec, error } in vectors().refused {
            let parsed = Spec::parse(&spec).unwrap();
            let refused = signer.url(&source, &parsed, None).expect_err(&spec).to_string();
            assert!(refused.contains(&error), "{spec}: {refused}");
        }
    }

    #[test]
    fn refuses_unusable_keys() {
        let new = |keys: &[&str], salts: &[&str], size| {
            ImgproxySigner::new(keys, salts, size).map(|_| ()).unwrap_err()
        };
        assert_eq!(new(&[], &[], 32), SignerError::NoSecret);
        assert_eq!(new(&["00"], &[], 32), SignerError::UnpairedKeys { keys: 1, salts: 0 });
        assert_eq!(new(&["00", ""], &["00", "00"], 32), SignerError::EmptySecret { number: 2 });
        for text in ["0", "0g", "0x00", "+1", "ää"] {
            let error = SignerError::NotHex { what: "key", number: 1 };
            assert_eq!(new(&[text], &["00"], 32), error, "{text}");
            let error = SignerError::NotHex { what: "salt", number: 1 };
            assert_eq!(new(&["00"], &[text], 32), error, "{text}");
        }
        for size in [0, 7, 33] {
            let refused = new(&["00"], &["00"], size);
            assert!(matches!(refused, SignerError::SignatureLength { .. }), "{size}");
        }
    }
}
