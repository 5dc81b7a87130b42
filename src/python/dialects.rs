//! `ThumborSigner`, `ImgproxySigner` and `HmacSecureLinkSigner`.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

use super::exceptions::{ConfigError, SpecError};
use super::numbers;
use super::sign::{Secret, clock, expiry, extract_lifetime};
use super::spec::PySpec;
use crate::error::{self, DialectError};
use crate::sign;
use crate::thumbnail::spec::Spec;

impl From<DialectError> for PyErr {
    fn from(error: DialectError) -> Self {
        match error {
            DialectError::Expiry(error) => error.into(),
            _ => SpecError::new_err(error.to_string()),
        }
    }
}

/// A spec object or its text.
#[derive(FromPyObject)]
enum SpecArg<'py> {
    Spec(Bound<'py, PySpec>),
    Text(PyBackedStr),
}

impl SpecArg<'_> {
    fn into_spec(self) -> Result<Spec, error::SpecError> {
        match self {
            Self::Spec(spec) => Ok(spec.get().0),
            Self::Text(text) => Spec::parse(&text),
        }
    }
}

pub(super) fn refuse_pickling(name: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "a {name} can't be copied or pickled, because that would expose its secrets; \
         create one from the configuration where you need it"
    ))
}

/// Signs URLs for thumbor and imagor.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct ThumborSigner(sign::ThumborSigner);

#[pymethods]
impl ThumborSigner {
    #[new]
    #[pyo3(signature = (key, *, algorithm = "sha1", length = None))]
    fn new(
        key: Secret,
        algorithm: &str,
        #[pyo3(from_py_with = numbers::length)] length: Option<usize>,
    ) -> PyResult<Self> {
        Ok(Self(sign::ThumborSigner::new(key.as_ref(), algorithm.parse()?, length)?))
    }

    #[pyo3(signature = (path, /))]
    fn sign_path(&self, path: &str) -> String {
        self.0.sign_path(path)
    }

    #[pyo3(signature = (source, spec, /, *, source_size = None))]
    fn url(
        &self,
        source: &str,
        spec: SpecArg<'_>,
        #[pyo3(from_py_with = numbers::source_size)] source_size: Option<(u32, u32)>,
    ) -> PyResult<String> {
        Ok(self.0.url(source, &spec.into_spec()?, source_size)?)
    }

    #[pyo3(signature = (_protocol, /))]
    fn __reduce_ex__(_signer: &Bound<'_, Self>, _protocol: i64) -> PyResult<()> {
        Err(refuse_pickling("ThumborSigner"))
    }
}

/// Signs URLs for imgproxy.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct ImgproxySigner(sign::ImgproxySigner);

/// A string of hexadecimal digits, or a list of such strings.
#[derive(FromPyObject)]
enum Hexadecimal {
    One(PyBackedStr),
    Many(Vec<PyBackedStr>),
}

fn extract_hexadecimal(name: &str, values: &Bound<'_, PyAny>) -> PyResult<Vec<PyBackedStr>> {
    match values.extract() {
        Ok(Hexadecimal::One(value)) => Ok(vec![value]),
        Ok(Hexadecimal::Many(values)) => Ok(values),
        Err(_) => Err(ConfigError::new_err(format!(
            "{name} must be a str of hexadecimal digits or a list of such strings"
        ))),
    }
}

#[pymethods]
impl ImgproxySigner {
    #[new]
    #[pyo3(signature = (keys, salts, *, size = 32))]
    fn new(
        keys: &Bound<'_, PyAny>,
        salts: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = numbers::size)] size: usize,
    ) -> PyResult<Self> {
        let keys = extract_hexadecimal("keys", keys)?;
        let salts = extract_hexadecimal("salts", salts)?;
        Ok(Self(sign::ImgproxySigner::new(&keys, &salts, size)?))
    }

    #[pyo3(signature = (path, /))]
    fn sign_path(&self, path: &str) -> String {
        self.0.sign_path(path)
    }

    #[pyo3(signature = (source, spec, /, *, expires = None, expires_in = None))]
    fn url(
        &self,
        source: &str,
        spec: SpecArg<'_>,
        expires: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        Ok(self.0.url(source, &spec.into_spec()?, expiry(expires, expires_in)?)?)
    }

    #[pyo3(signature = (_protocol, /))]
    fn __reduce_ex__(_signer: &Bound<'_, Self>, _protocol: i64) -> PyResult<()> {
        Err(refuse_pickling("ImgproxySigner"))
    }
}

/// Signs URLs for nginx's `hmac_secure_link`.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct HmacSecureLinkSigner(sign::HmacSecureLinkSigner);

#[pymethods]
impl HmacSecureLinkSigner {
    #[new]
    #[pyo3(signature = (secret, *, algorithm = "sha256"))]
    fn new(secret: Secret, algorithm: &str) -> PyResult<Self> {
        Ok(Self(sign::HmacSecureLinkSigner::new(secret.as_ref(), algorithm.parse()?)?))
    }

    #[pyo3(signature = (message, /))]
    fn token(&self, message: &str) -> String {
        self.0.token(message.as_bytes())
    }

    #[pyo3(signature = (path, /, *, expires_in = None, now = None))]
    fn url(
        &self,
        path: &str,
        expires_in: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = numbers::now)] now: Option<i64>,
    ) -> PyResult<String> {
        let lifetime = expires_in.map(extract_lifetime).transpose()?;
        Ok(self.0.url(path, lifetime, now.unwrap_or_else(clock))?)
    }

    #[pyo3(signature = (_protocol, /))]
    fn __reduce_ex__(_signer: &Bound<'_, Self>, _protocol: i64) -> PyResult<()> {
        Err(refuse_pickling("HmacSecureLinkSigner"))
    }
}
