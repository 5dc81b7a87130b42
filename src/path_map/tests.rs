use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};
use rustix::io::{FdFlags, fcntl_getfd};

use super::*;

const METHODS: [Method; 2] = [Method::Openat2, Method::Walk];

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
        ("/srv/a\\x", "/_srv/a%5Cx"),
    ] {
        assert_eq!(url(&map, path).as_deref(), Ok(expected), "{path}");
    }
    for (path, error) in [
        ("/SRV/a/x", PathError::OutsideRoots),
        ("/srvx", PathError::OutsideRoots),
        ("srv/a/x", PathError::NotAbsolute),
        ("", PathError::NotAbsolute),
        ("/srv/a/../x", PathError::Parent),
        ("/srv/a/x\0", PathError::Nul),
    ] {
        assert_eq!(url(&map, path), Err(error), "{path:?}");
    }
    assert_eq!(
        url(&self::map(&[("/", "/_all/")]), "/etc/passwd").as_deref(),
        Ok("/_all/etc/passwd")
    );
}

#[test]
fn refuses_invalid_roots() {
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
    assert!(matches!(pair("/a/b", "/p/", "/a", "/p/b/"), Err(PathMapError::NestedPrefix { .. })));
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
fn reads_mappings_with_the_prefix_first() {
    let parsed = PathMap::parse("/files/=/var/www/").unwrap();
    assert_eq!(url(&parsed, "/var/www/a b").as_deref(), Ok("/files/a%20b"));
    assert_eq!(url(&parsed, "/var/www-secret/x"), Err(PathError::OutsideRoots));
    // The side that contains the path is the directory. If both sides contain it, the first side is
    // the directory.
    assert_eq!(url(&parsed, "/files/x").as_deref(), Ok("/var/www/x"));
    let nested = PathMap::parse("/srv/=/srv/www/").unwrap();
    assert_eq!(url(&nested, "/srv/www/x").as_deref(), Ok("/srv/www/www/x"));
    // Each of these is valid in only one order.
    for header in ["/files/=/var/www", "/p/=/srv/, /q/=/srv/a/"] {
        let parsed = PathMap::parse(header).unwrap();
        let path = if header.contains("www") { "/var/www/x" } else { "/srv/x" };
        assert!(url(&parsed, path).is_ok(), "{header}");
    }
    let both = PathMap::parse("/files/=/var/www/, /more/=/srv/").unwrap();
    assert_eq!(url(&both, "/srv/x").as_deref(), Ok("/more/x"));
    assert!(PathMap::parse("/a/=/b/, /c/=/b/, /a/=/d/").is_err());
}

#[test]
fn takes_a_backslash_for_a_character_of_a_name() {
    let map = map(&[("/srv", "/p/")]);
    assert_eq!(url(&map, "/srv/a\\b").as_deref(), Ok("/p/a%5Cb"));
    assert_eq!(url(&map, "/srv/..\\b").as_deref(), Ok("/p/..%5Cb"));
}

/// Directories `in` and `out`, and a map with the first as its root.
struct Tree {
    base: tempfile::TempDir,
    map: PathMap,
}

impl Tree {
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        for dir in ["in/sub", "out"] {
            fs::create_dir_all(base.path().join(dir)).unwrap();
        }
        for file in ["in/file", "in/sub/file", "out/file"] {
            fs::write(base.path().join(file), file).unwrap();
        }
        let map = map(&[(base.path().join("in").to_str().unwrap(), "/p/")]);
        Self { base, map }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    /// Creates a link, `in/{name}`.
    fn link(&self, name: &str, target: impl AsRef<Path>) {
        symlink(target, self.path("in").join(name)).unwrap();
    }

    /// Resolves `in/{name}` in every possible way. Returns the path below the root, and the
    /// content.
    fn resolve(&self, name: &str, follow_symlinks: bool) -> Result<(String, String), PathError> {
        let path = self.path("in").join(name);
        let results = METHODS.map(|method| {
            let looked = self.map.resolve(&path, follow_symlinks, Access::Look, method);
            let opened = self.map.resolve(&path, follow_symlinks, Access::Read, method);
            let opened = opened.map(|(located, mut file)| {
                let mut content = String::new();
                file.read_to_string(&mut content).unwrap();
                assert_eq!(located.metadata.len(), content.len() as u64);
                (located.relative.to_str().unwrap().to_owned(), content)
            });
            let looked = looked.map(|(located, _)| located.relative.to_str().unwrap().to_owned());
            assert_eq!(looked, opened.clone().map(|(relative, _)| relative), "{name} {method:?}");
            opened
        });
        let [first, second] = results;
        assert_eq!(first, second, "{name}");
        first
    }
}

fn found(relative: &str, content: &str) -> (String, String) {
    (relative.to_owned(), content.to_owned())
}

#[test]
fn finds_regular_files_only() {
    let tree = Tree::new();
    assert_eq!(tree.resolve("file", false), Ok(found("file", "in/file")));
    assert_eq!(tree.resolve("sub//./file", false), Ok(found("sub/file", "in/sub/file")));
    for follow_symlinks in [false, true] {
        for (name, error) in [
            ("", PathError::NotAFile),
            ("sub", PathError::NotAFile),
            ("sub/", PathError::NotAFile),
            ("file/", PathError::Missing),
            ("absent", PathError::Missing),
            ("absent/file", PathError::Missing),
            ("file/x", PathError::Missing),
            ("sub/../file", PathError::Parent),
            ("../out/file", PathError::Parent),
        ] {
            assert_eq!(tree.resolve(name, follow_symlinks), Err(error), "{name}");
        }
    }
}

#[test]
fn follows_links_within_the_root() {
    let tree = Tree::new();
    tree.link("relative", "sub/file");
    tree.link("absolute", tree.path("in/sub/file"));
    tree.link("dir", "sub");
    tree.link("absolute-dir", tree.path("in/sub"));
    tree.link("chain", "dir/../relative");
    tree.link("out-and-back", "../in/file");
    for (name, expected) in [
        ("relative", Ok(found("sub/file", "in/sub/file"))),
        ("absolute", Ok(found("sub/file", "in/sub/file"))),
        ("dir/file", Ok(found("sub/file", "in/sub/file"))),
        ("absolute-dir/file", Ok(found("sub/file", "in/sub/file"))),
        ("chain", Ok(found("sub/file", "in/sub/file"))),
        ("out-and-back", Ok(found("file", "in/file"))),
        ("dir", Err(PathError::NotAFile)),
    ] {
        assert_eq!(tree.resolve(name, false), expected, "{name}");
    }
}

#[test]
fn refuses_links_out_of_the_root_unless_they_are_allowed() {
    let tree = Tree::new();
    tree.link("relative", "../out/file");
    tree.link("absolute", tree.path("out/file"));
    tree.link("dir", "../out");
    tree.link("process", "/proc/self/root/etc/passwd");
    for name in ["relative", "absolute", "dir/file"] {
        assert_eq!(tree.resolve(name, false), Err(PathError::LinkOutside), "{name}");
        assert_eq!(tree.resolve(name, true), Ok(found(name, "out/file")), "{name}");
    }
    assert_eq!(tree.resolve("process", false), Err(PathError::LinkOutside));
}

#[test]
fn refuses_links_that_lead_nowhere() {
    let tree = Tree::new();
    tree.link("loop", "loop");
    tree.link("dangling", "absent");
    for name in ["loop", "loop/file", "dangling", "dangling/file"] {
        assert_eq!(tree.resolve(name, false), Err(PathError::Missing), "{name}");
        assert_eq!(tree.resolve(name, true), Err(PathError::Missing), "{name}");
    }
}

#[test]
fn takes_a_root_that_is_a_link() {
    let mut tree = Tree::new();
    symlink("in", tree.path("root")).unwrap();
    tree.link("inside", tree.path("in/sub/file"));
    tree.link("outside", "../out/file");
    tree.map = map(&[(tree.path("root").to_str().unwrap(), "/p/")]);
    for method in METHODS {
        let resolve = |name: &str| {
            let path = tree.path("root").join(name);
            let found = tree.map.resolve(&path, false, Access::Read, method);
            found.map(|(located, _)| located.relative.to_str().unwrap().to_owned())
        };
        assert_eq!(resolve("file").as_deref(), Ok("file"));
        assert_eq!(resolve("inside").as_deref(), Ok("sub/file"));
        assert_eq!(resolve("outside"), Err(PathError::LinkOutside));
    }
}

#[test]
fn takes_any_name() {
    let tree = Tree::new();
    for name in [&b"a\nb"[..], b"\xff\xfe", b" ", b"%2e", b"a?b#c", &[b'x'; 255]] {
        let name = OsString::from_vec(name.to_owned());
        let path = tree.path("in").join(&name);
        fs::write(&path, "x").unwrap();
        for method in METHODS {
            let (located, _) = tree.map.resolve(&path, false, Access::Read, method).unwrap();
            assert_eq!(located.relative.as_os_str(), name);
        }
    }
    assert_eq!(tree.resolve(&"x".repeat(256), false), Err(PathError::Missing));
}

/// A FIFO without a writer would block the process that opens it.
#[test]
fn does_not_wait_for_a_fifo_or_socket() {
    let tree = Tree::new();
    mknodat(CWD, tree.path("in/fifo"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(tree.path("in/socket")).unwrap();
    tree.link("to-fifo", "fifo");
    for name in ["fifo", "socket", "to-fifo"] {
        assert_eq!(tree.resolve(name, false), Err(PathError::NotAFile), "{name}");
        assert_eq!(tree.resolve(name, true), Err(PathError::NotAFile), "{name}");
    }
}

#[test]
fn closes_descriptors_on_exec() {
    let tree = Tree::new();
    for follow_symlinks in [false, true] {
        for method in METHODS {
            let path = tree.path("in/file");
            let opened = tree.map.resolve(&path, follow_symlinks, Access::Read, method);
            let flags = fcntl_getfd(opened.unwrap().1).unwrap();
            assert!(flags.contains(FdFlags::CLOEXEC));
        }
    }
}

/// Sets a flag when it is dropped, even by a panic.
struct Raised<'a>(&'a AtomicBool);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Keeps exchanging two directories of a tree while `work` runs.
fn while_exchanging(tree: &Tree, (one, other): (&str, &str), work: impl FnOnce()) {
    let (one, other) = (tree.path(one), tree.path(other));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let _done = Raised(&done);
        work();
    });
}

/// An attacker who may rename files within the root replaces a directory with a link that leads out
/// of the root.
#[test]
fn never_opens_a_file_outside_while_a_directory_is_exchanged_for_a_link() {
    const TRIES: u32 = 5_000;
    let tree = Tree::new();
    tree.link("link", "../out");
    let path = tree.path("in/sub/file");
    while_exchanging(&tree, ("in/sub", "in/link"), || {
        for method in METHODS {
            let mut opened = 0;
            for _ in 0..TRIES {
                if let Ok((located, mut file)) =
                    tree.map.resolve(&path, false, Access::Read, method)
                {
                    let mut content = String::new();
                    file.read_to_string(&mut content).unwrap();
                    assert_eq!(content, "in/sub/file", "{method:?}");
                    assert_eq!(located.relative, Path::new("sub/file"));
                    opened += 1;
                }
            }
            assert!(opened > 0, "{method:?} never opened the file");
        }
    });
}

/// The same attack, with a link that leads to the file within the root.
#[test]
fn never_opens_a_file_outside_while_the_target_of_a_link_is_exchanged() {
    const TRIES: u32 = 5_000;
    let tree = Tree::new();
    tree.link("link", "../out");
    tree.link("alias", "sub/file");
    let path = tree.path("in/alias");
    while_exchanging(&tree, ("in/sub", "in/link"), || {
        for method in METHODS {
            for _ in 0..TRIES {
                if let Ok((_, mut file)) = tree.map.resolve(&path, false, Access::Read, method) {
                    let mut content = String::new();
                    file.read_to_string(&mut content).unwrap();
                    assert_eq!(content, "in/sub/file", "{method:?}");
                }
            }
        }
    });
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
