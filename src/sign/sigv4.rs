//! Signature Version 4, as defined by Amazon S3 and Google Cloud Storage.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>,
//! <https://cloud.google.com/storage/docs/authentication/signatures>

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::{
    mac::{hex, hmac_sha256},
    target::{Target, has_dot_segments},
};
use crate::{
    error::{SignError, SignerError, UriError},
    uri,
};

/// The maximum validity of a presigned URL: seven days.
pub(super) const MAX_SECONDS: i64 = 604_800;

/// The text that replaces the hash of the body in a presigned URL's canonical request.
pub(super) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The strings that differ between the two stores.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// The prefix of both the algorithm's name and the secret.
    pub(super) version: &'static str,
    pub(super) algorithm: &'static str,
    /// The prefix of the parameters' names.
    pub(super) prefix: &'static str,
    /// The strings that follow the date and the region in a scope.
    pub(super) scope: [&'static str; 2],
}

/// The time of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// The date and time in UTC, such as `20261126T193639Z`.
    pub(super) timestamp: String,
}

impl Moment {
    pub(super) fn new(seconds: i64) -> Result<Self, SignError> {
        let out_of_range = SignError::TimeOutOfRange(seconds);
        if !(0..253_402_300_800).contains(&seconds) {
            return Err(out_of_range);
        }
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        // The calendar repeats every 400 years. The days are counted from 1 March, because the leap
        // day is then the last day of a year.
        let day = days + 719_468;
        let (era, day) = (day / 146_097, day % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let from_march = (5 * day + 2) / 153;
        let date = day - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let timestamp = format!("{year:04}{month:02}{date:02}T{hour:02}{minute:02}{second:02}Z");
        Ok(Self { timestamp })
    }

    fn date(&self) -> &str {
        self.timestamp.get(..8).unwrap_or_default()
    }
}

/// The access key of a signature, and the scope in which the signature is valid.
#[derive(Clone)]
pub(super) struct Credential {
    pub(super) words: Words,
    pub(super) access_key: String,
    pub(super) region: String,
}

impl Credential {
    /// # Errors
    /// [`SignerError::Credential`].
    pub(super) fn new(words: Words, access_key: &str, region: &str) -> Result<Self, SignerError> {
        for (what, text) in [("access_key", access_key), ("region", region)] {
            let is_plain = |c: char| c.is_ascii_graphic() && c != '/';
            if text.is_empty() || !text.chars().all(is_plain) {
                return Err(SignerError::Credential { what });
            }
        }
        Ok(Self { words, access_key: access_key.to_owned(), region: region.to_owned() })
    }

    fn scope(&self, moment: &Moment) -> String {
        let [service, terminator] = self.words.scope;
        format!("{}/{}/{service}/{terminator}", moment.date(), self.region)
    }

    pub(super) fn name(&self, moment: &Moment) -> String {
        format!("{}/{}", self.access_key, self.scope(moment))
    }

    /// Returns the text to sign for a canonical request.
    pub(super) fn string_to_sign(&self, moment: &Moment, canonical: &str) -> String {
        let hash = hex(&Sha256::digest(canonical.as_bytes()));
        let (algorithm, scope) = (self.words.algorithm, self.scope(moment));
        format!("{algorithm}\n{}\n{scope}\n{hash}", moment.timestamp)
    }

    /// Returns the HMAC signature in hexadecimal digits.
    pub(super) fn sign(&self, secret: &str, moment: &Moment, string_to_sign: &str) -> String {
        let [service, terminator] = self.words.scope;
        let secret = format!("{}{secret}", self.words.version);
        let mut key = hmac_sha256(secret.as_bytes(), moment.date());
        for text in [&*self.region, service, terminator] {
            key = hmac_sha256(&key, text);
        }
        hex(&hmac_sha256(&key, string_to_sign))
    }

    /// Returns a URL without its signature, and the text to sign.
    pub(super) fn presign(
        &self,
        method: &str,
        object: &ObjectUrl,
        session_token: Option<&str>,
        (start, seconds): (i64, i64),
    ) -> Result<Unsigned, SignError> {
        check_token(method)?;
        let moment = Moment::new(start)?;
        let (credential, seconds) = (self.name(&moment), seconds.to_string());
        let mut params = vec![
            ("Algorithm", self.words.algorithm),
            ("Credential", &credential),
            ("Date", &moment.timestamp),
            ("Expires", &seconds),
            ("SignedHeaders", "host"),
        ];
        params.extend(session_token.map(|token| ("Security-Token", token)));
        let mut params: Vec<String> = params
            .into_iter()
            .map(|(name, value)| encoded_param(&format!("{}{name}", self.words.prefix), value))
            .collect();
        let query = params.join("&");
        params.sort_unstable();
        let string_to_sign = self.string_to_sign(
            &moment,
            &format!(
                "{method}\n{}\n{}\nhost:{}\n\nhost\n{UNSIGNED_PAYLOAD}",
                object.path,
                params.join("&"),
                object.host,
            ),
        );
        let url = format!("{}?{query}&{}Signature=", object.url(), self.words.prefix);
        Ok(Unsigned { url, string_to_sign, moment })
    }
}

/// A presigned URL without its signature.
pub(super) struct Unsigned {
    /// The URL. The hexadecimal signature must be appended to it.
    pub(super) url: String,
    pub(super) string_to_sign: String,
    pub(super) moment: Moment,
}

/// `name=value`, percent-encoded.
fn encoded_param(name: &str, value: &str) -> String {
    let mut param = String::new();
    uri::encode_query_into(name.as_bytes(), &mut param);
    param.push('=');
    uri::encode_query_into(value.as_bytes(), &mut param);
    param
}

/// Returns the query of a request in canonical form.
pub(super) fn canonical_query(target: &Target<'_>) -> Result<String, SignError> {
    let params = target.params(&[])?;
    let mut params: Vec<String> =
        params.iter().map(|(name, value)| encoded_param(name, value)).collect();
    params.sort_unstable();
    Ok(params.join("&"))
}

/// Returns the path of a request in canonical form.
pub(super) fn canonical_path(path: &str) -> Result<String, SignError> {
    let mut canonical = String::new();
    uri::encode_key_into(&uri::percent_decode(path)?, &mut canonical);
    Ok(canonical)
}

/// Checks that a string is a token (RFC 9110, section 5.6.2), as a method or a header's name must
/// be.
pub(super) fn check_token(text: &str) -> Result<(), SignError> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if text.is_empty() || !text.chars().all(is_token) {
        return Err(SignError::NotHttp(text.to_owned()));
    }
    Ok(())
}

/// The address of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    scheme: &'static str,
    /// The value of the `Host` header: in lower case, without the scheme's default port.
    host: String,
}

impl Endpoint {
    /// # Errors
    /// [`SignerError::Endpoint`].
    pub(super) fn parse(endpoint: &str) -> Result<Self, SignerError> {
        let (scheme, default_port, rest) = if let Some(rest) = endpoint.strip_prefix("https://") {
            ("https", ":443", rest)
        } else if let Some(rest) = endpoint.strip_prefix("http://") {
            ("http", ":80", rest)
        } else {
            return Err(SignerError::Endpoint);
        };
        let host = rest.strip_suffix('/').unwrap_or(rest).to_ascii_lowercase();
        let is_host =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(SignerError::Endpoint);
        }
        let host = host.strip_suffix(default_port).unwrap_or(&host).to_owned();
        Ok(Self { scheme, host })
    }

    pub(super) fn into_host(self) -> String {
        self.host
    }
}

/// The URL of an object, or of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObjectUrl {
    scheme: &'static str,
    pub(super) host: String,
    pub(super) path: String,
}

impl ObjectUrl {
    /// Parses `scheme://bucket/key`, in which the key is not encoded. With `in_host`, the bucket
    /// becomes part of the host name.
    pub(super) fn new(
        url: &str,
        scheme: &'static str,
        endpoint: &Endpoint,
        in_host: bool,
    ) -> Result<Self, SignError> {
        let named = || url.strip_prefix(scheme)?.strip_prefix("://");
        let named = named().ok_or(SignError::NotAnObject { scheme })?;
        let (bucket, key) = named.split_once('/').unwrap_or((named, ""));
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !bucket.chars().all(is_name) || matches!(bucket, "" | "." | "..") {
            return Err(SignError::NotAnObject { scheme });
        }
        if has_dot_segments(key) {
            return Err(UriError::DotSegment.into());
        }
        let mut path = String::from("/");
        let host = if in_host {
            let is_label = |label: &str| {
                !label.is_empty()
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && !label.contains(|c: char| c.is_ascii_uppercase() || c == '_')
            };
            // A wildcard in a certificate covers only one label.
            let is_covered = endpoint.scheme == "http" || !bucket.contains('.');
            if !bucket.split('.').all(is_label) || !is_covered {
                return Err(SignError::BucketInHost { bucket: bucket.to_owned() });
            }
            format!("{bucket}.{}", endpoint.host)
        } else {
            let _ = write!(path, "{bucket}/");
            endpoint.host.clone()
        };
        uri::encode_key_into(key.as_bytes(), &mut path);
        Ok(Self { scheme: endpoint.scheme, host, path })
    }

    /// The full URL.
    pub(super) fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.host, self.path)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn writes_dates() {
        for (seconds, timestamp) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_369_353_600, "20130524T000000Z"),
            (4_107_542_400, "21000301T000000Z"),
            (253_402_300_799, "99991231T235959Z"),
        ] {
            assert_eq!(Moment::new(seconds).unwrap().timestamp, timestamp);
        }
        for seconds in [-1, 253_402_300_800, i64::MAX] {
            assert_eq!(Moment::new(seconds), Err(SignError::TimeOutOfRange(seconds)));
        }
    }

    #[test]
    fn endpoints() {
        let host = |endpoint| Endpoint::parse(endpoint).map(|endpoint| endpoint.host);
        for (endpoint, expected) in [
            ("https://S3.example.com", "s3.example.com"),
            ("https://s3.example.com:443/", "s3.example.com"),
            ("http://[::1]:8333", "[::1]:8333"),
            ("http://minio:80", "minio"),
        ] {
            assert_eq!(host(endpoint).as_deref(), Ok(expected));
        }
        for endpoint in ["", "s3.example.com", "https://", "https://a/b", "https://u@a", "ftp://a"]
        {
            assert_eq!(host(endpoint), Err(SignerError::Endpoint), "{endpoint}");
        }
    }

    #[test]
    fn addresses_buckets() {
        let endpoint = Endpoint::parse("https://s3.example.com").unwrap();
        let url = |url, in_host| ObjectUrl::new(url, "s3", &endpoint, in_host).map(|o| o.url());
        for (named, in_path, in_host) in [
            (
                "s3://b-1/k ä",
                "https://s3.example.com/b-1/k%20%C3%A4",
                "https://b-1.s3.example.com/k%20%C3%A4",
            ),
            (
                "s3://b/a//b,~%",
                "https://s3.example.com/b/a//b%2C~%25",
                "https://b.s3.example.com/a//b%2C~%25",
            ),
            (
                "s3://b//k?#",
                "https://s3.example.com/b//k%3F%23",
                "https://b.s3.example.com//k%3F%23",
            ),
            ("s3://b", "https://s3.example.com/b/", "https://b.s3.example.com/"),
        ] {
            assert_eq!(url(named, false).as_deref(), Ok(in_path));
            assert_eq!(url(named, true).as_deref(), Ok(in_host));
        }
        for named in ["s3://", "s3:///k", "b/k", "https://b/k", "s3://b c/k", "s3://../k"] {
            assert_eq!(url(named, false), Err(SignError::NotAnObject { scheme: "s3" }), "{named}");
        }
        for named in ["s3://b/../c", "s3://b/./c", "s3://b/..", "s3://b/%2e%2e/c"] {
            assert_eq!(url(named, false), Err(UriError::DotSegment.into()), "{named}");
        }
        for named in ["s3://a.b/k", "s3://A/k", "s3://a_b/k", "s3://-a/k"] {
            assert!(matches!(url(named, true), Err(SignError::BucketInHost { .. })), "{named}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(url in "(s3://)?.*", seconds in any::<i64>()) {
            let endpoint = Endpoint::parse("http://localhost:8333").unwrap();
            for in_host in [false, true] {
                let _ = ObjectUrl::new(&url, "s3", &endpoint, in_host);
            }
            let _ = Moment::new(seconds);
            let _ = Endpoint::parse(&url);
        }
    }
}
