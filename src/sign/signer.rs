use std::{borrow::Cow, str::FromStr};

use memchr::{memchr, memchr2, memrchr};

use super::{
    Message,
    hmac::{HmacKey, MIN_SECRET_LENGTH},
    ring::Ring,
    secure_link::SecureLinkKey,
};
use crate::{
    error::{SignError, SignerError, VerifyError},
    uri,
};

/// Bytes that a signature and its expiry usually take in a URL.
const ROOM_FOR_SIGNATURE: usize = 96;

/// How a [`Signer`] computes its signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA256, with a key derived from the secret.
    HmacSha256,
    /// What nginx's `secure_link_md5 "$secure_link_expires$uri secret"` checks.
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
enum Keys {
    Hmac(Ring<HmacKey>),
    SecureLink(Ring<SecureLinkKey>),
}

/// Signs and verifies URLs with a list of keys: the first one signs, all verify.
#[derive(Clone)]
pub struct Signer {
    keys: Keys,
    key_param: String,
    expires_param: String,
}

/// `[params&]key=signature[&expires=…]` in its parts; `expires` is empty when it is absent.
struct Query<'a> {
    params: Option<&'a str>,
    signature: &'a str,
    expires: &'a str,
}

/// A URL whose signature is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<'a> {
    /// The decoded path.
    pub path: Cow<'a, str>,
    /// The canonical query that was signed along, or empty.
    pub query: &'a str,
    /// The decoded parameters of that query, sorted by name.
    pub params: Vec<(String, String)>,
    /// The last Unix second in which the URL is valid; none when it is valid for ever.
    pub expires: Option<i64>,
}

impl Verified<'_> {
    /// Check that the time `now` (Unix seconds) is not after the expiry.
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
    /// A signer with these secrets, newest first, writing the signature and the expiry to
    /// the query parameters of these names (`key` and `expires` by default).
    ///
    /// # Errors
    /// No secret, an empty one, one under 16 bytes for HMAC; names that a query would have
    /// to encode, or that are the same but for case.
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
        for name in [key_param, expires_param] {
            if !uri::is_unreserved(name) {
                return Err(SignerError::BadParamName { name: name.to_owned() });
            }
        }
        if key_param.eq_ignore_ascii_case(expires_param) {
            return Err(SignerError::SameParamName);
        }
        Ok(Self {
            keys: match algorithm {
                Algorithm::HmacSha256 => Keys::Hmac(Ring::new(secrets, HmacKey::new)?),
                Algorithm::SecureLinkMd5 => {
                    Keys::SecureLink(Ring::new(secrets, SecureLinkKey::new)?)
                }
            },
            key_param: key_param.to_owned(),
            expires_param: expires_param.to_owned(),
        })
    }

    /// How signatures are computed.
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

    /// The HMAC keys, newest first: all that another verifier of these URLs has to know. The
    /// secrets can't be computed from them. Empty with `secure-link-md5`, which derives none.
    #[must_use]
    pub fn derived_keys(&self) -> Vec<&[u8; 32]> {
        match &self.keys {
            Keys::Hmac(keys) => keys.iter().map(HmacKey::derived).collect(),
            Keys::SecureLink(_) => Vec::new(),
        }
    }

    /// Sign a decoded path that an encoded query may follow after the first `?`. `expires`
    /// is the last valid Unix second. The result is percent-encoded, its query sorted.
    ///
    /// # Errors
    /// See [`Self::sign_path`]; also when there is a fragment.
    pub fn sign(&self, url: &str, expires: Option<i64>) -> Result<String, SignError> {
        let mut signed = String::with_capacity(url.len() + ROOM_FOR_SIGNATURE);
        self.sign_into(url, expires, &mut signed)?;
        Ok(signed)
    }

    /// As [`Self::sign`], appended to `out`.
    ///
    /// # Errors
    /// See [`Self::sign`]; `out` then holds a part of the URL.
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

    /// Sign a decoded path, in which `?`, `#` and `%` are but characters, with decoded query
    /// parameters.
    ///
    /// # Errors
    /// A path without a single normal form; parameters with `secure-link-md5` or of a
    /// reserved name; an expiry before 1970.
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

    /// Append the query with its signature to a path that is encoded already.
    fn append_query(
        &self,
        path: &str,
        query: &str,
        expires: Option<i64>,
        url: &mut String,
    ) -> Result<(), SignError> {
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

    /// Check a URL at the time `now` (Unix seconds).
    ///
    /// # Errors
    /// See [`Self::verify_signature`] and [`Verified::check_expiry`].
    pub fn verify<'a>(&self, url: &'a str, now: i64) -> Result<Verified<'a>, VerifyError> {
        let verified = self.verify_signature(url)?;
        verified.check_expiry(now)?;
        Ok(verified)
    }

    /// Check all of a URL but whether its time has passed. It must be spelt exactly as
    /// [`Self::sign`] spells it. Takes the same time whichever key fits, or none.
    ///
    /// # Errors
    /// Why the signature is bad.
    pub fn verify_signature<'a>(&self, url: &'a str) -> Result<Verified<'a>, VerifyError> {
        let (path, query) =
            split_at(url, memchr(b'?', url.as_bytes())).ok_or(VerifyError::NoSignature)?;
        let path = uri::decode_path(path).map_err(VerifyError::BadPath)?;
        let parts = self.split_query(query).ok_or(VerifyError::NoSignature)?;
        let valid_until = match parts.expires {
            "" => None,
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

    /// nginx's `$arg_name` ignores case.
    fn is_reserved(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.key_param) || name.eq_ignore_ascii_case(&self.expires_param)
    }
}

/// What stands before and after the byte at this index. `str::split_once` would look for it byte
/// by byte.
fn split_at(text: &str, index: Option<usize>) -> Option<(&str, &str)> {
    let index = index?;
    Some((text.get(..index)?, text.get(index + 1..)?))
}

/// A positive decimal number that has no other spelling.
fn parse_expires(digits: &str) -> Option<i64> {
    if digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::Index};
    use serde::Deserialize;

    use super::*;
    use crate::error::UriError;

    const SECRET: &str = "0123456789abcdef";
    const ALGORITHMS: [Algorithm; 2] = [Algorithm::HmacSha256, Algorithm::SecureLinkMd5];

    #[derive(Deserialize)]
    struct Vectors {
        signers: Vec<SignerVectors>,
    }

    #[derive(Deserialize)]
    struct SignerVectors {
        name: String,
        algorithm: String,
        secrets: Vec<String>,
        key_param: String,
        expires_param: String,
        accept: Vec<Accept>,
        verify_only: Vec<Accept>,
        reject: Vec<Reject>,
    }

    #[derive(Deserialize)]
    struct Accept {
        path: String,
        params: Vec<(String, String)>,
        expires: Option<i64>,
        url: String,
    }

    #[derive(Deserialize)]
    struct Reject {
        why: String,
        url: String,
        now: i64,
        error: String,
    }

    fn signer(algorithm: Algorithm) -> Signer {
        Signer::new(algorithm, &[SECRET], "key", "expires").unwrap()
    }

    fn assert_accepted(signer: &Signer, vector: &Accept) {
        let verified = signer.verify(&vector.url, vector.expires.unwrap_or(0)).unwrap();
        assert_eq!(verified.path, vector.path);
        assert_eq!(verified.query, uri::canonical_query(&vector.params));
        let mut params = vector.params.clone();
        params.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(verified.params, params);
        assert_eq!(verified.expires, vector.expires);
    }

    #[test]
    fn agrees_with_the_vectors() {
        let vectors: Vectors =
            serde_json::from_str(include_str!("../../tests/vectors/signing.json")).unwrap();
        for vectors in vectors.signers {
            let algorithm = vectors.algorithm.parse().unwrap();
            let signer = Signer::new(
                algorithm,
                &vectors.secrets,
                &vectors.key_param,
                &vectors.expires_param,
            )
            .unwrap();
            for vector in &vectors.accept {
                let url = signer.sign_path(&vector.path, &vector.params, vector.expires);
                assert_eq!(url.as_ref(), Ok(&vector.url), "{}", vectors.name);
                assert_accepted(&signer, vector);
            }
            for vector in &vectors.verify_only {
                assert_accepted(&signer, vector);
            }
            for Reject { why, url, now, error } in &vectors.reject {
                let refused = signer.verify(url, *now).expect_err(why);
                let expired = matches!(refused, VerifyError::Expired { .. });
                assert_eq!(expired, error == "SignatureExpired", "{why}: {url} {refused}");
            }
        }
    }

    #[test]
    fn is_valid_in_its_last_second() {
        for signer in ALGORITHMS.map(signer) {
            let url = signer.sign("/a", Some(100)).unwrap();
            assert!(signer.verify(&url, 100).is_ok());
            assert_eq!(
                signer.verify(&url, 101),
                Err(VerifyError::Expired { expires: 100, now: 101 })
            );
        }
    }

    #[test]
    fn tells_why_a_url_is_refused() {
        let signer = signer(Algorithm::HmacSha256);
        let url = signer.sign("/a?b=c", None).unwrap();
        for (url, error) in [
            ("/a".to_owned(), VerifyError::NoSignature),
            (format!("{url}#"), VerifyError::BadEncoding),
            (url.replace('?', "#?"), VerifyError::BadPath(UriError::NotCanonical)),
            (format!("/{url}"), VerifyError::BadPath(UriError::EmptySegment)),
            (url.replace("=c", "=+"), VerifyError::BadQuery),
            (url.replace("b=", "KEY="), VerifyError::ExtraParam),
            (format!("{url}&expires=01"), VerifyError::BadExpires),
            (format!("{url}="), VerifyError::BadEncoding),
            (url.replace("=c", "=d"), VerifyError::Mismatch),
        ] {
            assert_eq!(signer.verify(&url, 0), Err(error), "{url}");
        }
    }

    #[test]
    fn refuses_what_can_not_be_signed() {
        for signer in ALGORITHMS.map(signer) {
            assert_eq!(signer.sign("a", None), Err(UriError::NotAbsolute.into()));
            assert_eq!(signer.sign("https://a/", None), Err(UriError::NotAbsolute.into()));
            assert_eq!(signer.sign("/a#b", None), Err(SignError::Fragment));
            for expires in [0, -1, i64::MIN] {
                let error = SignError::ExpiresOutOfRange { expires };
                assert_eq!(signer.sign("/a", Some(expires)), Err(error));
            }
        }
        let error = signer(Algorithm::SecureLinkMd5).sign("/a?b=c", None);
        assert_eq!(error, Err(SignError::QueryNotCovered));
        for name in ["key", "KEY", "Expires"] {
            let error = SignError::ReservedParam { name: name.to_owned() };
            let signer = signer(Algorithm::HmacSha256);
            assert_eq!(signer.sign(&format!("/a?{name}=1"), None), Err(error.clone()));
            assert_eq!(signer.sign_path("/a", &[(name, "1")], None), Err(error));
        }
    }

    #[test]
    fn refuses_secrets_and_names_that_are_no_use() {
        let new = |algorithm, secrets: &[&str], key, expires| {
            Signer::new(algorithm, secrets, key, expires).map(|_| ()).unwrap_err()
        };
        for algorithm in ALGORITHMS {
            assert_eq!(new(algorithm, &[], "key", "e"), SignerError::NoSecret);
            let error = SignerError::EmptySecret { number: 2 };
            assert_eq!(new(algorithm, &[SECRET, ""], "key", "e"), error);
            for name in ["", "a b", "ä", "a=b", "a&b"] {
                let error = SignerError::BadParamName { name: name.to_owned() };
                assert_eq!(new(algorithm, &[SECRET], name, "e"), error);
                assert_eq!(new(algorithm, &[SECRET], "key", name), error);
            }
            assert_eq!(new(algorithm, &[SECRET], "E", "e"), SignerError::SameParamName);
        }
        assert_eq!(
            new(Algorithm::HmacSha256, &[SECRET, "123456789012345"], "key", "e"),
            SignerError::ShortSecret { number: 2, length: 15, minimum: 16 }
        );
        let unknown = Algorithm::from_str("md5");
        assert!(matches!(unknown, Err(SignerError::UnknownAlgorithm { .. })));
    }

    fn signed_urls() -> Vec<String> {
        let paths = ["/", "/t/300x200,cover/a.jpg", "/föö bär%.jpg", "/a?b=c"];
        let mut urls = Vec::new();
        for (signer, params) in
            ALGORITHMS.map(signer).iter().zip([&[("a", "1"), ("b", "ö &")][..], &[]])
        {
            for path in paths {
                for expires in [None, Some(2_147_483_647)] {
                    urls.push(signer.sign_path(path, params, expires).unwrap());
                    urls.push(signer.sign(&path.replace('?', "%"), expires).unwrap());
                }
            }
        }
        urls
    }

    fn path() -> impl Strategy<Value = String> {
        "(/[^/\0]{1,8}){1,3}/?".prop_filter("normal", |path| uri::check_normal(path).is_ok())
    }

    proptest! {
        #[test]
        fn verifies_what_it_signs(
            path in path(),
            params in prop::collection::vec(("[a-j ö&=+]{0,4}", any::<String>()), 0..4),
            expires in prop::option::of(1..=i64::MAX),
        ) {
            for algorithm in ALGORITHMS {
                let signer = signer(algorithm);
                let params: &[_] =
                    if algorithm == Algorithm::SecureLinkMd5 { &[] } else { &params };
                let url = signer.sign_path(&path, params, expires).unwrap();
                let verified = signer.verify(&url, expires.unwrap_or(i64::MAX)).unwrap();
                prop_assert_eq!(&verified.path, &path);
                prop_assert_eq!(verified.query, uri::canonical_query(params));
                prop_assert_eq!(verified.expires, expires);
            }
        }

        #[test]
        fn refuses_every_change_of_one_character(
            path in path(),
            query in prop::sample::select(vec!["", "?a=1", "?b=%C3%B6&a"]),
            expires in prop::option::of(1..=i64::MAX),
            by in any::<char>(),
        ) {
            for algorithm in ALGORITHMS {
                let signer = signer(algorithm);
                let query = if algorithm == Algorithm::SecureLinkMd5 { "" } else { query };
                let params = uri::parse_query(query.trim_start_matches('?')).unwrap();
                let url = signer.sign_path(&path, &params, expires).unwrap();
                for (at, old) in url.char_indices() {
                    let (before, after) = (&url[..at], &url[at + old.len_utf8()..]);
                    let swapped = if old.is_ascii_lowercase() {
                        old.to_ascii_uppercase()
                    } else {
                        old.to_ascii_lowercase()
                    };
                    for changed in [
                        format!("{before}{after}"),
                        format!("{before}{by}{after}"),
                        format!("{before}{swapped}{after}"),
                        format!("{before}{by}{old}{after}"),
                        format!("{before}{old}{old}{after}"),
                    ] {
                        if changed != url {
                            prop_assert!(signer.verify(&changed, 0).is_err(), "{}", changed);
                        }
                    }
                }
            }
        }

        #[test]
        fn accepts_only_what_it_would_write(
            seed in prop::sample::select(signed_urls()),
            donor in prop::sample::select(signed_urls()),
            edits in prop::collection::vec((0..4, any::<Index>(), any::<Index>()), 0..5),
        ) {
            for signer in ALGORITHMS.map(signer) {
                let mut url = seed.clone().into_bytes();
                for (kind, at, from) in &edits {
                    let (at, from) = (at.index(url.len() + 1), from.index(donor.len()));
                    let end = url.len().min(at + 3);
                    match kind {
                        0 => url.insert(at, donor.as_bytes()[from]),
                        1 => drop(url.drain(at..end)),
                        2 => drop(url.splice(at..end, donor.bytes().skip(from).take(9))),
                        _ => drop(url.splice(at.., donor.bytes().skip(from))),
                    }
                }
                let url = String::from_utf8(url).unwrap();
                if let Ok(verified) = signer.verify(&url, 0) {
                    let signed =
                        signer.sign_path(&verified.path, &verified.params, verified.expires);
                    prop_assert_eq!(signed, Ok(url));
                }
            }
        }

        #[test]
        fn never_panics(path in any::<String>(), query in any::<String>()) {
            for signer in ALGORITHMS.map(signer) {
                let _ = signer.verify(&format!("/{path}?{query}"), 0);
                let _ = signer.sign(&format!("/{path}?{query}"), None);
            }
        }
    }
}
