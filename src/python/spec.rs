//! `Spec`.

use std::num::NonZeroU32;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyCFunction, PyDict, PyFloat, PyList, PyString, PyTuple, PyType};

use super::exceptions;
use super::numbers;
use crate::error::SpecError;
use crate::thumbnail::crop::Geometry;
use crate::thumbnail::orient::Transform;
use crate::thumbnail::spec::{Argument, OPTIONS, Spec, SpecOption};
use raster::Size;

impl From<SpecError> for PyErr {
    fn from(error: SpecError) -> Self {
        match error {
            SpecError::Kind { .. } => PyTypeError::new_err(error.to_string()),
            error => exceptions::SpecError::new_err(error.to_string()),
        }
    }
}

/// Convert the value of a keyword argument.
fn argument(value: &Bound<'_, PyAny>) -> Argument {
    let read = || {
        if value.is_none() {
            return Ok(Argument::None);
        }
        if let Ok(flag) = value.cast::<PyBool>() {
            return Ok(Argument::Flag(flag.is_true()));
        }
        if let Ok(text) = value.cast::<PyString>() {
            return Ok(Argument::Text(text.to_str()?.to_owned()));
        }
        if value.is_instance_of::<PyTuple>() || value.is_instance_of::<PyList>() {
            return value.extract().map(Argument::Numbers);
        }
        if !value.is_instance_of::<PyFloat>()
            && let Ok(number) = value.extract()
        {
            return Ok(Argument::Integer(number));
        }
        value.extract().map(Argument::Number)
    };
    read().unwrap_or_else(|_: PyErr| {
        let shown = value.repr().or_else(|_| value.get_type().name());
        Argument::Other(shown.map(|shown| shown.to_string()).unwrap_or_default())
    })
}

/// The valid values of a side.
const SIDE: &str = "a whole number of pixels from 1 to 65535, or None to leave it free";

/// Read the width or the height of the box: a number, or its digits.
fn side(keyword: &'static str, value: &Bound<'_, PyAny>) -> Result<Option<u32>, SpecError> {
    let argument = argument(value);
    let side = match &argument {
        Argument::None => return Ok(None),
        Argument::Integer(number) => u32::try_from(*number).ok(),
        Argument::Number(number) if number.fract() == 0.0 => whole(*number),
        Argument::Text(text) => digits(text.trim()),
        _ => {
            return Err(SpecError::Kind { keyword, found: argument.to_string(), expected: SIDE });
        }
    };
    let error =
        || SpecError::Value { option: keyword, found: argument.to_string(), expected: SIDE };
    side.map(Some).ok_or_else(error)
}

/// Return the number if it can be the length of a side.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
fn whole(number: f64) -> Option<u32> {
    (0.0..=f64::from(u32::MAX)).contains(&number).then_some(number as u32)
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Parse both sides of a box from a single string, such as `300x200`, `300x` or `-x200`.
fn sides(text: &str) -> Option<(Option<u32>, Option<u32>)> {
    let side = |text: &str| match text {
        "" | "-" => Some(None),
        text => digits(text).map(Some),
    };
    let (width, height) = text.trim().split_once('x')?;
    Some((side(width)?, side(height)?))
}

/// A width and a height as Python passes them.
pub(super) type PySize<'a, 'py> = (Option<&'a Bound<'py, PyAny>>, Option<&'a Bound<'py, PyAny>>);

/// Read the size of the box from the keyword arguments.
fn size((width, height): PySize<'_, '_>) -> Result<(Option<u32>, Option<u32>), SpecError> {
    let text = width.and_then(|width| width.cast::<PyString>().ok()?.to_str().ok());
    let height = height.map_or(Ok(None), |height| side("height", height))?;
    if let (Some(text), Some((wide, high))) = (text, text.and_then(sides)) {
        if height.is_some() {
            let expected = "a number, because a height is given";
            return Err(SpecError::Value { option: "width", found: text.into(), expected });
        }
        return Ok((wide, high));
    }
    Ok((width.map_or(Ok(None), |width| side("width", width))?, height))
}

/// The Python value of an argument.
fn value(py: Python<'_>, argument: Argument) -> PyResult<Bound<'_, PyAny>> {
    Ok(match argument {
        Argument::None => py.None().into_bound(py),
        Argument::Flag(flag) => PyBool::new(py, flag).to_owned().into_any(),
        Argument::Integer(number) => number.into_pyobject(py)?.into_any(),
        Argument::Number(number) => number.into_pyobject(py)?.into_any(),
        Argument::Text(text) | Argument::Other(text) => text.into_pyobject(py)?.into_any(),
        Argument::Numbers(numbers) => PyTuple::new(py, numbers)?.into_any(),
    })
}

/// The description of a thumbnail; `str()` returns it as it appears in a URL.
#[pyclass(name = "Spec", module = "xaccel._core", frozen, eq, hash, str)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PySpec(pub(super) Spec);

impl std::fmt::Display for PySpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[pymethods]
impl PySpec {
    /// The keywords of all options, in their order in a spec.
    #[classattr]
    #[pyo3(name = "OPTIONS")]
    fn option_names(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, OPTIONS.iter().map(|option| option.keyword))
    }

    #[new]
    #[pyo3(signature = (width=None, height=None, **options))]
    fn new(
        width: Option<&Bound<'_, PyAny>>,
        height: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        Self::of_options((width, height), options)
    }

    /// Parse a spec in its canonical spelling.
    #[staticmethod]
    fn parse(text: &str) -> Result<Self, SpecError> {
        Spec::parse(text).map(Self)
    }

    /// Return a copy of the spec with some values replaced.
    #[pyo3(signature = (**changes))]
    fn replace<'py>(
        slf: &Bound<'py, Self>,
        changes: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, spec) = (slf.py(), slf.get().0);
        let options = PyDict::new(py);
        options.set_item("width", spec.width)?;
        options.set_item("height", spec.height)?;
        for option in &OPTIONS {
            options.set_item(option.keyword, value(py, option.argument(&spec))?)?;
        }
        if let Some(changes) = changes {
            options.update(changes.as_mapping())?;
        }
        PyType::new::<Self>(py).call((), Some(&options))
    }

    /// Return the format of the thumbnail for a source with this name, or `auto` if the spec says
    /// so.
    fn output_format(&self, source_name: &str) -> &'static str {
        self.0.output_format(source_name).name()
    }

    /// Return the size of the thumbnail for an upright source of this size.
    #[pyo3(signature = (width, height, /))]
    fn output_size(
        &self,
        #[pyo3(from_py_with = numbers::width)] width: NonZeroU32,
        #[pyo3(from_py_with = numbers::height)] height: NonZeroU32,
    ) -> PyResult<(u32, u32)> {
        if self.0.trim.is_some() {
            let message = "the size of a thumbnail with 'trim' depends on the pixels of its source";
            return Err(exceptions::SpecError::new_err(message));
        }
        let size = Size { width: width.get(), height: height.get() };
        let geometry = Geometry::new(size, Transform::default(), &self.0)
            .map_err(|error| exceptions::ImageTooLarge::new_err(error.to_string()))?;
        Ok((geometry.canvas.width, geometry.canvas.height))
    }

    #[getter]
    fn width(&self) -> Option<u32> {
        self.0.width
    }

    #[getter]
    fn height(&self) -> Option<u32> {
        self.0.height
    }

    fn __repr__(&self) -> String {
        format!("Spec.parse('{}')", self.0)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((slf.get_type().getattr("parse")?, (slf.get().to_string(),)))
    }
}

impl PySpec {
    /// Build a spec from a size, and from options given as keyword arguments.
    pub(super) fn of_options(
        given: PySize<'_, '_>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let (width, height) = size(given)?;
        let mut spec = Spec { width, height, ..Spec::default() };
        for (keyword, value) in options.into_iter().flatten() {
            let keyword = keyword.cast::<PyString>()?.to_str()?;
            let option = SpecOption::find(keyword).ok_or_else(|| {
                PyTypeError::new_err(format!("unexpected keyword argument '{keyword}'"))
            })?;
            option.set(&mut spec, &argument(&value))?;
        }
        Ok(Self(spec.normalized()?))
    }

    /// Add an attribute to the class for each option.
    pub(super) fn add_attributes(py: Python<'_>) -> PyResult<()> {
        let class = PyType::new::<Self>(py);
        let property = py.import("builtins")?.getattr("property")?;
        for option in &OPTIONS {
            let get = move |arguments: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| {
                let spec = arguments.get_item(0)?;
                let argument = option.argument(&spec.cast::<Self>()?.get().0);
                value(arguments.py(), argument).map(Bound::unbind)
            };
            let get = PyCFunction::new_closure(py, None, None, get)?;
            class.setattr(option.keyword, property.call1((get,))?)?;
        }
        Ok(())
    }
}
