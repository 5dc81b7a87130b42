//! The directory of finished thumbnails.
//!
//! A thumbnail's file has the path of its URL, so that a web server finds it by `try_files`
//! without asking anyone. Beside those files the directory holds two of its own, which no URL
//! reaches: `.tmp` (files being written) and `.lock` (see [`Cache::lock`]).
//!
//! A reader never sees half a file: [`Cache::publish`] writes elsewhere and renames. A killed
//! writer leaves at most a file in `.tmp`: the kernel drops its lock with its process.

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::uri;

/// Locks are files, and files that nobody may delete; so there is a fixed number of them.
/// Two thumbnails that share one wait for each other, which is rare and harmless.
const LOCKS: u64 = 1024;

/// A directory of finished thumbnails, shared by any number of threads and processes.
#[derive(Debug, Clone)]
pub struct Cache {
    directory: PathBuf,
}

/// The right to make one thumbnail; given up when dropped, or by the kernel when the process
/// dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
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
    /// [`io::ErrorKind::InvalidInput`] when `uri` is not in normal form or begins with a dot,
    /// as only the cache's own directories do.
    pub fn path(&self, uri: &str) -> io::Result<PathBuf> {
        uri::check_normal(uri)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let relative = uri.trim_start_matches('/');
        if relative.starts_with('.') || relative.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a reserved name"));
        }
        Ok(self.directory.join(relative))
    }

    /// Wait for the right to make the thumbnail at `uri`. It is an exclusive `flock`, so it
    /// holds among threads and processes alike.
    ///
    /// # Errors
    /// When the lock's file can't be created, on a read-only disk for example.
    pub fn lock(&self, uri: &str) -> io::Result<Lock> {
        let mut hasher = DefaultHasher::new();
        uri.hash(&mut hasher);
        let name = format!("{:03x}", hasher.finish() % LOCKS);
        let file = create_in(&self.directory.join(".lock"), |directory| {
            OpenOptions::new().create(true).truncate(false).write(true).open(directory.join(&name))
        })?;
        file.lock()?;
        Ok(Lock { _file: file })
    }

    /// Make `data` the thumbnail at `uri`, in one step for every reader.
    ///
    /// # Errors
    /// When it can't be written; nothing is then left behind.
    pub fn publish(&self, uri: &str, data: &[u8]) -> io::Result<PathBuf> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let path = self.path(uri)?;
        let name = format!("{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let (temporary, mut file) = create_in(&self.directory.join(".tmp"), |directory| {
            let temporary = directory.join(&name);
            let file =
                OpenOptions::new().write(true).create(true).truncate(true).open(&temporary)?;
            Ok((temporary, file))
        })?;
        let published = file.write_all(data).and_then(|()| {
            create_in(path.parent().unwrap_or(&self.directory), |_| fs::rename(&temporary, &path))
        });
        if published.is_err() {
            // The first error is the one to report; a file left here is swept later.
            let _ = fs::remove_file(&temporary);
        }
        published.map(|()| path)
    }
}

/// Do something that needs `directory`, creating it only if that fails: the directory is
/// there nearly always, and may be deleted at any time.
fn create_in<T>(directory: &Path, mut action: impl FnMut(&Path) -> io::Result<T>) -> io::Result<T> {
    match action(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(directory)?;
            action(directory)
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    use super::*;

    #[test]
    fn publishes_at_the_path_of_the_url() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().join("new"));
        let path = cache.publish("/t/300x200/föö bär.jpg", b"one").unwrap();
        assert_eq!(path, temp.path().join("new/t/300x200/föö bär.jpg"));
        cache.publish("/t/300x200/föö bär.jpg", b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(temp.path().join("new/.tmp")).unwrap().count(), 0);
    }

    #[test]
    fn leaves_nothing_when_it_fails() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().to_owned());
        cache.publish("/t/1x1/a", b"file").unwrap();
        assert!(cache.publish("/t/1x1/a/b", b"below a file").is_err());
        assert_eq!(fs::read_dir(temp.path().join(".tmp")).unwrap().count(), 0);
    }

    #[test]
    fn keeps_inside_its_directory() {
        let cache = Cache::new("/cache".into());
        for uri in ["", "/", "a", "/../a", "/t/../../a", "/t//a", "/.lock/000", "/.tmp/a", "/\0"] {
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
                    let _lock = cache.lock("/t/1x1/a").unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    if !cache.path("/t/1x1/a").unwrap().exists() {
                        made.fetch_add(1, Ordering::SeqCst);
                        cache.publish("/t/1x1/a", b"thumbnail").unwrap();
                    }
                    inside.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }
}
