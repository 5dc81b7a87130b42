//! The orientation in XMP data (ISO 16684-1), for images without one in EXIF data.

use memchr::memmem;

const NAME: &[u8] = b"tiff:Orientation";

/// Returns the orientation, 1 to 8, if there is one. It may be an attribute or an element. Nothing
/// else is parsed, so that errors elsewhere do not matter.
#[must_use]
pub fn orientation(xmp: &[u8]) -> Option<u16> {
    memmem::find_iter(xmp, NAME).find_map(|at| {
        let after = xmp.get(at + NAME.len()..)?.trim_ascii_start();
        let value = match after.split_first()? {
            (b'=', value) => match value.trim_ascii_start().split_first()? {
                (b'"' | b'\'', value) => value,
                _ => return None,
            },
            (b'>', value) => value,
            _ => return None,
        };
        match *value.trim_ascii_start() {
            [digit @ b'1'..=b'8', b'"' | b'\'' | b'<' | b' ' | b'\t' | b'\r' | b'\n', ..] => {
                Some(u16::from(digit - b'0'))
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_the_orientation() {
        for xmp in [
            r#"<rdf:Description tiff:Orientation="6"/>"#,
            "<rdf:Description tiff:Orientation = '6' />",
            "<tiff:Orientation>6</tiff:Orientation>",
            "<tiff:Orientation>\n 6 </tiff:Orientation>",
            r#"<x tiff:Orientation="0" tiff:Orientation="6"/>"#,
        ] {
            assert_eq!(orientation(xmp.as_bytes()), Some(6), "{xmp}");
        }
    }

    #[test]
    fn anything_else_has_no_orientation() {
        for xmp in ["", "tiff:Orientation", "tiff:Orientation=", "tiff:Orientation>9<"] {
            assert_eq!(orientation(xmp.as_bytes()), None, "{xmp}");
        }
        assert_eq!(orientation(b"<tiff:Orientation>16</tiff:Orientation>"), None);
    }

    proptest! {
        #[test]
        fn never_panics(tail in any::<Vec<u8>>()) {
            let found = orientation(&[NAME, b"=", &tail[..]].concat());
            prop_assert!(found.is_none_or(|found| (1..=8).contains(&found)));
        }
    }
}
