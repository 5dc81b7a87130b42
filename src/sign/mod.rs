//! Signed URLs, one dialect a file.
//!
//! [`Signer`] makes and checks this package's own: `path?[params&]key=…[&expires=…]`, with
//! the digest that nginx's `secure_link` computes ([`secure_link`]) or with HMAC-SHA256
//! ([`hmac`]).

mod hmac;
mod lifetime;
mod ring;
mod secure_link;
mod signer;

pub use lifetime::expires_in;
pub use secure_link::RECOMMENDED_SECRET_LENGTH;
pub use signer::{Algorithm, Signer, Verified};

/// What a signature covers.
#[derive(Debug, Clone, Copy)]
struct Message<'a> {
    /// Unix seconds in decimal, or empty.
    expires: &'a str,
    /// The decoded path in normal form.
    path: &'a str,
    /// The canonical query, or empty.
    query: &'a str,
}
