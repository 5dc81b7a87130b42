//! Publishes a finished thumbnail atomically.

use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::SystemTime;

use tempfile::TempPath;

use super::directory::{ATTEMPTS, BLOCK, Cache, LOCK_DIRECTORY, TEMPORARY, WRITTEN, create_in};

impl Cache {
    /// Atomically stores `data` as the thumbnail at `uri`. Returns the path of its file:
    /// [`Cache::path`], or [`Cache::aside`] if the file system can't represent that path.
    ///
    /// `modified` becomes the modification time of the file. If it is the modification time of the
    /// source, the validators that a web server derives from it are the same regardless of where
    /// and when the thumbnail is rendered.
    ///
    /// # Errors
    /// Fails if the file can't be written. The incomplete file is removed.
    pub fn publish(
        &self,
        uri: &str,
        data: &[u8],
        modified: Option<SystemTime>,
    ) -> io::Result<PathBuf> {
        let path = self.path(uri)?;
        let mut file = create_in(&self.directory.join(TEMPORARY), |directory| {
            // Use the permissions of an ordinary new file, because the web server may run as a
            // different user.
            let mode = Permissions::from_mode(0o666);
            tempfile::Builder::new().permissions(mode).tempfile_in(directory)
        })?;
        file.write_all(data)?;
        if let Some(modified) = modified {
            file.as_file().set_times(FileTimes::new().set_modified(modified))?;
        }
        // Without this call, the file could be empty or incomplete after a power failure.
        file.as_file().sync_data()?;
        let path = match self.rename(file.into_temp_path(), path) {
            Ok(path) => path,
            Err((error, temporary)) if is_clash(&error) => {
                self.rename(temporary, self.aside(uri)?).map_err(|(error, _)| error)?
            }
            Err((error, _)) => return Err(error),
        };
        // The thumbnail is published, so an error here does not matter to the caller.
        let _ = self.note_written(data.len() as u64);
        Ok(path)
    }

    /// Gives a written file its final name. If that fails, returns the error and the file.
    fn rename(&self, temporary: TempPath, path: PathBuf) -> Result<PathBuf, (io::Error, TempPath)> {
        let mut left = temporary;
        let mut attempts = 0..ATTEMPTS;
        loop {
            let error = match left.persist(&path) {
                Ok(()) => return Ok(path),
                Err(failed) => {
                    left = failed.path;
                    failed.error
                }
            };
            if error.kind() != io::ErrorKind::NotFound || attempts.next().is_none() {
                return Err((error, left));
            }
            if let Err(error) = fs::create_dir_all(path.parent().unwrap_or(&self.directory)) {
                return Err((error, left));
            }
        }
    }

    /// Adds to the total number of bytes that all processes have written since the last sweep.
    fn note_written(&self, bytes: u64) -> io::Result<()> {
        let blocks = usize::try_from(bytes.div_ceil(BLOCK)).unwrap_or(usize::MAX);
        self.written_file()?.write_all(&vec![0; blocks])
    }

    pub(super) fn written_file(&self) -> io::Result<File> {
        create_in(&self.directory.join(LOCK_DIRECTORY), |directory| {
            OpenOptions::new().create(true).append(true).open(directory.join(WRITTEN))
        })
    }
}

/// Whether a file exists where a directory is needed, or vice versa.
fn is_clash(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::AlreadyExists
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cache::directory::ASIDE;

    fn cache() -> (tempfile::TempDir, Cache) {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().join("cache"));
        (temp, cache)
    }

    fn is_nothing_left(cache: &Cache) -> bool {
        fs::read_dir(cache.directory.join(TEMPORARY)).unwrap().count() == 0
    }

    #[test]
    fn publishes_at_the_path_of_the_url() {
        let (temp, cache) = cache();
        let path = cache.publish("/t/300x200/föö bär.jpg", b"one", None).unwrap();
        assert_eq!(path, temp.path().join("cache/t/300x200/föö bär.jpg"));
        cache.publish("/t/300x200/föö bär.jpg", b"two", None).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(is_nothing_left(&cache));
    }

    #[test]
    fn has_the_time_of_its_source() {
        let (_temp, cache) = cache();
        let seconds = Duration::from_secs(1_000_000_000);
        for modified in [SystemTime::UNIX_EPOCH + seconds, SystemTime::UNIX_EPOCH - seconds] {
            let path = cache.publish("/t/1x1/a", b"a", Some(modified)).unwrap();
            let metadata = fs::metadata(path).unwrap();
            assert_eq!(metadata.modified().unwrap(), modified);
            assert!(metadata.accessed().unwrap() > modified);
        }
    }

    #[test]
    fn leaves_nothing_when_it_fails() {
        let (_temp, cache) = cache();
        cache.publish("/t/1x1/a", b"file", None).unwrap();
        fs::write(cache.directory.join(ASIDE), b"a file in the place of a directory").unwrap();
        assert!(cache.publish("/t/1x1/a/b", b"below a file", None).is_err());
        assert!(is_nothing_left(&cache));
    }

    #[test]
    fn keeps_files_whose_names_are_too_long() {
        let (_temp, cache) = cache();
        let uri = format!("/t/1x1,webp/{}.webp", "x".repeat(255));
        let path = cache.publish(&uri, b"long", None).unwrap();
        assert_eq!(path, cache.path(&uri).unwrap());
        assert_eq!(fs::read(path).unwrap(), b"long");
    }

    #[test]
    fn keeps_a_file_and_one_below_its_name() {
        for uris in [["/t/1x1/x", "/t/1x1/x/b.png"], ["/t/1x1/x/b.png", "/t/1x1/x"]] {
            let (_temp, cache) = cache();
            let paths = uris.map(|uri| cache.publish(uri, uri.as_bytes(), None).unwrap());
            assert_eq!(paths[0], cache.path(uris[0]).unwrap());
            assert_eq!(paths[1], cache.aside(uris[1]).unwrap());
            for (path, uri) in paths.iter().zip(uris) {
                assert_eq!(fs::read_to_string(path).unwrap(), uri);
            }
            assert_eq!(cache.usage().unwrap().files, 2);
            assert!(is_nothing_left(&cache));
        }
    }
}
