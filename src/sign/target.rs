//! A URL for a CDN, percent-encoded as it will be sent.

use crate::{
    error::{SignError, UriError},
    uri,
};

/// The parts of `https://host/path?query` or `/path?query`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// `https://host`, or empty.
    pub(super) origin: &'a str,
    /// The path, which is never empty.
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Parses a URL for a signature scheme that signs the path but not the host.
    ///
    /// # Errors
    /// Fails if the URL is relative or not percent-encoded, or if it has a fragment or dot
    /// segments. (Browsers resolve dot segments.)
    pub(super) fn parse(url: &'a str) -> Result<Self, SignError> {
        if let Some(character) = url.chars().find(|&c| !is_sent(c)) {
            return Err(SignError::Unencoded(character));
        }
        if url.contains('#') {
            return Err(SignError::Fragment);
        }
        let not_absolute = SignError::NotAbsolute { or_path: ", or a path, such as /a.jpg" };
        let (origin, rest) = match url.strip_prefix("https://").or(url.strip_prefix("http://")) {
            Some(rest) => {
                let start = rest.find('/').ok_or_else(|| not_absolute.clone())?;
                let host = rest.get(..start).unwrap_or_default();
                if host.is_empty() || host.contains(['?', '@']) {
                    return Err(not_absolute);
                }
                url.split_at(url.len() - rest.len() + start)
            }
            None if url.starts_with('/') && !url.starts_with("//") => ("", url),
            None => return Err(not_absolute),
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query).filter(|query| !query.is_empty())),
            None => (rest, None),
        };
        for text in [path, query.unwrap_or_default()] {
            uri::percent_decode(text)?;
        }
        if has_dot_segments(path) {
            return Err(UriError::DotSegment.into());
        }
        Ok(Self { origin, path, query })
    }

    /// Parses and decodes the parameters of the query, and keeps their order.
    ///
    /// # Errors
    /// Fails if a parameter has a name that the signature needs.
    pub(super) fn params(&self, reserved: &[&str]) -> Result<Vec<(String, String)>, SignError> {
        let params = uri::parse_query(self.query.unwrap_or_default())?;
        match params.iter().find(|(name, _)| reserved.contains(&&**name)) {
            Some((name, _)) => Err(SignError::ReservedParam { name: name.clone() }),
            None => Ok(params),
        }
    }

    /// The path and the query.
    pub(super) fn path_and_query(&self) -> String {
        match self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.to_owned(),
        }
    }

    /// The path up to and including its last slash.
    pub(super) fn directory(&self) -> &'a str {
        let end = self.path.rfind('/').map_or(0, |slash| slash + 1);
        self.path.get(..end).unwrap_or_default()
    }

    /// Returns the URL with an additional encoded parameter at the end of the query.
    pub(super) fn with_param(&self, param: &str) -> String {
        let separator = if self.query.is_some() { '&' } else { '?' };
        format!("{}{}{separator}{param}", self.origin, self.path_and_query())
    }
}

/// Returns the origin, the path and the query of an absolute URL. The URL must be encoded as it
/// will be sent.
///
/// # Errors
/// Fails if the URL is a path or not encoded, or if it has a fragment, dot segments or a reserved
/// parameter.
pub fn split_url<'a>(
    url: &'a str,
    reserved: &[&str],
) -> Result<(&'a str, &'a str, Option<&'a str>), SignError> {
    let target = Target::parse(url)?;
    target.params(reserved)?;
    if target.origin.is_empty() {
        return Err(SignError::NotAbsolute { or_path: "" });
    }
    Ok((target.origin, target.path, target.query))
}

/// Whether a browser sends the character without encoding it.
fn is_sent(character: char) -> bool {
    character.is_ascii_graphic()
        && !matches!(character, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
}

/// Whether a segment of the path is `.` or `..`, including percent-encoded spellings.
pub(super) fn has_dot_segments(path: &str) -> bool {
    path.split('/').any(|segment| {
        let dots = segment.replace("%2e", ".").replace("%2E", ".");
        matches!(&*dots, "." | "..")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_urls() {
        let target = |url| Target::parse(url).unwrap();
        let found = target("https://cdn.example.com:8443/a/b%20c.jpg?d=e&f");
        assert_eq!((found.origin, found.path), ("https://cdn.example.com:8443", "/a/b%20c.jpg"));
        assert_eq!((found.query, found.directory()), (Some("d=e&f"), "/a/"));
        assert_eq!(found.with_param("t=1"), "https://cdn.example.com:8443/a/b%20c.jpg?d=e&f&t=1");
        assert_eq!(target("/a?").with_param("t=1"), "/a?t=1");
        assert_eq!(target("/a/..b//c?x=//../").path, "/a/..b//c");
    }

    #[test]
    fn refuses_what_no_client_sends() {
        for url in
            ["", "a", "//host/a", "https://host", "https:///a", "http://user@host/a", "s3://b/k"]
        {
            assert!(matches!(Target::parse(url), Err(SignError::NotAbsolute { .. })), "{url}");
        }
        assert!(matches!(Target::parse("https://host?a/b"), Err(SignError::NotAbsolute { .. })));
        for (url, character) in [("/a b", ' '), ("/ä", 'ä'), ("/a\n", '\n'), ("/{a}", '{')] {
            assert_eq!(Target::parse(url), Err(SignError::Unencoded(character)));
        }
        assert_eq!(Target::parse("/a#b"), Err(SignError::Fragment));
        for url in ["/a/../b", "/.", "/a/%2e%2E/b", "/.%2e"] {
            assert_eq!(Target::parse(url), Err(UriError::DotSegment.into()), "{url}");
        }
        for url in ["/%", "/a?%4"] {
            assert_eq!(Target::parse(url), Err(UriError::BadEscape.into()), "{url}");
        }
    }

    proptest! {
        #[test]
        fn keeps_every_byte(url in "(https?:/)?/[!-~]*") {
            if let Ok(target) = Target::parse(&url) {
                let whole = format!("{}{}", target.origin, target.path_and_query());
                let expected = url.split_once('?').filter(|(_, query)| query.is_empty());
                prop_assert_eq!(whole, expected.map_or(url.as_str(), |(start, _)| start));
            }
        }

        #[test]
        fn never_panics(url in any::<String>()) {
            let _ = Target::parse(&url);
        }
    }
}
