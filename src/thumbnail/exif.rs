//! The orientation in EXIF data (CIPA DC-008), which has the structure of a TIFF file.

const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;

/// Returns the orientation, 1 to 8, from the first directory of a TIFF structure, if there is one.
/// Only this tag is parsed, so that errors elsewhere do not matter.
#[must_use]
pub fn orientation(tiff: &[u8]) -> Option<u16> {
    find(tiff.strip_prefix(b"Exif\0\0").unwrap_or(tiff))
        .filter(|orientation| (1..=8).contains(orientation))
}

fn find(tiff: &[u8]) -> Option<u16> {
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let bytes = |at: usize, count: usize| tiff.get(at..at.checked_add(count)?);
    let u16_at = |at| {
        let bytes = bytes(at, 2)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let u32_at = |at| {
        let bytes = bytes(at, 4)?.try_into().ok()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let directory = usize::try_from(u32_at(4)?).ok()?;
    let entries = usize::from(u16_at(directory)?);
    (0..entries).map_while(|index| directory.checked_add(2 + 12 * index)).find_map(|entry| {
        let is_orientation = u16_at(entry)? == ORIENTATION && u16_at(entry + 2)? == SHORT;
        is_orientation.then(|| u16_at(entry + 8)).flatten()
    })
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

    proptest! {
        #[test]
        fn never_panics(tail in any::<Vec<u8>>()) {
            let found = orientation(&[b"II*\0", &tail[..]].concat());
            prop_assert!(found.is_none_or(|found| (1..=8).contains(&found)));
        }
    }
}
