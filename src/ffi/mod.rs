//! All unsafe code: the calls into the C codecs, each wrapped in a safe interface.
//!
//! There is no maintained safe wrapper of libwebp or libaom. A type that hands a borrowed plane to C
//! carries the lifetime of that plane, so that the compiler rejects a use after its end.

#![allow(unsafe_code)]

pub(crate) mod av1;
pub(crate) mod webp;
