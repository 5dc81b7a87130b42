//! Removing all thumbnails of one source.

use std::fs;
use std::io;

use super::Cache;
use super::sweep::{list, remove_empty_parents};
use crate::thumbnail::format::OutputFormat;
use crate::thumbnail::spec::Spec;

impl Cache {
    /// Remove the thumbnails of a source, whatever they look like, below the URL prefix
    /// `prefix` (`/t/`); returns how many there were.
    ///
    /// # Errors
    /// When the cache can't be read or a file can't be removed;
    /// [`io::ErrorKind::InvalidInput`] for a source that can't have thumbnails.
    pub fn purge(&self, prefix: &str, source: &str) -> io::Result<u64> {
        // Wrong names are an error even where nothing is cached yet.
        self.path(&format!("{prefix}spec/{source}"))?;
        let mut removed = 0;
        for entry in list(&self.path(&format!("{prefix}spec"))?.with_file_name(""))? {
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
        Ok(removed)
    }

    fn remove(&self, uri: &str) -> io::Result<u64> {
        let path = self.path(uri)?;
        match fs::remove_file(&path) {
            Ok(()) => {
                remove_empty_parents(&path);
                Ok(1)
            }
            Err(error) => match error.kind() {
                // The name may also be that of a directory, or below a file.
                io::ErrorKind::NotFound
                | io::ErrorKind::IsADirectory
                | io::ErrorKind::NotADirectory => Ok(0),
                _ => Err(error),
            },
        }
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
        ];
        let others = [
            "/t/1x1/d/b.jpg",
            "/t/1x1/d/a.jpg.webp",
            "/t/1x1/a.jpg",
            "/t/1x1,webp/d/a.jpg.jpg.webp",
            "/u/1x1/d/a.jpg",
            "/t/2x2/d/a.jpg/c.jpg",
        ];
        for uri in of_a.iter().chain(&others) {
            cache.publish(uri, b"thumbnail", None).unwrap();
        }
        assert_eq!(cache.purge("/t/", "d/a.jpg").unwrap(), 5);
        for uri in of_a {
            assert!(!cache.path(uri).unwrap().exists(), "{uri}");
        }
        for uri in others {
            assert!(cache.path(uri).unwrap().exists(), "{uri}");
        }
        assert!(!temp.path().join("t/1x1,auto").exists());
        assert_eq!(cache.purge("/t/", "d/a.jpg").unwrap(), 0);
    }

    #[test]
    fn finds_nothing_in_an_absent_cache() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().join("absent"));
        assert_eq!(cache.purge("/t/", "a.jpg").unwrap(), 0);
    }
}
