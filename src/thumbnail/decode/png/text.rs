//! The metadata in the text chunks of a PNG.

use std::io::Cursor;

use png::{Decoder, Limits};

use super::super::super::{exif, xmp};

/// The maximum size of a text, in bytes.
const MAX_TEXT: usize = 1024 * 1024;

/// The maximum number of texts that are read.
const MAX_CHUNKS: usize = 8;

/// The keyword of XMP data (ISO 16684-3).
const XMP: &[u8] = b"XML:com.adobe.xmp\0";

/// The keywords under which `ImageMagick` stores EXIF data as hexadecimal digits.
const PROFILES: [&[u8]; 2] = [b"Raw profile type exif\0", b"Raw profile type APP1\0"];

/// The keyword for IPTC data.
const IPTC: &[u8] = b"Raw profile type iptc\0";

/// The signature, the header of an image with a single gray pixel, and the start of the image's
/// data.
const START: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55";
const DATA: &[u8] = b"\0\0\0\x01IDAT";

/// The orientation in EXIF data that `ImageMagick` wrote or, without such data, in XMP data. The
/// chunks may follow the pixels.
pub(super) fn orientation(source: &[u8]) -> Option<u16> {
    let mut in_xmp = None;
    for chunk in texts(source, &PROFILES).take(MAX_CHUNKS) {
        match read(chunk) {
            Some(Text::Latin1(text)) => {
                if let Some(found) = exif::orientation(&profile(&text)) {
                    return Some(found);
                }
            }
            Some(Text::Utf8(text)) => {
                in_xmp = in_xmp.or_else(|| xmp::orientation(text.as_bytes()));
            }
            None => {}
        }
    }
    in_xmp
}

/// The metadata in text chunks.
#[derive(Default)]
pub(super) struct Blocks {
    /// EXIF data that `ImageMagick` wrote.
    pub(super) exif: Option<Vec<u8>>,
    /// IPTC data that `ImageMagick` wrote.
    pub(super) iptc: Option<Vec<u8>>,
    /// XMP data.
    pub(super) xmp: Option<String>,
}

/// Reads the metadata. The chunks may follow the pixels.
pub(super) fn blocks(source: &[u8]) -> Blocks {
    let mut blocks = Blocks::default();
    let [exif, app1] = PROFILES;
    for chunk in texts(source, &[exif, app1, IPTC]).take(MAX_CHUNKS) {
        let is_iptc = chunk.get(8..).is_some_and(|content| content.starts_with(IPTC));
        match read(chunk) {
            Some(Text::Latin1(text)) if is_iptc => blocks.iptc = Some(profile(&text)),
            Some(Text::Latin1(text)) => {
                let data = profile(&text);
                // The profile `APP1` may also be XMP data.
                if data.starts_with(b"Exif\0\0") {
                    blocks.exif = Some(data);
                }
            }
            Some(Text::Utf8(text)) => blocks.xmp = Some(text),
            None => {}
        }
    }
    blocks
}

/// The text chunks with XMP data or one of these keywords, with their lengths and checksums.
fn texts<'a>(source: &'a [u8], keywords: &[&[u8]]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = source.get(8..).unwrap_or_default();
    let chunks = std::iter::from_fn(move || {
        let (length, _) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (chunk, after) = rest.split_at_checked(length.checked_add(12)?)?;
        rest = after;
        Some(chunk)
    });
    chunks.filter(move |chunk| {
        let content = chunk.get(8..).unwrap_or_default();
        chunk.len() <= MAX_TEXT
            && match chunk.get(4..8) {
                Some(b"iTXt") => content.starts_with(XMP),
                Some(b"tEXt" | b"zTXt") => keywords.iter().any(|name| content.starts_with(name)),
                _ => false,
            }
    })
}

enum Text {
    Latin1(String),
    Utf8(String),
}

/// Reads a text chunk. The crate reads text only before the pixels, so the chunk is moved to the
/// start of another file.
fn read(chunk: &[u8]) -> Option<Text> {
    let file = Cursor::new([START, chunk, DATA].concat());
    let limits = Limits { bytes: 2 * MAX_TEXT };
    let reader = Decoder::new_with_limits(file, limits).read_info().ok()?;
    let mut info = reader.info().clone();
    if let Some(mut text) = info.utf8_text.pop() {
        text.decompress_text_with_limit(MAX_TEXT).ok()?;
        return text.get_text().ok().map(Text::Utf8);
    }
    if let Some(mut text) = info.compressed_latin1_text.pop() {
        text.decompress_text_with_limit(MAX_TEXT).ok()?;
        return text.get_text().ok().map(Text::Latin1);
    }
    info.uncompressed_latin1_text.pop().map(|text| Text::Latin1(text.text))
}

/// Decodes the hexadecimal digits of a profile. They follow the profile's name and length.
fn profile(text: &str) -> Vec<u8> {
    let digits = text.trim_start().splitn(3, '\n').nth(2).unwrap_or_default();
    let nibbles = digits.chars().filter_map(|digit| digit.to_digit(16));
    let nibbles: Vec<_> = nibbles.filter_map(|nibble| u8::try_from(nibble).ok()).collect();
    let (pairs, _) = nibbles.as_chunks::<2>();
    pairs.iter().map(|[high, low]| high << 4 | low).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        // The decoder skips the checksums of chunks that it does not need.
        [&length[..], kind, content, &[0; 4]].concat()
    }

    #[test]
    fn a_profile_is_a_name_a_length_and_digits() {
        assert_eq!(profile("\nexif\n       3\n4949\n2a\n"), [0x49, 0x49, 0x2a]);
        assert!(profile("exif").is_empty());
    }

    #[test]
    fn damaged_chunks_have_no_orientation() {
        let name = b"Raw profile type exif\0";
        for source in [
            START.to_vec(),
            [START, &chunk(b"zTXt", &[name, &b"\0damaged"[..]].concat())].concat(),
            [START, &chunk(b"iTXt", XMP)].concat(),
            [START, &chunk(b"tEXt", name)].concat(),
            [START, b"\xff\xff\xff\xfftEXt"].concat(),
        ] {
            assert_eq!(orientation(&source), None);
        }
    }
}
