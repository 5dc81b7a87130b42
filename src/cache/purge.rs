//! Removes all thumbnails of one source.

use std::fs;
use std::io;

use super::directory::Cache;
use super::sweep::list;
use crate::thumbnail::format::OutputFormat;
use crate::thumbnail::spec::Spec;

impl Cache {
    /// Removes all thumbnails of a source below the URL prefix `prefix`, such as `/t/`, regardless
    /// of their specs. Returns the number of removed thumbnails.
    ///
    /// # Errors
    /// Fails if the cache can't be read or a file can't be removed. If the source can't have
    /// thumbnails, the error is [`io::ErrorKind::InvalidInput`].
    pub fn purge(&self, prefix: &str, source: &str) -> io::Result<u64> {
        // An invalid name is an error even if nothing is cached yet.
        self.path(&format!("{prefix}spec/{source}"))?;
        let mut removed = 0;
        let below_prefix = format!("{prefix}spec");
        for directory in [self.path(&below_prefix)?, self.aside(&below_prefix)?] {
            for entry in list(&directory.with_file_name(""))? {
                let name = entry.file_name();
                let Some(spec) = name.to_str().and_then(|text| Spec::parse(text).ok()) else {
                    continue;
                };
                let uri = format!("{prefix}{spec}/{source}");
                if spec.format.is_none() {
                    removed += self.remove(&uri)?;
                } else {
                    for format in OutputFormat::ALL {
                        removed += self.remove(&format!("{uri}.{}", format.name()))?;
                    }
                }
            }
        }
        Ok(removed)
    }

    fn remove(&self, uri: &str) -> io::Result<u64> {
        let mut removed = 0;
        for path in [self.path(uri)?, self.aside(uri)?] {
            match fs::remove_file(&path) {
                Ok(()) => {
                    self.remove_empty_parents(&path);
                    removed += 1;
                }
                Err(error) => match error.kind() {
                    // The path may also belong to a directory, or lead through a file.
                    io::ErrorKind::NotFound
                    | io::ErrorKind::IsADirectory
                    | io::ErrorKind::NotADirectory => {}
                    _ => return Err(error),
                },
            }
        }
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_every_variant_of_one_source_only() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().to_owned());
        let of_a = [
            "/t/1x1/d/a.jpg",
            "/t/1x-,cover,v-AAAAAAAA/d/a.jpg",
            "/t/1x1,webp/d/a.jpg.webp",
            "/t/1x1,auto/d/a.jpg.webp",
            "/t/1x1,auto/d/a.jpg.jpeg",
            // A file exists where the directory should be.
            "/t/2x2/d/a.jpg",
        ];
        let others = [
            "/t/1x1/d/b.jpg",
            "/t/1x1/d/a.jpg.webp",
            "/t/1x1/a.jpg",
            "/t/1x1,webp/d/a.jpg.jpg.webp",
            "/u/1x1/d/a.jpg",
            "/t/2x2/d/a.jpg/c.jpg",
        ];
        for uri in others.iter().chain(&of_a) {
            cache.publish(uri, b"thumbnail", None).unwrap();
        }
        assert!(cache.aside("/t/2x2/d/a.jpg").unwrap().exists());
        assert_eq!(cache.purge("/t/", "d/a.jpg").unwrap(), 6);
        for uri in of_a {
            assert!(!cache.path(uri).unwrap().is_file(), "{uri}");
        }
        assert!(!temp.path().join(".aside").exists());
        for uri in others {
            assert!(cache.path(uri).unwrap().exists(), "{uri}");
        }
        assert!(!temp.path().join("t/1x1,auto").exists());
        assert_eq!(cache.purge("/t/", "d/a.jpg").unwrap(), 0);
    }

    #[test]
    fn removes_thumbnails_whose_names_are_too_long() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().to_owned());
        let source = "x".repeat(255);
        cache.publish(&format!("/t/1x1/{source}"), b"fits", None).unwrap();
        cache.publish(&format!("/t/1x1,webp/{source}.webp"), b"does not", None).unwrap();
        assert_eq!(cache.purge("/t/", &source).unwrap(), 2);
        assert_eq!(cache.usage().unwrap().files, 0);
    }

    #[test]
    fn never_removes_what_is_above_the_cache() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().join("a/b/cache"));
        cache.publish("/t/1x1/x", b"x", None).unwrap();
        for own in [".tmp", ".lock"] {
            fs::remove_dir_all(temp.path().join("a/b/cache").join(own)).unwrap();
        }
        assert_eq!(cache.purge("/t/", "x").unwrap(), 1);
        assert!(temp.path().join("a/b/cache").exists());
        assert!(!temp.path().join("a/b/cache/t").exists());
    }

    #[test]
    fn finds_nothing_in_an_absent_cache() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().join("absent"));
        assert_eq!(cache.purge("/t/", "a.jpg").unwrap(), 0);
    }
}
