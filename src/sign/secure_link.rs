//! nginx's `secure_link` with `secure_link_md5`: an [`Expression`] of variables, in which `$secret`
//! is the placeholder for the secret.
//!
//! <https://nginx.org/en/docs/http/ngx_http_secure_link_module.html>

use ::md5::{Digest as _, Md5};

use super::{Message, ring::Key};
use crate::error::{SignError, SignerError};

/// Variables whose values the caller knows.
const VARIABLES: [&str; 5] = ["remote_addr", "remote_user", "host", "server_name", "scheme"];

/// The prefixes of such variables, for request headers and cookies.
const PREFIXES: [&str; 2] = ["http_", "cookie_"];

/// One part of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Secret,
    Expires,
    Path,
    /// The value with this index.
    Value(usize),
}

/// The argument of `secure_link_md5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pieces: Vec<Piece>,
    variables: Vec<String>,
}

impl Expression {
    /// `$secure_link_expires$uri $secret`.
    pub(super) fn usual() -> Self {
        let space = Piece::Text(b" ".to_vec());
        Self {
            pieces: vec![Piece::Expires, Piece::Path, space, Piece::Secret],
            variables: Vec::new(),
        }
    }

    /// Parses `$name` and `${name}` as nginx does. nginx has no escape for `$`.
    pub(super) fn parse(text: &str) -> Result<Self, SignerError> {
        let mut expression = Self { pieces: Vec::new(), variables: Vec::new() };
        let mut parts = text.split('$');
        expression.push_text(parts.next().unwrap_or_default());
        for part in parts {
            let (name, rest) = match part.strip_prefix('{') {
                Some(part) => part.split_once('}').ok_or(SignerError::UnknownVariable)?,
                None => {
                    part.split_at(part.find(|c: char| !is_name_character(c)).unwrap_or(part.len()))
                }
            };
            let piece = match name {
                "secret" => Piece::Secret,
                "secure_link_expires" => Piece::Expires,
                "uri" => Piece::Path,
                _ => Piece::Value(expression.index(name)?),
            };
            expression.pieces.push(piece);
            expression.push_text(rest);
        }
        for (piece, name) in [(Piece::Secret, "$secret"), (Piece::Path, "$uri")] {
            if !expression.pieces.contains(&piece) {
                return Err(SignerError::NotInExpression { name });
            }
        }
        Ok(expression)
    }

    fn push_text(&mut self, text: &str) {
        if !text.is_empty() {
            self.pieces.push(Piece::Text(text.as_bytes().to_vec()));
        }
    }

    /// Returns the index of a variable's value. Adds the variable if it is new.
    fn index(&mut self, name: &str) -> Result<usize, SignerError> {
        let is_known = VARIABLES.contains(&name)
            || PREFIXES.iter().any(|prefix| {
                name.strip_prefix(prefix).is_some_and(|rest| {
                    !rest.is_empty()
                        && rest.chars().all(|c| is_name_character(c) && !c.is_ascii_uppercase())
                })
            });
        if !is_known {
            return Err(SignerError::UnknownVariable);
        }
        if let Some(index) = self.variables.iter().position(|known| known == name) {
            return Ok(index);
        }
        self.variables.push(name.to_owned());
        Ok(self.variables.len() - 1)
    }

    /// Returns the values of the variables, in their order.
    pub(super) fn values<'a>(
        &self,
        given: &'a [(impl AsRef<str>, impl AsRef<str>)],
    ) -> Result<Vec<&'a str>, SignError> {
        let is_unused = |name: &str| !self.variables.iter().any(|known| known == name);
        if let Some((name, _)) = given.iter().find(|(name, _)| is_unused(name.as_ref())) {
            return Err(SignError::UnusedVariable { name: name.as_ref().to_owned() });
        }
        let value = |name: &String| match given.iter().find(|(given, _)| given.as_ref() == name) {
            Some((_, value)) => Ok(value.as_ref()),
            None => Err(SignError::MissingVariable { name: name.clone() }),
        };
        self.variables.iter().map(value).collect()
    }

    /// Returns a key that hashes this expression with a secret and the values of its variables.
    pub(super) fn key(&self, secret: &[u8], values: &[&str]) -> SecureLinkKey {
        let mut parts = Vec::new();
        for piece in &self.pieces {
            let text = match piece {
                Piece::Text(text) => text,
                Piece::Secret => secret,
                Piece::Value(index) => values.get(*index).copied().unwrap_or_default().as_bytes(),
                Piece::Expires => {
                    parts.push(Part::Expires);
                    continue;
                }
                Piece::Path => {
                    parts.push(Part::Path);
                    continue;
                }
            };
            match parts.last_mut() {
                Some(Part::Text(before)) => before.extend_from_slice(text),
                _ => parts.push(Part::Text(text.to_vec())),
            }
        }
        SecureLinkKey { parts }
    }
}

/// The characters that nginx accepts in the name of a variable.
const fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// One part of an expression whose secret and values are known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    Expires,
    Path,
}

/// An expression with its secret and the values of its variables.
#[derive(Clone)]
pub(super) struct SecureLinkKey {
    parts: Vec<Part>,
}

impl SecureLinkKey {
    /// Whether the expression contains the expiry.
    pub(super) fn covers_expiry(&self) -> bool {
        self.parts.contains(&Part::Expires)
    }
}

impl Key<16> for SecureLinkKey {
    fn digest(&self, message: &Message<'_>) -> [u8; 16] {
        let mut md5 = Md5::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => md5.update(text),
                Part::Expires => md5.update(message.expires),
                Part::Path => md5.update(message.path),
            }
        }
        md5.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_variables_as_nginx_does() {
        let parse = |text| Expression::parse(text).unwrap();
        let text = |text: &str| Piece::Text(text.into());
        assert_eq!(parse("$secure_link_expires$uri $secret"), Expression::usual());
        assert_eq!(parse("$secret$uri").pieces, [Piece::Secret, Piece::Path]);
        assert_eq!(
            parse("${uri}secret${secret}").pieces,
            [Piece::Path, text("secret"), Piece::Secret]
        );
        let expression = parse("$host-$uri$remote_addr:$http_x_user ${host}$secret.");
        assert_eq!(expression.variables, ["host", "remote_addr", "http_x_user"]);
        assert_eq!(
            expression.pieces,
            [
                Piece::Value(0),
                text("-"),
                Piece::Path,
                Piece::Value(1),
                text(":"),
                Piece::Value(2),
                text(" "),
                Piece::Value(0),
                Piece::Secret,
                text(".")
            ]
        );
    }

    #[test]
    fn refuses_what_nginx_or_the_signature_would() {
        for text in [
            "$uri$",
            "$uri $$secret",
            "${uri$secret",
            "${}$uri$secret",
            "$ri$secret",
            "$args$uri$secret",
            "$request_uri$uri$secret",
            "$http_$uri$secret",
            "$http_Host$uri$secret",
            "${cookie_a-b}$uri$secret",
        ] {
            assert_eq!(Expression::parse(text), Err(SignerError::UnknownVariable), "{text}");
        }
        for (text, name) in [("", "$secret"), ("$uri secret", "$secret"), ("$secret", "$uri")] {
            assert_eq!(Expression::parse(text), Err(SignerError::NotInExpression { name }));
        }
    }

    #[test]
    fn takes_exactly_the_values_that_it_needs() {
        let expression = Expression::parse("$uri$remote_addr$host$secret").unwrap();
        let values = |given: &'static [(&str, &str)]| expression.values(given);
        let both = values(&[("host", "example.org"), ("remote_addr", "192.0.2.7")]);
        assert_eq!(both, Ok(vec!["192.0.2.7", "example.org"]));
        let missing = SignError::MissingVariable { name: "host".into() };
        assert_eq!(values(&[("remote_addr", "192.0.2.7")]), Err(missing));
        let unused = SignError::UnusedVariable { name: "scheme".into() };
        assert_eq!(values(&[("scheme", "https")]), Err(unused));
    }

    proptest! {
        #[test]
        fn never_panics(text in "[$ {}a-z_]*") {
            if let Ok(expression) = Expression::parse(&text) {
                let key = expression.key(b"secret", &[]);
                key.digest(&Message { expires: "", path: "/", query: "" });
            }
        }
    }
}
