//! The signer for other expressions of `secure_link_md5`.

use super::{
    ring::Ring,
    secure_link::Expression,
    signer::{Keys, Signer},
};
use crate::error::{SignError, SignerError};

/// The minimum length of a secret that resists guessing, in bytes. nginx accepts shorter ones.
pub const RECOMMENDED_SECRET_LENGTH: usize = 16;

/// Creates [`Signer`]s for any expression of `secure_link_md5`.
#[derive(Clone)]
pub struct SecureLinkSigner {
    expression: Expression,
    secrets: Ring<Vec<u8>>,
    unbound: Signer,
}

impl SecureLinkSigner {
    /// Creates a signer with these secrets, newest first, for an expression in which `$secret` is
    /// the placeholder for the secret. `secure_link` takes the signature and the expiry from the
    /// query parameters with these names.
    ///
    /// # Errors
    /// See [`Signer::new`]. This also fails if the expression does not contain `$secret` or `$uri`,
    /// or contains a variable whose value is unknown when a URL is signed.
    pub fn new(
        expression: &str,
        secrets: &[impl AsRef<[u8]>],
        key_param: &str,
        expires_param: &str,
    ) -> Result<Self, SignerError> {
        let numbered = (1..).zip(secrets);
        if let Some((number, _)) = numbered.into_iter().find(|(_, s)| s.as_ref().is_empty()) {
            return Err(SignerError::EmptySecret { number });
        }
        let expression = Expression::parse(expression)?;
        let secrets = Ring::new(secrets, <[u8]>::to_vec)?;
        let unbound = Keys::SecureLink(secrets.map(|secret| expression.key(secret, &[])));
        let unbound = Signer::with_keys(unbound, key_param, expires_param)?;
        Ok(Self { expression, secrets, unbound })
    }

    /// Returns the signer for these values of the expression's variables, as pairs of name and
    /// value.
    ///
    /// # Errors
    /// [`SignError::MissingVariable`] or [`SignError::UnusedVariable`].
    pub fn bind(
        &self,
        variables: &[(impl AsRef<str>, impl AsRef<str>)],
    ) -> Result<Signer, SignError> {
        let values = self.expression.values(variables)?;
        let keys = self.secrets.map(|secret| self.expression.key(secret, &values));
        let keys = Keys::SecureLink(keys);
        Ok(Signer { keys, ..self.unbound.clone() })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::error::VerifyError;

    const NO_PAIRS: [(&str, &str); 0] = [];

    #[derive(Deserialize)]
    struct Vectors {
        urls: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        source: String,
        expression: String,
        variables: Vec<(String, String)>,
        path: String,
        expires: Option<i64>,
        url: String,
    }

    #[test]
    fn agrees_with_the_vectors() {
        let vectors: Vectors =
            serde_json::from_str(include_str!("../../tests/vectors/secure_link.json")).unwrap();
        for Vector { source, expression, variables, path, expires, url } in vectors.urls {
            let signer = SecureLinkSigner::new(&expression, &["secret"], "md5", "expires").unwrap();
            let bound = signer.bind(&variables).unwrap();
            let written = bound.sign_path(&path, &NO_PAIRS, expires);
            assert_eq!(written.as_ref(), Ok(&url), "{source}: {expression}");
            assert_eq!(bound.verify(&url, 0).unwrap().path, path);
            for changed in 0..variables.len() {
                let mut variables = variables.clone();
                variables[changed].1.push('x');
                let other = signer.bind(&variables).unwrap();
                assert_eq!(other.verify(&url, 0), Err(VerifyError::Mismatch), "{expression}");
            }
        }
    }

    #[test]
    fn an_expiry_has_to_be_covered() {
        let signer = SecureLinkSigner::new("$uri $secret", &["new", "old"], "md5", "e").unwrap();
        let signer = signer.bind(&NO_PAIRS).unwrap();
        assert_eq!(signer.sign("/a", Some(9)), Err(SignError::ExpiresNotCovered));
        let url = signer.sign("/a", None).unwrap();
        assert!(signer.verify(&url, 0).is_ok());
        assert_eq!(signer.verify(&format!("{url}&e=9"), 0), Err(VerifyError::ExtraParam));
        let empty = SecureLinkSigner::new("$uri $secret", &["new", ""], "md5", "e").map(|_| ());
        assert_eq!(empty, Err(SignerError::EmptySecret { number: 2 }));
    }
}
