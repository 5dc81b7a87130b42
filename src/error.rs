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
    /// One internal prefix begins with another, so that a URL of the outer root's could mean a
    /// file of the inner one's.
    #[error(
        "the internal prefix {inner:?} lies within {outer:?}, but its directory not at that place: \
         a URL would mean two files"
    )]
    NestedPrefix {
        /// The longer prefix.
        inner: String,
        /// The shorter prefix.
        outer: String,
    },
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
    /// The operating system refuses, by this error number: no permission, or too many open files.
    #[error("{}", std::io::Error::from_raw_os_error(*.0))]
    Os(i32),
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

/// A [`crate::sign::Signer`] that can't be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignerError {
    /// An algorithm that this signer does not have.
    #[error("the algorithm must be {choices}, not {name:?}")]
    UnknownAlgorithm {
        /// What was asked for.
        name: String,
        /// What there is.
        choices: &'static str,
    },
    /// The list of secrets is empty.
    #[error("at least one secret is needed, to sign with")]
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
        /// What is needed, in bytes.
        minimum: usize,
    },
    /// A parameter name that would need encoding, or is empty.
    #[error("{name:?} can't name a query parameter: use letters, digits, '-', '.', '_' and '~'")]
    BadParamName {
        /// The name.
        name: String,
    },
    /// A key or salt that is not written in hexadecimal digits.
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
        /// How many keys there are.
        keys: usize,
        /// How many salts there are.
        salts: usize,
    },
    /// A truncated signature that would be longer than the whole, or too short to resist
    /// guessing.
    #[error("a signature is cut to {minimum} to {maximum} {unit}, not to {found}")]
    SignatureLength {
        /// What was asked for.
        found: usize,
        /// The least.
        minimum: usize,
        /// The whole signature.
        maximum: usize,
        /// `bytes` or `characters`.
        unit: &'static str,
    },
    /// Both parameters have one name (nginx's `$arg_name` ignores case).
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
    /// A `#` outside a path that is given as such.
    #[error(
        "a URL to be signed has no fragment; when the '#' is part of a file name, sign it as a path"
    )]
    Fragment,
    /// `secure-link-md5` with a query.
    #[error(
        "secure-link-md5 can't sign a query: nginx's $uri, which it covers, is the path alone; \
         use hmac-sha256, or sign it as a path when the '?' is part of a file name"
    )]
    QueryNotCovered,
    /// A parameter of the URL has the name of the signature's or the expiry's.
    #[error("the query parameter {name:?} is reserved for the signature")]
    ReservedParam {
        /// The name, as given.
        name: String,
    },
    /// An expiry of zero or less, which nginx's `secure_link` refuses.
    #[error("an expiry is a time after 1970-01-01 00:00:00 UTC, not {expires} seconds from it")]
    ExpiresOutOfRange {
        /// The expiry, in Unix seconds.
        expires: i64,
    },
    /// A lifetime that is not positive, or ends after the last Unix second.
    #[error("a lifetime is a positive number of seconds, not {seconds}")]
    LifetimeOutOfRange {
        /// The lifetime in seconds.
        seconds: i64,
    },
}

/// A thumbnail whose URL can't be written in the grammar of another server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DialectError {
    /// The server has no such option.
    #[error("{server} can't do '{option}': {reason}")]
    Inexpressible {
        /// The server.
        server: &'static str,
        /// The option as it is named in a spec.
        option: &'static str,
        /// What it lacks.
        reason: &'static str,
    },
    /// thumbor counts pixels of the source where the spec has fractions.
    #[error("thumbor does '{option}' in pixels of the source, whose (width, height) it needs")]
    NeedsSourceSize {
        /// The option as it is named in a spec.
        option: &'static str,
    },
    /// The source is empty.
    #[error("the source has no name")]
    NoSource,
    /// An expiry that can't be written.
    #[error(transparent)]
    Expiry(#[from] SignError),
    /// thumbor would take the beginning of the source for one of its options.
    #[error("thumbor would read {start:?} at the start of the source as an option, not a name")]
    AmbiguousSource {
        /// The first part of the source.
        start: String,
    },
}

/// A URL whose signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// No signature at the end of the query.
    #[error("the URL does not end with its signature and expiry")]
    NoSignature,
    /// The path is not spelt the one way that signing spells it.
    #[error("the path is refused: {0}")]
    BadPath(UriError),
    /// The signed parameters are not spelt the one way that signing spells them.
    #[error("the query is not in its canonical spelling")]
    BadQuery,
    /// Parameters that the signature does not cover, or that are reserved for it.
    #[error("the query has parameters that do not belong there")]
    ExtraParam,
    /// The expiry is not a positive decimal number without sign and leading zeros.
    #[error("the expiry is not a positive decimal number in its one spelling")]
    BadExpires,
    /// The signature is not unpadded, canonical base64url of the right length.
    #[error("the signature is not canonical base64url of the right length")]
    BadEncoding,
    /// None of the keys has made this signature.
    #[error("the signature fits none of the keys")]
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

impl From<raster::RasterError> for ThumbnailError {
    fn from(error: raster::RasterError) -> Self {
        Self::Internal(error.to_string())
    }
}
