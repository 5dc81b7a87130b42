//! Everything that can go wrong, one enum a concern.
//!
//! The messages are for the operator's log: they name what is wrong and what would be
//! right, never a secret. What a visitor may see is decided by the Python exceptions.

use thiserror::Error;

use crate::thumbnail::format::SourceFormat;

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

/// A map of directories to internal prefixes that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathMapError {
    /// The directory is relative, or has a `..` or NUL in it.
    #[error("the directory {0:?} must be an absolute path without '..'")]
    Directory(String),
    /// The internal prefix is not `/…/`.
    #[error(
        "the internal prefix {0:?} must start and end with one '/', such as \"/_private/files/\""
    )]
    Prefix(String),
    /// Two directories would answer at the same internal prefix.
    #[error("the internal prefix {0:?} is given to two directories")]
    SharedPrefix(String),
    /// An `X-Accel-Mapping` text that is not `/directory/=/prefix/, …`.
    #[error("{0:?} is not of the form /directory/=/prefix/")]
    Syntax(String),
}

/// Why a path may not be sent. A visitor is told "not found" whichever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path is not absolute.
    #[error("it is not absolute")]
    NotAbsolute,
    /// A `..` component.
    #[error("it has a '..' component")]
    Parent,
    /// A NUL byte or a backslash.
    #[error("it has a NUL byte or a backslash in it")]
    BadCharacter,
    /// No root contains the path.
    #[error("it is outside every root")]
    OutsideRoots,
    /// A symbolic link leads out of the root.
    #[error("a symbolic link leads out of its root")]
    LinkOutside,
    /// It does not exist, or can't be read as far as its metadata go.
    #[error("there is no such file")]
    Missing,
    /// A directory, FIFO, socket or device.
    #[error("it is not a regular file")]
    NotAFile,
}

/// A text or a set of options that is no thumbnail spec (see [`crate::thumbnail::spec`]).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The text does not begin with a size.
    #[error("a thumbnail spec begins with its size, such as '300x200', '300x-' or '-x200'")]
    Size,
    /// A side of zero or beyond the longest.
    #[error("a side must be 1 to {max} pixels, not {side}", max = crate::thumbnail::spec::MAX_SIDE)]
    Side {
        /// The side in pixels.
        side: u32,
    },
    /// An option that does not exist.
    #[error(
        "there is no option {found:?}; the options are, in this order: contain|cover|fill|pad, \
         upscale, g-…, crop-x-y-w-h, rot-90|180|270, flip-h|v, blur-…, sharpen-…, bg-rrggbb, \
         dpr-…, q-…, jpeg|png|webp|avif|gif|auto, v-…"
    )]
    UnknownOption {
        /// The text of the option.
        found: String,
    },
    /// An option given twice.
    #[error("{found:?}: the option '{option}' is there already")]
    Repeated {
        /// The name of the option.
        option: &'static str,
        /// The text of the second one.
        found: String,
    },
    /// An option with a value that it does not take.
    #[error("the value of '{option}' must be {expected}, not {found:?}")]
    Value {
        /// The name of the option.
        option: &'static str,
        /// The value.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A spelling other than the canonical one.
    #[error("the canonical spelling is '{canonical}'")]
    NotCanonical {
        /// The right spelling of the same spec.
        canonical: String,
    },
}

/// Why there is no thumbnail of a source.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ThumbnailError {
    /// The source, or the thumbnail that is asked for, exceeds a limit.
    #[error("{found} {what} are more than the limit of {limit}")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: u64,
        /// How many there may be.
        limit: u64,
    },
    /// The time for it is over.
    #[error("it takes longer than the time limit")]
    Timeout,
    /// The source is not of a format that is read.
    #[error("it is not an image of a supported format")]
    Unsupported,
    /// The source uses a feature of its format that is not read.
    #[error("{feature} is not supported")]
    UnsupportedFeature {
        /// The feature.
        feature: &'static str,
    },
    /// The source can't be decoded.
    #[error("it is a corrupt {format} image: {reason}")]
    Corrupt {
        /// What it says it is.
        format: SourceFormat,
        /// What its decoder says.
        reason: String,
    },
    /// A decoder panicked.
    #[error("it is a corrupt image: its decoder panicked")]
    Panic,
    /// A step failed for no fault of the source.
    #[error("the thumbnail can't be made: {0}")]
    Internal(String),
}

impl ThumbnailError {
    /// The error of a source that can't be decoded.
    pub(crate) fn corrupt(format: SourceFormat, reason: impl std::fmt::Display) -> Self {
        Self::Corrupt { format, reason: reason.to_string() }
    }
}
