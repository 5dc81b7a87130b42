//! HMAC-SHA256 (RFC 2104) with a key derived from the secret.

use ::hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::{Message, mac::keyed, ring::Key};

/// The minimum length of a secret, in bytes.
pub(super) const MIN_SECRET_LENGTH: usize = 16;

/// The purpose of the derived key. A different purpose results in a different key, even if the
/// secret is the same.
const PURPOSE: &[u8] = b"xaccel url v1";

/// A derived key, and the state of the hash function after it has processed the key. The hash of
/// each message continues from this state.
#[derive(Clone)]
pub(super) struct HmacKey {
    derived: [u8; 32],
    keyed: Hmac<Sha256>,
}

impl HmacKey {
    pub(super) fn new(secret: &[u8]) -> Self {
        let derived =
            keyed::<Hmac<Sha256>>(secret).chain_update(PURPOSE).finalize().into_bytes().into();
        Self { derived, keyed: keyed(&derived) }
    }

    pub(super) fn derived(&self) -> &[u8; 32] {
        &self.derived
    }
}

impl Key<32> for HmacKey {
    fn digest(&self, message: &Message<'_>) -> [u8; 32] {
        let mut mac = self.keyed.clone();
        if !message.expires.is_empty() {
            mac.update(message.expires.as_bytes());
        }
        mac.update(message.path.as_bytes());
        if !message.query.is_empty() {
            mac.update(b"\0");
            mac.update(message.query.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}
