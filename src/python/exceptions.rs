//! The exceptions that are defined in Python and raised in Rust.

pyo3::import_exception!(xaccel.exceptions, BadSignature);
pyo3::import_exception!(xaccel.exceptions, BadSize);
pyo3::import_exception!(xaccel.exceptions, ConfigError);
pyo3::import_exception!(xaccel.exceptions, CorruptImage);
pyo3::import_exception!(xaccel.exceptions, FileNotFound);
pyo3::import_exception!(xaccel.exceptions, ImageTooLarge);
pyo3::import_exception!(xaccel.exceptions, RenderStopped);
pyo3::import_exception!(xaccel.exceptions, RenderTimeout);
pyo3::import_exception!(xaccel.exceptions, SignatureExpired);
pyo3::import_exception!(xaccel.exceptions, SpecError);
pyo3::import_exception!(xaccel.exceptions, ThumbnailError);
pyo3::import_exception!(xaccel.exceptions, UnsupportedImage);
pyo3::import_exception!(xaccel.exceptions, XaccelError);
pyo3::import_exception!(xaccel.sandbox.protocol, InvalidReply);
