//! Determines which files may be sent, and their internal URLs.
//!
//! A *root* is a directory whose files may be sent; its *internal prefix* is its URL prefix in the
//! web server's configuration (an `internal` location with `alias` in nginx). Matching is
//! literal, case-sensitive and by whole components, and the longest root wins: `/srv/a` contains
//! `/srv/a/b`, but neither `/srv/a-secret` nor `/SRV/a/b`.

mod beneath;
mod header;

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use beneath::{Access, Method};

use crate::error::{PathError, PathMapError};
use crate::uri;

/// A directory and its internal prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    directory: PathBuf,
    prefix: String,
}

impl Root {
    /// # Errors
    /// Fails if the directory is not absolute or contains a `..`, or if the prefix is not in normal
    /// form or does not have the form `/…/`. The prefix `/` is rejected, because it would expose
    /// the whole site.
    pub fn new(directory: &Path, prefix: &str) -> Result<Self, PathMapError> {
        let normal = normalize(directory)
            .map_err(|_| PathMapError::Directory(directory.to_string_lossy().into_owned()))?;
        if prefix == "/" || !prefix.ends_with('/') || uri::check_normal(prefix).is_err() {
            return Err(PathMapError::Prefix(prefix.to_owned()));
        }
        Ok(Self { directory: normal, prefix: prefix.to_owned() })
    }

    /// The directory, absolute and without redundant slashes.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The internal URL prefix, such as `/_private/videos/`; not percent-encoded.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the internal URL of a file in this root, percent-encoded for nginx.
    #[must_use]
    pub fn url(&self, relative: &Path) -> String {
        let mut url = uri::encode_path(self.prefix.as_bytes());
        uri::encode_path_into(relative.as_os_str().as_bytes(), &mut url);
        url
    }
}

/// A regular file under a root.
#[derive(Debug)]
pub struct Located<'a> {
    /// The root that contains the file.
    pub root: &'a Root,
    /// The file's path below the root's directory. None of its components is a link, unless links
    /// that point outside the root are allowed.
    pub relative: PathBuf,
    /// The file's metadata.
    pub metadata: Metadata,
}

/// Directories and their internal prefixes.
#[derive(Debug, Clone, Default)]
pub struct PathMap {
    /// The roots, longest directory first, so that the first match is the longest one.
    roots: Vec<Root>,
    /// The pairs of a header, with their sides swapped. They are used for paths outside `roots`.
    exchanged: Vec<Root>,
}

impl PathMap {
    /// # Errors
    /// [`PathMapError::SharedPrefix`] if two roots have the same prefix.
    /// [`PathMapError::NestedPrefix`] if a prefix is below another prefix, but its directory is not
    /// the corresponding subdirectory.
    pub fn new(mut roots: Vec<Root>) -> Result<Self, PathMapError> {
        roots.sort_by(|a, b| {
            let length = |root: &Root| root.directory.as_os_str().len();
            length(b).cmp(&length(a)).then_with(|| a.directory.cmp(&b.directory))
        });
        for (index, a) in roots.iter().enumerate() {
            for b in roots.iter().skip(index + 1) {
                check_prefixes(a, b)?;
            }
        }
        Ok(Self { roots, exchanged: Vec::new() })
    }

    /// Parses the value of an `X-Accel-Mapping` header: comma-separated pairs of the form
    /// `/directory/=/prefix/`. A side that contains a comma, an equals sign, or spaces at its start
    /// or end must be quoted (`"/a, b/"="/c/"`). Within quotes, a backslash escapes a quote or a
    /// backslash. Both sides are literal, not patterns.
    ///
    /// A pair may also be `/prefix/=/directory/`, as in old Rack documentation. The side that
    /// contains a file's path is treated as the directory. If both sides contain it, the first side
    /// is the directory.
    ///
    /// # Errors
    /// [`PathMapError::Syntax`] when the text is malformed, and the errors of [`Root::new`] and
    /// [`PathMap::new`].
    pub fn parse(header: &str) -> Result<Self, PathMapError> {
        let pairs = header::parse(header);
        let pairs = pairs.ok_or_else(|| PathMapError::Syntax(header.to_owned()))?;
        let map = |exchange: bool| {
            let root = |(first, second): &(String, String)| {
                let (directory, prefix) = if exchange { (second, first) } else { (first, second) };
                Root::new(Path::new(directory), prefix)
            };
            Self::new(pairs.iter().map(root).collect::<Result<_, _>>()?)
        };
        match (map(false), map(true)) {
            (Ok(map), Ok(exchanged)) => Ok(Self { exchanged: exchanged.roots, ..map }),
            (Err(_), Ok(exchanged)) => Ok(exchanged),
            (result, Err(_)) => result,
        }
    }

    /// The roots, longest directory first.
    #[must_use]
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// Finds the longest root that contains an absolute path. Returns the root and the path below
    /// it. Only the text is compared; the disk is not accessed.
    ///
    /// # Errors
    /// Fails if the path is not absolute, contains a `..` or NUL, or is outside every root.
    pub fn find<'p>(&self, path: &'p Path) -> Result<(&Root, &'p Path), PathError> {
        check(path)?;
        // Iterating over the components for each of fifty roots is slow, so a plain path is
        // compared as text.
        let bytes = path.as_os_str().as_bytes();
        let plain = is_plain(bytes);
        let strip = |root: &Root| {
            if plain { strip_plain(bytes, root) } else { path.strip_prefix(&root.directory).ok() }
        };
        self.roots
            .iter()
            .chain(&self.exchanged)
            .find_map(|root| Some((root, strip(root)?)))
            .ok_or(PathError::OutsideRoots)
    }

    /// Finds a regular file under a root. Unless `follow_symlinks` is set, links in the path must
    /// lead to files in the same root. The result then contains the path without links, so that the
    /// web server opens the file that was checked.
    ///
    /// # Errors
    /// See [`PathMap::find`]. This also fails if the file is missing, is not a regular file, or is
    /// behind a link that points outside its root.
    pub fn locate(&self, path: &Path, follow_symlinks: bool) -> Result<Located<'_>, PathError> {
        let (located, _) = self.resolve(path, follow_symlinks, Access::Look, Method::BEST)?;
        Ok(located)
    }

    /// Finds a file as [`PathMap::locate`] does, and opens it for reading. The metadata belongs to
    /// the open file. `exec` closes the file's descriptor.
    ///
    /// # Errors
    /// See [`PathMap::locate`]. This also fails if the file can't be read.
    pub fn open(
        &self,
        path: &Path,
        follow_symlinks: bool,
    ) -> Result<(Located<'_>, File), PathError> {
        self.resolve(path, follow_symlinks, Access::Read, Method::BEST)
    }

    fn resolve(
        &self,
        path: &Path,
        follow_symlinks: bool,
        access: Access,
        method: Method,
    ) -> Result<(Located<'_>, File), PathError> {
        let (root, relative) = self.find(path)?;
        let (file, target) = if follow_symlinks {
            (beneath::open_anywhere(path, access)?, None)
        } else {
            beneath::open(&root.directory, path, relative, access, method)?
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(PathError::NotAFile);
        }
        if path.as_os_str().as_bytes().ends_with(b"/") {
            return Err(PathError::Missing);
        }
        let relative = match target {
            Some(target) => target,
            None if is_plain(relative.as_os_str().as_bytes()) => relative.to_owned(),
            None => relative.components().collect(),
        };
        Ok((Located { root, relative, metadata }, file))
    }
}

/// Whether no component of a path is empty or begins with a dot. Such a path contains neither `.`
/// nor `..`.
fn is_plain(path: &[u8]) -> bool {
    !path.ends_with(b"/") && !path.windows(2).any(|pair| pair == b"//" || pair == b"/.")
}

/// Rejects characters and components that are invalid in every path.
fn check(path: &Path) -> Result<(), PathError> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.first() != Some(&b'/') {
        return Err(PathError::NotAbsolute);
    }
    if bytes.contains(&0) {
        return Err(PathError::Nul);
    }
    if path.components().any(|component| component == Component::ParentDir) {
        return Err(PathError::Parent);
    }
    Ok(())
}

/// A server chooses a location by its prefix, while a [`PathMap`] chooses a root by its
/// directory. Both must lead to the same file.
fn check_prefixes(a: &Root, b: &Root) -> Result<(), PathMapError> {
    if a.prefix == b.prefix {
        return Err(PathMapError::SharedPrefix(a.prefix.clone()));
    }
    let (inner, outer) = if a.prefix.len() > b.prefix.len() { (a, b) } else { (b, a) };
    match inner.prefix.strip_prefix(&outer.prefix) {
        Some(below) if inner.directory != outer.directory.join(below.trim_end_matches('/')) => {
            Err(PathMapError::NestedPrefix {
                inner: inner.prefix.clone(),
                outer: outer.prefix.clone(),
            })
        }
        _ => Ok(()),
    }
}

fn normalize(path: &Path) -> Result<PathBuf, PathError> {
    check(path)?;
    Ok(path.components().collect())
}

/// The part of a plain path below the root's directory.
fn strip_plain<'p>(path: &'p [u8], root: &Root) -> Option<&'p Path> {
    let rest = path.strip_prefix(root.directory.as_os_str().as_bytes())?;
    let rest = match rest {
        [] => rest,
        [b'/', below @ ..] => below,
        _ if root.directory == Path::new("/") => rest,
        _ => return None,
    };
    Some(Path::new(OsStr::from_bytes(rest)))
}

#[cfg(test)]
mod tests;
