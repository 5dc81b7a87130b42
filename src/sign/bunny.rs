//! bunny.net's advanced token authentication: `HS256-` and the HMAC-SHA256 of the path, the expiry
//! and the parameters, in unpadded base64url.
//!
//! <https://docs.bunny.net/docs/cdn-token-authentication>,
//! <https://github.com/BunnyWay/BunnyCDN.TokenAuthentication>

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

use super::{lifetime::Expiry, mac::hmac_sha256, target::Target};
use crate::{
    error::{SignError, SignerError},
    uri,
};

/// The parameters that the token itself needs.
const RESERVED: [&str; 5] = ["token", "bcdn_token", "expires", "token_path", "token_ignore_params"];

/// Signs URLs for a pull zone.
#[derive(Clone)]
pub struct BunnySigner {
    key: Vec<u8>,
    directory: bool,
}

impl BunnySigner {
    /// Creates a signer with the pull zone's key for URL token authentication. With `directory`, a
    /// token covers all files in the directory of the URL. It is then part of the path, so that
    /// relative URLs in a playlist include it.
    ///
    /// # Errors
    /// [`SignerError::EmptySecret`].
    pub fn new(key: &[u8], directory: bool) -> Result<Self, SignerError> {
        if key.is_empty() {
            return Err(SignerError::EmptySecret { number: 1 });
        }
        Ok(Self { key: key.to_vec(), directory })
    }

    /// Signs a URL at the time `now` (Unix seconds). The URL must be encoded as it will be sent.
    /// The signature covers the query.
    ///
    /// # Errors
    /// Fails if the URL is relative or not encoded, if its query repeats a parameter or uses one of
    /// the token's parameters, or if the expiry is invalid.
    pub fn sign(&self, url: &str, expiry: Expiry, now: i64) -> Result<String, SignError> {
        let target = Target::parse(url)?;
        let expires = expiry.at(now)?;
        let mut params = target.params(&RESERVED)?;
        let mut path = target.path;
        if self.directory {
            path = target.directory();
            params.push(("token_path".to_owned(), path.to_owned()));
        }
        params.sort();
        let pairs = params.iter().zip(params.iter().skip(1));
        if let Some(((name, _), _)) = pairs.into_iter().find(|(one, two)| one.0 == two.0) {
            return Err(SignError::DuplicateParam { name: name.clone() });
        }
        let signed: Vec<String> =
            params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let message = format!("{path}{expires}{}", signed.join("&"));
        let mut token = String::from("token=HS256-");
        BASE64_URL_SAFE_NO_PAD.encode_string(hmac_sha256(&self.key, &message), &mut token);
        if !params.is_empty() {
            token.push('&');
            token.push_str(&uri::canonical_query(&params));
        }
        let Target { origin, path, .. } = target;
        Ok(if self.directory {
            format!("{origin}/bcdn_{token}&expires={expires}{path}")
        } else {
            format!("{origin}{path}?{token}&expires={expires}")
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        bunny: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        key: String,
        directory: bool,
        url: String,
        expires: i64,
        signed: String,
    }

    #[test]
    fn agrees_with_the_vectors() {
        let vectors: Vectors =
            serde_json::from_str(include_str!("../../tests/vectors/cdn.json")).unwrap();
        for Vector { key, directory, url, expires, signed } in vectors.bunny {
            let signer = BunnySigner::new(key.as_bytes(), directory).unwrap();
            assert_eq!(signer.sign(&url, Expiry::At(expires), 0), Ok(signed));
        }
    }

    #[test]
    fn refuses_parameters_that_it_cannot_cover() {
        let signer = BunnySigner::new(b"key", false).unwrap();
        let sign = |url| signer.sign(url, Expiry::At(9), 0);
        let name = "a".to_owned();
        assert_eq!(sign("/a?a=1&b&a=2"), Err(SignError::DuplicateParam { name }));
        let name = "token".to_owned();
        assert_eq!(sign("/a?%74oken=1"), Err(SignError::ReservedParam { name }));
        let empty = BunnySigner::new(b"", true).map(|_| ());
        assert_eq!(empty, Err(SignerError::EmptySecret { number: 1 }));
    }
}
