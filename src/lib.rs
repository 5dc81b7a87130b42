//! The core of xaccel: signed URLs, confined paths, thumbnails and their cache.
//!
//! The crate does not depend on a web framework, read the clock or write to a log. Python uses it
//! through the bindings in [`python`], which are compiled if the feature of the same name is
//! enabled.

pub mod cache;
pub mod error;
mod ffi;
pub mod path_map;
pub mod sandbox;
pub mod sign;
pub mod thumbnail;
pub mod uri;

#[cfg(feature = "python")]
mod python;
