//! How SVG files are recognised and named.

use super::super::super::format::{OutputFormat, SourceFormat};
use crate::error::ThumbnailError;

pub(super) const FORMAT: SourceFormat = SourceFormat::new("svg", OutputFormat::Png);

/// The first bytes of a compressed file.
pub(super) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The number of bytes in which to look for the first element. White space, comments and
/// declarations may precede it.
const PROLOGUE: usize = 4096;

pub(super) const BOM: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Whether the first element is `svg`.
pub(super) fn is_svg(source: &[u8]) -> bool {
    let source = source.strip_prefix(&BOM).unwrap_or(source).trim_ascii_start();
    let start = source.get(..PROLOGUE).unwrap_or(source);
    start.starts_with(b"<") && memchr::memmem::find(start, b"<svg").is_some()
}

pub(super) fn corrupt(error: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(FORMAT, error)
}
