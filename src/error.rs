//! Everything that can go wrong, one enum a concern.
//!
//! The messages are for the operator's log: they name what is wrong and what would be
//! right, never a secret. What a visitor may see is decided by the Python exceptions.

use thiserror::Error;

/// A path that is not in its one normal form (see [`crate::uri`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UriError {
    /// The path does not start with a slash.
    #[error("a path must start with '/'")]
    NotAbsolute,
    /// Two slashes follow each other; nginx would merge them.
    #[error("a path must not contain '//'")]
    EmptySegment,
    /// A segment is `.` or `..`; browsers and servers would resolve it.
    #[error("a path must not contain a '.' or '..' segment")]
    DotSegment,
    /// A NUL byte, at which C programs end the string.
    #[error("a path must not contain a NUL byte")]
    Nul,
    /// A `%` that two hexadecimal digits do not follow.
    #[error("'%' must be followed by two hexadecimal digits")]
    BadEscape,
    /// The decoded bytes are not UTF-8.
    #[error("a path must be UTF-8 once it is percent-decoded")]
    NotUtf8,
    /// Percent-encoded in another way than [`crate::uri::encode_path`] does it.
    #[error("the path is not percent-encoded the canonical way")]
    NotCanonical,
}
