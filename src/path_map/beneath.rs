//! Opens a file beneath a directory, without following links that point outside the directory.
//!
//! Checking a path does not guarantee which file is at that path a moment later: anyone who can
//! rename files within the directory can replace a component with a link. The file is therefore
//! opened without following any links, and all checks use its descriptor.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat, statat};
#[cfg(target_os = "linux")]
use rustix::fs::{ResolveFlags, openat2};
use rustix::io::Errno;

use crate::error::PathError;

/// The purpose for which a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// To query the file's metadata. This does not require permission to read the file.
    Look,
    /// To read the file.
    Read,
}

/// The flag for a descriptor that refers to a file or directory without opening it.
#[cfg(target_os = "linux")]
const PATH: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const PATH: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK);

impl Access {
    fn flags(self) -> OFlags {
        let flags = match self {
            Self::Look => PATH,
            // Without these flags, opening a FIFO would wait for a writer, and a terminal that is
            // opened could become the controlling terminal.
            Self::Read => OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY,
        };
        flags | OFlags::CLOEXEC
    }
}

/// The method by which a path is opened without following links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// With `openat2`, in one call.
    Openat2,
    /// With `openat`, one component at a time. This works on kernels before Linux 5.6, in sandboxes
    /// that block `openat2`, and on other systems.
    Walk,
}

impl Method {
    pub(super) const BEST: Self =
        if cfg!(target_os = "linux") { Self::Openat2 } else { Self::Walk };
}

/// Opens `path`, which consists of `directory` and `relative`. Links below the directory are
/// followed if their targets also lie below it; the directory itself may be a link.
///
/// Returns the file. Also returns its path below the directory without links, if this path differs
/// from `relative`.
pub(super) fn open(
    directory: &Path,
    path: &Path,
    relative: &Path,
    access: Access,
    mut method: Method,
) -> Result<(File, Option<PathBuf>), PathError> {
    if method == Method::Openat2 {
        // In most cases, no component of the path is a link, not even in the directory's own path.
        match without_links(CWD, path, access, method) {
            Ok(file) => return Ok((file.into(), None)),
            Err(Errno::LOOP) => {}
            Err(Errno::NOSYS | Errno::PERM) => method = Method::Walk,
            Err(error) => return Err(error.into()),
        }
    }
    let root = openat(CWD, directory, PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    match without_links(root.as_fd(), relative, access, method) {
        Ok(file) => return Ok((file.into(), None)),
        Err(Errno::LOOP) => {}
        Err(error) => return Err(error.into()),
    }
    let target = fs::canonicalize(path)?;
    let target = target.strip_prefix(fs::canonicalize(directory)?);
    let target = target.map_err(|_| PathError::LinkOutside)?.to_owned();
    // The target may have changed in the meantime, so it is opened without following links.
    let file: File = without_links(root.as_fd(), &target, access, method)?.into();
    let (opened, named) = (file.metadata()?, fs::metadata(path)?);
    if (opened.dev(), opened.ino()) != (named.dev(), named.ino()) {
        return Err(PathError::Missing);
    }
    Ok((file, Some(target)))
}

/// Opens a path regardless of where its links lead.
pub(super) fn open_anywhere(path: &Path, access: Access) -> Result<File, PathError> {
    Ok(openat(CWD, path, access.flags(), Mode::empty())?.into())
}

/// Opens a path that contains no links. Returns [`Errno::LOOP`] if a component is a link.
fn without_links(
    directory: BorrowedFd<'_>,
    path: &Path,
    access: Access,
    method: Method,
) -> Result<OwnedFd, Errno> {
    match method {
        #[cfg(target_os = "linux")]
        Method::Openat2 => {
            let resolve = ResolveFlags::NO_SYMLINKS;
            // An absolute path does not lie beneath the working directory.
            let resolve =
                if path.is_absolute() { resolve } else { resolve | ResolveFlags::BENEATH };
            openat2(directory, path, access.flags(), Mode::empty(), resolve)
        }
        #[cfg(not(target_os = "linux"))]
        Method::Openat2 => Err(Errno::NOSYS),
        Method::Walk => walk(directory, path, access),
    }
}

fn walk(directory: BorrowedFd<'_>, path: &Path, access: Access) -> Result<OwnedFd, Errno> {
    let mut parent: Option<OwnedFd> = None;
    let mut components = path.components().peekable();
    while let Some(component) = components.next() {
        let Component::Normal(name) = component else { return Err(Errno::XDEV) };
        let at = parent.as_ref().map_or(directory, AsFd::as_fd);
        let is_last = components.peek().is_none();
        let flags =
            if is_last { access.flags() } else { PATH | OFlags::DIRECTORY | OFlags::CLOEXEC };
        let opened = match openat(at, name, flags | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(opened) if is_last && is_link(statat(&opened, "", AtFlags::EMPTY_PATH)) => {
                return Err(Errno::LOOP);
            }
            // This error also occurs if the component is a link, because a link is not a directory.
            Err(Errno::NOTDIR) if is_link(statat(at, name, AtFlags::SYMLINK_NOFOLLOW)) => {
                return Err(Errno::LOOP);
            }
            opened => opened?,
        };
        if is_last {
            return Ok(opened);
        }
        parent = Some(opened);
    }
    // An empty path refers to the directory itself.
    openat(directory, ".", access.flags(), Mode::empty())
}

fn is_link(found: Result<rustix::fs::Stat, Errno>) -> bool {
    found.is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Symlink)
}

impl From<Errno> for PathError {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG | Errno::STALE => {
                Self::Missing
            }
            // This error occurs if the path is a socket.
            Errno::NXIO => Self::NotAFile,
            error => Self::Os(error.raw_os_error()),
        }
    }
}

impl From<io::Error> for PathError {
    fn from(error: io::Error) -> Self {
        error.raw_os_error().map_or(Self::Missing, |number| Errno::from_raw_os_error(number).into())
    }
}
