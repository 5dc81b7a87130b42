//! Parses the text of an `X-Accel-Mapping` header.

/// Parses pairs of a directory and a prefix. Returns `None` if the text is malformed.
pub(super) fn parse(header: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = header.trim();
    while !rest.is_empty() {
        let (directory, after) = token(rest, '=')?;
        let (prefix, after) = token(after.strip_prefix('=')?, ',')?;
        pairs.push((directory, prefix));
        rest = match after.strip_prefix(',') {
            Some(more) if more.trim().is_empty() => return None,
            Some(more) => more.trim_start(),
            None => after,
        };
    }
    Some(pairs)
}

/// Parses one side of a mapping, which is quoted or ends at `end`. Returns the side and the rest.
fn token(text: &str, end: char) -> Option<(String, &str)> {
    let text = text.trim_start();
    if let Some(quoted) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        while let Some((index, character)) = characters.next() {
            match character {
                '"' => return Some((value, quoted.get(index + 1..)?.trim_start())),
                '\\' => value.push(characters.next()?.1),
                _ => value.push(character),
            }
        }
        return None;
    }
    let (value, rest) = text.split_at(text.find(end).unwrap_or(text.len()));
    Some((value.trim_end().to_owned(), rest))
}
