//! Cloudflare: a rule with `is_timed_hmac_valid_v0()`, and private images of Cloudflare Images.
//!
//! <https://developers.cloudflare.com/waf/custom-rules/use-cases/configure-token-authentication/>,
//! <https://developers.cloudflare.com/ruleset-engine/rules-language/functions/#hmac-validation>,
//! <https://developers.cloudflare.com/images/manage-images/serve-images/serve-private-images/>

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};

use super::{
    lifetime::Expiry,
    mac::{hex, hmac_sha256},
    target::Target,
};
use crate::{
    error::{SignError, SignerError},
    uri,
};

/// Signs URLs for a rule with `is_timed_hmac_valid_v0()`.
#[derive(Clone)]
pub struct CloudflareSigner {
    key: Vec<u8>,
    ttl: i64,
    param: String,
    url_safe: bool,
}

impl CloudflareSigner {
    /// Creates a signer with the rule's key and its `ttl` in seconds. `param` is the name of the
    /// token's parameter. `url_safe` means that the rule has the flag `"s"`.
    ///
    /// # Errors
    /// [`SignerError::EmptySecret`], [`SignerError::Ttl`] or [`SignerError::BadParamName`].
    pub fn new(key: &[u8], ttl: i64, param: &str, url_safe: bool) -> Result<Self, SignerError> {
        if key.is_empty() {
            return Err(SignerError::EmptySecret { number: 1 });
        }
        if ttl <= 0 {
            return Err(SignerError::Ttl(ttl));
        }
        if !uri::is_unreserved(param) {
            return Err(SignerError::BadParamName { name: param.to_owned() });
        }
        Ok(Self { key: key.to_vec(), ttl, param: param.to_owned(), url_safe })
    }

    /// Signs a URL at the time `now` (Unix seconds). The URL must be encoded as it will be sent.
    /// The token contains its time of issue, which is the expiry minus the rule's `ttl`. The
    /// signature covers the path and the query.
    ///
    /// # Errors
    /// Fails if the URL is relative or not encoded, if its query already has the token's parameter,
    /// if the expiry is invalid or more than `ttl` seconds ahead, or if the time does not have ten
    /// digits.
    pub fn sign(&self, url: &str, expiry: Expiry, now: i64) -> Result<String, SignError> {
        let target = Target::parse(url)?;
        target.params(&[&self.param])?;
        let expires = expiry.at(now)?;
        // The rule checks that the time is earlier than the time of issue plus the `ttl`, so the
        // last valid second is one second before that sum.
        let issued = expires.saturating_sub(self.ttl).saturating_add(1);
        if issued > now {
            let seconds = expires.saturating_sub(now);
            return Err(SignError::TooLong { seconds, maximum: self.ttl - 1 });
        }
        if !(1_000_000_000..10_000_000_000).contains(&issued) {
            return Err(SignError::TimeOutOfRange(issued));
        }
        let mac = hmac_sha256(&self.key, &format!("{}{issued}", target.path_and_query()));
        let mut token = format!("{}={issued}-", self.param);
        if self.url_safe {
            BASE64_URL_SAFE_NO_PAD.encode_string(mac, &mut token);
        } else {
            uri::encode_query_into(BASE64_STANDARD.encode(mac).as_bytes(), &mut token);
        }
        Ok(target.with_param(&token))
    }
}

/// Signs URLs of private images.
#[derive(Clone)]
pub struct CloudflareImagesSigner {
    key: Vec<u8>,
}

impl CloudflareImagesSigner {
    /// Creates a signer with the account's key for Cloudflare Images.
    ///
    /// # Errors
    /// [`SignerError::EmptySecret`].
    pub fn new(key: &[u8]) -> Result<Self, SignerError> {
        if key.is_empty() {
            return Err(SignerError::EmptySecret { number: 1 });
        }
        Ok(Self { key: key.to_vec() })
    }

    /// Signs a URL at the time `now` (Unix seconds). The URL must be encoded as it will be sent.
    /// The signature covers the path and the query.
    ///
    /// # Errors
    /// Fails if the URL is relative or not encoded, if its query already has `exp` or `sig`, or if
    /// the expiry is invalid.
    pub fn sign(&self, url: &str, expiry: Expiry, now: i64) -> Result<String, SignError> {
        let target = Target::parse(url)?;
        target.params(&["exp", "sig"])?;
        let expiring = target.with_param(&format!("exp={}", expiry.at(now)?));
        let message = expiring.get(target.origin.len()..).unwrap_or_default();
        Ok(format!("{expiring}&sig={}", hex(&hmac_sha256(&self.key, message))))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        cloudflare: Vec<Vector>,
        cloudflare_images: Vec<ImagesVector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        key: String,
        ttl: i64,
        param: String,
        url_safe: bool,
        url: String,
        expires: i64,
        now: i64,
        signed: String,
    }

    #[derive(Deserialize)]
    struct ImagesVector {
        key: String,
        url: String,
        expires: i64,
        signed: String,
    }

    #[test]
    fn agrees_with_the_vectors() {
        let vectors: Vectors =
            serde_json::from_str(include_str!("../../tests/vectors/cdn.json")).unwrap();
        for v in vectors.cloudflare {
            let signer =
                CloudflareSigner::new(v.key.as_bytes(), v.ttl, &v.param, v.url_safe).unwrap();
            assert_eq!(signer.sign(&v.url, Expiry::At(v.expires), v.now), Ok(v.signed));
        }
        for ImagesVector { key, url, expires, signed } in vectors.cloudflare_images {
            let signer = CloudflareImagesSigner::new(key.as_bytes()).unwrap();
            assert_eq!(signer.sign(&url, Expiry::At(expires), 0), Ok(signed));
        }
    }

    #[test]
    fn refuses_what_the_rule_would() {
        let new = |ttl, param| CloudflareSigner::new(b"key", ttl, param, false);
        assert_eq!(new(0, "verify").map(|_| ()), Err(SignerError::Ttl(0)));
        let name = "a b".to_owned();
        assert_eq!(new(1, "a b").map(|_| ()), Err(SignerError::BadParamName { name }));
        let now = 1_700_000_000;
        let sign = |expiry| new(60, "verify").unwrap().sign("/a", expiry, now);
        assert!(sign(Expiry::At(now + 59)).is_ok());
        let too_long = SignError::TooLong { seconds: 60, maximum: 59 };
        assert_eq!(sign(Expiry::At(now + 60)), Err(too_long));
        assert!(sign(Expiry::In(39)).is_ok());
        let early = CloudflareSigner::new(b"key", 60, "verify", false).unwrap();
        let early = early.sign("/a", Expiry::At(100), 100);
        assert_eq!(early, Err(SignError::TimeOutOfRange(41)));
        let reserved = new(60, "verify").unwrap().sign("/a?verify=", Expiry::At(now), now);
        assert_eq!(reserved, Err(SignError::ReservedParam { name: "verify".into() }));
    }
}
