//! Keeps the cache within its limits while other threads and processes read and write it.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::directory::{ASIDE, BLOCK, Cache, LOCK_DIRECTORY, OWN, TEMPORARY, WRITTEN};

/// Temporary files that are older than this were left behind by killed writers.
const ABANDONED: Duration = Duration::from_hours(1);

/// Up to `max_size / MARGIN` bytes may be written before the next sweep. A sweep leaves the same
/// number of bytes free, so that the maximum size is never exceeded.
const MARGIN: u64 = 16;

/// A number of files, and the disk space that they use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// The number of files.
    pub files: u64,
    /// The number of bytes used on disk, in whole blocks of 4096 bytes.
    pub bytes: u64,
}

impl Usage {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

/// The result of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// The files that were removed.
    pub removed: Usage,
    /// The files that remain.
    pub kept: Usage,
}

/// The limits of a cache, like those of nginx's `proxy_cache_path`.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The maximum number of bytes: `max_size`.
    pub max_size: u64,
    /// The time after which an unread thumbnail is removed: `inactive`.
    pub inactive: Duration,
}

struct Entry {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl Cache {
    /// Removes the thumbnails that have been inactive for too long. Then removes the least recently
    /// read thumbnails until the total size is a sixteenth below the maximum. Also removes the
    /// files that killed writers left behind. Returns `None` if another process is sweeping.
    ///
    /// Readers and writers do not have to wait: a removed file stays readable while it is open. The
    /// time of the last read is taken from the file's access time, which Linux updates once a day
    /// by default.
    ///
    /// # Errors
    /// Fails if the cache can't be read or locked. Files that appear or disappear during the sweep
    /// are not an error.
    pub fn sweep(&self, bounds: Bounds, now: SystemTime) -> io::Result<Option<Swept>> {
        let Some(_lock) = self.first_free("sweep", 1)? else {
            return Ok(None);
        };
        // The sweep may miss files that are written from now on, so they are counted for the next
        // sweep.
        self.written_file()?.set_len(0)?;
        self.remove_abandoned(now)?;
        let (mut swept, mut entries) = (Swept::default(), Vec::new());
        for entry in self.thumbnails()? {
            let age = now.duration_since(entry.used).unwrap_or_default();
            // After a power failure, a written file can be empty.
            if entry.bytes == 0 || age > bounds.inactive {
                self.remove_entry(&entry, &mut swept);
            } else {
                swept.kept.add(entry.bytes);
                entries.push(entry);
            }
        }
        entries.sort_unstable_by_key(|entry| entry.used);
        for entry in entries {
            if swept.kept.bytes <= bounds.max_size - bounds.max_size / MARGIN {
                break;
            }
            swept.kept.files -= 1;
            swept.kept.bytes -= entry.bytes;
            self.remove_entry(&entry, &mut swept);
        }
        Ok(Some(swept))
    }

    /// Whether the thumbnails could soon exceed `max_size` bytes, given the total number of bytes
    /// that all processes have written since the last sweep. Call this after each
    /// [`Cache::publish`].
    ///
    /// # Errors
    /// Fails if the cache can't be read.
    pub fn is_sweep_due(&self, max_size: u64) -> io::Result<bool> {
        match fs::metadata(self.directory.join(LOCK_DIRECTORY).join(WRITTEN)) {
            Ok(written) => Ok(written.len().saturating_mul(BLOCK) >= max_size / MARGIN),
            // The number of written bytes is unknown.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Returns the number of thumbnails and their size in bytes.
    ///
    /// # Errors
    /// Fails if the cache can't be read.
    pub fn usage(&self) -> io::Result<Usage> {
        let mut usage = Usage::default();
        for entry in self.thumbnails()? {
            usage.add(entry.bytes);
        }
        Ok(usage)
    }

    /// Removes all thumbnails. Returns their number and their size in bytes.
    ///
    /// # Errors
    /// Fails if the cache can't be read.
    pub fn clear(&self) -> io::Result<Usage> {
        let mut swept = Swept::default();
        for entry in self.thumbnails()? {
            self.remove_entry(&entry, &mut swept);
        }
        Ok(swept.removed)
    }

    fn thumbnails(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in list(&self.directory)? {
            let name = entry.file_name();
            if name == ASIDE || !OWN.iter().any(|own| name == *own) {
                collect(&entry, &mut entries)?;
            }
        }
        Ok(entries)
    }

    fn remove_entry(&self, entry: &Entry, swept: &mut Swept) {
        // If another process has removed the file, there is nothing to count.
        if fs::remove_file(&entry.path).is_ok() {
            swept.removed.add(entry.bytes);
            self.remove_empty_parents(&entry.path);
        }
    }

    /// Removes empty directories below the cache's directory.
    pub(super) fn remove_empty_parents(&self, path: &Path) {
        let parents = path.ancestors().skip(1);
        for parent in parents.take_while(|&parent| parent != self.directory) {
            if fs::remove_dir(parent).is_err() {
                break;
            }
        }
    }

    fn remove_abandoned(&self, now: SystemTime) -> io::Result<()> {
        for entry in list(&self.directory.join(TEMPORARY))? {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let age = modified.ok().and_then(|modified| now.duration_since(modified).ok());
            if age.is_some_and(|age| age > ABANDONED) {
                // The writer may just have removed the file.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

/// Lists the entries of a directory. If it has been removed in the meantime, the list is empty.
pub(super) fn list(directory: &Path) -> io::Result<Vec<DirEntry>> {
    match fs::read_dir(directory) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn collect(entry: &DirEntry, entries: &mut Vec<Entry>) -> io::Result<()> {
    let Ok(metadata) = entry.metadata() else {
        return Ok(());
    };
    if metadata.is_dir() {
        for entry in list(&entry.path())? {
            collect(&entry, entries)?;
        }
    } else {
        let bytes = metadata.len().next_multiple_of(BLOCK);
        entries.push(Entry { path: entry.path(), bytes, used: metadata.accessed()? });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};

    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    const ALL: Bounds = Bounds { max_size: u64::MAX, inactive: DAY };

    fn cache() -> (tempfile::TempDir, Cache) {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().to_owned());
        (temp, cache)
    }

    fn publish(cache: &Cache, uri: &str, data: &[u8], used: SystemTime) {
        let path = cache.publish(uri, data, None).unwrap();
        File::open(path).unwrap().set_times(FileTimes::new().set_accessed(used)).unwrap();
    }

    #[test]
    fn removes_what_nobody_reads() {
        let (temp, cache) = cache();
        let now = SystemTime::now();
        publish(&cache, "/t/1x1/new", b"new", now);
        publish(&cache, "/t/2x2/deep/old", b"old", now - 2 * DAY);
        publish(&cache, "/t/1x1/empty", b"", now);
        let swept = cache.sweep(ALL, now).unwrap().unwrap();
        assert_eq!(swept.removed, Usage { files: 2, bytes: 4096 });
        assert_eq!(swept.kept, Usage { files: 1, bytes: 4096 });
        assert!(temp.path().join("t/1x1/new").exists());
        assert!(!temp.path().join("t/2x2").exists());
        assert_eq!(cache.usage().unwrap(), swept.kept);
    }

    #[test]
    fn removes_the_least_recently_read_first() {
        let (temp, cache) = cache();
        let now = SystemTime::now();
        for (number, name) in (1..).zip(["a", "b", "c", "d"]) {
            publish(&cache, &format!("/t/1x1/{name}"), &[0; 5000], now - number * DAY / 10);
        }
        // A sixteenth of the maximum stays free.
        let bounds = Bounds { max_size: 3 * 8192, ..ALL };
        let swept = cache.sweep(bounds, now).unwrap().unwrap();
        assert_eq!(swept.kept, Usage { files: 2, bytes: 16384 });
        let left = |name| temp.path().join("t/1x1").join(name).exists();
        assert!(left("a") && left("b") && !left("c") && !left("d"));
    }

    #[test]
    fn removes_what_killed_writers_left() {
        let (temp, cache) = cache();
        let now = SystemTime::now();
        cache.publish("/t/1x1/a", b"a", None).unwrap();
        for (name, age) in [("left", 2 * ABANDONED), ("written", ABANDONED / 2)] {
            let file = File::create(temp.path().join(".tmp").join(name)).unwrap();
            file.set_times(FileTimes::new().set_modified(now - age)).unwrap();
        }
        assert_eq!(cache.sweep(ALL, now).unwrap().unwrap().removed, Usage::default());
        assert!(!temp.path().join(".tmp/left").exists());
        assert!(temp.path().join(".tmp/written").exists());
    }

    #[test]
    fn leaves_it_to_another_that_is_at_it() {
        let (_temp, cache) = cache();
        let lock = cache.first_free("sweep", 1).unwrap().unwrap();
        assert_eq!(cache.sweep(ALL, SystemTime::now()).unwrap(), None);
        drop(lock);
        assert!(cache.sweep(ALL, SystemTime::now()).unwrap().is_some());
    }

    /// Each process publishes thumbnails, and sweeps whenever a sweep is due.
    #[test]
    fn stays_within_the_largest_size() {
        let (_temp, cache) = cache();
        let (max_size, now) = (1 << 20, SystemTime::now());
        let bounds = Bounds { max_size, ..ALL };
        // This cache acts as another process.
        let other = Cache::new(cache.directory.clone());
        let mut sweeps = 0;
        for number in 0..500 {
            let cache = if number % 2 == 0 { &cache } else { &other };
            publish(cache, &format!("/t/1x1/{number}"), &[0; 10_000], now);
            if cache.is_sweep_due(max_size).unwrap() {
                cache.sweep(bounds, now).unwrap();
                sweeps += 1;
            }
            assert!(cache.usage().unwrap().bytes <= max_size, "{number}");
        }
        // A sixteenth of the maximum is 16 blocks, and a file takes three.
        assert_eq!(sweeps, 500 / 6);
    }

    #[test]
    fn clears_no_directory_above_its_own() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().join("a/cache"));
        cache.publish("/t/1x1/a", b"a", None).unwrap();
        for own in [".tmp", ".lock"] {
            fs::remove_dir_all(temp.path().join("a/cache").join(own)).unwrap();
        }
        assert_eq!(cache.clear().unwrap().files, 1);
        assert!(temp.path().join("a/cache").exists());
    }

    #[test]
    fn clears() {
        let (temp, cache) = cache();
        assert_eq!(cache.clear().unwrap(), Usage::default());
        cache.publish("/t/1x1/a", b"a", None).unwrap();
        cache.publish("/.private/1x1/b", b"b", None).unwrap();
        assert_eq!(cache.clear().unwrap().files, 2);
        assert_eq!(cache.usage().unwrap(), Usage::default());
        assert!(!temp.path().join("t").exists());
    }
}
