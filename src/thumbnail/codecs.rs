//! The codec libraries and their versions.

use crate::ffi::{av1, webp};

/// Returns the names and versions of the codec libraries in use. libwebp and libaom report their
/// own versions; the build script reads the other versions from the compiled sources.
#[must_use]
pub fn codecs() -> Vec<(&'static str, String)> {
    let built = env!("XACCEL_CODECS").split(',').filter_map(|codec| codec.split_once('='));
    let linked = [("libwebp", webp::version()), ("libaom", av1::version())];
    built.map(|(name, version)| (name, version.to_owned())).chain(linked).collect()
}
