//! The bindings: signatures, `py.detach` and the mapping of errors; nothing else.

use pyo3::prelude::*;

mod thumbnail;

#[pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::thumbnail::PySpec;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
