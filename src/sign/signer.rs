//! [`Signer`]: its keys, and the signing of URLs.

use std::str::FromStr;

use memchr::memchr2;

use super::{
    Message,
    hmac::{HmacKey, MIN_SECRET_LENGTH},
    ring::Ring,
    secure_link::{Expression, SecureLinkKey},
};
use crate::{
    error::{SignError, SignerError},
    uri,
};

/// The number of bytes that a signature and its expiry usually take in a URL.
const ROOM_FOR_SIGNATURE: usize = 96;

/// The algorithm with which a [`Signer`] computes its signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA256, with a key derived from the secret.
    HmacSha256,
    /// The signature that nginx's `secure_link_md5 "$secure_link_expires$uri secret"` checks.
    SecureLinkMd5,
}

impl Algorithm {
    /// The name in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::SecureLinkMd5 => "secure-link-md5",
        }
    }
}

impl FromStr for Algorithm {
    type Err = SignerError;

    fn from_str(name: &str) -> Result<Self, SignerError> {
        [Self::HmacSha256, Self::SecureLinkMd5]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| SignerError::UnknownAlgorithm {
                name: name.to_owned(),
                choices: "'hmac-sha256' or 'secure-link-md5'",
            })
    }
}

#[derive(Clone)]
pub(super) enum Keys {
    Hmac(Ring<HmacKey>),
    /// An expression in which all variables have been replaced by their values.
    SecureLink(Ring<SecureLinkKey>),
}

/// Signs and verifies URLs with a list of keys. The first one signs; all of them verify.
#[derive(Clone)]
pub struct Signer {
    pub(super) keys: Keys,
    pub(super) key_param: String,
    pub(super) expires_param: String,
}

impl Signer {
    /// Creates a signer with these secrets, newest first. The signer writes the signature and the
    /// expiry to the query parameters with these names (`key` and `expires` by default).
    ///
    /// # Errors
    /// Fails if the list of secrets is empty, if a secret is empty or (for HMAC) shorter than 16
    /// bytes, if a name needs percent-encoding, or if the two names differ only in case.
    pub fn new(
        algorithm: Algorithm,
        secrets: &[impl AsRef<[u8]>],
        key_param: &str,
        expires_param: &str,
    ) -> Result<Self, SignerError> {
        for (number, secret) in (1..).zip(secrets) {
            match (secret.as_ref().len(), algorithm) {
                (0, _) => return Err(SignerError::EmptySecret { number }),
                (length @ ..MIN_SECRET_LENGTH, Algorithm::HmacSha256) => {
                    return Err(SignerError::ShortSecret {
                        number,
                        length,
                        minimum: MIN_SECRET_LENGTH,
                    });
                }
                _ => {}
            }
        }
        let keys = match algorithm {
            Algorithm::HmacSha256 => Keys::Hmac(Ring::new(secrets, HmacKey::new)?),
            Algorithm::SecureLinkMd5 => {
                let expression = Expression::usual();
                Keys::SecureLink(Ring::new(secrets, |secret| expression.key(secret, &[]))?)
            }
        };
        Self::with_keys(keys, key_param, expires_param)
    }

    pub(super) fn with_keys(
        keys: Keys,
        key_param: &str,
        expires_param: &str,
    ) -> Result<Self, SignerError> {
        for name in [key_param, expires_param] {
            if !uri::is_unreserved(name) {
                return Err(SignerError::BadParamName { name: name.to_owned() });
            }
        }
        if key_param.eq_ignore_ascii_case(expires_param) {
            return Err(SignerError::SameParamName);
        }
        Ok(Self { keys, key_param: key_param.to_owned(), expires_param: expires_param.to_owned() })
    }

    /// The algorithm that computes the signatures.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.keys {
            Keys::Hmac(_) => Algorithm::HmacSha256,
            Keys::SecureLink(_) => Algorithm::SecureLinkMd5,
        }
    }

    /// The name of the query parameter that holds the signature.
    #[must_use]
    pub fn key_param(&self) -> &str {
        &self.key_param
    }

    /// The name of the query parameter that holds the expiry.
    #[must_use]
    pub fn expires_param(&self) -> &str {
        &self.expires_param
    }

    /// The HMAC keys, newest first, for other verifiers of these URLs. The secrets can't be
    /// computed from them. The list is empty for `secure-link-md5`, which does not derive keys.
    #[must_use]
    pub fn derived_keys(&self) -> Vec<&[u8; 32]> {
        match &self.keys {
            Keys::Hmac(keys) => keys.iter().map(HmacKey::derived).collect(),
            Keys::SecureLink(_) => Vec::new(),
        }
    }

    /// Signs a decoded path. An encoded query may follow the first `?`. `expires` is the last valid
    /// Unix second. The result is percent-encoded, with its query sorted.
    ///
    /// # Errors
    /// See [`Self::sign_path`]. This also fails if the URL has a fragment.
    pub fn sign(&self, url: &str, expires: Option<i64>) -> Result<String, SignError> {
        let mut signed = String::with_capacity(url.len() + ROOM_FOR_SIGNATURE);
        self.sign_into(url, expires, &mut signed)?;
        Ok(signed)
    }

    /// Signs a URL as [`Self::sign`] does, and appends the result to `out`.
    ///
    /// # Errors
    /// See [`Self::sign`]; `out` then contains part of the URL.
    pub fn sign_into(
        &self,
        url: &str,
        expires: Option<i64>,
        out: &mut String,
    ) -> Result<(), SignError> {
        if uri::is_plain(url) {
            out.push_str(url);
            return self.append_query(url, "", expires, out);
        }
        let Some(end) = memchr2(b'?', b'#', url.as_bytes()) else {
            return self.sign_canonical(url, "", expires, out);
        };
        let (path, rest) = url.split_at(end);
        match rest.strip_prefix('?') {
            Some(query) if !query.contains('#') => {
                let query = self.canonical_query(&uri::parse_query(query)?)?;
                self.sign_canonical(path, &query, expires, out)
            }
            _ => Err(SignError::Fragment),
        }
    }

    /// Signs a decoded path with decoded query parameters. In the path, `?`, `#` and `%` are
    /// ordinary characters.
    ///
    /// # Errors
    /// Fails if the path is not in normal form, if a parameter has a reserved name, if the expiry
    /// is before 1970, or if the signature would not cover the expiry. With the algorithm
    /// `secure-link-md5`, this also fails if there are parameters.
    pub fn sign_path(
        &self,
        path: &str,
        params: &[(impl AsRef<str>, impl AsRef<str>)],
        expires: Option<i64>,
    ) -> Result<String, SignError> {
        let query = self.canonical_query(params)?;
        let mut signed = String::with_capacity(path.len() + query.len() + ROOM_FOR_SIGNATURE);
        self.sign_canonical(path, &query, expires, &mut signed)?;
        Ok(signed)
    }

    fn canonical_query(
        &self,
        params: &[(impl AsRef<str>, impl AsRef<str>)],
    ) -> Result<String, SignError> {
        if !params.is_empty() && matches!(self.keys, Keys::SecureLink(_)) {
            return Err(SignError::QueryNotCovered);
        }
        if let Some((name, _)) = params.iter().find(|(name, _)| self.is_reserved(name.as_ref())) {
            return Err(SignError::ReservedParam { name: name.as_ref().to_owned() });
        }
        Ok(uri::canonical_query(params))
    }

    fn sign_canonical(
        &self,
        path: &str,
        query: &str,
        expires: Option<i64>,
        url: &mut String,
    ) -> Result<(), SignError> {
        uri::encode_normal_path_into(path, url)?;
        self.append_query(path, query, expires, url)
    }

    /// Appends the query with its signature to an encoded path.
    fn append_query(
        &self,
        path: &str,
        query: &str,
        expires: Option<i64>,
        url: &mut String,
    ) -> Result<(), SignError> {
        if expires.is_some() && !self.covers_expiry() {
            return Err(SignError::ExpiresNotCovered);
        }
        let expires = match expires {
            Some(expires @ ..=0) => return Err(SignError::ExpiresOutOfRange { expires }),
            Some(expires) => expires.to_string(),
            None => String::new(),
        };
        url.push('?');
        if !query.is_empty() {
            url.push_str(query);
            url.push('&');
        }
        url.push_str(&self.key_param);
        url.push('=');
        let message = Message { expires: &expires, path, query };
        match &self.keys {
            Keys::Hmac(keys) => keys.sign(&message, url),
            Keys::SecureLink(keys) => keys.sign(&message, url),
        }
        if !expires.is_empty() {
            url.push('&');
            url.push_str(&self.expires_param);
            url.push('=');
            url.push_str(&expires);
        }
        Ok(())
    }

    pub(super) fn covers_expiry(&self) -> bool {
        match &self.keys {
            Keys::Hmac(_) => true,
            Keys::SecureLink(keys) => keys.newest().covers_expiry(),
        }
    }

    /// Whether the signature or the expiry needs this name. Case is ignored, as in nginx's
    /// `$arg_name`.
    pub(super) fn is_reserved(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.key_param) || name.eq_ignore_ascii_case(&self.expires_param)
    }
}

#[cfg(test)]
mod tests;
