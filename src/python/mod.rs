//! The bindings: signatures, `py.detach` and the mapping of errors; nothing else.

#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
#![allow(clippy::unnecessary_debug_formatting, reason = "a log line needs its paths escaped")]

use mimalloc::MiMalloc;
use pyo3::prelude::*;

/// Keeps the memory of one picture for the next. The system's allocator returns it to the kernel,
/// which clears it again; that takes up to a third of the time of a small thumbnail.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

mod cache;
mod dialects;
mod exceptions;
mod path_map;
mod sign;
mod spec;
mod thumbnail;
mod uri;

#[pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::cache::{Cache, CacheLock};
    #[pymodule_export]
    use super::dialects::{HmacSecureLinkSigner, ImgproxySigner, ThumborSigner};
    #[pymodule_export]
    use super::path_map::{Location, OpenedFile, PathMap};
    #[pymodule_export]
    use super::sign::{Signer, VerifiedUrl};
    #[pymodule_export]
    use super::spec::PySpec;
    #[pymodule_export]
    use super::thumbnail::{
        ImageInfo, Limits, PyStreamedSource, Thumbnail, codecs, draw_thumbhash, placeholder, probe,
        render, thumbhash, thumbnail, thumbnail_many,
    };
    #[pymodule_export]
    use super::uri::encode_path;

    /// How many CPUs this process may use.
    #[pyfunction]
    fn available_parallelism() -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        PySpec::add_attributes(module.py())?;
        super::cache::register_at_fork(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
