//! Which file may be sent, and at which internal URL the web server sees it.
//!
//! A *root* is a directory whose files may be sent; its *internal prefix* is the URL prefix
//! at which the server knows it (`alias` in an `internal` location of nginx). Matching is
//! literal, case-sensitive and by whole components, and the longest root wins: `/srv/a`
//! contains `/srv/a/b`, and neither `/srv/a-secret` nor `/SRV/a/b`.

use std::ffi::OsStr;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

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

/// A regular file under a root, links resolved.
#[derive(Debug)]
pub struct Located<'a> {
    /// The root that contains the file.
    pub root: &'a Root,
    /// The file's path below the root's directory. No component of it is a link, unless
    /// links were to be followed.
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
        let mut roots = Vec::new();
        let mut rest = header.trim();
        let syntax = || PathMapError::Syntax(header.to_owned());
        while !rest.is_empty() {
            let (directory, after) = token(rest, '=').ok_or_else(syntax)?;
            let after = after.strip_prefix('=').ok_or_else(syntax)?;
            let (prefix, after) = token(after, ',').ok_or_else(syntax)?;
            roots.push(Root::new(Path::new(&directory), &prefix)?);
            rest = match after.strip_prefix(',') {
                Some(more) if more.trim().is_empty() => return Err(syntax()),
                Some(more) => more.trim_start(),
                None => after,
            };
        }
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

    /// Find a regular file under a root. Unless `follow_symlinks` is set, links are resolved
    /// and must stay inside the root that contains the path; the resolved name is what the
    /// caller hands on, so that what was checked is what will be opened.
    ///
    /// # Errors
    /// As [`PathMap::find`]; or the file is missing, is not a regular file, or is behind a
    /// link that leads out of its root.
    pub fn locate(&self, path: &Path, follow_symlinks: bool) -> Result<Located<'_>, PathError> {
        let (root, relative) = self.find(path)?;
        let (relative, metadata) = if follow_symlinks {
            (relative.to_owned(), fs::metadata(path).map_err(|_| PathError::Missing)?)
        } else if let Some(metadata) = without_links(root, path, relative) {
            (relative.to_owned(), metadata)
        } else {
            let real = fs::canonicalize(path).map_err(|_| PathError::Missing)?;
            let real_root = fs::canonicalize(&root.directory).map_err(|_| PathError::Missing)?;
            let relative = real.strip_prefix(&real_root).map_err(|_| PathError::LinkOutside)?;
            let metadata = fs::symlink_metadata(&real).map_err(|_| PathError::Missing)?;
            (relative.to_owned(), metadata)
        };
        if !metadata.is_file() {
            return Err(PathError::NotAFile);
        }
        Ok(Located { root, relative, metadata })
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

/// The metadata of what a path names, if it is written plainly and passes no link below its root:
/// then there is nothing to resolve. That is most files, in a third of the time.
fn without_links(root: &Root, path: &Path, relative: &Path) -> Option<Metadata> {
    if !is_plain(path.as_os_str().as_bytes()) {
        return None;
    }
    let mut real = root.directory.clone();
    let mut metadata = None;
    for component in relative.components() {
        real.push(component);
        let found = fs::symlink_metadata(&real).ok().filter(|found| !found.is_symlink())?;
        metadata = Some(found);
    }
    metadata
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

/// One side of a mapping: quoted, or up to `end`. Returns it and what follows.
fn token(text: &str, end: char) -> Option<(String, &str)> {
    let text = text.trim_start();
    if let Some(quoted) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        while let Some((index, character)) = characters.next() {
            match character {
                '"' => return Some((value, quoted.get(index + 1..)?.trim_start())),
                '\\' => value.push(characters.next()?.1),
                _ => value.push(character),
            }
        }
        return None;
    }
    let (value, rest) = text.split_at(text.find(end).unwrap_or(text.len()));
    Some((value.trim_end().to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use proptest::prelude::*;

    fn map(roots: &[(&str, &str)]) -> PathMap {
        PathMap::new(
            roots.iter().map(|(dir, prefix)| Root::new(Path::new(dir), prefix).unwrap()).collect(),
        )
        .unwrap()
    }

    fn url(map: &PathMap, path: &str) -> Result<String, PathError> {
        map.find(Path::new(path)).map(|(root, relative)| root.url(relative))
    }

    #[test]
    fn matches_whole_components_and_the_longest_root() {
        let map = map(&[("/srv/a", "/_a/"), ("/srv/a/b/", "/_b/"), ("/srv", "/_srv/")]);
        for (path, expected) in [
            ("/srv/a/x", "/_a/x"),
            ("/srv/a/b/x", "/_b/x"),
            ("/srv/a/bx", "/_a/bx"),
            ("/srv/a-secret/x", "/_srv/a-secret/x"),
            ("/srv//a/./b///x y%", "/_b/x%20y%25"),
            ("/srv/a/..x", "/_a/..x"),
        ] {
            assert_eq!(url(&map, path).as_deref(), Ok(expected), "{path}");
        }
        for (path, error) in [
            ("/SRV/a/x", PathError::OutsideRoots),
            ("/srvx", PathError::OutsideRoots),
            ("srv/a/x", PathError::NotAbsolute),
            ("", PathError::NotAbsolute),
            ("/srv/a/../x", PathError::Parent),
            ("/srv/a/x\0", PathError::BadCharacter),
            ("/srv/a\\x", PathError::BadCharacter),
        ] {
            assert_eq!(url(&map, path), Err(error), "{path:?}");
        }
        assert_eq!(
            url(&self::map(&[("/", "/_all/")]), "/etc/passwd").as_deref(),
            Ok("/_all/etc/passwd")
        );
    }

    #[test]
    fn refuses_impossible_roots() {
        for prefix in ["", "/", "/a", "a/", "@named", "//a/", "/a//", "/../a/"] {
            assert!(Root::new(Path::new("/srv"), prefix).is_err(), "{prefix:?}");
        }
        for directory in ["", "srv", "/srv/../etc", "/a\0"] {
            assert!(Root::new(Path::new(directory), "/p/").is_err(), "{directory:?}");
        }
        let root = |dir: &str| Root::new(Path::new(dir), "/p/").unwrap();
        assert!(matches!(
            PathMap::new(vec![root("/a"), root("/b")]),
            Err(PathMapError::SharedPrefix(_))
        ));
        let pair = |a: &str, a_prefix: &str, b: &str, b_prefix: &str| {
            PathMap::new(vec![
                Root::new(Path::new(a), a_prefix).unwrap(),
                Root::new(Path::new(b), b_prefix).unwrap(),
            ])
        };
        assert!(matches!(pair("/a", "/p/", "/b", "/p/b/"), Err(PathMapError::NestedPrefix { .. })));
        assert!(matches!(
            pair("/a/b", "/p/", "/a", "/p/b/"),
            Err(PathMapError::NestedPrefix { .. })
        ));
        assert!(pair("/a", "/p/", "/a/b", "/p/b/").is_ok());
        assert!(pair("/a", "/p/", "/b", "/p-b/").is_ok());
    }

    #[test]
    fn reads_the_mapping_header() {
        let parsed = PathMap::parse(r#" /var/www/=/files/ , "/a, b=c/"="/p \"q\"/""#).unwrap();
        assert_eq!(url(&parsed, "/var/www/x").as_deref(), Ok("/files/x"));
        assert_eq!(url(&parsed, "/a, b=c/x").as_deref(), Ok("/p%20%22q%22/x"));
        let literal = PathMap::parse("/.*/=/p/").unwrap();
        assert_eq!(url(&literal, "/etc/passwd"), Err(PathError::OutsideRoots));
        assert_eq!(url(&literal, "/.*/x").as_deref(), Ok("/p/x"));
        assert!(PathMap::parse("").unwrap().roots().is_empty());
        for bad in ["/a/", "/a/=", "=/b/", "/a/=/b/,", "\"/a/=/b/", "\"/a/\"x=/b/", "/a/=b"] {
            assert!(PathMap::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn locates_regular_files_inside_the_root_only() {
        let temp = tempfile::tempdir().unwrap();
        let base = temp.path();
        for dir in ["in/sub", "out"] {
            fs::create_dir_all(base.join(dir)).unwrap();
        }
        for file in ["in/file", "in/sub/file", "out/file"] {
            fs::write(base.join(file), b"x").unwrap();
        }
        symlink("sub/file", base.join("in/inside")).unwrap();
        symlink("../out/file", base.join("in/outside")).unwrap();
        symlink("../out", base.join("in/dir-outside")).unwrap();
        symlink("in", base.join("root-link")).unwrap();
        symlink("sub", base.join("in/dir-inside")).unwrap();
        let map = map(&[(base.join("in").to_str().unwrap(), "/p/")]);
        let locate = |name: &str, follow| {
            map.locate(&base.join("in").join(name), follow)
                .map(|located| located.relative.to_str().unwrap().to_owned())
        };

        assert_eq!(locate("file", false).as_deref(), Ok("file"));
        assert_eq!(locate("inside", false).as_deref(), Ok("sub/file"));
        assert_eq!(locate("dir-inside/file", false).as_deref(), Ok("sub/file"));
        assert_eq!(locate("sub//./file", false).as_deref(), Ok("sub/file"));
        assert_eq!(locate("file/", false), Err(PathError::Missing));
        assert_eq!(locate("", false), Err(PathError::NotAFile));
        assert_eq!(locate("outside", false), Err(PathError::LinkOutside));
        assert_eq!(locate("dir-outside/file", false), Err(PathError::LinkOutside));
        assert_eq!(locate("outside", true).as_deref(), Ok("outside"));
        assert_eq!(locate("sub", false), Err(PathError::NotAFile));
        assert_eq!(locate("sub", true), Err(PathError::NotAFile));
        assert_eq!(locate("absent", false), Err(PathError::Missing));
        assert_eq!(locate("file/x", false), Err(PathError::Missing));

        let linked = self::map(&[(base.join("root-link").to_str().unwrap(), "/p/")]);
        let located = linked.locate(&base.join("root-link/file"), false).unwrap();
        assert_eq!(located.relative, Path::new("file"));
    }

    proptest! {
        #[test]
        fn agrees_with_component_wise_prefixes(
            roots in prop::collection::btree_set("(/[ab.]{1,2}){1,3}", 1..5),
            path in "(/{1,2}[ab.]{1,2}){1,5}/?",
        ) {
            let roots: Vec<_> = roots
                .iter()
                .enumerate()
                .filter_map(|(i, dir)| Root::new(Path::new(dir), &format!("/{i}/")).ok())
                .collect();
            let map = PathMap::new(roots.clone()).unwrap();
            let path = Path::new(&path);
            if let Ok((root, relative)) = map.find(path) {
                prop_assert_eq!(path.strip_prefix(root.directory()).unwrap(), relative);
            }
            let longest = roots
                .iter()
                .filter(|root| check(path).is_ok() && path.starts_with(root.directory()))
                .map(|root| root.directory().components().count())
                .max();
            let found = map.find(path).ok().map(|(root, _)| root.directory().components().count());
            prop_assert_eq!(found, longest);
        }
    }
}
