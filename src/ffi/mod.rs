//! All unsafe code: the calls into the C codecs, each wrapped in a safe interface.
//!
//! There is no maintained safe wrapper for libwebp or libaom. A type that passes a borrowed plane
//! to C carries the lifetime of that plane, so that the compiler rejects any use after that
//! lifetime.

#![allow(unsafe_code)]

pub(crate) mod av1;
pub(crate) mod webp;
