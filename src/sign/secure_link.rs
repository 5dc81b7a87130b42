//! nginx's `secure_link` with `secure_link_md5 "$secure_link_expires$uri secret"`.

use ::md5::{Digest as _, Md5};

use super::{Message, ring::Key};

/// The length in bytes from which a secret resists guessing. nginx accepts shorter ones.
pub const RECOMMENDED_SECRET_LENGTH: usize = 16;

/// A secret, with the space before it in the directive.
#[derive(Clone)]
pub(super) struct SecureLinkKey {
    suffix: Vec<u8>,
}

impl SecureLinkKey {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self { suffix: [b" ", secret].concat() }
    }
}

impl Key<16> for SecureLinkKey {
    fn digest(&self, message: &Message<'_>) -> [u8; 16] {
        let parts = [message.expires.as_bytes(), message.path.as_bytes(), &self.suffix];
        let absent = usize::from(message.expires.is_empty());
        md5(parts.get(absent..).unwrap_or_default())
    }
}

fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part);
    }
    md5.finalize().into()
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        expressions: Vec<Expression>,
    }

    #[derive(Deserialize)]
    struct Expression {
        source: String,
        hashed: String,
        key: String,
    }

    #[test]
    fn digests_as_nginx_does() {
        let vectors: Vectors =
            serde_json::from_str(include_str!("../../tests/vectors/signing.json")).unwrap();
        for vector in vectors.expressions {
            let digest = md5(&[vector.hashed.as_bytes()]);
            assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(digest), vector.key, "{}", vector.source);
        }
    }
}
