//! All errors, in one enum for each concern.
//!
//! The messages are for the operator's log. They name what is wrong and what is right, never a
//! secret. The Python exceptions decide what a visitor sees.

use thiserror::Error;

use crate::thumbnail::format::{MAX_SIDE, SourceFormat};

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
    /// Not percent-encoded as by [`crate::uri::encode_path`].
    #[error("the percent-encoding of the path is not the canonical one")]
    NotCanonical,
}

/// An invalid map of directories to internal prefixes.
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
    /// Two directories have the same internal prefix.
    #[error("two directories have the internal prefix {0:?}")]
    SharedPrefix(String),
    /// One internal prefix starts with another, so that a URL could name a file of either root.
    #[error(
        "the internal prefix {inner:?} is below {outer:?}, but its directory is elsewhere: a URL \
         would name two files"
    )]
    NestedPrefix {
        /// The longer prefix.
        inner: String,
        /// The shorter prefix.
        outer: String,
    },
    /// An `X-Accel-Mapping` text that is not `/directory/=/prefix/, …`.
    #[error("{0:?} does not have the form /directory/=/prefix/")]
    Syntax(String),
}

/// Why a path can't be sent. A visitor gets "not found" for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path is not absolute.
    #[error("it is not absolute")]
    NotAbsolute,
    /// A `..` component.
    #[error("it has a '..' component")]
    Parent,
    /// A NUL byte.
    #[error("it contains a NUL byte")]
    Nul,
    /// No root contains the path.
    #[error("it is outside every root")]
    OutsideRoots,
    /// A symbolic link leads out of the root.
    #[error("a symbolic link leads out of its root")]
    LinkOutside,
    /// It does not exist, or its metadata can't be read.
    #[error("there is no such file")]
    Missing,
    /// A directory, FIFO, socket or device.
    #[error("it is not a regular file")]
    NotAFile,
    /// The operating system refuses, by this error number: no permission, or too many open files.
    #[error("{}", std::io::Error::from_raw_os_error(*.0))]
    Os(i32),
}

/// A text or a set of options that is not a thumbnail spec (see [`crate::thumbnail::spec`]).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The text does not start with a size.
    #[error("a thumbnail spec starts with its size, such as '300x200', '300x-' or '-x200'")]
    Size,
    /// A side of zero or beyond the longest.
    #[error("a side must be 1 to {max} pixels, not {side}", max = MAX_SIDE)]
    Side {
        /// The side in pixels.
        side: u32,
    },
    /// An option that does not exist.
    #[error("there is no option {found:?}; the options are, in this order: {options}")]
    UnknownOption {
        /// The text of the option.
        found: String,
        /// The syntax of all options.
        options: String,
    },
    /// An option given twice.
    #[error("{found:?} repeats the option '{option}'")]
    Repeated {
        /// The name of the option.
        option: &'static str,
        /// The text of the second occurrence.
        found: String,
    },
    /// An option with a value out of its range, or of another form.
    #[error("the value of '{option}' must be {expected}, not {found:?}")]
    Value {
        /// The name of the option.
        option: &'static str,
        /// The value.
        found: String,
        /// The possible values.
        expected: &'static str,
    },
    /// A keyword argument of another type than the option takes.
    #[error("{keyword} must be {expected}, not {found:?}")]
    Kind {
        /// The keyword of the option.
        keyword: &'static str,
        /// The argument.
        found: String,
        /// The possible values.
        expected: &'static str,
    },
    /// A spelling other than the canonical one.
    #[error("the canonical spelling is '{canonical}'")]
    NotCanonical {
        /// The canonical spelling of the same spec.
        canonical: String,
    },
}

impl SpecError {
    /// The error for an option that does not exist, where these do.
    pub(crate) fn unknown_option(found: &str, options: impl Iterator<Item = String>) -> Self {
        let options = options.collect::<Vec<_>>().join(", ");
        Self::UnknownOption { found: found.into(), options }
    }
}

/// Invalid arguments of a [`crate::sign::Signer`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignerError {
    /// An algorithm that this signer does not support.
    #[error("the algorithm must be {choices}, not {name:?}")]
    UnknownAlgorithm {
        /// The requested algorithm.
        name: String,
        /// The supported algorithms.
        choices: &'static str,
    },
    /// The list of secrets is empty.
    #[error("a signer needs at least one secret")]
    NoSecret,
    /// A secret has no bytes.
    #[error("secret {number} is empty")]
    EmptySecret {
        /// Its place in the list, from 1.
        number: usize,
    },
    /// A secret is too short for HMAC.
    #[error("secret {number} has {length} bytes; hmac-sha256 needs at least {minimum}")]
    ShortSecret {
        /// Its place in the list, from 1.
        number: usize,
        /// Its length in bytes.
        length: usize,
        /// The minimum in bytes.
        minimum: usize,
    },
    /// A parameter name that is empty, or needs percent-encoding.
    #[error("{name:?} can't name a query parameter: use letters, digits, '-', '.', '_' and '~'")]
    BadParamName {
        /// The name.
        name: String,
    },
    /// A key or salt that is not in hexadecimal digits.
    #[error("{what} {number} is not an even number of hexadecimal digits")]
    NotHex {
        /// `key` or `salt`.
        what: &'static str,
        /// Its place in the list, from 1.
        number: usize,
    },
    /// Keys and salts do not come in pairs.
    #[error("every key needs its salt: there are {keys} keys and {salts} salts")]
    UnpairedKeys {
        /// The number of keys.
        keys: usize,
        /// The number of salts.
        salts: usize,
    },
    /// A truncated signature that is longer than the whole, or short enough to guess.
    #[error("a signature can have {minimum} to {maximum} {unit}, not {found}")]
    SignatureLength {
        /// The requested length.
        found: usize,
        /// The minimum.
        minimum: usize,
        /// The length of the whole signature.
        maximum: usize,
        /// `bytes` or `characters`.
        unit: &'static str,
    },
    /// Both parameters have the same name (nginx's `$arg_name` ignores case).
    #[error("the signature and its expiry need query parameters of different names")]
    SameParamName,
}

/// A URL that can't be signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The path has no single normal form, or the query is badly encoded.
    #[error("this URL can't be signed: {0}")]
    Uri(#[from] UriError),
    /// A `#` in a URL. A path may contain it.
    #[error(
        "a signed URL can't have a fragment; if the '#' is part of a file name, sign it as a path"
    )]
    Fragment,
    /// `secure-link-md5` with a query.
    #[error(
        "secure-link-md5 can't sign a query: nginx's $uri, which it covers, is the path alone; \
         use hmac-sha256, or sign it as a path if the '?' is part of a file name"
    )]
    QueryNotCovered,
    /// A parameter of the URL has the name of the signature or of the expiry.
    #[error("the query parameter {name:?} is reserved for the signature")]
    ReservedParam {
        /// The name.
        name: String,
    },
    /// An expiry of zero or less, which nginx's `secure_link` refuses.
    #[error("an expiry must be after 1970-01-01 00:00:00 UTC, not {expires} seconds from it")]
    ExpiresOutOfRange {
        /// The expiry, in Unix seconds.
        expires: i64,
    },
    /// A lifetime that is not positive, or ends after the last representable second.
    #[error("a lifetime must be a positive number of seconds, not {seconds}")]
    LifetimeOutOfRange {
        /// The lifetime in seconds.
        seconds: i64,
    },
}

/// A thumbnail that the URLs of another server can't express.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DialectError {
    /// The server does not support the option.
    #[error("{server} can't do '{option}': {reason}")]
    Inexpressible {
        /// The server.
        server: &'static str,
        /// The option, as named in a spec.
        option: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// thumbor needs pixels of the source where the spec has fractions.
    #[error(
        "thumbor takes '{option}' in pixels of the source, so it needs the source's (width, height)"
    )]
    NeedsSourceSize {
        /// The option, as named in a spec.
        option: &'static str,
    },
    /// The source is empty.
    #[error("the source has no name")]
    NoSource,
    /// An invalid expiry.
    #[error(transparent)]
    Expiry(#[from] SignError),
    /// The start of the source looks like an option of thumbor's.
    #[error("thumbor reads {start:?} at the start of the source as an option, not as a name")]
    AmbiguousSource {
        /// The first part of the source.
        start: String,
    },
}

/// Why a URL fails verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// No signature at the end of the query.
    #[error("the URL does not end with its signature and expiry")]
    NoSignature,
    /// The path is not in its canonical spelling.
    #[error("the path is invalid: {0}")]
    BadPath(UriError),
    /// The signed parameters are not in their canonical spelling.
    #[error("the query is not in its canonical spelling")]
    BadQuery,
    /// Parameters that the signature does not cover, or that it reserves.
    #[error("the query has parameters that the signature does not cover")]
    ExtraParam,
    /// The expiry is not a positive decimal number, without sign or leading zeros.
    #[error("the expiry is not a positive decimal number in its canonical spelling")]
    BadExpires,
    /// The signature is not unpadded, canonical base64url of the right length.
    #[error("the signature is not canonical base64url of the right length")]
    BadEncoding,
    /// The signature does not match any key.
    #[error("the signature does not match any key")]
    Mismatch,
    /// The signature is right, but its time has passed.
    #[error("the URL expired at {expires} and it is {now} (Unix seconds)")]
    Expired {
        /// The last second in which the URL was valid.
        expires: i64,
        /// The time of the check.
        now: i64,
    },
}

/// Why a source has no thumbnail.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ThumbnailError {
    /// The source, or the requested thumbnail, exceeds a limit.
    #[error("{found} {what} exceed the limit of {limit}")]
    TooLarge {
        /// The things that are counted.
        what: &'static str,
        /// Their number.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// The time limit has passed.
    #[error("the render exceeds the time limit")]
    Timeout,
    /// The format of the source is not supported.
    #[error("it is not an image of a supported format")]
    Unsupported,
    /// The source uses a feature of its format that is not supported.
    #[error("{feature} is not supported")]
    UnsupportedFeature {
        /// The feature.
        feature: &'static str,
    },
    /// The source can't be decoded.
    #[error("it is a corrupt {format} image: {reason}")]
    Corrupt {
        /// Its format, by the first bytes.
        format: SourceFormat,
        /// The decoder's message.
        reason: String,
    },
    /// The bytes are not a `ThumbHash`.
    #[error("it is not a ThumbHash")]
    Hash,
    /// A decoder panicked.
    #[error("it is a corrupt image: its decoder panicked")]
    Panic,
    /// A step failed, although the source is valid.
    #[error("the thumbnail can't be made: {0}")]
    Internal(String),
}

impl ThumbnailError {
    /// The error for a source that can't be decoded.
    pub(crate) fn corrupt(format: SourceFormat, reason: impl std::fmt::Display) -> Self {
        Self::Corrupt { format, reason: reason.to_string() }
    }
}

impl From<raster::RasterError> for ThumbnailError {
    fn from(error: raster::RasterError) -> Self {
        Self::Internal(error.to_string())
    }
}
