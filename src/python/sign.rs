//! `Signer` and `VerifiedUrl`.

use std::borrow::Cow;
use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::exceptions::{PyTypeError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBool, PyDateTime, PyDelta, PyInt, PyList, PyMapping, PyString};

use super::exceptions::{BadSignature, ConfigError, SignatureExpired};
use super::numbers;
use crate::error::{SignError, SignerError, UriError, VerifyError};
use crate::sign::{self, Algorithm, Expiry};

impl From<SignerError> for PyErr {
    fn from(error: SignerError) -> Self {
        ConfigError::new_err(error.to_string())
    }
}

impl From<SignError> for PyErr {
    fn from(error: SignError) -> Self {
        PyValueError::new_err(error.to_string())
    }
}

impl From<VerifyError> for PyErr {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Expired { .. } => SignatureExpired::new_err(error.to_string()),
            _ => BadSignature::new_err(error.to_string()),
        }
    }
}

/// One secret.
#[derive(FromPyObject)]
pub(super) enum Secret {
    Text(PyBackedStr),
    Bytes(PyBackedBytes),
}

impl AsRef<[u8]> for Secret {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

pub(super) fn extract_secrets(secrets: &Bound<'_, PyAny>) -> PyResult<Vec<Secret>> {
    if let Ok(secret) = secrets.extract() {
        return Ok(vec![secret]);
    }
    let wrong = || ConfigError::new_err("secrets must be a str, bytes, or a list of these");
    let secrets = secrets.try_iter().map_err(|_| wrong())?;
    secrets.map(|secret| secret?.extract().map_err(|_| wrong())).collect()
}

/// Returns the text of an external URL. Fails if the URL contains lone surrogates.
pub(super) fn text<'a>(url: &'a Bound<'_, PyString>) -> PyResult<&'a str> {
    Ok(url.to_str().map_err(|_| VerifyError::BadPath(UriError::NotUtf8))?)
}

pub(super) fn clock() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}

/// Returns the last valid second of a URL, from the one of the two arguments that is given.
pub(super) fn expiry(
    expires: Option<&Bound<'_, PyAny>>,
    expires_in: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<i64>> {
    Ok(given_expiry(expires, expires_in)?.map(|expiry| expiry.at(clock())).transpose()?)
}

/// Returns the expiry from the argument that is given.
pub(super) fn given_expiry(
    expires: Option<&Bound<'_, PyAny>>,
    expires_in: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Expiry>> {
    match (expires, expires_in) {
        (None, None) => Ok(None),
        (Some(expires), None) => Ok(Some(Expiry::At(extract_time(expires)?))),
        (None, Some(lifetime)) => Ok(Some(Expiry::In(extract_lifetime(lifetime)?))),
        (Some(_), Some(_)) => {
            Err(PyValueError::new_err("pass either expires or expires_in, not both"))
        }
    }
}

fn extract_time(time: &Bound<'_, PyAny>) -> PyResult<i64> {
    if let Some(seconds) = extract_int(time) {
        return seconds;
    }
    let Ok(time) = time.cast::<PyDateTime>() else {
        return Err(PyTypeError::new_err("expires must be an int (Unix seconds) or a datetime"));
    };
    if time.call_method0("utcoffset")?.is_none() {
        return Err(PyValueError::new_err(
            "expires is a naive datetime, without a timezone; \
             pass an aware one, such as datetime.now(timezone.utc)",
        ));
    }
    Ok(whole_seconds(time.call_method0("timestamp")?.extract::<f64>()?.floor()))
}

pub(super) fn extract_lifetime(lifetime: &Bound<'_, PyAny>) -> PyResult<i64> {
    if let Some(seconds) = extract_int(lifetime) {
        return seconds;
    }
    let Ok(lifetime) = lifetime.cast::<PyDelta>() else {
        return Err(PyTypeError::new_err("expires_in must be an int (seconds) or a timedelta"));
    };
    Ok(whole_seconds(lifetime.call_method0("total_seconds")?.extract::<f64>()?.ceil()))
}

/// Returns the value of an int; `None` for other types, including bool.
fn extract_int(number: &Bound<'_, PyAny>) -> Option<PyResult<i64>> {
    let number = number.cast::<PyInt>().ok().filter(|number| !number.is_instance_of::<PyBool>())?;
    let wrong =
        || PyValueError::new_err(format!("{number} does not fit in the 64 bits of Unix time"));
    Some(number.extract().map_err(|_| wrong()))
}

/// Returns the whole seconds of a datetime or timedelta. Their range is far smaller than the range
/// of `i64`.
#[expect(clippy::cast_possible_truncation, reason = "the range of both is far smaller")]
fn whole_seconds(seconds: f64) -> i64 {
    seconds as i64
}

/// Verifies a URL at the time `now`, or at the current time if `now` is `None`. The clock is read
/// only if the URL has an expiry.
pub(super) fn verify<'a>(
    signer: &sign::Signer,
    url: &'a str,
    now: Option<i64>,
) -> Result<sign::Verified<'a>, VerifyError> {
    let verified = signer.verify_signature(url)?;
    if verified.expires.is_some() {
        verified.check_expiry(now.unwrap_or_else(clock))?;
    }
    Ok(verified)
}

pub(super) fn warn_of_short_secrets(py: Python<'_>, secrets: &[Secret]) -> PyResult<()> {
    if secrets.iter().all(|secret| secret.as_ref().len() >= sign::RECOMMENDED_SECRET_LENGTH) {
        return Ok(());
    }
    let warning = c"a secret under 16 bytes can be guessed from one signed URL";
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), warning, 1)
}

/// A URL with a valid signature and expiry.
#[pyclass(frozen, get_all, eq, module = "xaccel._core")]
#[derive(PartialEq)]
pub(super) struct VerifiedUrl {
    path: String,
    params: Vec<(String, String)>,
    expires: Option<i64>,
}

impl From<sign::Verified<'_>> for VerifiedUrl {
    fn from(verified: sign::Verified<'_>) -> Self {
        Self {
            params: verified.params,
            expires: verified.expires,
            path: verified.path.into_owned(),
        }
    }
}

/// Signs and verifies URLs.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct Signer {
    signer: sign::Signer,
    secrets: usize,
}

#[pymethods]
impl Signer {
    #[new]
    #[pyo3(signature = (
        secrets, *, algorithm = "hmac-sha256", key_param = "key", expires_param = "expires"
    ))]
    fn new(
        secrets: &Bound<'_, PyAny>,
        algorithm: &str,
        key_param: &str,
        expires_param: &str,
    ) -> PyResult<Self> {
        let algorithm: Algorithm = algorithm.parse()?;
        let py = secrets.py();
        let secrets = extract_secrets(secrets)?;
        let signer = sign::Signer::new(algorithm, &secrets, key_param, expires_param)?;
        warn_of_short_secrets(py, &secrets)?;
        Ok(Self { signer, secrets: secrets.len() })
    }

    #[getter]
    fn algorithm(&self) -> &'static str {
        self.signer.algorithm().name()
    }

    #[getter]
    fn key_param(&self) -> &str {
        self.signer.key_param()
    }

    #[getter]
    fn expires_param(&self) -> &str {
        self.signer.expires_param()
    }

    #[pyo3(signature = (url, /, *, expires = None, expires_in = None))]
    fn sign<'py>(
        &self,
        url: &Bound<'py, PyString>,
        expires: Option<&Bound<'py, PyAny>>,
        expires_in: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyString>> {
        /// The maximum size of a buffer that is kept for the next call, in bytes.
        const KEPT: usize = 1024;
        thread_local! {
            // An allocation would take a tenth of the time of a call.
            static TEXT: RefCell<String> = const { RefCell::new(String::new()) };
        }
        let (url, py, expires) = (url.to_str()?, url.py(), expiry(expires, expires_in)?);
        TEXT.with_borrow_mut(|text| {
            text.clear();
            text.shrink_to(KEPT);
            self.signer.sign_into(url, expires, text)?;
            Ok(PyString::new(py, text))
        })
    }

    #[pyo3(signature = (path, /, *, params = None, expires = None, expires_in = None))]
    fn sign_path(
        &self,
        path: &str,
        params: Option<&Bound<'_, PyMapping>>,
        expires: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        let params: Vec<(PyBackedStr, PyBackedStr)> = match params {
            Some(params) => params.items()?.extract()?,
            None => Vec::new(),
        };
        Ok(self.signer.sign_path(path, &params, expiry(expires, expires_in)?)?)
    }

    #[pyo3(signature = (urls, /, *, expires = None, expires_in = None))]
    fn sign_many<'py>(
        &self,
        urls: &Bound<'py, PyAny>,
        expires: Option<&Bound<'py, PyAny>>,
        expires_in: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let expires = expiry(expires, expires_in)?;
        let signed = PyList::empty(urls.py());
        let mut text = String::new();
        for url in urls.try_iter()? {
            text.clear();
            self.signer.sign_into(url?.cast::<PyString>()?.to_str()?, expires, &mut text)?;
            signed.append(PyString::new(urls.py(), &text))?;
        }
        Ok(signed)
    }

    #[pyo3(signature = (url, /, *, now = None))]
    fn verify<'a>(
        &self,
        url: &'a Bound<'_, PyString>,
        #[pyo3(from_py_with = numbers::now)] now: Option<i64>,
    ) -> PyResult<Cow<'a, str>> {
        let verified = verify(&self.signer, text(url)?, now)?;
        if verified.query.is_empty() {
            return Ok(verified.path);
        }
        Ok(format!("{}?{}", verified.path, verified.query).into())
    }

    #[pyo3(signature = (url, /, *, now = None))]
    fn verify_parts(
        &self,
        url: &Bound<'_, PyString>,
        #[pyo3(from_py_with = numbers::now)] now: Option<i64>,
    ) -> PyResult<VerifiedUrl> {
        Ok(verify(&self.signer, text(url)?, now)?.into())
    }

    fn derived_keys(&self) -> PyResult<Vec<Cow<'_, [u8]>>> {
        match self.signer.algorithm() {
            Algorithm::HmacSha256 => Ok(self
                .signer
                .derived_keys()
                .into_iter()
                .map(|key| key.as_slice().into())
                .collect()),
            Algorithm::SecureLinkMd5 => Err(PyValueError::new_err(
                "secure-link-md5 does not derive keys: nginx uses the secret itself",
            )),
        }
    }

    fn __repr__(&self) -> String {
        format!(
            "<Signer {} with {} secret{}>",
            self.algorithm(),
            self.secrets,
            if self.secrets == 1 { "" } else { "s" }
        )
    }

    #[pyo3(signature = (_protocol, /))]
    fn __reduce_ex__(_signer: &Bound<'_, Self>, _protocol: i64) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a Signer can't be copied or pickled, because that would expose its secrets; \
             create one from the configuration where you need it",
        ))
    }
}
