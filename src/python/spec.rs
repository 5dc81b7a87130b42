//! `Spec`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use super::exceptions;
use crate::error::SpecError;
use crate::thumbnail::crop::Plan;
use crate::thumbnail::orient::Transform;
use crate::thumbnail::spec::{
    CropRect, Fit, Flip, FormatOption, Fraction, Gravity, Hundredths, Rgb, Rotation, Spec,
    SpecOption, Version,
};
use raster::Size;

impl From<SpecError> for PyErr {
    fn from(error: SpecError) -> Self {
        exceptions::SpecError::new_err(error.to_string())
    }
}

/// A gravity as Python code gives it: its text in a spec, or a focal point.
#[derive(FromPyObject)]
pub(super) enum GravityArg {
    Text(String),
    Focal(f64, f64),
}

impl TryFrom<GravityArg> for Gravity {
    type Error = SpecError;

    fn try_from(gravity: GravityArg) -> Result<Self, SpecError> {
        match gravity {
            GravityArg::Text(text) => {
                Self::parse(&text).ok_or_else(|| SpecOption::Gravity.wrong(&text))
            }
            GravityArg::Focal(x, y) => Fraction::from_f64(x)
                .zip(Fraction::from_f64(y))
                .map(|(x, y)| Self::Focal(x, y))
                .ok_or_else(|| SpecOption::Gravity.wrong(&format!("{x}-{y}"))),
        }
    }
}

/// A crop as Python code gives it: its text in a spec, or four fractions.
#[derive(FromPyObject)]
pub(super) enum CropArg {
    Text(String),
    Edges(f64, f64, f64, f64),
}

impl TryFrom<CropArg> for CropRect {
    type Error = SpecError;

    fn try_from(crop: CropArg) -> Result<Self, SpecError> {
        match crop {
            CropArg::Text(text) => Self::parse(&text).ok_or_else(|| SpecOption::Crop.wrong(&text)),
            CropArg::Edges(x, y, w, h) => Self::from_f64([x, y, w, h])
                .ok_or_else(|| SpecOption::Crop.wrong(&format!("{x}-{y}-{w}-{h}"))),
        }
    }
}

/// What a thumbnail looks like; `str()` gives its text in a URL.
#[pyclass(name = "Spec", module = "xaccel._core", frozen, eq, hash, str)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PySpec(pub(super) Spec);

impl std::fmt::Display for PySpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn named<T>(
    option: SpecOption,
    name: Option<&str>,
    find: fn(&str) -> Option<T>,
) -> Result<Option<T>, SpecError> {
    name.map(|name| find(name).ok_or_else(|| option.wrong(name))).transpose()
}

fn number(option: SpecOption, value: Option<f64>) -> Result<Option<Hundredths>, SpecError> {
    value
        .map(|value| Hundredths::from_f64(value).ok_or_else(|| option.wrong(&value.to_string())))
        .transpose()
}

#[pymethods]
impl PySpec {
    #[new]
    #[pyo3(signature = (width=None, height=None, *, fit="contain", upscale=false, gravity=None,
        crop=None, rotate=0, flip=None, blur=None, sharpen=None, background=None, dpr=None,
        quality=None, format=None, version=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword-only in Python")]
    fn new(
        width: Option<u32>,
        height: Option<u32>,
        fit: &str,
        upscale: bool,
        gravity: Option<GravityArg>,
        crop: Option<CropArg>,
        rotate: u16,
        flip: Option<&str>,
        blur: Option<f64>,
        sharpen: Option<f64>,
        background: Option<&str>,
        dpr: Option<f64>,
        quality: Option<u8>,
        format: Option<&str>,
        version: Option<&str>,
    ) -> Result<Self, SpecError> {
        let hex = background.map(|hex| hex.strip_prefix('#').unwrap_or(hex));
        let spec = Spec {
            width,
            height,
            fit: Fit::from_name(fit).ok_or_else(|| SpecOption::Fit.wrong(fit))?,
            upscale,
            gravity: gravity.map(Gravity::try_from).transpose()?,
            crop: crop.map(CropRect::try_from).transpose()?,
            rotate: Rotation::from_degrees(rotate)
                .ok_or_else(|| SpecOption::Rotate.wrong(&rotate.to_string()))?,
            flip: named(SpecOption::Flip, flip, Flip::from_name)?,
            blur: number(SpecOption::Blur, blur)?,
            sharpen: number(SpecOption::Sharpen, sharpen)?,
            background: named(SpecOption::Background, hex, Rgb::parse)?,
            dpr: number(SpecOption::Dpr, dpr)?,
            quality,
            format: named(SpecOption::Format, format, FormatOption::from_name)?,
            version: named(SpecOption::Version, version, Version::parse)?,
        };
        spec.normalized().map(Self)
    }

    /// Read a spec in its canonical spelling.
    #[staticmethod]
    fn parse(text: &str) -> Result<Self, SpecError> {
        Spec::parse(text).map(Self)
    }

    /// The same spec with other values.
    #[pyo3(signature = (**changes))]
    fn replace<'py>(
        slf: &Bound<'py, Self>,
        changes: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = slf.get().options(slf.py())?;
        if let Some(changes) = changes {
            options.update(changes.as_mapping())?;
        }
        PyType::new::<Self>(slf.py()).call((), Some(&options))
    }

    /// The format of the thumbnail of a source with this name; `auto` if that is the option.
    fn output_format(&self, source_name: &str) -> &'static str {
        self.0.output_format(source_name).name()
    }

    /// The size of the thumbnail of an upright source of this size.
    #[pyo3(signature = (width, height, /))]
    fn output_size(&self, width: u32, height: u32) -> PyResult<(u32, u32)> {
        if width == 0 || height == 0 {
            return Err(PyValueError::new_err("a source has at least one pixel each way"));
        }
        let plan = Plan::of(Size { width, height }, Transform::default(), &self.0)
            .map_err(|error| exceptions::ImageTooLarge::new_err(error.to_string()))?;
        Ok((plan.canvas.width, plan.canvas.height))
    }

    #[getter]
    fn width(&self) -> Option<u32> {
        self.0.width
    }

    #[getter]
    fn height(&self) -> Option<u32> {
        self.0.height
    }

    #[getter]
    fn fit(&self) -> &'static str {
        self.0.fit.name()
    }

    #[getter]
    fn upscale(&self) -> bool {
        self.0.upscale
    }

    /// The text in a spec; a focal point as a pair of fractions.
    #[getter]
    fn gravity<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(match self.0.gravity {
            None => None,
            Some(Gravity::Focal(x, y)) => {
                Some((x.to_f64(), y.to_f64()).into_pyobject(py)?.into_any())
            }
            Some(gravity) => Some(gravity.to_string().into_pyobject(py)?.into_any()),
        })
    }

    #[getter]
    fn crop(&self) -> Option<(f64, f64, f64, f64)> {
        let CropRect { x, y, width, height } = self.0.crop?;
        Some((x.to_f64(), y.to_f64(), width.to_f64(), height.to_f64()))
    }

    #[getter]
    fn rotate(&self) -> u16 {
        self.0.rotate.degrees()
    }

    #[getter]
    fn flip(&self) -> Option<&'static str> {
        self.0.flip.map(Flip::name)
    }

    #[getter]
    fn blur(&self) -> Option<f64> {
        self.0.blur.map(Hundredths::to_f64)
    }

    #[getter]
    fn sharpen(&self) -> Option<f64> {
        self.0.sharpen.map(Hundredths::to_f64)
    }

    #[getter]
    fn background(&self) -> Option<String> {
        self.0.background.map(|color| color.to_string())
    }

    #[getter]
    fn dpr(&self) -> Option<f64> {
        self.0.dpr.map(Hundredths::to_f64)
    }

    #[getter]
    fn quality(&self) -> Option<u8> {
        self.0.quality
    }

    #[getter]
    fn format(&self) -> Option<&'static str> {
        self.0.format.map(FormatOption::name)
    }

    #[getter]
    fn version(&self) -> Option<String> {
        self.0.version.map(|version| version.to_string())
    }

    fn __repr__(&self) -> String {
        format!("Spec.parse('{}')", self.0)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((slf.get_type().getattr("parse")?, (slf.get().to_string(),)))
    }
}

impl PySpec {
    /// The arguments that build this spec again.
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let options = PyDict::new(py);
        options.set_item("width", self.width())?;
        options.set_item("height", self.height())?;
        options.set_item("fit", self.fit())?;
        options.set_item("upscale", self.upscale())?;
        options.set_item("gravity", self.gravity(py)?)?;
        options.set_item("crop", self.crop())?;
        options.set_item("rotate", self.rotate())?;
        options.set_item("flip", self.flip())?;
        options.set_item("blur", self.blur())?;
        options.set_item("sharpen", self.sharpen())?;
        options.set_item("background", self.background())?;
        options.set_item("dpr", self.dpr())?;
        options.set_item("quality", self.quality())?;
        options.set_item("format", self.format())?;
        options.set_item("version", self.version())?;
        Ok(options)
    }
}
