//! Thumbnails: what one looks like ([`spec`]) and the steps that make it.

pub mod format;
pub mod spec;
