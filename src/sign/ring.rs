use std::iter;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use subtle::{Choice, ConstantTimeEq as _};

use super::Message;
use crate::error::{SignerError, VerifyError};

/// The length of the longest digest, in bytes.
const MAX_DIGEST: usize = 32;

/// A key that computes digests of `N` bytes.
pub(super) trait Key<const N: usize> {
    fn digest(&self, message: &Message<'_>) -> [u8; N];
}

/// A list of keys, which is never empty. The newest key signs, and all keys verify.
#[derive(Clone)]
pub(super) struct Ring<K> {
    newest: K,
    older: Vec<K>,
}

impl<K> Ring<K> {
    pub(super) fn new(
        secrets: &[impl AsRef<[u8]>],
        key: impl Fn(&[u8]) -> K,
    ) -> Result<Self, SignerError> {
        let (newest, older) = secrets.split_first().ok_or(SignerError::NoSecret)?;
        Ok(Self {
            newest: key(newest.as_ref()),
            older: older.iter().map(|secret| key(secret.as_ref())).collect(),
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &K> {
        iter::once(&self.newest).chain(&self.older)
    }

    pub(super) fn map<T>(&self, change: impl Fn(&K) -> T) -> Ring<T> {
        Ring { newest: change(&self.newest), older: self.older.iter().map(change).collect() }
    }

    pub(super) fn newest(&self) -> &K {
        &self.newest
    }

    /// Appends the newest key's digest as unpadded base64url.
    pub(super) fn sign<const N: usize>(&self, message: &Message<'_>, out: &mut String)
    where
        K: Key<N>,
    {
        BASE64_URL_SAFE_NO_PAD.encode_string(self.newest.digest(message), out);
    }

    /// Compares a signature with the text of every key's digest, in constant time. A different
    /// spelling of the same bytes does not match.
    pub(super) fn verify<const N: usize>(
        &self,
        signature: &str,
        message: &Message<'_>,
    ) -> Result<(), VerifyError>
    where
        K: Key<N>,
    {
        const { assert!(N <= MAX_DIGEST) };
        let fits = |key: &K| {
            let mut expected = [0; 2 * MAX_DIGEST];
            let length = BASE64_URL_SAFE_NO_PAD.encode_slice(key.digest(message), &mut expected);
            match length.ok().and_then(|length| expected.get(..length)) {
                Some(expected) => expected.ct_eq(signature.as_bytes()),
                None => Choice::from(0),
            }
        };
        let any = self.iter().fold(Choice::from(0), |any, key| any | fits(key));
        if any.into() {
            return Ok(());
        }
        match BASE64_URL_SAFE_NO_PAD.decode(signature) {
            Ok(digest) if digest.len() == N => Err(VerifyError::Mismatch),
            _ => Err(VerifyError::BadEncoding),
        }
    }
}
