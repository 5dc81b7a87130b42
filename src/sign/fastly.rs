//! Fastly's token authentication in VCL: `token={expiry}_{HMAC-SHA1 of the URL and the expiry}`, in
//! hexadecimal digits.
//!
//! The URL is `req.url` without the token, as in Fastly's guide "Enabling URL token validation".
//! <https://github.com/fastly/token-functions> describes the token for a URL without a query.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::{
    lifetime::Expiry,
    mac::{HashFunction, KeyedMac, hex},
    target::Target,
};
use crate::error::{SignError, SignerError};

/// Signs URLs for a Fastly service.
#[derive(Clone)]
pub struct FastlySigner {
    mac: KeyedMac,
}

impl FastlySigner {
    /// Creates a signer with the key in base64, as in the VCL's `digest.base64_decode()`.
    ///
    /// # Errors
    /// [`SignerError::EmptySecret`], [`SignerError::NotBase64`] or [`SignerError::NulInKey`].
    pub fn new(key: &str) -> Result<Self, SignerError> {
        let key = BASE64_STANDARD.decode(key).map_err(|_| SignerError::NotBase64)?;
        if key.is_empty() {
            return Err(SignerError::EmptySecret { number: 1 });
        }
        // A string in VCL ends at its first NUL byte.
        if key.contains(&0) {
            return Err(SignerError::NulInKey);
        }
        Ok(Self { mac: KeyedMac::new(HashFunction::Sha1, &key) })
    }

    /// Signs a URL at the time `now` (Unix seconds). The URL must be encoded as it will be sent.
    /// The signature covers the path and the query.
    ///
    /// # Errors
    /// Fails if the URL is relative or not encoded, if its query already has a `token`, or if the
    /// expiry is invalid or does not have the 10 or 11 digits that the VCL expects.
    pub fn sign(&self, url: &str, expiry: Expiry, now: i64) -> Result<String, SignError> {
        let target = Target::parse(url)?;
        target.params(&["token"])?;
        let expires = expiry.at(now)?;
        if !(1_000_000_000..100_000_000_000).contains(&expires) {
            return Err(SignError::TimeOutOfRange(expires));
        }
        let message = format!("{}{expires}", target.path_and_query());
        let signature = hex(&self.mac.digest(message.as_bytes()));
        Ok(target.with_param(&format!("token={expires}_{signature}")))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        fastly: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        key: String,
        url: String,
        expires: i64,
        signed: String,
    }

    #[test]
    fn agrees_with_the_vectors() {
        let vectors: Vectors =
            serde_json::from_str(include_str!("../../tests/vectors/cdn.json")).unwrap();
        for Vector { key, url, expires, signed } in vectors.fastly {
            let signer = FastlySigner::new(&key).unwrap();
            assert_eq!(signer.sign(&url, Expiry::At(expires), 0), Ok(signed));
        }
    }

    #[test]
    fn refuses_what_the_vcl_would() {
        let new = |key| FastlySigner::new(key).map(|_| ());
        assert_eq!(new("not base64"), Err(SignerError::NotBase64));
        assert_eq!(new(""), Err(SignerError::EmptySecret { number: 1 }));
        assert_eq!(new("a2UAeQ=="), Err(SignerError::NulInKey));
        let sign =
            |url, expires| FastlySigner::new("a2V5").unwrap().sign(url, Expiry::At(expires), 0);
        assert_eq!(sign("/a", 999_999_999), Err(SignError::TimeOutOfRange(999_999_999)));
        let name = "token".to_owned();
        assert_eq!(sign("/a?token=1", 1_893_456_000), Err(SignError::ReservedParam { name }));
    }
}
