//! Descriptors that Python passes as numbers.

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};

/// Duplicates a descriptor as a file of our own, which is closed on `exec`.
///
/// # Errors
/// The number is not that of an open descriptor.
pub(crate) fn duplicate(descriptor: RawFd) -> io::Result<File> {
    if descriptor < 0 {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    // SAFETY: the descriptor is not -1. It is borrowed only for this call, which fails without any
    // effect if the number is not that of an open descriptor.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    Ok(borrowed.try_clone_to_owned()?.into())
}
