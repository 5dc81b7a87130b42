//! The verification of URLs by [`Signer`].

use std::borrow::Cow;

use memchr::{memchr, memrchr};

use super::{
    Message,
    signer::{Keys, Signer},
};
use crate::{error::VerifyError, uri};

/// The parts of `[params&]key=signature[&expires=…]`; `expires` is empty if it is absent.
struct Query<'a> {
    params: Option<&'a str>,
    signature: &'a str,
    expires: &'a str,
}

/// A URL whose signature is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<'a> {
    /// The decoded path.
    pub path: Cow<'a, str>,
    /// The canonical query that the signature covers, or empty.
    pub query: &'a str,
    /// The decoded parameters of that query, sorted by name.
    pub params: Vec<(String, String)>,
    /// The last Unix second in which the URL is valid; `None` when it does not expire.
    pub expires: Option<i64>,
}

impl Verified<'_> {
    /// Checks that the time `now` (Unix seconds) is not after the expiry.
    ///
    /// # Errors
    /// [`VerifyError::Expired`].
    pub fn check_expiry(&self, now: i64) -> Result<(), VerifyError> {
        match self.expires {
            Some(expires) if expires < now => Err(VerifyError::Expired { expires, now }),
            _ => Ok(()),
        }
    }
}

impl Signer {
    /// Checks a URL at the time `now` (Unix seconds).
    ///
    /// # Errors
    /// See [`Self::verify_signature`] and [`Verified::check_expiry`].
    pub fn verify<'a>(&self, url: &'a str, now: i64) -> Result<Verified<'a>, VerifyError> {
        let verified = self.verify_signature(url)?;
        verified.check_expiry(now)?;
        Ok(verified)
    }

    /// Checks a URL, except for its expiry. The URL must be spelt exactly as [`Self::sign`] spells
    /// it. The check takes the same time regardless of which key matches, if any.
    ///
    /// # Errors
    /// The reason why the signature is invalid.
    pub fn verify_signature<'a>(&self, url: &'a str) -> Result<Verified<'a>, VerifyError> {
        let (path, query) =
            split_at(url, memchr(b'?', url.as_bytes())).ok_or(VerifyError::NoSignature)?;
        let path = uri::decode_path(path).map_err(VerifyError::BadPath)?;
        let parts = self.split_query(query).ok_or(VerifyError::NoSignature)?;
        let valid_until = match parts.expires {
            "" => None,
            _ if !self.covers_expiry() => return Err(VerifyError::ExtraParam),
            digits => Some(parse_expires(digits).ok_or(VerifyError::BadExpires)?),
        };
        let query = parts.params.unwrap_or_default();
        let params = parts.params.map_or(Ok(Vec::new()), |query| self.parse_params(query))?;
        let message = Message { expires: parts.expires, path: &path, query };
        match &self.keys {
            Keys::Hmac(keys) => keys.verify(parts.signature, &message),
            Keys::SecureLink(keys) => keys.verify(parts.signature, &message),
        }?;
        Ok(Verified { path, query, params, expires: valid_until })
    }

    fn split_query<'a>(&self, query: &'a str) -> Option<Query<'a>> {
        let last = |query: &'a str| match split_at(query, memrchr(b'&', query.as_bytes())) {
            Some((rest, param)) => (Some(rest), param),
            None => (None, query),
        };
        let value = |param: &'a str, name: &str| param.strip_prefix(name)?.strip_prefix('=');
        let (params, param) = last(query);
        if let Some(signature) = value(param, &self.key_param) {
            return Some(Query { params, signature, expires: "" });
        }
        let expires = value(param, &self.expires_param).filter(|digits| !digits.is_empty())?;
        let (params, param) = last(params?);
        Some(Query { params, signature: value(param, &self.key_param)?, expires })
    }

    fn parse_params(&self, query: &str) -> Result<Vec<(String, String)>, VerifyError> {
        if matches!(self.keys, Keys::SecureLink(_)) {
            return Err(VerifyError::ExtraParam);
        }
        let params = uri::parse_query(query).map_err(|_| VerifyError::BadQuery)?;
        if params.iter().any(|(name, _)| self.is_reserved(name)) {
            return Err(VerifyError::ExtraParam);
        }
        if params.is_empty() || uri::canonical_query(&params) != query {
            return Err(VerifyError::BadQuery);
        }
        Ok(params)
    }
}

/// Returns the text before and after the byte at this index. `str::split_once` would search byte by
/// byte.
fn split_at(text: &str, index: Option<usize>) -> Option<(&str, &str)> {
    let index = index?;
    Some((text.get(..index)?, text.get(index + 1..)?))
}

/// Parses a positive decimal number in its canonical spelling.
fn parse_expires(digits: &str) -> Option<i64> {
    if digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}
