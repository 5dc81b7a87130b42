//! Sources on disk.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::limits::Limits;
use crate::error::ThumbnailError;

/// Read a whole file, if it is not larger than the limits allow.
///
/// # Errors
/// Outside: it can't be read, or is no regular file (`NotFound`). Inside: it is too large.
pub fn read(path: &Path, limits: &Limits) -> io::Result<Result<Vec<u8>, ThumbnailError>> {
    // Asked before the file is opened: opening a FIFO would wait for a writer.
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it is not a regular file"));
    }
    if let Err(error) = limits.check_bytes(metadata.len()) {
        return Ok(Err(error));
    }
    let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    // The file may have grown meanwhile.
    File::open(path)?.take(limits.max_bytes.saturating_add(1)).read_to_end(&mut content)?;
    Ok(Ok(content))
}
