//! The directory of finished thumbnails.
//!
//! The path of a thumbnail's file is the path of its URL, so that a web server finds the file with
//! `try_files` without asking the app. The directory also contains internal directories that no URL
//! can reach: `.tmp` (files being written), `.lock` (see [`locks`]) and `.aside` (thumbnails that
//! can't be stored at the path of their URL; see [`Cache::aside`]).
//!
//! A reader never sees a partial file: [`Cache::publish`] writes a temporary file, waits until the
//! data is on the disk, and renames the file. A killed writer leaves at most one file in `.tmp`,
//! which a sweep removes. When a process ends, the kernel releases its locks.

mod directory;
pub mod locks;
pub mod paths;
mod publish;
pub mod purge;
pub mod sweep;

pub use directory::Cache;
