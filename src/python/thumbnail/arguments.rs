//! The arguments of the thumbnail functions, apart from the source.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::exceptions::ImageTooLarge;
use super::super::numbers;
use super::super::spec::{PySize, PySpec};
use crate::error::ThumbnailError;
use crate::thumbnail::decode::svg::Fonts;
use crate::thumbnail::encode::{AvifSpeed, Colors, Style};
use crate::thumbnail::format::OutputFormat;
use crate::thumbnail::limits::Limits as CoreLimits;
use crate::thumbnail::options::{Qualities, RenderOptions};
use crate::thumbnail::resize::Averaging;
use crate::thumbnail::spec::{FormatOption, Page, Progressive, Seconds, Spec, Subsampling};
use crate::thumbnail::watermark::Watermark;
use raster::Size;

/// The limits of a source and its thumbnail.
#[pyclass(frozen, get_all, eq, module = "xaccel._core")]
#[derive(Clone, Copy, PartialEq)]
pub(in super::super) struct Limits {
    max_memory: u64,
    max_pixels: Option<u64>,
    pub(super) max_bytes: u64,
    max_frames: u32,
    max_side: u32,
    timeout: Option<f64>,
}

#[pymethods]
impl Limits {
    #[new]
    #[pyo3(signature = (*, max_memory=268_435_456, max_pixels=None, max_bytes=52_428_800,
        max_frames=100, max_side=8192, timeout=None))]
    fn new(
        #[pyo3(from_py_with = numbers::max_memory)] max_memory: u64,
        #[pyo3(from_py_with = numbers::max_pixels)] max_pixels: Option<u64>,
        #[pyo3(from_py_with = numbers::max_bytes)] max_bytes: u64,
        #[pyo3(from_py_with = numbers::max_frames)] max_frames: u32,
        #[pyo3(from_py_with = numbers::max_side)] max_side: u32,
        #[pyo3(from_py_with = numbers::timeout)] timeout: Option<f64>,
    ) -> Self {
        Self { max_memory, max_pixels, max_bytes, max_frames, max_side, timeout }
    }

    #[pyo3(signature = (width, height, bytes_per_pixel=4, /))]
    fn check_decoded(&self, width: u32, height: u32, bytes_per_pixel: u64) -> PyResult<()> {
        let pixels = Size { width, height }.pixels();
        self.core()
            .check_source(pixels, bytes_per_pixel, 1)
            .map_err(|error| ImageTooLarge::new_err(error.to_string()))
    }

    fn __repr__(&self) -> String {
        format!(
            "Limits(max_memory={}, max_pixels={}, max_bytes={}, max_frames={}, max_side={}, timeout={})",
            self.max_memory,
            self.max_pixels.map_or("None".into(), |pixels| pixels.to_string()),
            self.max_bytes,
            self.max_frames,
            self.max_side,
            self.timeout.map_or("None".into(), |seconds| seconds.to_string()),
        )
    }
}

impl Limits {
    /// The limits of a call that may take this number of seconds.
    pub(in super::super) const fn from_core(limits: CoreLimits, timeout: Option<f64>) -> Self {
        let CoreLimits { max_memory, max_pixels, max_bytes, max_frames, max_side } = limits;
        Self { max_memory, max_pixels, max_bytes, max_frames, max_side, timeout }
    }

    pub(in super::super) fn core(&self) -> CoreLimits {
        CoreLimits {
            max_memory: self.max_memory,
            max_pixels: self.max_pixels,
            max_bytes: self.max_bytes,
            max_frames: self.max_frames,
            max_side: self.max_side,
        }
    }

    /// The deadline of a call that starts now.
    pub(super) fn deadline(&self) -> Option<Instant> {
        Instant::now().checked_add(Duration::try_from_secs_f64(self.timeout?).ok()?)
    }

    /// The same limits, with the time that is left until the deadline.
    pub(super) fn until(&self, deadline: Option<Instant>) -> Self {
        let rest = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        Self { timeout: rest.map(|rest| rest.as_secs_f64()), ..*self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::from_core(CoreLimits::default(), None)
    }
}

/// The format with this name.
pub(in super::super) fn output_format(name: &str) -> PyResult<OutputFormat> {
    OutputFormat::from_name(name).ok_or_else(|| {
        PyValueError::new_err(format!("format must be jpeg, png, webp, avif or gif, not {name:?}"))
    })
}

/// The chroma subsampling with this name.
pub(in super::super) fn chroma_subsampling(name: &str) -> PyResult<Subsampling> {
    Subsampling::from_name(name).ok_or_else(|| {
        PyValueError::new_err(format!("subsampling must be 420, 422 or 444, not {name:?}"))
    })
}

/// The speed of the encoder for AVIF.
pub(in super::super) fn speed_of_avif(number: Option<u8>) -> PyResult<Option<AvifSpeed>> {
    let speed = |number| {
        AvifSpeed::new(number).ok_or_else(|| {
            PyValueError::new_err(format!("avif_speed must be 0 to 7, or 9, not {number}"))
        })
    };
    number.map(speed).transpose()
}

/// The encoders' settings that an app configures.
pub(in super::super) fn configured_style(
    progressive: Progressive,
    subsampling: Subsampling,
    avif_speed: Option<AvifSpeed>,
) -> Style {
    Style { progressive, subsampling, avif_speed, colors: None }
}

/// The maximum number of colours in a palette.
pub(super) fn number_of_colors(count: i64) -> PyResult<Colors> {
    u16::try_from(count)
        .ok()
        .and_then(Colors::new)
        .ok_or_else(|| PyValueError::new_err(format!("colors must be 2 to 256, not {count}")))
}

/// The encoders' settings that `thumbnail()` has in addition to the options of a spec.
pub(super) fn own_style(colors: Option<i64>, avif_speed: Option<u8>) -> PyResult<Style> {
    let avif_speed = speed_of_avif(avif_speed)?;
    let colors = colors.map(number_of_colors).transpose()?;
    Ok(Style { colors, avif_speed, ..Style::default() })
}

/// Convert a mapping of format names to qualities. `target` is the score for the quality `auto`.
pub(in super::super) fn qualities(names: Option<&HashMap<String, u8>>, target: u8) -> Qualities {
    let default = Qualities::default();
    let of = |format: OutputFormat| {
        let given = names.and_then(|names| names.get(format.name()));
        given.copied().unwrap_or_else(|| default.of(format))
    };
    Qualities {
        jpeg: of(OutputFormat::Jpeg),
        webp: of(OutputFormat::WebP),
        avif: of(OutputFormat::Avif),
        target,
    }
}

/// The arguments of a call, apart from the source.
pub(in super::super) struct Arguments {
    spec: Spec,
    /// `None` keeps the format of the source.
    format: Option<OutputFormat>,
    qualities: Qualities,
    style: Style,
    averaging: Averaging,
    watermark: Option<Arc<Watermark>>,
    pub(super) limits: Limits,
    /// The names of the enabled plug-in decoders; `None` for the default.
    pub(super) decoders: Option<Vec<String>>,
    /// The fonts for text in SVG images.
    pub(super) fonts: Fonts,
}

impl Arguments {
    /// The arguments for a spec. The spec's own format applies unless it is `auto`.
    pub(in super::super) fn new(spec: Spec, linear: bool, limits: Option<&Limits>) -> Self {
        let format = match spec.format {
            Some(FormatOption::Fixed(format)) => Some(format),
            Some(FormatOption::Auto) | None => None,
        };
        Self {
            spec,
            format,
            qualities: Qualities::default(),
            style: Style::default(),
            averaging: if linear { Averaging::LinearLight } else { Averaging::Encoded },
            watermark: None,
            limits: limits.copied().unwrap_or_default(),
            decoders: None,
            fonts: Fonts::SYSTEM,
        }
    }

    /// Return the same arguments with the names of the enabled plug-in decoders.
    pub(in super::super) fn with_decoders(self, decoders: Option<Vec<String>>) -> Self {
        Self { decoders, ..self }
    }

    /// Return the same arguments with fonts: files and directories, or `None` for the system's.
    pub(in super::super) fn with_fonts(self, fonts: Option<Vec<PathBuf>>) -> Self {
        Self { fonts: fonts.map_or(Fonts::SYSTEM, Fonts::of), ..self }
    }

    /// Return the same arguments with the SSIMULACRA2 score for the quality `auto`.
    pub(super) fn with_quality_target(self, target: u8) -> Self {
        Self { qualities: Qualities { target, ..self.qualities }, ..self }
    }

    /// Return the same arguments with a watermark.
    pub(in super::super) fn with_watermark(self, watermark: Option<Arc<Watermark>>) -> Self {
        Self { watermark, ..self }
    }

    /// The page to render, counted from 1.
    pub(super) fn page(&self) -> u32 {
        self.spec.page.unwrap_or(Page::FIRST).number()
    }

    /// The time of the frame to render, in seconds from the start of a film.
    pub(super) fn at(&self) -> Option<f64> {
        self.spec.at.map(Seconds::to_f64)
    }

    /// Build the arguments from a size, and from the options of a spec given as keyword arguments.
    pub(super) fn of_options(
        size: PySize<'_, '_>,
        options: Option<&Bound<'_, PyDict>>,
        style: Style,
        linear: bool,
        limits: Option<&Limits>,
    ) -> PyResult<Self> {
        let PySpec(spec) = PySpec::of_options(size, options)?;
        Ok(Self { style, ..Self::new(spec, linear, limits) })
    }

    /// Return the same arguments with a different format, different qualities, and different
    /// encoder settings.
    pub(in super::super) fn with_format(
        self,
        format: OutputFormat,
        qualities: Qualities,
        style: Style,
    ) -> Self {
        Self { format: Some(format), qualities, style, ..self }
    }

    /// Call `work` with the engine's options for these arguments.
    pub(super) fn with_options<T>(
        &self,
        deadline: Option<Instant>,
        is_partial: bool,
        work: impl FnOnce(&RenderOptions<'_>) -> Result<T, ThumbnailError>,
    ) -> Result<T, ThumbnailError> {
        work(&RenderOptions {
            spec: &self.spec,
            format: self.format,
            qualities: self.qualities,
            style: self.style,
            averaging: self.averaging,
            watermark: self.watermark.as_deref(),
            fonts: &self.fonts,
            limits: &self.limits.core(),
            is_partial,
            expired: &|| deadline.is_some_and(|deadline| Instant::now() >= deadline),
        })
    }
}
