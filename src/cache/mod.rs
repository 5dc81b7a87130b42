//! The directory of finished thumbnails.
//!
//! A thumbnail's file has the path of its URL, so that a web server finds it by `try_files`
//! without asking anyone. Beside those files the directory holds two of its own, which no URL
//! reaches: `.tmp` (files being written) and `.lock` (see [`Cache::try_lock`] and [`admission`]).
//!
//! A reader never sees half a file: [`Cache::publish`] writes elsewhere and renames. A killed
//! writer leaves at most a file in `.tmp`, which a sweep removes: the kernel drops its lock with
//! its process.

use std::fs::{self, File, FileTimes, OpenOptions, Permissions, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::uri;

pub mod admission;
pub mod purge;
pub mod sweep;

/// Locks are files, and files that nobody may delete; so there is a fixed number of them.
/// Two thumbnails that share one wait for each other, which is rare and harmless.
const LOCKS: u64 = 1024;

/// The directory of files being written.
const TEMPORARY: &str = ".tmp";
/// The directory of locks.
const LOCK: &str = ".lock";

/// A directory of finished thumbnails, shared by any number of threads and processes.
#[derive(Debug, Clone)]
pub struct Cache {
    directory: PathBuf,
}

/// A right that one holder has at a time; given up when dropped, or by the kernel when the
/// process dies.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would be enough, but for a child that was forked meanwhile and has
        // the same open file. There is nothing to do about an error.
        let _ = self.file.unlock();
    }
}

impl Cache {
    /// A cache in `directory`, which is created when first needed.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The file of the thumbnail at `uri`, a decoded path such as `/t/300x200/cat.jpg`.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] when `uri` is not in normal form or is in one of the
    /// cache's own directories.
    pub fn path(&self, uri: &str) -> io::Result<PathBuf> {
        uri::check_normal(uri)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let relative = uri.trim_start_matches('/');
        let first = relative.split('/').next().unwrap_or_default();
        if [TEMPORARY, LOCK, ""].contains(&first) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a reserved name"));
        }
        Ok(self.directory.join(relative))
    }

    /// The number of the lock for the thumbnail at `uri`.
    #[must_use]
    pub fn lock_number(uri: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        uri.hash(&mut hasher);
        hasher.finish() % LOCKS
    }

    /// The right to make the thumbnails of a lock's number, or nothing when another has it: to
    /// wait is the caller's business, who knows what else its thread has to do. It is an exclusive
    /// `flock`, so it holds among threads and processes alike.
    ///
    /// # Errors
    /// When the lock's file can't be created, on a read-only disk for example.
    pub fn try_lock(&self, number: u64) -> io::Result<Option<Lock>> {
        self.try_lock_file(&format!("{number:03x}"))
    }

    fn try_lock_file(&self, name: &str) -> io::Result<Option<Lock>> {
        let file = self.lock_file(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn lock_file(&self, name: &str) -> io::Result<File> {
        create_in(&self.directory.join(LOCK), |directory| {
            OpenOptions::new().create(true).truncate(false).write(true).open(directory.join(name))
        })
    }

    /// Make `data` the thumbnail at `uri`, in one step for every reader.
    ///
    /// `modified` becomes the file's time of modification; with the source's own, the
    /// validators that a web server derives from it are the same wherever and whenever the
    /// thumbnail is made.
    ///
    /// # Errors
    /// When it can't be written; nothing is then left behind.
    pub fn publish(
        &self,
        uri: &str,
        data: &[u8],
        modified: Option<SystemTime>,
    ) -> io::Result<PathBuf> {
        let path = self.path(uri)?;
        let mut file = create_in(&self.directory.join(TEMPORARY), |directory| {
            // As every new file has it: the web server may be another user.
            let mode = Permissions::from_mode(0o666);
            tempfile::Builder::new().permissions(mode).tempfile_in(directory)
        })?;
        file.write_all(data)?;
        if let Some(modified) = modified {
            file.as_file().set_times(FileTimes::new().set_modified(modified))?;
        }
        let mut file = Some(file.into_temp_path());
        create_in(path.parent().unwrap_or(&self.directory), |_| {
            match file.take().map(|temporary| temporary.persist(&path)) {
                Some(Err(error)) => {
                    file = Some(error.path);
                    Err(error.error)
                }
                _ => Ok(()),
            }
        })?;
        Ok(path)
    }
}

/// Do something that needs `directory`, creating it only if that fails: the directory is
/// there nearly always, and may be deleted at any time, even as soon as it was created.
fn create_in<T>(directory: &Path, mut action: impl FnMut(&Path) -> io::Result<T>) -> io::Result<T> {
    const ATTEMPTS: u32 = 4;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn publishes_at_the_path_of_the_url() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().join("new"));
        let path = cache.publish("/t/300x200/föö bär.jpg", b"one", None).unwrap();
        assert_eq!(path, temp.path().join("new/t/300x200/föö bär.jpg"));
        cache.publish("/t/300x200/föö bär.jpg", b"two", None).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(temp.path().join("new/.tmp")).unwrap().count(), 0);
    }

    #[test]
    fn has_the_time_of_its_source() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().to_owned());
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let path = cache.publish("/t/1x1/a", b"a", Some(modified)).unwrap();
        let metadata = fs::metadata(path).unwrap();
        assert_eq!(metadata.modified().unwrap(), modified);
        assert!(metadata.accessed().unwrap() > modified);
    }

    #[test]
    fn leaves_nothing_when_it_fails() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().to_owned());
        cache.publish("/t/1x1/a", b"file", None).unwrap();
        assert!(cache.publish("/t/1x1/a/b", b"below a file", None).is_err());
        assert_eq!(fs::read_dir(temp.path().join(".tmp")).unwrap().count(), 0);
    }

    #[test]
    fn keeps_inside_its_directory() {
        let cache = Cache::new("/cache".into());
        for uri in
            ["", "/", "a", "/../a", "/t/../../a", "/t//a", "/.lock/000", "/.tmp/a", "/.tmp", "/\0"]
        {
            assert!(cache.path(uri).is_err(), "{uri:?}");
        }
        assert_eq!(cache.path("/t/1x1/.a").unwrap(), Path::new("/cache/t/1x1/.a"));
    }

    #[test]
    fn lets_one_at_a_time_make_a_thumbnail() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().to_owned());
        let (inside, made) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let number = Cache::lock_number("/t/1x1/a");
                    let _lock = loop {
                        match cache.try_lock(number).unwrap() {
                            Some(lock) => break lock,
                            None => thread::yield_now(),
                        }
                    };
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    if !cache.path("/t/1x1/a").unwrap().exists() {
                        made.fetch_add(1, Ordering::SeqCst);
                        cache.publish("/t/1x1/a", b"thumbnail", None).unwrap();
                    }
                    inside.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }
}
