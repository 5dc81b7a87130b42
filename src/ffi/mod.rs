//! All unsafe code, wrapped in safe interfaces: the calls into the C codecs, the use of descriptors
//! that are known only by number, and fonts that are mapped into memory.
//!
//! There is no maintained safe wrapper for libwebp or libaom. A type that passes a borrowed plane
//! to C carries the lifetime of that plane, so that the compiler rejects any use after that
//! lifetime.

#![allow(unsafe_code)]

pub(crate) mod av1;
#[cfg(feature = "python")]
pub(crate) mod descriptor;
#[cfg(feature = "python")]
pub(crate) mod fonts;
pub(crate) mod webp;
