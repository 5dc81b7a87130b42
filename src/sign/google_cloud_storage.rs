//! Google Cloud Storage: presigned URLs of Signature Version 4.
//!
//! <https://cloud.google.com/storage/docs/access-control/signed-urls>

use super::{
    lifetime::Expiry,
    sigv4::{Credential, Endpoint, MAX_SECONDS, ObjectUrl, Unsigned, Words},
};
use crate::error::{SignError, SignerError};

const ENDPOINT: &str = "https://storage.googleapis.com";

/// Builds URLs for one account, with the key of a service account or with an HMAC key.
#[derive(Clone)]
pub struct GoogleCloudStorageUrls {
    credential: Credential,
    endpoint: Endpoint,
}

impl GoogleCloudStorageUrls {
    /// Creates a builder for URLs that are signed with an RSA key. `account` is the email address
    /// of a service account. Without an endpoint, Google's endpoint is used.
    ///
    /// # Errors
    /// [`SignerError::Credential`] or [`SignerError::Endpoint`].
    pub fn new(account: &str, endpoint: Option<&str>) -> Result<Self, SignerError> {
        Self::with_algorithm("GOOG4-RSA-SHA256", account, endpoint)
    }

    fn with_algorithm(
        algorithm: &'static str,
        account: &str,
        endpoint: Option<&str>,
    ) -> Result<Self, SignerError> {
        let words = Words {
            version: "GOOG4",
            algorithm,
            prefix: "X-Goog-",
            scope: ["storage", "goog4_request"],
        };
        Ok(Self {
            credential: Credential::new(words, account, "auto")?,
            endpoint: Endpoint::parse(endpoint.unwrap_or(ENDPOINT))?,
        })
    }

    fn presign(
        &self,
        method: &str,
        url: &str,
        expiry: Expiry,
        now: i64,
    ) -> Result<Unsigned, SignError> {
        let object = ObjectUrl::new(url, "gs", &self.endpoint, false)?;
        self.credential.presign(method, &object, None, expiry.window(now, MAX_SECONDS)?)
    }

    /// Returns the text to sign for a request to `gs://bucket/key` at the time `now` (Unix
    /// seconds), and the URL. Append the signature to the URL in hexadecimal digits. See
    /// [`super::S3Signer::presign`] for the expiry.
    ///
    /// # Errors
    /// See [`super::S3Signer::presign`].
    pub fn unsigned(
        &self,
        method: &str,
        url: &str,
        expiry: Expiry,
        now: i64,
    ) -> Result<(String, String), SignError> {
        let unsigned = self.presign(method, url, expiry, now)?;
        Ok((unsigned.string_to_sign, unsigned.url))
    }
}

/// Signs URLs with an HMAC key.
#[derive(Clone)]
pub struct GoogleCloudStorageSigner {
    urls: GoogleCloudStorageUrls,
    secret: String,
}

impl GoogleCloudStorageSigner {
    /// Creates a signer with the access key and the secret of an HMAC key.
    ///
    /// # Errors
    /// See [`GoogleCloudStorageUrls::new`]. If the secret is empty, the error is
    /// [`SignerError::EmptySecret`].
    pub fn new(
        access_key: &str,
        secret: &str,
        endpoint: Option<&str>,
    ) -> Result<Self, SignerError> {
        if secret.is_empty() {
            return Err(SignerError::EmptySecret { number: 1 });
        }
        let algorithm = "GOOG4-HMAC-SHA256";
        let urls = GoogleCloudStorageUrls::with_algorithm(algorithm, access_key, endpoint)?;
        Ok(Self { urls, secret: secret.to_owned() })
    }

    /// Returns a URL for `gs://bucket/key` that lets anyone make this request; see
    /// [`super::S3Signer::presign`].
    ///
    /// # Errors
    /// See [`super::S3Signer::presign`].
    pub fn presign(
        &self,
        method: &str,
        url: &str,
        expiry: Expiry,
        now: i64,
    ) -> Result<String, SignError> {
        let Unsigned { mut url, string_to_sign, moment } =
            self.urls.presign(method, url, expiry, now)?;
        url.push_str(&self.urls.credential.sign(&self.secret, &moment, &string_to_sign));
        Ok(url)
    }
}
