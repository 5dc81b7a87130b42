use std::{fmt::Write as _, str::FromStr};

use ::hmac::{EagerHash, Hmac, KeyInit, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::error::SignerError;

/// The hash function of an HMAC (RFC 2104) that a different server verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashFunction {
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl FromStr for HashFunction {
    type Err = SignerError;

    fn from_str(name: &str) -> Result<Self, SignerError> {
        match name {
            "sha1" => Ok(Self::Sha1),
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            _ => Err(SignerError::UnknownAlgorithm {
                name: name.to_owned(),
                choices: "'sha1', 'sha256' or 'sha512'",
            }),
        }
    }
}

/// An HMAC with its key, for any of the hash functions.
#[derive(Clone)]
pub(super) enum KeyedMac {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl KeyedMac {
    pub(super) fn new(hash: HashFunction, key: &[u8]) -> Self {
        match hash {
            HashFunction::Sha1 => Self::Sha1(keyed(key)),
            HashFunction::Sha256 => Self::Sha256(keyed(key)),
            HashFunction::Sha512 => Self::Sha512(keyed(key)),
        }
    }

    pub(super) fn digest(&self, message: &[u8]) -> Vec<u8> {
        fn digest<H: EagerHash>(keyed: &Hmac<H>, message: &[u8]) -> Vec<u8> {
            keyed.clone().chain_update(message).finalize().into_bytes().to_vec()
        }
        match self {
            Self::Sha1(keyed) => digest(keyed, message),
            Self::Sha256(keyed) => digest(keyed, message),
            Self::Sha512(keyed) => digest(keyed, message),
        }
    }
}

/// Returns the HMAC-SHA256 of a message.
pub(super) fn hmac_sha256(key: &[u8], message: &str) -> [u8; 32] {
    keyed::<Hmac<Sha256>>(key).chain_update(message).finalize().into_bytes().into()
}

/// Returns bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Decodes the hexadecimal digits of a `key` or `salt`; `number` is its position in the list.
pub(super) fn decode_hex(
    what: &'static str,
    number: usize,
    text: &str,
) -> Result<Vec<u8>, SignerError> {
    if text.is_empty() {
        return Err(SignerError::EmptySecret { number });
    }
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |&[high, low]: &[u8; 2]| u8::try_from(digit(high)? << 4 | digit(low)?).ok();
    let bytes: Option<Vec<u8>> = pairs.iter().map(pair).collect();
    bytes.filter(|_| rest.is_empty()).ok_or(SignerError::NotHex { what, number })
}

/// An HMAC with its key.
pub(super) fn keyed<M: KeyInit>(key: &[u8]) -> M {
    match M::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("RFC 2104 allows keys of any length"),
    }
}
