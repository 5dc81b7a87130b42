//! Percent-encoding and the normal form of a path.
//!
//! A signature covers the *decoded, normalised* path (nginx's `$uri`), while the URL contains the
//! *encoded* one. A path has exactly one valid spelling in a URL: [`encode_path`] produces it, and
//! [`decode_path`] accepts only this spelling.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::error::UriError;

/// The bytes to encode in a query parameter's name or value: all except the *unreserved* characters
/// of RFC 3986.
const NOT_IN_QUERY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The bytes to encode in a path: all except *unreserved* characters, the slash, and the comma,
/// which separates the options of a thumbnail spec.
const NOT_IN_PATH: &AsciiSet = &NOT_IN_QUERY.remove(b'/').remove(b',');

/// The bytes to encode in the key of an object: all except *unreserved* characters and the slash.
const NOT_IN_KEY: &AsciiSet = &NOT_IN_QUERY.remove(b'/');

/// The bytes to encode in a URL within the path of another URL. A URL's separators other than `?`,
/// `#` and `%` are not encoded. All other bytes are encoded as in a path.
const NOT_IN_NESTED_URL: &AsciiSet = &NOT_IN_PATH
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'*')
    .remove(b'+')
    .remove(b';')
    .remove(b'=');

/// The properties of a byte that [`is_plain`] looks up, as bits.
const NOT_PLAIN: u8 = 1;
const SLASH: u8 = 2;
const NOT_AFTER_SLASH: u8 = 4;
static KINDS: [u8; 256] = {
    let mut kinds = [NOT_PLAIN; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        #[expect(clippy::indexing_slicing, reason = "checked when it is compiled")]
        let kind = &mut kinds[byte as usize];
        match byte {
            b'/' => *kind = SLASH | NOT_AFTER_SLASH,
            b'.' => *kind = NOT_AFTER_SLASH,
            b'-' | b'_' | b'~' | b',' => *kind = 0,
            _ if byte.is_ascii_alphanumeric() => *kind = 0,
            _ => {}
        }
        byte += 1;
    }
    kinds
};

/// Whether a single pass shows that a path is in normal form and is its own canonical encoding.
/// This is true of nearly every path. Paths with a segment that begins with a dot need
/// [`check_normal`].
pub(crate) fn is_plain(path: &str) -> bool {
    let mut found = 0;
    let mut before = 0;
    for byte in path.bytes() {
        let kind = KINDS.get(usize::from(byte)).copied().unwrap_or(NOT_PLAIN);
        // After a slash, `NOT_AFTER_SLASH` applies as well.
        found |= kind & (NOT_PLAIN | before << 1);
        before = kind;
    }
    found & (NOT_PLAIN | NOT_AFTER_SLASH) == 0 && path.starts_with('/')
}

/// Appends the canonical percent-encoding of a path, which may contain any bytes, to `out`. The
/// digits are in upper case, and everything is encoded except letters, digits, `-._~`, `/` and `,`.
pub fn encode_path_into(path: &[u8], out: &mut String) {
    out.extend(percent_encode(path, NOT_IN_PATH));
}

/// Does the same as [`encode_path_into`], but accepts only a path in normal form.
///
/// # Errors
/// See [`check_normal`]. In case of an error, nothing is appended.
pub fn encode_normal_path_into(path: &str, out: &mut String) -> Result<(), UriError> {
    if is_plain(path) {
        out.push_str(path);
    } else {
        check_normal(path)?;
        encode_path_into(path.as_bytes(), out);
    }
    Ok(())
}

/// Returns the canonical percent-encoding of a path; see [`encode_path_into`].
#[must_use]
pub fn encode_path(path: &[u8]) -> String {
    let mut out = String::new();
    encode_path_into(path, &mut out);
    out
}

/// Appends a URL or name to the path of another URL. Its `?` is encoded, because otherwise it would
/// begin the query.
pub fn encode_nested_url_into(url: &str, out: &mut String) {
    out.extend(percent_encode(url.as_bytes(), NOT_IN_NESTED_URL));
}

/// Appends the key of an object in an object store to the path of a URL.
pub fn encode_key_into(key: &[u8], out: &mut String) {
    out.extend(percent_encode(key, NOT_IN_KEY));
}

/// Appends a query parameter's name or value to `out`, percent-encoded (a space is `%20`).
pub fn encode_query_into(text: &[u8], out: &mut String) {
    out.extend(percent_encode(text, NOT_IN_QUERY));
}

/// Decodes a percent-encoded string.
///
/// # Errors
/// [`UriError::BadEscape`] when a `%` is not followed by two hexadecimal digits.
pub fn percent_decode(text: &str) -> Result<Cow<'_, [u8]>, UriError> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let mut digit = || {
                let digit = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(digit).ok()
            };
            match (digit(), digit()) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(UriError::BadEscape),
            }
        } else {
            byte
        });
    }
    Ok(Cow::Owned(decoded))
}

/// Checks that a decoded path is in normal form: it starts with `/`, and contains no empty, `.` or
/// `..` segment and no NUL byte. A final slash is allowed.
///
/// # Errors
/// Returns the error for the first rule that the path violates.
pub fn check_normal(path: &str) -> Result<(), UriError> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err(UriError::NotAbsolute);
    };
    let (mut length, mut dots) = (0_usize, 0_usize);
    for byte in rest.bytes() {
        match byte {
            0 => return Err(UriError::Nul),
            b'/' if length == 0 => return Err(UriError::EmptySegment),
            b'/' if length == dots && dots <= 2 => return Err(UriError::DotSegment),
            b'/' => (length, dots) = (0, 0),
            _ => {
                length += 1;
                dots += usize::from(byte == b'.');
            }
        }
    }
    if length == dots && matches!(dots, 1 | 2) {
        return Err(UriError::DotSegment);
    }
    Ok(())
}

/// Decodes the path of a URL. The path must be spelt exactly as [`encode_path`] spells it.
///
/// # Errors
/// Fails if the percent-encoding is invalid, or if the path is not UTF-8, not in normal form, or
/// not spelt as [`encode_path`] spells it.
pub fn decode_path(encoded: &str) -> Result<Cow<'_, str>, UriError> {
    if is_plain(encoded) {
        return Ok(Cow::Borrowed(encoded));
    }
    let path = match percent_decode(encoded)? {
        Cow::Borrowed(_) => Cow::Borrowed(encoded),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).map_err(|_| UriError::NotUtf8)?),
    };
    check_normal(&path)?;
    if !is_encoding_of(path.as_bytes(), encoded) {
        return Err(UriError::NotCanonical);
    }
    Ok(path)
}

/// Whether a string is the canonical percent-encoding of a path.
fn is_encoding_of(path: &[u8], encoded: &str) -> bool {
    let mut rest = Some(encoded);
    for piece in percent_encode(path, NOT_IN_PATH) {
        rest = rest.and_then(|rest| rest.strip_prefix(piece));
    }
    rest == Some("")
}

/// Whether a string needs no encoding in a query: it has at least one character, and all of its
/// characters are RFC 3986 *unreserved*.
#[must_use]
pub fn is_unreserved(text: &str) -> bool {
    percent_encode(text.as_bytes(), NOT_IN_QUERY).eq([text])
}

/// Parses the parameters of a query, decodes them as in HTML forms (`+` is a space), and keeps
/// their order. A name without `=` has an empty value. Empty pieces, as in `a=1&&b=2`, are skipped.
///
/// # Errors
/// [`UriError::BadEscape`] or [`UriError::NotUtf8`].
pub fn parse_query(query: &str) -> Result<Vec<(String, String)>, UriError> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        String::from_utf8(percent_decode(&spaced)?.into_owned()).map_err(|_| UriError::NotUtf8)
    };
    query
        .split('&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

/// Returns the canonical form of query parameters. They are sorted by name, and percent-encoded by
/// [`encode_query_into`]. Parameters with the same name keep their order, because it may matter.
/// Every parameter has an `=`.
#[must_use]
pub fn canonical_query(params: &[(impl AsRef<str>, impl AsRef<str>)]) -> String {
    let mut sorted: Vec<(&str, &str)> =
        params.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    sorted.sort_by_key(|&(name, _)| name);
    let mut query = String::new();
    for (name, value) in sorted {
        if !query.is_empty() {
            query.push('&');
        }
        encode_query_into(name.as_bytes(), &mut query);
        query.push('=');
        encode_query_into(value.as_bytes(), &mut query);
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn encodes_what_is_not_plain() {
        assert_eq!(
            encode_path("/t/300x200,cover/föö bär.jpg".as_bytes()),
            "/t/300x200,cover/f%C3%B6%C3%B6%20b%C3%A4r.jpg"
        );
        assert_eq!(encode_path(b"/100%/a?b#c+d\xff"), "/100%25/a%3Fb%23c%2Bd%FF");
        let mut query = String::new();
        encode_query_into("a/b, c".as_bytes(), &mut query);
        assert_eq!(query, "a%2Fb%2C%20c");
    }

    #[test]
    fn refuses_paths_without_a_normal_form() {
        for (path, error) in [
            ("", UriError::NotAbsolute),
            ("a", UriError::NotAbsolute),
            ("//a", UriError::EmptySegment),
            ("/a//b", UriError::EmptySegment),
            ("/a//", UriError::EmptySegment),
            ("/./a", UriError::DotSegment),
            ("/a/..", UriError::DotSegment),
            ("/a/../b", UriError::DotSegment),
            ("/a\0", UriError::Nul),
        ] {
            assert_eq!(check_normal(path), Err(error), "{path:?}");
        }
        for path in ["/", "/a", "/a/", "/...", "/.a", "/a..b"] {
            assert_eq!(check_normal(path), Ok(()), "{path:?}");
        }
    }

    #[test]
    fn accepts_one_spelling_only() {
        assert_eq!(decode_path("/a%20b").as_deref(), Ok("/a b"));
        for (encoded, error) in [
            ("/a b", UriError::NotCanonical),
            ("/%61", UriError::NotCanonical),
            ("/a%2fb", UriError::NotCanonical),
            ("/a%2Fb", UriError::NotCanonical),
            ("/%c3%b6", UriError::NotCanonical),
            ("/a%2e%2e", UriError::NotCanonical),
            ("/%2E%2E/b", UriError::DotSegment),
            ("/%00", UriError::Nul),
            ("/%FF", UriError::NotUtf8),
            ("/%", UriError::BadEscape),
            ("/%4", UriError::BadEscape),
            ("/%+1", UriError::BadEscape),
        ] {
            assert_eq!(decode_path(encoded), Err(error), "{encoded:?}");
        }
    }

    #[test]
    fn queries_have_one_canonical_text() {
        for (query, canonical) in [
            ("", ""),
            ("&", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1", "a=2&a=1"),
            ("flag", "flag="),
            ("q=a+b&&=x", "=x&q=a%20b"),
            ("q=a%2Bb%26&%c3%b6=%7e", "q=a%2Bb%26&%C3%B6=~"),
            ("a=b=c", "a=b%3Dc"),
        ] {
            assert_eq!(canonical_query(&parse_query(query).unwrap()), canonical, "{query:?}");
            assert_eq!(canonical_query(&parse_query(canonical).unwrap()), canonical);
        }
        assert_eq!(parse_query("a=%"), Err(UriError::BadEscape));
        assert_eq!(parse_query("a=%FF"), Err(UriError::NotUtf8));
    }

    #[test]
    fn plain_paths_are_normal_and_their_own_encoding() {
        for path in ["/", "/a", "/a/", "/a.b/c..", "/A-z_0~9,/x"] {
            assert!(is_plain(path), "{path:?}");
        }
        for path in ["", "a", "a/", "//", "/.a", "/a/.", "/a//b", "/a b", "/a%20b", "/\0", "/é"] {
            assert!(!is_plain(path), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn plain_is_normal_and_canonical(path in "[a./%~ \0é]{0,8}") {
            if is_plain(&path) {
                prop_assert_eq!(check_normal(&path), Ok(()));
                prop_assert_eq!(encode_path(path.as_bytes()), path);
            }
        }

        #[test]
        fn canonical_is_what_encoding_writes(text in "(%[0-9a-fA-F]{2}|[ -~])*") {
            if let Ok(decoded) = percent_decode(&text) {
                prop_assert_eq!(is_encoding_of(&decoded, &text), encode_path(&decoded) == text);
            }
        }

        #[test]
        fn decoding_undoes_encoding(path in "(/[^/\0]{1,12}){1,4}/?") {
            prop_assume!(check_normal(&path).is_ok());
            let encoded = encode_path(path.as_bytes());
            prop_assert_eq!(decode_path(&encoded), Ok(Cow::Borrowed(path.as_str())));
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = decode_path(&text);
        }
    }
}
