//! The core of xaccel: signed URLs, confined paths, thumbnails and their cache.
//!
//! Pure functions: no web framework, no clock, no logging. Python sees them through
//! the bindings in [`python`], which are compiled with the feature of the same name.

pub mod cache;
pub mod error;
mod ffi;
pub mod path_map;
pub mod sign;
pub mod thumbnail;
pub mod uri;

#[cfg(feature = "python")]
mod python;
