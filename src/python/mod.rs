//! The bindings. They contain only signatures, `py.detach` and the mapping of errors.

#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
#![allow(clippy::unnecessary_debug_formatting, reason = "a log line needs its paths escaped")]

use mimalloc::MiMalloc;
use pyo3::prelude::*;

/// Reuses the memory of one image for the next one. The system's allocator would return this memory
/// to the kernel, which would have to clear it again. Clearing it would take up to a third of the
/// time needed for a small thumbnail.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

mod cache;
mod dialects;
mod exceptions;
mod numbers;
mod path_map;
mod sandbox;
mod secure_link;
mod sign;
mod spec;
mod thumbnail;
mod uri;
mod urls;

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
    use super::sandbox::{
        JobEncoder, ReplyReader, answer_jobs, enter_sandbox, font_fingerprint, harden_process,
        load_fonts, sandbox_layers,
    };
    #[pymodule_export]
    use super::secure_link::SecureLinkSigner;
    #[pymodule_export]
    use super::sign::{Signer, VerifiedUrl};
    #[pymodule_export]
    use super::spec::PySpec;
    #[pymodule_export]
    use super::thumbnail::{
        ImageInfo, Limits, PyStreamedSource, PyWatermark, Thumbnail, codecs, draw_blurhash,
        draw_thumbhash, placeholder, probe, render, score, thumbhash, thumbnail, thumbnail_many,
    };
    #[pymodule_export]
    use super::uri::encode_path;
    #[pymodule_export]
    use super::urls::{
        AkamaiSigner, BunnySigner, CloudflareImagesSigner, CloudflareSigner, FastlySigner,
        GoogleCloudStorageHmac, GoogleCloudStorageUrls, S3Signer, expires_at, split_url,
    };

    /// Returns the number of CPUs that this process may use.
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
