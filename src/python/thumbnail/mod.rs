//! `render`, `thumbnail`, `thumbnail_many`, `placeholder`, `probe`, and their arguments and results.

mod arguments;
mod functions;
mod result;
mod source;

pub(super) use arguments::Limits;
pub(super) use functions::{codecs, placeholder, probe, render, thumbnail, thumbnail_many};
pub(super) use result::{ImageInfo, Thumbnail};
pub(super) use source::PyStreamedSource;
