//! Amazon S3 and S3-compatible stores: presigned URLs and signed requests.

use super::{
    lifetime::Expiry,
    sigv4::{self, Credential, Endpoint, MAX_SECONDS, Moment, ObjectUrl, Unsigned, Words},
    target::Target,
};
use crate::error::{SignError, SignerError};

const WORDS: Words = Words {
    version: "AWS4",
    algorithm: "AWS4-HMAC-SHA256",
    prefix: "X-Amz-",
    scope: ["s3", "aws4_request"],
};

/// Headers that clients and proxies may change in transit.
const UNSIGNED_HEADERS: [&str; 5] =
    ["authorization", "connection", "expect", "transfer-encoding", "user-agent"];

/// The position of the bucket in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// `https://endpoint/bucket/key`.
    Path,
    /// `https://bucket.endpoint/key`.
    Virtual,
}

impl std::str::FromStr for Addressing {
    type Err = SignerError;

    fn from_str(name: &str) -> Result<Self, SignerError> {
        match name {
            "path" => Ok(Self::Path),
            "virtual" => Ok(Self::Virtual),
            _ => Err(SignerError::UnknownAddressing(name.to_owned())),
        }
    }
}

/// Signs URLs and requests for one account, region and endpoint.
#[derive(Clone)]
pub struct S3Signer {
    credential: Credential,
    secret_key: String,
    session_token: Option<String>,
    endpoint: Endpoint,
    addressing: Addressing,
}

impl S3Signer {
    /// Creates a signer with an access key, its secret and, for temporary credentials, the session
    /// token. Without an endpoint, Amazon S3's endpoint in the region is used.
    ///
    /// # Errors
    /// Fails if a value is empty or can't be part of a URL.
    pub fn new(
        access_key: &str,
        secret_key: &str,
        region: &str,
        endpoint: Option<&str>,
        addressing: Addressing,
        session_token: Option<&str>,
    ) -> Result<Self, SignerError> {
        let credential = Credential::new(WORDS, access_key, region)?;
        if secret_key.is_empty() {
            return Err(SignerError::EmptySecret { number: 1 });
        }
        let is_plain = |c: char| c.is_ascii_graphic();
        if session_token.is_some_and(|token| token.is_empty() || !token.chars().all(is_plain)) {
            return Err(SignerError::SessionToken);
        }
        let endpoint = match endpoint {
            Some(endpoint) => Endpoint::parse(endpoint)?,
            None => Endpoint::parse(&format!("https://s3.{region}.amazonaws.com"))?,
        };
        Ok(Self {
            credential,
            secret_key: secret_key.to_owned(),
            session_token: session_token.map(str::to_owned),
            endpoint,
            addressing,
        })
    }

    fn object(&self, url: &str) -> Result<ObjectUrl, SignError> {
        ObjectUrl::new(url, "s3", &self.endpoint, self.addressing == Addressing::Virtual)
    }

    /// Returns the URL of `s3://bucket/key` at the endpoint, without a signature. The key is not
    /// encoded.
    ///
    /// # Errors
    /// Fails if the URL does not have this form, if the key contains dot segments, or if the bucket
    /// can't be part of a host name.
    pub fn url(&self, url: &str) -> Result<String, SignError> {
        Ok(self.object(url)?.url())
    }

    /// Returns a URL for `s3://bucket/key` that lets anyone make this request, signed at the time
    /// `now` (Unix seconds). With [`Expiry::In`], the URL stays the same for half of the lifetime,
    /// or for a shorter time if the lifetime is near the maximum of seven days.
    ///
    /// # Errors
    /// See [`Self::url`]. This also fails if the method is not a token, or if the time is out of
    /// range.
    pub fn presign(
        &self,
        method: &str,
        url: &str,
        expiry: Expiry,
        now: i64,
    ) -> Result<String, SignError> {
        let window = expiry.window(now, MAX_SECONDS)?;
        let token = self.session_token.as_deref();
        let Unsigned { mut url, string_to_sign, moment } =
            self.credential.presign(method, &self.object(url)?, token, window)?;
        url.push_str(&self.credential.sign(&self.secret_key, &moment, &string_to_sign));
        Ok(url)
    }

    /// Returns the headers to add to a request at the time `now` (Unix seconds). `url` is the full
    /// URL as it will be sent. `payload_hash` is the SHA-256 of the body in hexadecimal digits, or
    /// `UNSIGNED-PAYLOAD`. All given headers are signed, except those that may change in transit.
    ///
    /// # Errors
    /// Fails if the URL is not absolute or not encoded, if the method or a header can't be sent, or
    /// if the time is out of range.
    pub fn sign_request(
        &self,
        method: &str,
        url: &str,
        headers: &[(impl AsRef<str>, impl AsRef<str>)],
        payload_hash: &str,
        now: i64,
    ) -> Result<Vec<(&'static str, String)>, SignError> {
        sigv4::check_token(method)?;
        let target = Target::parse(url)?;
        let host = Endpoint::parse(target.origin)
            .map_err(|_| SignError::NotAbsolute { or_path: "" })?
            .into_host();
        let moment = Moment::new(now)?;
        let mut added = vec![
            ("X-Amz-Content-SHA256", payload_hash.to_owned()),
            ("X-Amz-Date", moment.timestamp.clone()),
        ];
        added.extend(self.session_token.clone().map(|token| ("X-Amz-Security-Token", token)));
        let mut signed = vec![("host".to_owned(), host)];
        for (name, value) in added.iter().map(|(name, value)| (*name, value.as_str())) {
            signed.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        for (name, value) in headers {
            let (name, value) = (name.as_ref().to_ascii_lowercase(), value.as_ref());
            sigv4::check_token(&name)?;
            if value.chars().any(|c| c.is_control() && c != '\t') {
                return Err(SignError::NotHttp(name));
            }
            let is_ours = signed.iter().any(|(ours, _)| *ours == name);
            if !is_ours && !UNSIGNED_HEADERS.contains(&&*name) {
                let words: Vec<&str> = value.split_ascii_whitespace().collect();
                signed.push((name, words.join(" ")));
            }
        }
        signed.sort();
        let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let lines: Vec<String> =
            signed.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        let lines = lines.join("\n");
        let canonical = format!(
            "{method}\n{}\n{}\n{lines}\n\n{names}\n{payload_hash}",
            sigv4::canonical_path(target.path)?,
            sigv4::canonical_query(&target)?,
        );
        let string_to_sign = self.credential.string_to_sign(&moment, &canonical);
        let signature = self.credential.sign(&self.secret_key, &moment, &string_to_sign);
        let (algorithm, credential) = (WORDS.algorithm, self.credential.name(&moment));
        added.push((
            "Authorization",
            format!(
                "{algorithm} Credential={credential}, SignedHeaders={names}, Signature={signature}"
            ),
        ));
        Ok(added)
    }
}
