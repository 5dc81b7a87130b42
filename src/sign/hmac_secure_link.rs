//! The nginx module `hmac_secure_link`, version 2:
//!
//! ```nginx
//! secure_link_hmac           "$arg_st,$arg_ts,$arg_e";
//! secure_link_hmac_message   "$uri|$arg_ts|$arg_e";
//! secure_link_hmac_algorithm sha256;
//! ```
//!
//! The operator defines the message. [`HmacSecureLinkSigner::url`] signs the message above; use
//! [`HmacSecureLinkSigner::token`] for any other message.

use std::fmt::Write as _;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

use super::{
    lifetime::Expiry,
    mac::{HashFunction, KeyedMac},
};
use crate::{
    error::{SignError, SignerError},
    uri,
};

/// Signs URLs for `hmac_secure_link`.
#[derive(Clone)]
pub struct HmacSecureLinkSigner {
    mac: KeyedMac,
}

impl HmacSecureLinkSigner {
    /// Creates a signer with the secret of `secure_link_hmac_secret`.
    ///
    /// # Errors
    /// [`SignerError::EmptySecret`].
    pub fn new(secret: &[u8], hash: HashFunction) -> Result<Self, SignerError> {
        if secret.is_empty() {
            return Err(SignerError::EmptySecret { number: 1 });
        }
        Ok(Self { mac: KeyedMac::new(hash, secret) })
    }

    /// Returns the token for the message that your configuration defines.
    #[must_use]
    pub fn token(&self, message: &[u8]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.mac.digest(message))
    }

    /// Signs a decoded path at the time `now` (Unix seconds): `path?st=token&ts=…&e=…`. Without a
    /// lifetime, the URL does not expire (`e=0`). The URL stays the same for half of the lifetime,
    /// because the lifetime is rounded up as in [`super::expires_in`], and the timestamp is rounded
    /// down.
    ///
    /// # Errors
    /// Fails if the path is not in normal form, or if the lifetime is not positive.
    pub fn url(&self, path: &str, lifetime: Option<i64>, now: i64) -> Result<String, SignError> {
        let mut url = String::new();
        uri::encode_normal_path_into(path, &mut url)?;
        let (timestamp, seconds) = match lifetime {
            None => (now, 0),
            Some(lifetime) => Expiry::In(lifetime).window(now, i64::MAX)?,
        };
        let token = self.token(format!("{path}|{timestamp}|{seconds}").as_bytes());
        let _ = write!(url, "?st={token}&ts={timestamp}&e={seconds}");
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::error::UriError;

    #[derive(Deserialize)]
    struct Vectors {
        tokens: Vec<Vector>,
        urls: Vec<Signed>,
    }

    #[derive(Deserialize)]
    struct Vector {
        secret: String,
        algorithm: String,
        message: String,
        token: String,
    }

    #[derive(Deserialize)]
    struct Signed {
        secret: String,
        algorithm: String,
        path: String,
        expires_in: Option<i64>,
        now: i64,
        url: String,
    }

    fn signer(secret: &str, algorithm: &str) -> HmacSecureLinkSigner {
        HmacSecureLinkSigner::new(secret.as_bytes(), algorithm.parse().unwrap()).unwrap()
    }

    #[test]
    fn agrees_with_the_vectors() {
        let vectors: Vectors =
            serde_json::from_str(include_str!("../../tests/vectors/hmac_secure_link.json"))
                .unwrap();
        for Vector { secret, algorithm, message, token } in vectors.tokens {
            assert_eq!(signer(&secret, &algorithm).token(message.as_bytes()), token, "{message}");
        }
        for Signed { secret, algorithm, path, expires_in, now, url } in vectors.urls {
            assert_eq!(signer(&secret, &algorithm).url(&path, expires_in, now), Ok(url));
        }
    }

    #[test]
    fn refuses_what_cannot_be_signed() {
        let signer = signer("secret", "sha256");
        assert_eq!(signer.url("a", None, 1), Err(UriError::NotAbsolute.into()));
        let error = SignError::LifetimeOutOfRange { seconds: 0 };
        assert_eq!(signer.url("/a", Some(0), 1), Err(error));
        let empty = HmacSecureLinkSigner::new(b"", HashFunction::Sha1).map(|_| ());
        assert_eq!(empty, Err(SignerError::EmptySecret { number: 1 }));
    }
}
