//! `SecureLinkSigner`.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyAny, PyMapping, PyString};

use super::dialects::refuse_pickling;
use super::numbers;
use super::sign::{VerifiedUrl, expiry, extract_secrets, text, verify, warn_of_short_secrets};
use crate::sign;

/// Signs and verifies URLs for an nginx `secure_link_md5` expression.
#[pyclass(frozen, module = "xaccel._core")]
pub(super) struct SecureLinkSigner {
    signer: sign::SecureLinkSigner,
    expression: String,
}

fn bind(
    signer: &sign::SecureLinkSigner,
    variables: Option<&Bound<'_, PyMapping>>,
) -> PyResult<sign::Signer> {
    let variables: Vec<(PyBackedStr, PyBackedStr)> = match variables {
        Some(variables) => variables.items()?.extract()?,
        None => Vec::new(),
    };
    Ok(signer.bind(&variables)?)
}

#[pymethods]
impl SecureLinkSigner {
    #[new]
    #[pyo3(signature = (secrets, expression, *, key_param = "md5", expires_param = "expires"))]
    fn new(
        secrets: &Bound<'_, PyAny>,
        expression: String,
        key_param: &str,
        expires_param: &str,
    ) -> PyResult<Self> {
        let py = secrets.py();
        let secrets = extract_secrets(secrets)?;
        let signer = sign::SecureLinkSigner::new(&expression, &secrets, key_param, expires_param)?;
        warn_of_short_secrets(py, &secrets)?;
        Ok(Self { signer, expression })
    }

    #[getter]
    fn expression(&self) -> &str {
        &self.expression
    }

    #[pyo3(signature = (url, /, *, expires = None, expires_in = None, variables = None))]
    fn sign(
        &self,
        url: &str,
        expires: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
        variables: Option<&Bound<'_, PyMapping>>,
    ) -> PyResult<String> {
        Ok(bind(&self.signer, variables)?.sign(url, expiry(expires, expires_in)?)?)
    }

    #[pyo3(signature = (path, /, *, expires = None, expires_in = None, variables = None))]
    fn sign_path(
        &self,
        path: &str,
        expires: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
        variables: Option<&Bound<'_, PyMapping>>,
    ) -> PyResult<String> {
        const NO_PARAMS: [(&str, &str); 0] = [];
        let expires = expiry(expires, expires_in)?;
        Ok(bind(&self.signer, variables)?.sign_path(path, &NO_PARAMS, expires)?)
    }

    #[pyo3(signature = (url, /, *, now = None, variables = None))]
    fn verify(
        &self,
        url: &Bound<'_, PyString>,
        #[pyo3(from_py_with = numbers::now)] now: Option<i64>,
        variables: Option<&Bound<'_, PyMapping>>,
    ) -> PyResult<String> {
        let signer = bind(&self.signer, variables)?;
        Ok(verify(&signer, text(url)?, now)?.path.into_owned())
    }

    #[pyo3(signature = (url, /, *, now = None, variables = None))]
    fn verify_parts(
        &self,
        url: &Bound<'_, PyString>,
        #[pyo3(from_py_with = numbers::now)] now: Option<i64>,
        variables: Option<&Bound<'_, PyMapping>>,
    ) -> PyResult<VerifiedUrl> {
        let signer = bind(&self.signer, variables)?;
        Ok(verify(&signer, text(url)?, now)?.into())
    }

    fn __repr__(&self) -> String {
        format!("<SecureLinkSigner {:?}>", self.expression)
    }

    #[pyo3(signature = (_protocol, /))]
    fn __reduce_ex__(_signer: &Bound<'_, Self>, _protocol: i64) -> PyResult<()> {
        Err(refuse_pickling("SecureLinkSigner"))
    }
}
