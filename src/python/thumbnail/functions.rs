//! The functions that render thumbnails and read images.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::exceptions::{CorruptImage, SpecError, XaccelError};
use super::super::numbers;
use super::super::spec::PySpec;
use super::arguments::{
    Arguments, Limits, chroma_subsampling, configured_style, number_of_colors, output_format,
    own_style, qualities, speed_of_avif,
};
use super::result::{ImageInfo, Thumbnail};
use super::source::ImageSource;
use super::watermark;
use crate::error::ThumbnailError;
use crate::thumbnail::codecs as core_codecs;
use crate::thumbnail::decode::{self, Input};
use crate::thumbnail::encode::Colors;
use crate::thumbnail::limits::Limits as CoreLimits;
use crate::thumbnail::many;
use crate::thumbnail::options::RenderOptions;
use crate::thumbnail::placeholder::{draw, draw_blurhash as core_draw_blurhash, spec as hashed};
use crate::thumbnail::spec::{Progressive, Rgb, Spec};
use crate::thumbnail::watermark::Watermark;
use crate::thumbnail::{
    Durations, blur_hash, main_colors, render as core_render, render_in_two_steps,
    score as core_score, thumbhash as core_thumbhash,
};

fn make(py: Python<'_>, source: &ImageSource, arguments: &Arguments) -> PyResult<Thumbnail> {
    let (thumbnail, durations) = measured(|encoding| {
        source.with(py, arguments, |input, options| render_in_two_steps(input, options, encoding))
    })?;
    Ok(Thumbnail::new(py, &thumbnail).timed(durations))
}

/// Measure the two steps of a render. `render` receives a function, and calls it between the steps.
pub(in super::super) fn measured<T>(
    render: impl FnOnce(&(dyn Fn() + Sync)) -> PyResult<T>,
) -> PyResult<(T, Durations)> {
    let (start, decoding) = (Instant::now(), Mutex::new(Duration::ZERO));
    let encoding = || *decoding.lock().unwrap_or_else(PoisonError::into_inner) = start.elapsed();
    let rendered = render(&encoding)?;
    let total = start.elapsed();
    let decoding = decoding.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((rendered, Durations { decoding, encoding: total.saturating_sub(decoding) }))
}

/// Render the thumbnail that a spec describes, in this format.
#[pyfunction]
#[pyo3(signature = (source, spec, *, format, quality=None, quality_target=70, progressive=false,
    subsampling="420", avif_speed=None, linear=false, watermark=None, limits=None, decoders=None,
    fonts=None, is_partial=false))]
#[expect(clippy::too_many_arguments, reason = "keyword-only in Python")]
pub(in super::super) fn render(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    spec: &PySpec,
    format: &str,
    #[pyo3(from_py_with = numbers::quality)] quality: Option<HashMap<String, u8>>,
    #[pyo3(from_py_with = numbers::quality_target)] quality_target: u8,
    progressive: bool,
    subsampling: &str,
    #[pyo3(from_py_with = numbers::avif_speed)] avif_speed: Option<u8>,
    linear: bool,
    #[pyo3(from_py_with = watermark::given)] watermark: Option<Arc<Watermark>>,
    limits: Option<&Limits>,
    decoders: Option<Vec<String>>,
    fonts: Option<Vec<PathBuf>>,
    is_partial: bool,
) -> PyResult<Thumbnail> {
    let format = output_format(format)?;
    let style = configured_style(
        Progressive(progressive),
        chroma_subsampling(subsampling)?,
        speed_of_avif(avif_speed)?,
    );
    check_watermark(spec, watermark.is_some())?;
    let arguments = Arguments::new(spec.0, linear, limits)
        .with_decoders(decoders)
        .with_fonts(fonts)
        .with_watermark(watermark)
        .with_format(format, qualities(quality.as_ref(), quality_target), style);
    make(py, &ImageSource::new(source, &arguments.limits)?.partial(is_partial), &arguments)
}

/// Check that a watermark is passed if the spec has one.
pub(in super::super) fn check_watermark(spec: &PySpec, is_passed: bool) -> PyResult<()> {
    match spec.0.watermark {
        Some(name) if !is_passed => Err(SpecError::new_err(format!(
            "the spec has the watermark '{name}', but no watermark is passed"
        ))),
        _ => Ok(()),
    }
}

/// Make a thumbnail; the options are those of `Spec`.
#[pyfunction]
#[pyo3(signature = (source, width=None, height=None, *, quality_target=70, colors=None,
    avif_speed=None, linear=false, watermark=None, limits=None, decoders=None, fonts=None,
    **options))]
#[expect(clippy::too_many_arguments, reason = "keyword-only in Python")]
pub(in super::super) fn thumbnail(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    width: Option<&Bound<'_, PyAny>>,
    height: Option<&Bound<'_, PyAny>>,
    #[pyo3(from_py_with = numbers::quality_target)] quality_target: u8,
    #[pyo3(from_py_with = numbers::colors)] colors: Option<i64>,
    #[pyo3(from_py_with = numbers::avif_speed)] avif_speed: Option<u8>,
    linear: bool,
    #[pyo3(from_py_with = watermark::given)] watermark: Option<Arc<Watermark>>,
    limits: Option<&Limits>,
    decoders: Option<Vec<String>>,
    fonts: Option<Vec<PathBuf>>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Thumbnail> {
    let style = own_style(colors, avif_speed)?;
    let arguments = Arguments::of_options((width, height), options, style, linear, limits)?
        .with_quality_target(quality_target)
        .with_decoders(decoders)
        .with_fonts(fonts)
        .with_watermark(watermark);
    make(py, &ImageSource::new(source, &arguments.limits)?, &arguments)
}

/// Make thumbnails of several sources at once.
#[pyfunction]
#[pyo3(signature = (sources, width=None, height=None, *, threads=None, quality_target=70,
    colors=None, avif_speed=None, linear=false, watermark=None, limits=None, decoders=None,
    fonts=None, **options))]
#[expect(clippy::too_many_arguments, reason = "keyword-only in Python")]
pub(in super::super) fn thumbnail_many<'py>(
    py: Python<'py>,
    sources: &Bound<'py, PyAny>,
    width: Option<&Bound<'py, PyAny>>,
    height: Option<&Bound<'py, PyAny>>,
    #[pyo3(from_py_with = numbers::threads)] threads: Option<NonZeroUsize>,
    #[pyo3(from_py_with = numbers::quality_target)] quality_target: u8,
    #[pyo3(from_py_with = numbers::colors)] colors: Option<i64>,
    #[pyo3(from_py_with = numbers::avif_speed)] avif_speed: Option<u8>,
    linear: bool,
    #[pyo3(from_py_with = watermark::given)] watermark: Option<Arc<Watermark>>,
    limits: Option<&Limits>,
    decoders: Option<Vec<String>>,
    fonts: Option<Vec<PathBuf>>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let style = own_style(colors, avif_speed)?;
    let arguments = Arguments::of_options((width, height), options, style, linear, limits)?
        .with_quality_target(quality_target)
        .with_decoders(decoders)
        .with_fonts(fonts)
        .with_watermark(watermark);
    let sources = sources
        .try_iter()?
        .map(|source| ImageSource::new(&source?, &arguments.limits))
        .collect::<PyResult<Vec<_>>>()?;
    let threads =
        threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let outcomes = py.detach(|| {
        many::each(sources.len(), threads, |index| {
            sources.get(index).map(|source| {
                source.process(&arguments, |input, options| core_render(input, options))
            })
        })
    });
    outcomes
        .into_iter()
        .flatten()
        .map(|outcome| match outcome {
            Ok(made) => Ok(Bound::new(py, Thumbnail::new(py, &made))?.into_any()),
            Err(error) if error.is_instance_of::<XaccelError>(py) => {
                Ok(error.into_value(py).into_bound(py).into_any())
            }
            Err(error) => Err(error),
        })
        .collect()
}

/// The result of `placeholder`.
#[derive(IntoPyObject)]
pub(in super::super) enum Placeholder {
    Text(String),
    Colors(Vec<String>),
}

/// The default number of colours in a palette.
const COLORS: i64 = 5;

/// Return a preview to show until the thumbnail has loaded: a `data:` URI, a hash or colours.
#[pyfunction]
#[pyo3(signature = (source, *, kind=None, colors=None, limits=None, decoders=None, fonts=None))]
pub(in super::super) fn placeholder(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    kind: Option<&str>,
    #[pyo3(from_py_with = numbers::colors)] colors: Option<i64>,
    limits: Option<&Limits>,
    decoders: Option<Vec<String>>,
    fonts: Option<Vec<PathBuf>>,
) -> PyResult<Placeholder> {
    if colors.is_some() && kind != Some("palette") {
        return Err(PyValueError::new_err("colors is only for the kind 'palette'"));
    }
    let most = number_of_colors(colors.unwrap_or(COLORS))?;
    check_placeholder_kind(kind)?;
    let arguments =
        Arguments::new(hashed(), false, limits).with_decoders(decoders).with_fonts(fonts);
    ImageSource::new(source, &arguments.limits)?
        .with(py, &arguments, |input, options| make_placeholder(kind, most, input, options))
}

fn make_placeholder(
    kind: Option<&str>,
    most: Colors,
    input: Input<'_>,
    options: &RenderOptions<'_>,
) -> Result<Placeholder, ThumbnailError> {
    let text = match kind {
        Some("thumbhash") => BASE64_STANDARD.encode(core_thumbhash(input, options)?),
        Some("blurhash") => blur_hash(input, options)?,
        Some("color") => {
            let colors = main_colors(input, options, most)?;
            colors.first().copied().map_or_else(String::new, hexadecimal)
        }
        Some("palette") => {
            let colors = main_colors(input, options, most)?;
            return Ok(Placeholder::Colors(colors.into_iter().map(hexadecimal).collect()));
        }
        _ => draw(&core_thumbhash(input, options)?)?,
    };
    Ok(Placeholder::Text(text))
}

/// Check the kind of a placeholder.
pub(in super::super) fn check_placeholder_kind(kind: Option<&str>) -> PyResult<()> {
    match kind.filter(|kind| !KINDS.contains(kind)) {
        Some(kind) => {
            let message = format!("kind must be one of {KINDS:?} or None, not {kind:?}");
            Err(PyValueError::new_err(message.replace('"', "'")))
        }
        None => Ok(()),
    }
}

/// Make a placeholder as text, as Python's `placeholder_text` does: the colours of a palette are
/// separated as in CSS. This thread must not be attached to the interpreter.
pub(in super::super) fn placeholder_text(
    source: &ImageSource,
    kind: Option<&str>,
    limits: &Limits,
    decoders: Option<Vec<String>>,
    fonts: Option<Vec<PathBuf>>,
) -> PyResult<String> {
    let most = number_of_colors(COLORS)?;
    let arguments =
        Arguments::new(hashed(), false, Some(limits)).with_decoders(decoders).with_fonts(fonts);
    let made = source
        .process(&arguments, |input, options| make_placeholder(kind, most, input, options))?;
    Ok(match made {
        Placeholder::Text(text) => text,
        Placeholder::Colors(colors) => colors.join(", "),
    })
}

/// The kinds of placeholders other than a `data:` URI.
const KINDS: [&str; 4] = ["thumbhash", "blurhash", "color", "palette"];

/// A colour as in CSS.
fn hexadecimal(color: Rgb) -> String {
    format!("#{color}")
}

/// Return the base64-encoded `ThumbHash` of an image.
#[pyfunction]
#[pyo3(signature = (source, *, limits=None, decoders=None, fonts=None))]
pub(in super::super) fn thumbhash(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    limits: Option<&Limits>,
    decoders: Option<Vec<String>>,
    fonts: Option<Vec<PathBuf>>,
) -> PyResult<Placeholder> {
    placeholder(py, source, Some("thumbhash"), None, limits, decoders, fonts)
}

/// Return the SSIMULACRA2 score of an encoded picture in comparison with a reference.
#[pyfunction]
#[pyo3(signature = (reference, picture, /))]
pub(in super::super) fn score(py: Python<'_>, reference: &[u8], picture: &[u8]) -> PyResult<f64> {
    let limits = CoreLimits::default();
    py.detach(|| core_score(reference, picture, &limits))
        .map_err(|error| XaccelError::new_err(error.to_string()))
}

/// Draw a `ThumbHash`, and return a `data:` URI as `placeholder` does.
#[pyfunction]
#[pyo3(signature = (hash, /))]
pub(in super::super) fn draw_thumbhash(hash: &str) -> PyResult<String> {
    let drawn = BASE64_STANDARD.decode(hash).map_err(|_| ThumbnailError::Hash);
    drawn
        .and_then(|bytes| draw(&bytes))
        .map_err(|error| CorruptImage::new_err(format!("{hash:?}: {error}")))
}

/// Draw a `BlurHash`, and return a `data:` URI as `placeholder` does.
#[pyfunction]
#[pyo3(signature = (hash, /))]
pub(in super::super) fn draw_blurhash(hash: &str) -> PyResult<String> {
    core_draw_blurhash(hash).map_err(|error| CorruptImage::new_err(format!("{hash:?}: {error}")))
}

/// Read the header of an image.
#[pyfunction]
#[pyo3(signature = (source, *, limits=None, decoders=None, fonts=None))]
pub(in super::super) fn probe<'py>(
    py: Python<'py>,
    source: &Bound<'py, PyAny>,
    limits: Option<&Limits>,
    decoders: Option<Vec<String>>,
    fonts: Option<Vec<PathBuf>>,
) -> PyResult<Bound<'py, ImageInfo>> {
    let limits = limits.copied().unwrap_or_default();
    probed(py, &ImageSource::new(source, &limits)?, &limits, decoders, fonts)
}

/// Read the header of a source.
pub(in super::super) fn probed<'py>(
    py: Python<'py>,
    source: &ImageSource,
    limits: &Limits,
    decoders: Option<Vec<String>>,
    fonts: Option<Vec<PathBuf>>,
) -> PyResult<Bound<'py, ImageInfo>> {
    let arguments = Arguments::new(Spec::default(), false, Some(limits))
        .with_decoders(decoders)
        .with_fonts(fonts);
    let limits = arguments.limits.core();
    let outcome = py.detach(|| {
        source.read(&arguments.limits, |bytes, _| {
            let mut opened = decode::open(bytes, &limits)?;
            opened.set_fonts(&arguments.fonts)?;
            Ok((*opened.header(), decode::least_bytes(opened.as_ref(), &limits)))
        })
    });
    if source.is_unknown(&outcome)
        && let Some(plugin) = source.plugin(py, &arguments, arguments.limits.deadline())?
    {
        return plugin.info(1);
    }
    let (header, decoded_size) = source.result(outcome)?;
    Bound::new(py, ImageInfo::new(&header, decoded_size))
}

/// Return the codec libraries and their versions.
#[pyfunction]
pub(in super::super) fn codecs() -> HashMap<&'static str, String> {
    core_codecs::codecs().into_iter().collect()
}
