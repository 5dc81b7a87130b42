//! `render`, `thumbnail`, `thumbnail_many`, `placeholder`, `thumbhash`, `probe` and so on, and their
//! arguments and results.

mod arguments;
mod failure;
mod functions;
mod plugin;
mod result;
mod source;
mod watermark;

pub(super) use arguments::Limits;
pub(super) use functions::{
    codecs, draw_blurhash, draw_thumbhash, placeholder, probe, render, score, thumbhash, thumbnail,
    thumbnail_many,
};
pub(super) use result::{ImageInfo, Thumbnail};
pub(super) use source::{PassedFile, PyStreamedSource};
pub(super) use watermark::PyWatermark;
