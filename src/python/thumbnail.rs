//! `render`, `thumbnail`, `thumbnail_many`, `placeholder`, `probe` and what they take and return.

use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict};

use super::exceptions::{
    CorruptImage, FileNotFound, ImageTooLarge, RenderTimeout, ThumbnailError as PyThumbnailError,
    UnsupportedImage, XaccelError,
};
use super::spec::PySpec;
use crate::error::ThumbnailError;
use crate::thumbnail::encode::{Colors, Style, Subsampling};
use crate::thumbnail::format::OutputFormat;
use crate::thumbnail::limits::Limits as CoreLimits;
use crate::thumbnail::probe::Header;
use crate::thumbnail::resize::Light;
use crate::thumbnail::source::{Incoming, SourceFile};
use crate::thumbnail::spec::{FormatOption, Spec};
use crate::thumbnail::{self as engine, Job};

/// What a source may be.
#[pyclass(frozen, get_all, eq, module = "xaccel._core")]
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Limits {
    max_pixels: u64,
    max_bytes: u64,
    max_frames: u32,
    max_side: u32,
    timeout: Option<f64>,
}

#[pymethods]
impl Limits {
    #[new]
    #[pyo3(signature = (*, max_pixels=50_000_000, max_bytes=52_428_800, max_frames=100,
        max_side=8192, timeout=None))]
    fn new(
        max_pixels: u64,
        max_bytes: u64,
        max_frames: u32,
        max_side: u32,
        timeout: Option<f64>,
    ) -> PyResult<Self> {
        if timeout.is_some_and(|seconds| Duration::try_from_secs_f64(seconds).is_err()) {
            return Err(PyValueError::new_err("timeout must be a number of seconds, at least 0"));
        }
        Ok(Self { max_pixels, max_bytes, max_frames, max_side, timeout })
    }

    fn __repr__(&self) -> String {
        format!(
            "Limits(max_pixels={}, max_bytes={}, max_frames={}, max_side={}, timeout={})",
            self.max_pixels,
            self.max_bytes,
            self.max_frames,
            self.max_side,
            self.timeout.map_or("None".into(), |seconds| seconds.to_string()),
        )
    }
}

impl Limits {
    fn core(&self) -> CoreLimits {
        CoreLimits {
            max_pixels: self.max_pixels,
            max_bytes: self.max_bytes,
            max_frames: self.max_frames,
            max_side: self.max_side,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let CoreLimits { max_pixels, max_bytes, max_frames, max_side } = CoreLimits::default();
        Self { max_pixels, max_bytes, max_frames, max_side, timeout: None }
    }
}

/// A finished thumbnail.
#[pyclass(frozen, get_all, module = "xaccel._core")]
pub(super) struct Thumbnail {
    data: Py<PyBytes>,
    width: u32,
    height: u32,
    format: &'static str,
    media_type: &'static str,
}

#[pymethods]
impl Thumbnail {
    fn __repr__(&self, py: Python<'_>) -> String {
        let bytes = self.data.as_bytes(py).len();
        format!("<Thumbnail {}x{} {}, {bytes} bytes>", self.width, self.height, self.format)
    }
}

impl Thumbnail {
    fn new(py: Python<'_>, thumbnail: &engine::Thumbnail) -> Self {
        Self {
            data: PyBytes::new(py, &thumbnail.data).unbind(),
            width: thumbnail.width,
            height: thumbnail.height,
            format: thumbnail.format.name(),
            media_type: thumbnail.format.media_type(),
        }
    }
}

/// What the header of an image says; width and height are those of the upright picture.
#[pyclass(frozen, get_all, module = "xaccel._core")]
pub(super) struct ImageInfo {
    width: u32,
    height: u32,
    format: &'static str,
    orientation: u16,
    frames: u32,
    has_alpha: bool,
    icc: bool,
}

#[pymethods]
impl ImageInfo {
    fn __repr__(&self) -> String {
        format!("<ImageInfo {}x{} {}>", self.width, self.height, self.format)
    }
}

impl From<Header> for ImageInfo {
    fn from(header: Header) -> Self {
        let size = header.upright_size();
        Self {
            width: size.width,
            height: size.height,
            format: header.format.name(),
            orientation: header.orientation,
            frames: header.frames,
            has_alpha: header.has_alpha,
            icc: header.has_icc,
        }
    }
}

/// An image that arrives piece by piece.
#[pyclass(name = "Incoming", module = "xaccel._core")]
#[derive(Default)]
pub(super) struct PyIncoming(Incoming);

#[pymethods]
impl PyIncoming {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    #[pyo3(signature = (piece, /))]
    fn feed(&mut self, piece: &[u8]) -> bool {
        self.0.feed(piece)
    }

    fn content<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.content())
    }

    fn __len__(&self) -> usize {
        self.0.content().len()
    }
}

/// Where an image comes from.
pub(super) enum Source {
    Bytes(PyBackedBytes),
    /// But the start of a JPEG, see [`Incoming`].
    Start(PyBackedBytes),
    Path(PathBuf),
}

impl Source {
    /// Take bytes, a path or a binary file, of which at most one byte too many is read.
    fn new(source: &Bound<'_, PyAny>, limits: &Limits) -> PyResult<Self> {
        if let Ok(bytes) = source.extract::<PyBackedBytes>() {
            return Ok(Self::Bytes(bytes));
        }
        if let Ok(path) = source.extract::<PathBuf>() {
            return Ok(Self::Path(path));
        }
        let Ok(read) = source.getattr("read") else {
            let kind = source.get_type().name()?;
            let message = format!("source must be bytes, a path or a binary file, not {kind}");
            return Err(PyTypeError::new_err(message));
        };
        let content = read.call1((limits.max_bytes.saturating_add(1),))?;
        content.extract().map(Self::Bytes).map_err(|_| {
            PyTypeError::new_err("source.read() must return bytes; open the file in binary mode")
        })
    }

    /// Do something with the bytes, away from the interpreter; see [`Self::read`].
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        limits: &Limits,
        work: impl Fn(&[u8], bool) -> Result<T, ThumbnailError> + Send,
    ) -> PyResult<T> {
        self.result(py.detach(|| self.read(limits, work)))
    }

    /// Do something with the bytes, at first perhaps with no more than the start of them, which
    /// the second argument tells. Outside: they can't be read.
    fn read<T>(
        &self,
        limits: &Limits,
        work: impl Fn(&[u8], bool) -> Result<T, ThumbnailError>,
    ) -> io::Result<Result<T, ThumbnailError>> {
        let guarded = |bytes: &[u8], is_start| {
            // The codecs are given hostile input; should one of them panic, it costs this
            // call only.
            catch_unwind(AssertUnwindSafe(|| work(bytes, is_start)))
                .unwrap_or_else(|_| Err(ThumbnailError::Panic))
        };
        let path = match self {
            Self::Bytes(bytes) => return Ok(guarded(bytes, false)),
            Self::Start(bytes) => return Ok(guarded(bytes, true)),
            Self::Path(path) => path,
        };
        let mut file = match SourceFile::open(path, &limits.core())? {
            Ok(file) => file,
            Err(error) => return Ok(Err(error)),
        };
        if let Some(start) = file.start()? {
            match guarded(start, true) {
                Err(ThumbnailError::Corrupt { .. }) => {}
                outcome => return Ok(outcome),
            }
        }
        Ok(guarded(file.all()?, false))
    }

    fn result<T>(&self, outcome: io::Result<Result<T, ThumbnailError>>) -> PyResult<T> {
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.exception(&error)),
            Err(error) => Err(self.not_readable(error)),
        }
    }

    fn describe(&self, problem: &dyn std::fmt::Display) -> String {
        match self {
            Self::Bytes(_) | Self::Start(_) => problem.to_string(),
            Self::Path(path) => format!("{path:?}: {problem}"),
        }
    }

    fn exception(&self, error: &ThumbnailError) -> PyErr {
        let message = self.describe(error);
        match error {
            ThumbnailError::TooLarge { .. } => ImageTooLarge::new_err(message),
            ThumbnailError::Timeout => RenderTimeout::new_err(message),
            ThumbnailError::Unsupported | ThumbnailError::UnsupportedFeature { .. } => {
                UnsupportedImage::new_err(message)
            }
            ThumbnailError::Corrupt { .. } | ThumbnailError::Panic => {
                CorruptImage::new_err(message)
            }
            ThumbnailError::Internal(_) => PyThumbnailError::new_err(message),
        }
    }

    fn not_readable(&self, error: io::Error) -> PyErr {
        match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidInput => FileNotFound::new_err(self.describe(&error)),
            _ => error.into(),
        }
    }
}

/// Quality where neither the spec nor the caller names one.
const fn default_quality(format: OutputFormat) -> u8 {
    match format {
        OutputFormat::Jpeg => 85,
        OutputFormat::Avif => 60,
        OutputFormat::WebP | OutputFormat::Png | OutputFormat::Gif => 80,
    }
}

fn output_format(name: &str) -> PyResult<OutputFormat> {
    OutputFormat::from_name(name).ok_or_else(|| {
        PyValueError::new_err(format!("format must be jpeg, png, webp, avif or gif, not {name:?}"))
    })
}

fn style(progressive: bool, subsampling: &str, colors: Option<u16>) -> PyResult<Style> {
    let subsampling = Subsampling::from_name(subsampling).ok_or_else(|| {
        PyValueError::new_err(format!("subsampling must be 4:2:0 or 4:4:4, not {subsampling:?}"))
    })?;
    let colors = colors
        .map(|count| {
            let message = || format!("colors must be 2 to 256, not {count}");
            Colors::new(count).ok_or_else(|| PyValueError::new_err(message()))
        })
        .transpose()?;
    Ok(Style { progressive, subsampling, colors })
}

/// A request for thumbnails, apart from their sources.
struct Order {
    spec: Spec,
    /// None = of the source's own kind.
    format: Option<OutputFormat>,
    quality: HashMap<String, u8>,
    style: Style,
    light: Light,
    limits: Limits,
}

impl Order {
    /// The order for a spec, whose own format counts if it is settled.
    fn of_spec(spec: &PySpec, linear: bool, limits: Option<&Limits>) -> Self {
        let format = match spec.0.format {
            Some(FormatOption::Fixed(format)) => Some(format),
            Some(FormatOption::Auto) | None => None,
        };
        let light = if linear { Light::Linear } else { Light::Encoded };
        let limits = limits.copied().unwrap_or_default();
        let (quality, style) = (HashMap::new(), Style::default());
        Self { spec: spec.0, format, quality, style, light, limits }
    }

    /// Run something with the job for these bytes.
    fn with_job<T>(
        &self,
        bytes: &[u8],
        is_start: bool,
        work: impl FnOnce(&Job<'_>) -> Result<T, ThumbnailError>,
    ) -> Result<T, ThumbnailError> {
        let limits = &self.limits.core();
        let format = if let Some(format) = self.format {
            format
        } else {
            let header = engine::probe::probe(bytes, limits)?;
            header.format.kept(header.has_alpha)
        };
        let quality = self.quality.get(format.name()).copied();
        let quality = quality.unwrap_or_else(|| default_quality(format));
        let deadline = self.limits.timeout.and_then(|seconds| {
            Instant::now().checked_add(Duration::try_from_secs_f64(seconds).ok()?)
        });
        let expired = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let Self { spec, style, light, .. } = self;
        let (style, light) = (*style, *light);
        work(&Job { spec, format, quality, style, light, limits, is_start, expired: &expired })
    }

    fn render(&self, py: Python<'_>, source: &Source) -> PyResult<Thumbnail> {
        let thumbnail = source.with(py, &self.limits, |bytes, is_start| {
            self.with_job(bytes, is_start, |job| engine::render(bytes, job))
        })?;
        Ok(Thumbnail::new(py, &thumbnail))
    }
}

/// Make the thumbnail that a spec describes, in this format.
#[pyfunction]
#[pyo3(signature = (source, spec, *, format, quality=None, linear=false, limits=None,
    is_start=false))]
#[expect(clippy::too_many_arguments, reason = "keyword-only in Python")]
pub(super) fn render(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    spec: &PySpec,
    format: &str,
    quality: Option<HashMap<String, u8>>,
    linear: bool,
    limits: Option<&Limits>,
    is_start: bool,
) -> PyResult<Thumbnail> {
    let format = Some(output_format(format)?);
    let quality = quality.unwrap_or_default();
    let order = Order { format, quality, ..Order::of_spec(spec, linear, limits) };
    let source = match Source::new(source, &order.limits)? {
        Source::Bytes(bytes) if is_start => Source::Start(bytes),
        source => source,
    };
    order.render(py, &source)
}

/// Make a thumbnail; the options are those of `Spec`.
#[pyfunction]
#[pyo3(signature = (source, width=None, height=None, *, progressive=false, subsampling="4:2:0",
    colors=None, linear=false, limits=None, **options))]
#[expect(clippy::too_many_arguments, reason = "keyword-only in Python")]
pub(super) fn thumbnail(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    width: Option<u32>,
    height: Option<u32>,
    progressive: bool,
    subsampling: &str,
    colors: Option<u16>,
    linear: bool,
    limits: Option<&Limits>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Thumbnail> {
    let style = style(progressive, subsampling, colors)?;
    let spec = py.get_type::<PySpec>().call((width, height), options)?;
    let order = Order::of_spec(spec.cast::<PySpec>()?.get(), linear, limits);
    Order { style, ..order }.render(py, &Source::new(source, &order.limits)?)
}

/// Make thumbnails of several sources at once.
#[pyfunction]
#[pyo3(signature = (sources, width=None, height=None, *, threads=None,
    progressive=false, subsampling="4:2:0", colors=None, linear=false, limits=None, **options))]
#[expect(clippy::too_many_arguments, reason = "keyword-only in Python")]
pub(super) fn thumbnail_many<'py>(
    py: Python<'py>,
    sources: &Bound<'py, PyAny>,
    width: Option<u32>,
    height: Option<u32>,
    threads: Option<NonZeroUsize>,
    progressive: bool,
    subsampling: &str,
    colors: Option<u16>,
    linear: bool,
    limits: Option<&Limits>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let style = style(progressive, subsampling, colors)?;
    let spec = py.get_type::<PySpec>().call((width, height), options)?;
    let order = Order::of_spec(spec.cast::<PySpec>()?.get(), linear, limits);
    let order = Order { style, ..order };
    let sources = sources
        .try_iter()?
        .map(|source| Source::new(&source?, &order.limits))
        .collect::<PyResult<Vec<_>>>()?;
    let threads =
        threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let outcomes = py.detach(|| {
        engine::many::each(sources.len(), threads, |index| {
            sources.get(index).map(|source| {
                source.read(&order.limits, |bytes, is_start| {
                    order.with_job(bytes, is_start, |job| engine::render(bytes, job))
                })
            })
        })
    });
    sources
        .iter()
        .zip(outcomes.into_iter().flatten())
        .map(|(source, outcome)| match source.result(outcome) {
            Ok(made) => Ok(Bound::new(py, Thumbnail::new(py, &made))?.into_any()),
            Err(error) if error.is_instance_of::<XaccelError>(py) => {
                Ok(error.into_value(py).into_bound(py).into_any())
            }
            Err(error) => Err(error),
        })
        .collect()
}

/// A blurred picture as a `data:` URI, to be shown until the thumbnail is there.
#[pyfunction]
#[pyo3(signature = (source, *, limits=None))]
pub(super) fn placeholder(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    limits: Option<&Limits>,
) -> PyResult<String> {
    let order = Order::of_spec(&PySpec(Spec::default()), false, limits);
    Source::new(source, &order.limits)?.with(py, &order.limits, |bytes, is_start| {
        order.with_job(bytes, is_start, |job| engine::placeholder::data_uri(bytes, job))
    })
}

/// Read the header of an image.
#[pyfunction]
#[pyo3(signature = (source, *, limits=None))]
pub(super) fn probe(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    limits: Option<&Limits>,
) -> PyResult<ImageInfo> {
    let limits = limits.copied().unwrap_or_default();
    let core = limits.core();
    Source::new(source, &limits)?
        .with(py, &limits, |bytes, _| engine::probe::probe(bytes, &core))
        .map(ImageInfo::from)
}

/// The codec libraries and their versions.
#[pyfunction]
pub(super) fn codecs() -> HashMap<&'static str, String> {
    engine::codecs().into_iter().collect()
}
