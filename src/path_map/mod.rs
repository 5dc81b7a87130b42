//! Which file may be sent, and at which internal URL the web server sees it.
//!
//! A *root* is a directory whose files may be sent; its *internal prefix* is the URL prefix
//! at which the server knows it (`alias` in an `internal` location of nginx). Matching is
//! literal, case-sensitive and by whole components, and the longest root wins: `/srv/a`
//! contains `/srv/a/b`, and neither `/srv/a-secret` nor `/SRV/a/b`.

mod beneath;
mod header;

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use beneath::{Access, Method};

use crate::error::{PathError, PathMapError};
use crate::uri;

/// A directory and the internal prefix that stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    directory: PathBuf,
    prefix: String,
}

impl Root {
    /// # Errors
    /// When the directory is not absolute or has a `..`, or the prefix is not `/…/` in
    /// normal form (`/` alone would open the whole site).
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

    /// The internal URL of a file of this root, percent-encoded as nginx decodes it.
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
    /// The file's path below the root's directory. No component of it is a link, unless links
    /// out of the root are allowed.
    pub relative: PathBuf,
    /// The file's metadata.
    pub metadata: Metadata,
}

/// Directories and their internal prefixes; looks up the longest that contains a path.
#[derive(Debug, Clone, Default)]
pub struct PathMap {
    /// Longest directory first, so that the first match is the right one.
    roots: Vec<Root>,
}

impl PathMap {
    /// # Errors
    /// [`PathMapError::SharedPrefix`] when two roots have the same prefix, and
    /// [`PathMapError::NestedPrefix`] when a prefix lies within another, unless the directories
    /// lie in the same way.
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
        Ok(Self { roots })
    }

    /// Read the value of an `X-Accel-Mapping` header: `/directory/=/prefix/`, several
    /// separated by commas, each side quoted (`"/a, b/"="/c/"`) when it has a comma, an equals
    /// sign or outer spaces. Backslash escapes a quote or a backslash within quotes. The text
    /// is literal: nothing in it is a pattern.
    ///
    /// # Errors
    /// [`PathMapError::Syntax`] for another form, or what [`Root::new`] and
    /// [`PathMap::new`] refuse.
    pub fn parse(header: &str) -> Result<Self, PathMapError> {
        let pairs = header::parse(header);
        let pairs = pairs.ok_or_else(|| PathMapError::Syntax(header.to_owned()))?;
        let root = |(directory, prefix): &(String, String)| Root::new(Path::new(directory), prefix);
        let roots = pairs.iter().map(root).collect::<Result<_, _>>()?;
        Self::new(roots)
    }

    /// The roots, longest directory first.
    #[must_use]
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// The longest root that contains an absolute path, and the path below it. Looks at the
    /// text only, never at the disk.
    ///
    /// # Errors
    /// When the path is not absolute, has a `..`, NUL or backslash, or is under no root.
    pub fn find<'p>(&self, path: &'p Path) -> Result<(&Root, &'p Path), PathError> {
        check(path)?;
        // Components are slow to walk fifty times; a path written plainly needs none of it.
        let bytes = path.as_os_str().as_bytes();
        let plain = is_plain(bytes);
        let strip = |root: &Root| {
            if plain { strip_plain(bytes, root) } else { path.strip_prefix(&root.directory).ok() }
        };
        self.roots.iter().find_map(|root| Some((root, strip(root)?))).ok_or(PathError::OutsideRoots)
    }

    /// Finds a regular file under a root. Unless `follow_symlinks` is set, its links must lead to
    /// files of the same root; the result then has the path without links, so that the web server
    /// opens the file that was checked.
    ///
    /// # Errors
    /// As [`PathMap::find`]; or the file is missing, is not a regular file, or is behind a link
    /// that leads out of its root.
    pub fn locate(&self, path: &Path, follow_symlinks: bool) -> Result<Located<'_>, PathError> {
        let (located, _) = self.resolve(path, follow_symlinks, Access::Look, Method::BEST)?;
        Ok(located)
    }

    /// Finds a file as [`PathMap::locate`] does, and opens it for reading. The metadata are those
    /// of the open file. Its descriptor is closed by `exec`.
    ///
    /// # Errors
    /// As [`PathMap::locate`]; or the file can't be read.
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
        let relative = target.unwrap_or_else(|| relative.components().collect());
        Ok((Located { root, relative, metadata }, file))
    }
}

/// The content of a file that was located, and the metadata that go with it; nothing when it is
/// longer than `limit` bytes. `is_located` tells from the metadata whether it is still that file.
///
/// # Errors
/// When the file can't be read; [`io::ErrorKind::NotFound`] when it is another one by now.
pub fn read(
    path: &Path,
    limit: u64,
    is_located: impl Fn(&Metadata) -> bool,
) -> io::Result<Option<(Vec<u8>, Metadata)>> {
    // A pipe that took its place meanwhile would otherwise keep us waiting for a writer.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    if !is_located(&metadata) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it was replaced meanwhile"));
    }
    if metadata.len() > limit {
        return Ok(None);
    }
    let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    file.take(metadata.len()).read_to_end(&mut content)?;
    Ok(Some((content, metadata)))
}

/// Whether a path has no empty and no `.` component; one that begins with a dot counts as such.
fn is_plain(path: &[u8]) -> bool {
    !path.ends_with(b"/") && !path.windows(2).any(|pair| pair == b"//" || pair == b"/.")
}

/// Refuse what no path to a file of ours has, whatever the roots are.
fn check(path: &Path) -> Result<(), PathError> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.first() != Some(&b'/') {
        return Err(PathError::NotAbsolute);
    }
    // A backslash separates directories on other systems, so names that carry one are
    // refused everywhere rather than mean two things.
    if bytes.iter().any(|byte| matches!(byte, 0 | b'\\')) {
        return Err(PathError::BadCharacter);
    }
    if path.components().any(|component| component == Component::ParentDir) {
        return Err(PathError::Parent);
    }
    Ok(())
}

/// Servers choose among their locations by the prefix, we among the roots by the directory: both
/// have to come to the same file.
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

/// What follows the root's directory in a path that has no empty and no `.` component.
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
