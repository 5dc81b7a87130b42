//! The copyright notice of an image: the creators and the rights statements.

/// The maximum number of creators. With this maximum, a notice fits in a JPEG segment even if all
/// of its texts have the maximum length.
pub(super) const MAX_CREATORS: usize = 8;

/// The maximum number of characters in a text.
pub(super) const MAX_TEXT: usize = 1000;

/// The copyright notice of an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notice {
    /// The names of the creators: `dc:creator`, the IPTC field By-line, the EXIF tag Artist.
    pub(super) creators: Vec<String>,
    /// `dc:rights`, the IPTC field Copyright Notice, the EXIF tag Copyright.
    pub(super) rights: String,
    /// The credit line: `photoshop:Credit`, the IPTC field Credit.
    pub(super) credit: String,
    /// The address of a page about the rights: `xmpRights:WebStatement`.
    pub(super) statement: String,
    /// The terms of use: `xmpRights:UsageTerms`.
    pub(super) terms: String,
}

impl Notice {
    /// Creates a notice from the names of the creators, the rights, the credit line, the address of
    /// a page about the rights, and the terms of use. Texts are shortened, and control characters
    /// in them become spaces.
    #[must_use]
    pub fn new<'a>(
        creators: impl IntoIterator<Item = &'a str>,
        [rights, credit, statement, terms]: [&str; 4],
    ) -> Self {
        let creators = creators.into_iter().map(cleaned).filter(|name| !name.is_empty());
        Self {
            creators: creators.take(MAX_CREATORS).collect(),
            rights: cleaned(rights),
            credit: cleaned(credit),
            statement: cleaned(statement),
            terms: cleaned(terms),
        }
    }

    /// Fills empty fields from another notice.
    pub(super) fn complete(&mut self, other: Self) {
        if self.creators.is_empty() {
            self.creators = other.creators;
        }
        for (own, other) in [
            (&mut self.rights, other.rights),
            (&mut self.credit, other.credit),
            (&mut self.statement, other.statement),
            (&mut self.terms, other.terms),
        ] {
            if own.is_empty() {
                *own = other;
            }
        }
    }
}

/// Removes the characters that XML does not allow, and shortens the text to the maximum length.
fn cleaned(text: &str) -> String {
    let is_invalid =
        |letter: char| letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}');
    let letters = text.trim().chars().take(MAX_TEXT);
    let text: String =
        letters.map(|letter| if is_invalid(letter) { ' ' } else { letter }).collect();
    text.trim().to_owned()
}

/// Decodes a text without a known encoding: UTF-8 if it is valid, otherwise Latin-1.
pub(super) fn decoded(text: &[u8]) -> String {
    std::str::from_utf8(text)
        .map_or_else(|_| text.iter().copied().map(char::from).collect(), ToOwned::to_owned)
}
