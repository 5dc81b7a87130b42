//! All errors, with one enum for each area.
//!
//! The messages are written for the operator's log. They state what is wrong and what would be
//! valid, but never contain a secret. The Python exceptions decide what a visitor sees.

use thiserror::Error;

use crate::thumbnail::format::{MAX_SIDE, SourceFormat};

/// A path that is not in normal form (see [`crate::uri`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UriError {
    /// The path does not start with a slash.
    #[error("a path must start with '/'")]
    NotAbsolute,
    /// The path contains two slashes in a row; nginx would merge them.
    #[error("a path must not contain '//'")]
    EmptySegment,
    /// A segment is `.` or `..`; browsers and servers would resolve it.
    #[error("a path must not contain a '.' or '..' segment")]
    DotSegment,
    /// The path contains a NUL byte, which ends a string in C.
    #[error("a path must not contain a NUL byte")]
    Nul,
    /// A `%` is not followed by two hexadecimal digits.
    #[error("'%' must be followed by two hexadecimal digits")]
    BadEscape,
    /// The decoded bytes are not UTF-8.
    #[error("a path must be UTF-8 once it is percent-decoded")]
    NotUtf8,
    /// The percent-encoding of the path differs from the result of [`crate::uri::encode_path`].
    #[error("the path is not in its canonical percent-encoding")]
    NotCanonical,
}

/// An invalid mapping of directories to internal prefixes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathMapError {
    /// The directory is relative, or contains a `..` component or a NUL byte.
    #[error("the directory {0:?} must be an absolute path without '..'")]
    Directory(String),
    /// The internal prefix does not have the form `/…/`.
    #[error(
        "the internal prefix {0:?} must start and end with one '/', such as \"/_private/files/\""
    )]
    Prefix(String),
    /// Two directories have the same internal prefix.
    #[error("two directories have the internal prefix {0:?}")]
    SharedPrefix(String),
    /// One internal prefix starts with another, so that a URL could refer to a file in either root.
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
    /// The value of an `X-Accel-Mapping` header does not have the form `/directory/=/prefix/, …`.
    #[error("{0:?} does not have the form /directory/=/prefix/")]
    Syntax(String),
}

/// The reason why the file at a path can't be sent. Visitors get "not found" regardless of the
/// reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path is not absolute.
    #[error("it is not absolute")]
    NotAbsolute,
    /// The path contains a `..` component.
    #[error("it contains a '..' component")]
    Parent,
    /// The path contains a NUL byte.
    #[error("it contains a NUL byte")]
    Nul,
    /// No root contains the path.
    #[error("it is outside every root")]
    OutsideRoots,
    /// A symbolic link points outside the root.
    #[error("a symbolic link leads out of its root")]
    LinkOutside,
    /// The file does not exist, or its metadata can't be read.
    #[error("there is no such file")]
    Missing,
    /// The path is a directory, FIFO, socket or device.
    #[error("it is not a regular file")]
    NotAFile,
    /// The operating system returned this error number, for example because permission was denied.
    #[error("{}", std::io::Error::from_raw_os_error(*.0))]
    Os(i32),
}

/// The reason why a string or a set of options is not a valid thumbnail spec (see
/// [`crate::thumbnail::spec`]).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The string does not start with a size.
    #[error("a thumbnail spec starts with its size, such as '300x200', '300x-' or '-x200'")]
    Size,
    /// A side is zero or exceeds the maximum.
    #[error("a side must be 1 to {max} pixels, not {side}", max = MAX_SIDE)]
    Side {
        /// The side in pixels.
        side: u32,
    },
    /// An option does not exist.
    #[error("there is no option {found:?}; the options are, in this order: {options}")]
    UnknownOption {
        /// The text of the option.
        found: String,
        /// The syntax of all options.
        options: String,
    },
    /// An option is given twice.
    #[error("{found:?} repeats the option '{option}'")]
    Repeated {
        /// The name of the option.
        option: &'static str,
        /// The text of the second occurrence.
        found: String,
    },
    /// The value of an option is out of range or malformed.
    #[error("the value of '{option}' must be {expected}, not {found:?}")]
    Value {
        /// The name of the option.
        option: &'static str,
        /// The value.
        found: String,
        /// The valid values.
        expected: &'static str,
    },
    /// A keyword argument has the wrong type for the option.
    #[error("{keyword} must be {expected}, not {found:?}")]
    Kind {
        /// The keyword of the option.
        keyword: &'static str,
        /// The argument.
        found: String,
        /// The valid values.
        expected: &'static str,
    },
    /// The spec is not in its canonical spelling.
    #[error("the canonical spelling is '{canonical}'")]
    NotCanonical {
        /// The canonical spelling of the same spec.
        canonical: String,
    },
}

impl SpecError {
    /// Returns the error for an unknown option. The message lists the options that exist.
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
    /// A secret is empty.
    #[error("secret {number} is empty")]
    EmptySecret {
        /// Its position in the list, counted from 1.
        number: usize,
    },
    /// A secret is too short for HMAC.
    #[error("secret {number} has {length} bytes; hmac-sha256 needs at least {minimum}")]
    ShortSecret {
        /// Its position in the list, counted from 1.
        number: usize,
        /// Its length in bytes.
        length: usize,
        /// The minimum in bytes.
        minimum: usize,
    },
    /// The name of a parameter is empty, or needs percent-encoding.
    #[error("{name:?} can't name a query parameter: use letters, digits, '-', '.', '_' and '~'")]
    BadParamName {
        /// The name.
        name: String,
    },
    /// A key or salt does not consist of hexadecimal digits.
    #[error("{what} {number} is not an even number of hexadecimal digits")]
    NotHex {
        /// `key` or `salt`.
        what: &'static str,
        /// Its position in the list, counted from 1.
        number: usize,
    },
    /// The number of keys differs from the number of salts.
    #[error("each key needs a salt: there are {keys} keys and {salts} salts")]
    UnpairedKeys {
        /// The number of keys.
        keys: usize,
        /// The number of salts.
        salts: usize,
    },
    /// The requested length exceeds that of a full signature, or is so short that it can be guessed.
    #[error("a signature can have {minimum} to {maximum} {unit}, not {found}")]
    SignatureLength {
        /// The requested length.
        found: usize,
        /// The minimum.
        minimum: usize,
        /// The length of the full signature.
        maximum: usize,
        /// `bytes` or `characters`.
        unit: &'static str,
    },
    /// A `secure_link_md5` expression contains a variable whose value is unknown when a URL is
    /// signed. The message does not contain the variable's name, which may be part of a pasted
    /// secret.
    #[error(
        "the expression has a '$' that does not begin one of $secret, $uri, $secure_link_expires, \
         $remote_addr, $remote_user, $host, $server_name, $scheme, $http_name and $cookie_name"
    )]
    UnknownVariable,
    /// A `secure_link_md5` expression does not contain the path or the secret, so the signature
    /// would not depend on it.
    #[error("the expression must contain {name}")]
    NotInExpression {
        /// The variable.
        name: &'static str,
    },
    /// A key is not valid base64.
    #[error("the key is not valid base64")]
    NotBase64,
    /// Fastly cuts the decoded key off at a NUL byte.
    #[error("the decoded key contains a NUL byte, at which Fastly cuts it off")]
    NulInKey,
    /// The addressing style is unknown.
    #[error("the addressing must be 'path' or 'virtual', not {0:?}")]
    UnknownAddressing(String),
    /// A session token can't be part of a header.
    #[error("the session token must be printable ASCII, and not empty")]
    SessionToken,
    /// The `ttl` of a rule is not positive.
    #[error("the ttl must be a positive number of seconds, not {0}")]
    Ttl(i64),
    /// The endpoint is not an origin.
    #[error("the endpoint must be https://host or http://host, with an optional port and no path")]
    Endpoint,
    /// A value can't be part of a credential or a query.
    #[error("{what} must be printable ASCII without a slash, and not empty")]
    Credential {
        /// The argument.
        what: &'static str,
    },
    /// The parameters for the signature and the expiry have the same name. Case is ignored, as in
    /// nginx's `$arg_name`.
    #[error("the signature and its expiry need query parameters with different names")]
    SameParamName,
}

/// A URL that can't be signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The path is not in normal form, or the encoding of the query is invalid.
    #[error("this URL can't be signed: {0}")]
    Uri(#[from] UriError),
    /// The URL contains a `#`. Only a path may contain one.
    #[error(
        "a signed URL can't have a fragment; if the '#' is part of a file name, sign it as a path"
    )]
    Fragment,
    /// `secure-link-md5` can't sign a query.
    #[error(
        "secure-link-md5 can't sign a query: nginx's $uri, which it covers, is the path alone; \
         use hmac-sha256, or sign it as a path if the '?' is part of a file name"
    )]
    QueryNotCovered,
    /// A parameter of the URL has the same name as the signature or expiry parameter.
    #[error("the query parameter {name:?} is reserved for the signature")]
    ReservedParam {
        /// The name.
        name: String,
    },
    /// The `secure_link_md5` expression does not contain the expiry.
    #[error(
        "the expression does not contain $secure_link_expires, so anyone could change the expiry; \
         sign without one"
    )]
    ExpiresNotCovered,
    /// A variable in the `secure_link_md5` expression has no value.
    #[error("the expression contains ${name}, so a value for it is needed")]
    MissingVariable {
        /// The name, without `$`.
        name: String,
    },
    /// A value is given for a variable that is not in the `secure_link_md5` expression.
    #[error("the expression does not contain the variable {name:?}")]
    UnusedVariable {
        /// The name.
        name: String,
    },
    /// The expiry is zero or negative; nginx's `secure_link` rejects it.
    #[error("an expiry must be after 1970-01-01 00:00:00 UTC, not the Unix time {expires}")]
    ExpiresOutOfRange {
        /// The expiry, in Unix seconds.
        expires: i64,
    },
    /// The URL is neither absolute nor a path.
    #[error("the URL must be absolute, such as https://cdn.example.com/a.jpg{or_path}")]
    NotAbsolute {
        /// The other accepted form.
        or_path: &'static str,
    },
    /// A character in the URL must be percent-encoded.
    #[error("the URL must be percent-encoded as it will be sent; it contains the character {0:?}")]
    Unencoded(char),
    /// Two query parameters have the same name, but the signature covers only one of them.
    #[error("the query has the parameter {name:?} twice, and the signature can cover only one")]
    DuplicateParam {
        /// The name.
        name: String,
    },
    /// A character has a special meaning in the pattern that the signature covers.
    #[error("the directory contains {0:?}, which has a special meaning in the signed pattern")]
    Wildcard(char),
    /// The URL does not name an object in a bucket.
    #[error("the URL must be {scheme}://bucket/key")]
    NotAnObject {
        /// The scheme, without `://`.
        scheme: &'static str,
    },
    /// The bucket can't be part of the endpoint's host name.
    #[error("the bucket {bucket:?} can't be part of a host name; use the addressing 'path'")]
    BucketInHost {
        /// The bucket.
        bucket: String,
    },
    /// An HTTP method or header can't be sent.
    #[error("{0:?} is not a valid HTTP method or header")]
    NotHttp(String),
    /// The signature would be valid for too long.
    #[error("this signature can be valid for at most {maximum} seconds, not {seconds}")]
    TooLong {
        /// The lifetime in seconds.
        seconds: i64,
        /// The maximum in seconds.
        maximum: i64,
    },
    /// The expiry is in the past. A signature that contains a lifetime can't express this.
    #[error("the expiry {expires} is not after the current time {now} (Unix seconds)")]
    AlreadyExpired {
        /// The expiry.
        expires: i64,
        /// The time of the signature.
        now: i64,
    },
    /// The time does not have a four-digit year, or does not have ten digits in Unix seconds.
    #[error("the time {0} (Unix seconds) is outside the range that the signature can express")]
    TimeOutOfRange(i64),
    /// The lifetime is not positive, or ends after the last representable second.
    #[error("a lifetime must be a positive number of seconds, not {seconds}")]
    LifetimeOutOfRange {
        /// The lifetime in seconds.
        seconds: i64,
    },
}

/// The reason why a thumbnail can't be expressed as a URL of a different server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DialectError {
    /// The server does not support the option.
    #[error("{server} does not support '{option}': {reason}")]
    Inexpressible {
        /// The server.
        server: &'static str,
        /// The option, as named in a spec.
        option: &'static str,
        /// The reason.
        reason: &'static str,
    },
    /// thumbor requires values in source pixels, but the spec contains fractions of the source.
    #[error(
        "thumbor expects '{option}' in source pixels, so the source's (width, height) is required"
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
    /// The start of the source looks like one of thumbor's options.
    #[error("thumbor reads {start:?} at the start of the source as an option, not as a name")]
    AmbiguousSource {
        /// The first part of the source.
        start: String,
    },
}

/// The reason why a URL fails verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The query does not end with a signature.
    #[error("the URL does not end with its signature and expiry")]
    NoSignature,
    /// The path is not in its canonical spelling.
    #[error("the path is invalid: {0}")]
    BadPath(UriError),
    /// The signed parameters are not in their canonical spelling.
    #[error("the query is not in its canonical spelling")]
    BadQuery,
    /// The query has parameters that the signature does not cover, or that are reserved.
    #[error("the query has parameters that the signature does not cover")]
    ExtraParam,
    /// The expiry is not a positive decimal number, or it has a sign or leading zeros.
    #[error("the expiry is not a positive decimal number in its canonical spelling")]
    BadExpires,
    /// The signature is not unpadded, canonical base64url of the right length.
    #[error("the signature is not canonical base64url of the right length")]
    BadEncoding,
    /// The signature does not match any key.
    #[error("the signature does not match any key")]
    Mismatch,
    /// The signature is valid, but has expired.
    #[error("the URL expired at {expires}; the time is now {now} (Unix seconds)")]
    Expired {
        /// The last second in which the URL was valid.
        expires: i64,
        /// The time of the check.
        now: i64,
    },
}

/// The reason why a thumbnail can't be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ThumbnailError {
    /// The source, or the requested thumbnail, exceeds a limit.
    #[error("{found} {what} exceed the limit of {limit}")]
    TooLarge {
        /// The unit of the numbers.
        what: &'static str,
        /// The number.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// The time limit was exceeded.
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
    /// The source does not have the requested page.
    #[error("page {page} does not exist; the number of pages is {pages}")]
    NoSuchPage {
        /// The requested page, counted from 1.
        page: u32,
        /// The number of pages.
        pages: u32,
    },
    /// The source does not have the requested frame.
    #[error("frame {frame} does not exist; the number of frames is {frames}")]
    NoSuchFrame {
        /// The requested frame, counted from 1.
        frame: u32,
        /// The number of frames.
        frames: u32,
    },
    /// The source can't be decoded.
    #[error("it is a corrupt {format} image: {reason}")]
    Corrupt {
        /// Its format, determined from the first bytes.
        format: SourceFormat,
        /// The decoder's message.
        reason: String,
    },
    /// The bytes are not a valid `ThumbHash`.
    #[error("it is not a ThumbHash")]
    Hash,
    /// The string is not a valid `BlurHash`.
    #[error("it is not a BlurHash")]
    BlurHash,
    /// A decoder panicked.
    #[error("it is a corrupt image: its decoder panicked")]
    Panic,
    /// A step failed, although the source is valid.
    #[error("the thumbnail can't be made: {0}")]
    Internal(String),
}

impl ThumbnailError {
    /// Returns the error for a source that can't be decoded.
    pub(crate) fn corrupt(format: SourceFormat, reason: impl std::fmt::Display) -> Self {
        Self::Corrupt { format, reason: reason.to_string() }
    }
}

impl From<raster::RasterError> for ThumbnailError {
    fn from(error: raster::RasterError) -> Self {
        Self::Internal(error.to_string())
    }
}

/// A layer of the sandbox that can't be entered; see [`crate::sandbox`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// This system does not have the layer.
    #[error("{0} is not available on this system")]
    Unavailable(&'static str),
    /// The kernel refuses.
    #[error("{0} can't be restricted: {1}")]
    Refused(&'static str, String),
}

/// A malformed message from the app or from a worker; see [`crate::sandbox::messages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidMessage {
    /// The message ends before its last value.
    #[error("it is too short")]
    TooShort,
    /// The message has bytes after its last value, or its length exceeds the limit.
    #[error("it is too long")]
    TooLong,
    /// The kind of the message is unknown.
    #[error("its kind is unknown")]
    Kind,
    /// A value is out of range.
    #[error("a value is invalid")]
    Value,
    /// A text is not UTF-8.
    #[error("its text is not UTF-8")]
    NotUtf8,
}
