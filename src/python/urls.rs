//! The signers for object stores and CDNs.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyDict, PyMapping};

use super::dialects::refuse_pickling;
use super::numbers;
use super::sign::{Secret, clock, given_expiry};
use crate::sign::{self, Expiry};

/// The expiry of a signature that requires one.
fn required_expiry(
    expires: Option<&Bound<'_, PyAny>>,
    expires_in: Option<&Bound<'_, PyAny>>,
) -> PyResult<Expiry> {
    given_expiry(expires, expires_in)?.ok_or_else(|| {
        PyValueError::new_err("this signature always expires: pass expires or expires_in")
    })
}

/// Returns the last valid second of a URL, for signers that are written in Python.
#[pyfunction]
#[pyo3(signature = (*, expires = None, expires_in = None))]
pub(super) fn expires_at(
    expires: Option<&Bound<'_, PyAny>>,
    expires_in: Option<&Bound<'_, PyAny>>,
) -> PyResult<i64> {
    Ok(required_expiry(expires, expires_in)?.at(clock())?)
}

/// Returns the origin, the path and the query of an absolute URL, for signers that are written in
/// Python.
#[pyfunction]
#[pyo3(signature = (url, reserved, /))]
pub(super) fn split_url(
    url: &str,
    reserved: Vec<PyBackedStr>,
) -> PyResult<(String, String, Option<String>)> {
    let reserved: Vec<&str> = reserved.iter().map(|name| &**name).collect();
    let (origin, path, query) = sign::split_url(url, &reserved)?;
    Ok((origin.to_owned(), path.to_owned(), query.map(str::to_owned)))
}

/// Signs requests to S3.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct S3Signer(sign::S3Signer);

#[pymethods]
impl S3Signer {
    #[new]
    #[pyo3(signature = (
        *, access_key, secret_key, region, endpoint = None, addressing = "path",
        session_token = None
    ))]
    fn new(
        access_key: &str,
        secret_key: &str,
        region: &str,
        endpoint: Option<&str>,
        addressing: &str,
        session_token: Option<&str>,
    ) -> PyResult<Self> {
        let addressing = addressing.parse()?;
        let signer = sign::S3Signer::new(
            access_key,
            secret_key,
            region,
            endpoint,
            addressing,
            session_token,
        )?;
        Ok(Self(signer))
    }

    #[pyo3(signature = (url, /))]
    fn url(&self, url: &str) -> PyResult<String> {
        Ok(self.0.url(url)?)
    }

    #[pyo3(signature = (url, /, *, expires = None, expires_in = None))]
    fn sign(
        &self,
        url: &str,
        expires: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        self.presign("GET", url, expires, expires_in, None)
    }

    #[pyo3(signature = (method, url, /, *, expires = None, expires_in = None, now = None))]
    fn presign(
        &self,
        method: &str,
        url: &str,
        expires: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = numbers::now)] now: Option<i64>,
    ) -> PyResult<String> {
        let expiry = required_expiry(expires, expires_in)?;
        Ok(self.0.presign(method, url, expiry, now.unwrap_or_else(clock))?)
    }

    #[pyo3(signature = (method, url, headers, payload_hash, /, *, now = None))]
    fn sign_request<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        url: &str,
        headers: &Bound<'_, PyMapping>,
        payload_hash: &str,
        #[pyo3(from_py_with = numbers::now)] now: Option<i64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let headers: Vec<(PyBackedStr, PyBackedStr)> = headers.items()?.extract()?;
        let now = now.unwrap_or_else(clock);
        let added = PyDict::new(py);
        for (name, value) in self.0.sign_request(method, url, &headers, payload_hash, now)? {
            added.set_item(name, value)?;
        }
        Ok(added)
    }

    #[pyo3(signature = (_protocol, /))]
    fn __reduce_ex__(_signer: &Bound<'_, Self>, _protocol: i64) -> PyResult<()> {
        Err(refuse_pickling("S3Signer"))
    }
}

/// Signs URLs for Google Cloud Storage with an HMAC key.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct GoogleCloudStorageHmac(sign::GoogleCloudStorageSigner);

#[pymethods]
impl GoogleCloudStorageHmac {
    #[new]
    #[pyo3(signature = (access_key, secret_key, /, *, endpoint = None))]
    fn new(access_key: &str, secret_key: &str, endpoint: Option<&str>) -> PyResult<Self> {
        Ok(Self(sign::GoogleCloudStorageSigner::new(access_key, secret_key, endpoint)?))
    }

    #[pyo3(signature = (method, url, /, *, expires = None, expires_in = None, now = None))]
    fn presign(
        &self,
        method: &str,
        url: &str,
        expires: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = numbers::now)] now: Option<i64>,
    ) -> PyResult<String> {
        let expiry = required_expiry(expires, expires_in)?;
        Ok(self.0.presign(method, url, expiry, now.unwrap_or_else(clock))?)
    }
}

/// Prepares URLs for Google Cloud Storage that are signed with an RSA key.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct GoogleCloudStorageUrls(sign::GoogleCloudStorageUrls);

#[pymethods]
impl GoogleCloudStorageUrls {
    #[new]
    #[pyo3(signature = (client_email, /, *, endpoint = None))]
    fn new(client_email: &str, endpoint: Option<&str>) -> PyResult<Self> {
        Ok(Self(sign::GoogleCloudStorageUrls::new(client_email, endpoint)?))
    }

    #[pyo3(signature = (method, url, /, *, expires = None, expires_in = None, now = None))]
    fn unsigned(
        &self,
        method: &str,
        url: &str,
        expires: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = numbers::now)] now: Option<i64>,
    ) -> PyResult<(String, String)> {
        let expiry = required_expiry(expires, expires_in)?;
        Ok(self.0.unsigned(method, url, expiry, now.unwrap_or_else(clock))?)
    }
}

/// Signs URLs for bunny.net.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct BunnySigner(sign::BunnySigner);

#[pymethods]
impl BunnySigner {
    #[new]
    #[pyo3(signature = (key, *, directory = false))]
    fn new(key: Secret, directory: bool) -> PyResult<Self> {
        Ok(Self(sign::BunnySigner::new(key.as_ref(), directory)?))
    }

    #[pyo3(signature = (url, /, *, expires = None, expires_in = None))]
    fn sign(
        &self,
        url: &str,
        expires: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        Ok(self.0.sign(url, required_expiry(expires, expires_in)?, clock())?)
    }

    #[pyo3(signature = (_protocol, /))]
    fn __reduce_ex__(_signer: &Bound<'_, Self>, _protocol: i64) -> PyResult<()> {
        Err(refuse_pickling("BunnySigner"))
    }
}

/// Signs URLs for a Cloudflare rule.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct CloudflareSigner(sign::CloudflareSigner);

#[pymethods]
impl CloudflareSigner {
    #[new]
    #[pyo3(signature = (key, *, ttl, param = "verify", url_safe = false))]
    fn new(
        key: Secret,
        #[pyo3(from_py_with = numbers::ttl)] ttl: i64,
        param: &str,
        url_safe: bool,
    ) -> PyResult<Self> {
        Ok(Self(sign::CloudflareSigner::new(key.as_ref(), ttl, param, url_safe)?))
    }

    #[pyo3(signature = (url, /, *, expires = None, expires_in = None))]
    fn sign(
        &self,
        url: &str,
        expires: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        Ok(self.0.sign(url, required_expiry(expires, expires_in)?, clock())?)
    }

    #[pyo3(signature = (_protocol, /))]
    fn __reduce_ex__(_signer: &Bound<'_, Self>, _protocol: i64) -> PyResult<()> {
        Err(refuse_pickling("CloudflareSigner"))
    }
}

/// Signs URLs for Cloudflare Images.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct CloudflareImagesSigner(sign::CloudflareImagesSigner);

#[pymethods]
impl CloudflareImagesSigner {
    #[new]
    #[pyo3(signature = (key))]
    fn new(key: Secret) -> PyResult<Self> {
        Ok(Self(sign::CloudflareImagesSigner::new(key.as_ref())?))
    }

    #[pyo3(signature = (url, /, *, expires = None, expires_in = None))]
    fn sign(
        &self,
        url: &str,
        expires: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        Ok(self.0.sign(url, required_expiry(expires, expires_in)?, clock())?)
    }

    #[pyo3(signature = (_protocol, /))]
    fn __reduce_ex__(_signer: &Bound<'_, Self>, _protocol: i64) -> PyResult<()> {
        Err(refuse_pickling("CloudflareImagesSigner"))
    }
}

/// Signs URLs for Fastly.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct FastlySigner(sign::FastlySigner);

#[pymethods]
impl FastlySigner {
    #[new]
    #[pyo3(signature = (key))]
    fn new(key: &str) -> PyResult<Self> {
        Ok(Self(sign::FastlySigner::new(key)?))
    }

    #[pyo3(signature = (url, /, *, expires = None, expires_in = None))]
    fn sign(
        &self,
        url: &str,
        expires: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        Ok(self.0.sign(url, required_expiry(expires, expires_in)?, clock())?)
    }

    #[pyo3(signature = (_protocol, /))]
    fn __reduce_ex__(_signer: &Bound<'_, Self>, _protocol: i64) -> PyResult<()> {
        Err(refuse_pickling("FastlySigner"))
    }
}

/// Signs URLs for Akamai.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct AkamaiSigner(sign::AkamaiSigner);

#[pymethods]
impl AkamaiSigner {
    #[new]
    #[pyo3(signature = (key, *, param = "__token__", salt = None, escape_early = true, directory = false))]
    fn new(
        key: &str,
        param: &str,
        salt: Option<&str>,
        escape_early: bool,
        directory: bool,
    ) -> PyResult<Self> {
        Ok(Self(sign::AkamaiSigner::new(key, param, salt, escape_early, directory)?))
    }

    #[pyo3(signature = (url, /, *, expires = None, expires_in = None))]
    fn sign(
        &self,
        url: &str,
        expires: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        Ok(self.0.sign(url, required_expiry(expires, expires_in)?, clock())?)
    }

    #[pyo3(signature = (_protocol, /))]
    fn __reduce_ex__(_signer: &Bound<'_, Self>, _protocol: i64) -> PyResult<()> {
        Err(refuse_pickling("AkamaiSigner"))
    }
}
