//! Reads numbers in arguments. Python's integers have no limits, and `PyO3` itself raises an
//! `OverflowError` that does not name the argument.

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;

use super::exceptions::ConfigError;

const U32: &str = "a whole number from 0 to 4294967295";
const U64: &str = "a whole number from 0 to 18446744073709551615";
const I64: &str = "a whole number of 64 bits";
const SIDE: &str = "a whole number of pixels from 1 to 4294967295";

/// Convert an argument, or fail with this error if the number is out of range.
fn converted<T>(value: &Bound<'_, PyAny>, out_of_range: impl Fn(String) -> PyErr) -> PyResult<T>
where
    for<'a, 'py> T: FromPyObject<'a, 'py, Error = PyErr>,
{
    value.extract().map_err(|error: PyErr| {
        let py = value.py();
        if error.is_instance_of::<PyOverflowError>(py) || error.is_instance_of::<PyValueError>(py) {
            return out_of_range(shown(value));
        }
        error
    })
}

/// Python refuses to format numbers with more than a few thousand digits.
fn shown(value: &Bound<'_, PyAny>) -> String {
    value
        .repr()
        .map_or_else(|_| "a number of thousands of digits".into(), |shown| shown.to_string())
}

/// Defines functions that read arguments. Each needs a name, a type, and a description of the valid
/// numbers.
macro_rules! numbers {
    ($error:ty: $($name:ident: $type:ty = $expected:expr;)*) => {
        $(
            pub(super) fn $name(value: &Bound<'_, PyAny>) -> PyResult<$type> {
                converted(value, |shown| {
                    let name = stringify!($name);
                    <$error>::new_err(format!("{name} must be {}, not {shown}", $expected))
                })
            }
        )*
    };
}

numbers! { PyValueError:
    avif_speed: Option<u8> = "0 to 7, or 9";
    capacity: usize = U64;
    colors: Option<i64> = "2 to 256";
    height: NonZeroU32 = SIDE;
    inactive: u64 = U64;
    limit: u64 = U64;
    max_bytes: u64 = U64;
    max_frames: u32 = U32;
    max_memory: u64 = U64;
    max_pixels: Option<u64> = U64;
    max_side: u32 = U32;
    max_size: u64 = U64;
    modified: Option<i64> = I64;
    now: Option<i64> = I64;
    number: u64 = U64;
    queue: usize = U64;
    renders: usize = U64;
    source_size: Option<(u32, u32)> = "(width, height), each from 0 to 4294967295 pixels";
    threads: Option<NonZeroUsize> = "a whole number, at least 1";
    width: NonZeroU32 = SIDE;
}

numbers! { ConfigError:
    length: Option<usize> = U64;
    size: usize = U64;
    ttl: i64 = "a positive number of seconds";
}

/// A time limit in seconds.
pub(super) fn timeout(value: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    let out_of_range = |shown| {
        let expected = "a number of seconds from 0 to 18446744073709551615";
        PyValueError::new_err(format!("timeout must be {expected}, not {shown}"))
    };
    let seconds: Option<f64> = converted(value, out_of_range)?;
    if seconds.is_none_or(|seconds| Duration::try_from_secs_f64(seconds).is_ok()) {
        Ok(seconds)
    } else {
        Err(out_of_range(shown(value)))
    }
}

/// The SSIMULACRA2 score to aim for.
pub(super) fn quality_target(value: &Bound<'_, PyAny>) -> PyResult<u8> {
    let out_of_range = |shown| {
        let expected = "a whole number from 1 to 100";
        PyValueError::new_err(format!("quality_target must be {expected}, not {shown}"))
    };
    let target: u8 = converted(value, out_of_range)?;
    if (1..=100).contains(&target) { Ok(target) } else { Err(out_of_range(shown(value))) }
}

/// The qualities of formats.
pub(super) fn quality(value: &Bound<'_, PyAny>) -> PyResult<Option<HashMap<String, u8>>> {
    let out_of_range = |shown| {
        let expected = "a number from 1 to 100 for each format";
        PyValueError::new_err(format!("quality must be {expected}, not {shown}"))
    };
    let qualities: Option<HashMap<String, u8>> = converted(value, out_of_range)?;
    let is_valid = |quality: &u8| (1..=100).contains(quality);
    if qualities.as_ref().is_none_or(|qualities| qualities.values().all(is_valid)) {
        Ok(qualities)
    } else {
        Err(out_of_range(shown(value)))
    }
}
