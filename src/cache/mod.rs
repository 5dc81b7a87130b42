//! The directory of finished thumbnails.
//!
//! A thumbnail's file has the path of its URL, so that a web server finds it by `try_files`
//! without asking the app. Besides those files the directory holds some of its own, which no URL
//! reaches: `.tmp` (files being written), `.lock` (see [`locks`]) and `.aside` (thumbnails that
//! can't have the path of their URL, see [`Cache::aside`]).
//!
//! A reader never sees half a file: [`Cache::publish`] writes elsewhere, waits until the disk has
//! the data, and renames. A killed writer leaves at most a file in `.tmp`, which a sweep removes;
//! the kernel drops its locks with its process.

mod directory;
pub mod locks;
pub mod paths;
mod publish;
pub mod purge;
pub mod sweep;

pub use directory::Cache;
