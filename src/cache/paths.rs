//! The paths of thumbnails in the cache.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::directory::{ASIDE, Cache, OWN};
use crate::uri;

/// The maximum length of a name on common file systems, in bytes.
const MAX_NAME: usize = 255;

impl Cache {
    /// Returns the path of the file for the thumbnail at `uri`, a decoded path such as
    /// `/t/300x200/cat.jpg`. If a name is too long for the file system, the file is stored
    /// [elsewhere](Self::aside).
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] when `uri` is not in normal form or is in one of the
    /// cache's own directories.
    pub fn path(&self, uri: &str) -> io::Result<PathBuf> {
        let relative = relative(uri)?;
        if relative.split('/').any(|name| name.len() > MAX_NAME) {
            return self.aside(uri);
        }
        Ok(self.directory.join(relative))
    }

    /// Returns the alternative path of the file for the thumbnail at `uri`. It is used if the file
    /// system can't represent the usual path. For example, a bucket can contain both `x` and
    /// `x/b.png`, but a file system can't.
    ///
    /// The file is in the corresponding directory below `.aside`, and its name is the digest of the
    /// usual name. If a name in the path is too long, that name and everything after it are
    /// digested together. Different thumbnails therefore never share a file.
    ///
    /// # Errors
    /// See [`Cache::path`].
    pub fn aside(&self, uri: &str) -> io::Result<PathBuf> {
        let relative = relative(uri)?;
        let (mut kept, mut rest) = (self.directory.join(ASIDE), relative);
        while let Some((name, below)) = rest.split_once('/')
            && name.len() <= MAX_NAME
        {
            kept.push(name);
            rest = below;
        }
        let mut digest = String::new();
        for byte in Sha256::digest(rest) {
            let _ = write!(digest, "{byte:02x}");
        }
        kept.push(digest);
        Ok(kept)
    }
}

fn relative(uri: &str) -> io::Result<&str> {
    uri::check_normal(uri).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let relative = uri.trim_start_matches('/');
    let first = relative.split('/').next().unwrap_or_default();
    if first.is_empty() || OWN.contains(&first) {
        let reserved = "the cache reserves this name for itself";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reserved));
    }
    Ok(relative)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn keeps_inside_its_directory() {
        let cache = Cache::new("/cache".into());
        for uri in [
            "",
            "/",
            "a",
            "/../a",
            "/t/../../a",
            "/t//a",
            "/.lock/000",
            "/.tmp/a",
            "/.tmp",
            "/.aside/t/a",
            "/\0",
        ] {
            assert!(cache.path(uri).is_err(), "{uri:?}");
            assert!(cache.aside(uri).is_err(), "{uri:?}");
        }
        assert_eq!(cache.path("/t/1x1/.a").unwrap(), Path::new("/cache/t/1x1/.a"));
        assert_eq!(
            cache.aside("/t/1x1/a").unwrap(),
            Path::new("/cache/.aside/t/1x1")
                .join("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb")
        );
    }

    #[test]
    fn has_a_file_of_its_own_for_every_name() {
        let cache = Cache::new("/cache".into());
        let long = "x".repeat(256);
        let digest = cache.aside("/t/1x1/x").unwrap();
        let digest = digest.file_name().unwrap().to_str().unwrap().to_owned();
        let uris = [
            "/t/1x1/x".to_owned(),
            format!("/t/1x1/{digest}"),
            format!("/t/1x1/{long}"),
            format!("/t/1x1/{long}/x"),
            format!("/t/1x1/{long}/{long}"),
            format!("/t/1x1/x/{long}"),
            format!("/t/1x1/{digest}/{long}"),
        ];
        let mut files = std::collections::BTreeSet::new();
        for uri in &uris {
            let (path, aside) = (cache.path(uri).unwrap(), cache.aside(uri).unwrap());
            let names = path.iter().chain(&aside);
            assert!(names.into_iter().all(|name| name.len() <= MAX_NAME), "{uri}");
            files.extend([path, aside]);
        }
        // Each of the five long paths corresponds to only one file.
        assert_eq!(files.len(), 2 * 2 + 5);
    }
}
