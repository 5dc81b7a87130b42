//! Signed URLs, with one file for each dialect.
//!
//! [`Signer`] signs and verifies this package's own URLs: `path?[params&]key=…[&expires=…]`, with
//! the digest of nginx's `secure_link` ([`secure_link`]) or with HMAC-SHA256 ([`hmac`]).
//!
//! [`SecureLinkSigner`] creates such a signer for a different expression of `secure_link_md5`.
//!
//! [`ThumborSigner`], [`ImgproxySigner`] and [`HmacSecureLinkSigner`] sign URLs for other servers.
//! The first two also translate a thumbnail's spec into the server's grammar.
//!
//! [`S3Signer`] and [`GoogleCloudStorageSigner`] sign for object stores with Signature Version 4
//! ([`sigv4`]). [`BunnySigner`], [`CloudflareSigner`], [`CloudflareImagesSigner`], [`FastlySigner`]
//! and [`AkamaiSigner`] sign for CDNs. They accept a URL encoded as it will be sent ([`target`]).

mod akamai;
mod bunny;
mod cloudflare;
mod fastly;
mod google_cloud_storage;
mod hmac;
mod hmac_secure_link;
mod imgproxy;
mod lifetime;
mod mac;
mod ring;
mod s3;
mod secure_link;
mod secure_link_signer;
mod signer;
mod sigv4;
mod target;
mod thumbor;
mod translate;
mod verify;

pub use akamai::AkamaiSigner;
pub use bunny::BunnySigner;
pub use cloudflare::{CloudflareImagesSigner, CloudflareSigner};
pub use fastly::FastlySigner;
pub use google_cloud_storage::{GoogleCloudStorageSigner, GoogleCloudStorageUrls};
pub use hmac_secure_link::HmacSecureLinkSigner;
pub use imgproxy::ImgproxySigner;
pub use lifetime::{Expiry, expires_in};
pub use mac::HashFunction;
pub use s3::{Addressing, S3Signer};
pub use secure_link_signer::{RECOMMENDED_SECRET_LENGTH, SecureLinkSigner};
pub use signer::{Algorithm, Signer};
pub use target::split_url;
pub use thumbor::ThumborSigner;
pub use verify::Verified;

/// The parts of a URL that a signature covers.
#[derive(Debug, Clone, Copy)]
struct Message<'a> {
    /// Unix seconds in decimal, or empty.
    expires: &'a str,
    /// The decoded path in normal form.
    path: &'a str,
    /// The canonical query, or empty.
    query: &'a str,
}
