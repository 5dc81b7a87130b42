//! The cache's directory: its internal entries, and the creation of directories.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;

/// The directory for lock files.
pub(super) const LOCK_DIRECTORY: &str = ".lock";

/// The directory for thumbnails that can't be stored at the path of their URL; see
/// [`Cache::aside`].
pub(super) const ASIDE: &str = ".aside";

/// The directory for files that are being written.
pub(super) const TEMPORARY: &str = ".tmp";

/// The reserved names in the cache's directory. A thumbnail's path can't start with one of them.
pub(super) const OWN: [&str; 3] = [TEMPORARY, LOCK_DIRECTORY, ASIDE];

/// A file in the directory of the locks. It contains one byte for each block written since the last
/// sweep.
pub(super) const WRITTEN: &str = "written";

/// The size of a disk block, in bytes. A file occupies whole blocks.
pub(super) const BLOCK: u64 = 4096;

/// A directory of finished thumbnails, shared by any number of threads and processes.
#[derive(Debug)]
pub struct Cache {
    pub(super) directory: PathBuf,
    /// The number at which the next search for a free lock begins.
    pub(super) next_place: AtomicUsize,
}

impl Cache {
    /// Creates a cache in `directory`. The directory is created when it is first needed.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        // Different processes begin their searches at different numbers.
        let next_place = AtomicUsize::new(std::process::id() as usize);
        Self { directory, next_place }
    }
}

/// The maximum number of times that `create_in` creates the directory if it keeps being deleted.
pub(super) const ATTEMPTS: u32 = 4;

/// Calls a function that needs `directory`, and creates the directory only if the call fails. The
/// directory nearly always exists, but it may be deleted at any time, even immediately after it was
/// created.
pub(super) fn create_in<T>(
    directory: &Path,
    mut action: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<T> {
    for _ in 0..ATTEMPTS {
        match action(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(directory)?;
            }
            result => return result,
        }
    }
    action(directory)
}
