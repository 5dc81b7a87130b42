//! `render`, `thumbnail`, `thumbnail_many`, `placeholder`, `thumbhash`, `probe` and so on, and their
//! arguments and results.

mod arguments;
mod failure;
mod functions;
mod plugin;
mod result;
mod source;
mod watermark;

pub(super) use arguments::{
    Arguments, Limits, chroma_subsampling, configured_style, output_format, qualities,
    speed_of_avif,
};
pub(super) use functions::{
    check_placeholder_kind, check_watermark, codecs, draw_blurhash, draw_thumbhash, measured,
    placeholder, placeholder_text, probe, probed, render, score, thumbhash, thumbnail,
    thumbnail_many,
};
pub(super) use result::{ImageInfo, Thumbnail};
pub(super) use source::{ImageSource, PyStreamedSource};
pub(super) use watermark::{PyWatermark, given as given_watermark};
