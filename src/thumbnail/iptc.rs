//! The copyright notice in IPTC data (IPTC-NAA Information Interchange Model, version 4).

use super::notice::{Notice, decoded};

/// The number of the Photoshop resource that contains IPTC data.
const RESOURCE: [u8; 2] = [0x04, 0x04];

/// The maximum number of fields that are read.
const MAX_FIELDS: usize = 1000;

/// The fields of record 2.
const BY_LINE: u8 = 80;
const CREDIT: u8 = 110;
const COPYRIGHT_NOTICE: u8 = 116;

/// Returns the copyright notice. The data may be among Photoshop's image resources.
#[must_use]
pub fn notice(data: &[u8]) -> Notice {
    let data = if data.starts_with(b"8BIM") { resource(data).unwrap_or_default() } else { data };
    let fields: Vec<_> = fields(data).take(MAX_FIELDS).collect();
    let all = |wanted| fields.iter().filter(move |(field, _)| *field == wanted);
    let text = |wanted| all(wanted).map(|(_, text)| decoded(text)).next().unwrap_or_default();
    let creators: Vec<_> = all(BY_LINE).map(|(_, name)| decoded(name)).collect();
    let creators = creators.iter().map(String::as_str);
    Notice::new(creators, [&text(COPYRIGHT_NOTICE), &text(CREDIT), "", ""])
}

/// Returns the IPTC data among Photoshop's image resources.
fn resource(mut data: &[u8]) -> Option<&[u8]> {
    loop {
        let rest = data.strip_prefix(b"8BIM")?;
        let (number, rest) = rest.split_first_chunk::<2>()?;
        // The name with its length has an even number of bytes, and so does the content.
        let name = (usize::from(*rest.first()?) + 1).next_multiple_of(2);
        let (length, rest) = rest.get(name..)?.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let content = rest.get(..length)?;
        if *number == RESOURCE {
            return Some(content);
        }
        data = rest.get(length.checked_next_multiple_of(2)?..)?;
    }
}

/// The numbers and contents of the fields in record 2, up to the first long or damaged one.
fn fields(data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = data;
    let all = std::iter::from_fn(move || {
        let (&[0x1c, record, number, high, low], after) = rest.split_first_chunk::<5>()? else {
            return None;
        };
        let (content, after) = after.split_at_checked(u16::from_be_bytes([high, low]).into())?;
        rest = after;
        Some((record, number, content))
    });
    all.filter(|(record, ..)| *record == 2).map(|(_, number, content)| (number, content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(number: u8, text: &[u8]) -> Vec<u8> {
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        [&[0x1c, 2, number], &length[..], text].concat()
    }

    fn resource(number: u16, name: &[u8], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        let mut made = [b"8BIM", &number.to_be_bytes()[..], name, &length, content].concat();
        made.resize(made.len().next_multiple_of(2), 0);
        made
    }

    #[test]
    fn finds_the_notice() {
        let data = [
            b"\x1c\x01\x5a\0\x03\x1b%G".to_vec(),
            field(BY_LINE, b"Ann"),
            field(5, b"Title"),
            field(BY_LINE, "Bo Ö".as_bytes()),
            field(COPYRIGHT_NOTICE, b"\xa9 Ann"),
            field(CREDIT, b"Agency"),
        ]
        .concat();
        let expected = Notice::new(["Ann", "Bo Ö"], ["© Ann", "Agency", "", ""]);
        assert_eq!(notice(&data), expected);
        let resources =
            [resource(1005, b"\x02ab\0", b"odd"), resource(0x0404, b"\0\0", &data)].concat();
        assert_eq!(notice(&resources), expected);
        let cut_off = [&field(BY_LINE, b"Ann")[..], &[0x1c, 2, 116, 0, 9, b'x']].concat();
        assert_eq!(notice(&cut_off), Notice::new(["Ann"], [""; 4]));
        assert_eq!(notice(b"8BIM\x04\x04\0\0\xff\xff\xff\xff"), Notice::default());
    }

    proptest! {
        #[test]
        fn never_panics(tail in any::<Vec<u8>>(), is_resource in any::<bool>()) {
            let start = if is_resource { b"8BIM".to_vec() } else { field(BY_LINE, b"Ann") };
            let _ = notice(&[start, tail].concat());
        }
    }
}
