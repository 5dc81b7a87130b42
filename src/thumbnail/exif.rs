//! The orientation and the copyright notice in EXIF data. Such data has the structure of a TIFF
//! file (CIPA DC-008).

use super::notice::{Notice, decoded};

const ORIENTATION: u16 = 0x0112;
const ARTIST: u16 = 0x013b;
const COPYRIGHT: u16 = 0x8298;

const ASCII: u16 = 2;
const SHORT: u16 = 3;
/// UTF-8, since EXIF 3.0.
const UTF8: u16 = 129;

/// The maximum number of bytes that are read from a text.
const MAX_TEXT: usize = 8192;

/// Returns the orientation, 1 to 8, from the first directory of a TIFF structure, if there is one.
/// Only this tag is parsed, so errors elsewhere do not matter.
#[must_use]
pub fn orientation(tiff: &[u8]) -> Option<u16> {
    let directory = Directory::open(tiff)?;
    let entry = directory.find(ORIENTATION, &[SHORT])?;
    directory.u16_at(entry + 8).filter(|orientation| (1..=8).contains(orientation))
}

/// Returns the copyright notice in the first directory of a TIFF structure.
#[must_use]
pub fn notice(tiff: &[u8]) -> Notice {
    let directory = Directory::open(tiff);
    let parts = |tag| {
        let text = directory.as_ref().and_then(|directory| directory.text(tag));
        // The photographer's notice and the editor's are separated by a NUL.
        let parts = text.unwrap_or_default().split(|&byte| byte == 0);
        parts.map(decoded).filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join("; ")
    };
    let artists = parts(ARTIST);
    Notice::new(artists.split(';'), [&parts(COPYRIGHT), "", "", ""])
}

/// Returns EXIF data that contains only these texts.
#[must_use]
pub fn with_texts(artist: &str, copyright: &str) -> Vec<u8> {
    let texts: Vec<_> = [(ARTIST, artist), (COPYRIGHT, copyright)]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(tag, text)| (tag, [text.as_bytes(), &[0]].concat()))
        .collect();
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    tiff.extend(u16::try_from(texts.len()).unwrap_or_default().to_le_bytes());
    let mut end = tiff.len() + 12 * texts.len() + 4;
    let mut values = Vec::new();
    for (tag, mut text) in texts {
        tiff.extend(tag.to_le_bytes());
        tiff.extend(ASCII.to_le_bytes());
        tiff.extend(number(text.len()));
        // A text of at most four bytes is stored in place of its position.
        if text.len() <= 4 {
            text.resize(4, 0);
            tiff.extend(text);
        } else {
            tiff.extend(number(end));
            text.resize(text.len().next_multiple_of(2), 0);
            end += text.len();
            values.extend(text);
        }
    }
    tiff.extend([0; 4]);
    tiff.extend(values);
    tiff
}

/// The first directory of a TIFF structure.
struct Directory<'a> {
    tiff: &'a [u8],
    is_little: bool,
    /// The position of the directory.
    start: usize,
    entries: usize,
}

impl<'a> Directory<'a> {
    fn open(tiff: &'a [u8]) -> Option<Self> {
        let tiff = tiff.strip_prefix(b"Exif\0\0").unwrap_or(tiff);
        let is_little = match tiff.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        let mut directory = Self { tiff, is_little, start: 0, entries: 0 };
        directory.start = usize::try_from(directory.u32_at(4)?).ok()?;
        directory.entries = directory.u16_at(directory.start)?.into();
        Some(directory)
    }

    fn bytes(&self, at: usize, count: usize) -> Option<&'a [u8]> {
        self.tiff.get(at..at.checked_add(count)?)
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes(at, 2)?.try_into().ok()?;
        Some(if self.is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes(at, 4)?.try_into().ok()?;
        Some(if self.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    /// Returns the position of the entry with this tag and one of these types.
    fn find(&self, tag: u16, types: &[u16]) -> Option<usize> {
        let entries = (0..self.entries).map_while(|index| self.start.checked_add(2 + 12 * index));
        entries.map_while(|entry| Some((entry, self.u16_at(entry)?))).find_map(|(entry, found)| {
            let is_wanted = found == tag && types.contains(&self.u16_at(entry + 2)?);
            is_wanted.then_some(entry)
        })
    }

    /// Returns the start of the text with this tag.
    fn text(&self, tag: u16) -> Option<&'a [u8]> {
        let entry = self.find(tag, &[ASCII, UTF8])?;
        let count = usize::try_from(self.u32_at(entry + 4)?).ok()?;
        let place = match count {
            ..=4 => entry + 8,
            _ => usize::try_from(self.u32_at(entry + 8)?).ok()?,
        };
        self.bytes(place, count.min(MAX_TEXT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn little_endian(orientation: u16) -> Vec<u8> {
        let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
        tiff.extend(b"\x0f\x01\x02\0\x01\0\0\0\0\0\0\0");
        tiff.extend(b"\x12\x01\x03\0\x01\0\0\0");
        tiff.extend(orientation.to_le_bytes());
        tiff
    }

    #[test]
    fn finds_the_orientation() {
        assert_eq!(orientation(&little_endian(6)), Some(6));
        assert_eq!(orientation(&[b"Exif\0\0", &little_endian(8)[..]].concat()), Some(8));
        let big_endian = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0";
        assert_eq!(orientation(big_endian), Some(3));
    }

    #[test]
    fn anything_else_has_no_orientation() {
        for tiff in [&b""[..], b"II*\0", b"Exif\0\0", b"II*\0\xff\xff\xff\xff", &little_endian(9)] {
            assert_eq!(orientation(tiff), None);
        }
    }

    #[test]
    fn finds_the_notice() {
        for (artist, copyright, creators) in [
            ("Ann", "Ann Lee 2024", vec!["Ann"]),
            ("Ann; Bo Ö", "©", vec!["Ann", "Bo Ö"]),
            ("", "ab", vec![]),
        ] {
            let tiff = with_texts(artist, copyright);
            assert_eq!(notice(&tiff), Notice::new(creators, [copyright, "", "", ""]));
        }
        let latin1 =
            b"MM\0*\0\0\0\x08\0\x01\x82\x98\0\x02\0\0\0\x09\0\0\0\x1a\0\0\0\0\xa9 A\0\xa9 B\0\0";
        assert_eq!(notice(latin1), Notice::new([], ["© A; © B", "", "", ""]));
        assert_eq!(notice(&with_texts("", "")), Notice::default());
        assert_eq!(
            notice(b"MM\0*\0\0\0\x08\0\x01\x82\x98\0\x02\xff\xff\xff\xff"),
            Notice::default()
        );
    }

    proptest! {
        #[test]
        fn never_panics(tail in any::<Vec<u8>>()) {
            let _ = notice(&[b"II*\0\x08\0\0\0\x01\0\x98\x82\x02\0", &tail[..]].concat());
            let found = orientation(&[b"II*\0", &tail[..]].concat());
            prop_assert!(found.is_none_or(|found| (1..=8).contains(&found)));
        }
    }
}
