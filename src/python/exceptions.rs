//! The exceptions that Python defines and Rust raises.

pyo3::import_exception!(xaccel.exceptions, BadSignature);
pyo3::import_exception!(xaccel.exceptions, ConfigError);
pyo3::import_exception!(xaccel.exceptions, FileNotFound);
pyo3::import_exception!(xaccel.exceptions, SpecError);
pyo3::import_exception!(xaccel.exceptions, SignatureExpired);
