//! The copyright notice in XMP data (ISO 16684-1). Also the orientation, for images without an
//! orientation in EXIF data.

use memchr::memmem;
use resvg::usvg::roxmltree::{Document, Node, ParsingOptions};

use super::notice::Notice;

/// The maximum size of XMP data that is read for a notice, in bytes.
const MAX_BYTES: usize = 512 * 1024;

/// The maximum number of nodes.
const MAX_NODES: u32 = 100_000;

/// The maximum number of namespaces. The parser copies them to nested elements.
const MAX_NAMESPACES: usize = 1000;

/// The maximum number of attributes of an element. The parser compares them with each other.
const MAX_ATTRIBUTES: usize = 300;

/// The namespaces of a notice.
pub(super) struct Namespaces {
    pub(super) rdf: &'static str,
    pub(super) dc: &'static str,
    pub(super) photoshop: &'static str,
    pub(super) rights: &'static str,
}

pub(super) const NAMESPACES: Namespaces = Namespaces {
    rdf: "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    dc: "http://purl.org/dc/elements/1.1/",
    photoshop: "http://ns.adobe.com/photoshop/1.0/",
    rights: "http://ns.adobe.com/xap/1.0/rights/",
};

const NAME: &[u8] = b"tiff:Orientation";

/// Returns the orientation, 1 to 8, if there is one. The orientation may be an attribute or an
/// element. Nothing else is parsed, so errors elsewhere do not matter.
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

/// Returns the copyright notice. The notice is empty if the data is damaged, or would take too long
/// to parse.
#[must_use]
pub fn notice(xmp: &[u8]) -> Notice {
    read_notice(xmp).unwrap_or_default()
}

fn read_notice(xmp: &[u8]) -> Option<Notice> {
    let attributes = |part: &[u8]| memchr::memchr_iter(b'=', part).count();
    if xmp.len() > MAX_BYTES
        || memmem::find_iter(xmp, b"xmlns").count() > MAX_NAMESPACES
        || xmp.split(|&byte| byte == b'<').any(|part| attributes(part) > MAX_ATTRIBUTES)
    {
        return None;
    }
    let text = std::str::from_utf8(xmp).ok()?.trim_matches('\0').trim();
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    let Namespaces { rdf, dc, photoshop, rights } = NAMESPACES;
    let root = document.descendants().find(|node| node.has_tag_name((rdf, "RDF")))?;
    let descriptions: Vec<_> =
        root.children().filter(|node| node.has_tag_name((rdf, "Description"))).collect();
    let values = |namespace: &str, name: &str| {
        descriptions.iter().find_map(|node| values(*node, namespace, name)).unwrap_or_default()
    };
    let first = |namespace, name| values(namespace, name).first().copied().unwrap_or_default();
    Some(Notice::new(
        values(dc, "creator"),
        [
            first(dc, "rights"),
            first(photoshop, "Credit"),
            first(rights, "WebStatement"),
            first(rights, "UsageTerms"),
        ],
    ))
}

/// The values of a property: an attribute, the text of an element, or the items of a list. If the
/// items are translations of one text, the default comes first.
fn values<'a>(node: Node<'a, '_>, namespace: &str, name: &str) -> Option<Vec<&'a str>> {
    if let Some(value) = node.attribute((namespace, name)) {
        return Some(vec![value]);
    }
    let property = node.children().find(|child| child.has_tag_name((namespace, name)))?;
    let rdf = NAMESPACES.rdf;
    let Some(list) = property.children().find(Node::is_element) else {
        return property.text().map(|text| vec![text]);
    };
    let mut items: Vec<_> =
        list.children().filter(|child| child.has_tag_name((rdf, "li"))).collect();
    items.sort_by_key(|item| {
        let languages = item.attributes().filter(|attribute| attribute.name() == "lang");
        !languages.map(|language| language.value()).any(|language| language == "x-default")
    });
    Some(items.iter().filter_map(Node::text).collect())
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

    const START: &str = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \
        xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' \
        xmlns:d='http://purl.org/dc/elements/1.1/' \
        xmlns:r='http://ns.adobe.com/xap/1.0/rights/' \
        xmlns:p='http://ns.adobe.com/photoshop/1.0/'>";
    const END: &str = "</rdf:RDF></x:xmpmeta>";

    #[test]
    fn finds_the_notice() {
        for (content, creators, texts) in [
            ("<rdf:Description d:rights='R' p:Credit='C'/>", vec![], ["R", "C", "", ""]),
            (
                "<rdf:Description r:WebStatement='W'/><rdf:Description><d:creator><rdf:Seq>\
                 <rdf:li>A</rdf:li> <rdf:li><![CDATA[<B>]]></rdf:li></rdf:Seq></d:creator>\
                 </rdf:Description>",
                vec!["A", "<B>"],
                ["", "", "W", ""],
            ),
            (
                "<rdf:Description><d:creator>A &amp; B</d:creator><d:rights><rdf:Alt>\
                 <rdf:li xml:lang='de'>D</rdf:li><rdf:li xml:lang='x-default'>X</rdf:li>\
                 </rdf:Alt></d:rights><r:UsageTerms><rdf:Alt><rdf:li>T</rdf:li></rdf:Alt>\
                 </r:UsageTerms></rdf:Description>",
                vec!["A & B"],
                ["X", "", "", "T"],
            ),
            // Other images that the file refers to.
            (
                "<rdf:Description><p:From><rdf:Description d:rights='R'/></p:From></rdf:Description>",
                vec![],
                [""; 4],
            ),
            (
                "<rdf:Description><d:creator><rdf:Seq/></d:creator></rdf:Description>",
                vec![],
                [""; 4],
            ),
            ("<rdf:Description creator='A' rights='R'/>", vec![], [""; 4]),
        ] {
            let xmp =
                format!("<?xpacket begin='\u{feff}'?>{START}{content}{END}<?xpacket end='w'?>\0");
            assert_eq!(notice(xmp.as_bytes()), Notice::new(creators, texts), "{content}");
        }
    }

    #[test]
    fn data_that_takes_long_to_parse_has_no_notice() {
        let read = |content: &str| {
            let rights = "<rdf:Description d:rights='R'/>";
            notice(format!("{START}{rights}{content}{END}").as_bytes())
        };
        let rights = Notice::new([], ["R", "", "", ""]);
        let attributes = |count| {
            let all: Vec<_> = (0..count).map(|index| format!(" a{index}='>'")).collect();
            format!("<a{}/>", all.concat())
        };
        assert_eq!(read(&attributes(MAX_ATTRIBUTES)), rights);
        assert_eq!(read(&attributes(MAX_ATTRIBUTES + 1)), Notice::default());
        let nested = |count| {
            let starts: Vec<_> =
                (0..count).map(|index| format!("<a xmlns:n{index}='n{index}'>")).collect();
            starts.concat() + &"</a>".repeat(count)
        };
        assert_eq!(read(&nested(MAX_NAMESPACES - 10)), rights);
        assert_eq!(read(&nested(MAX_NAMESPACES)), Notice::default());
        assert_eq!(read(&"<a/>".repeat(90_000)), rights);
        assert_eq!(read(&"<a/>".repeat(100_000)), Notice::default());
        assert_eq!(read(&" ".repeat(MAX_BYTES)), Notice::default());
        let deep = 60_000;
        assert_eq!(read(&("<a>".repeat(deep) + &"</a>".repeat(deep))), rights);
        let entity = "<!DOCTYPE x [<!ENTITY a 'b'>]>";
        assert_eq!(notice(format!("{entity}{START}{END}").as_bytes()), Notice::default());
    }

    proptest! {
        #[test]
        fn never_panics(tail in any::<Vec<u8>>()) {
            let _ = notice(&tail);
            let _ = notice(&[START.as_bytes(), b"<rdf:Description d:rights=", &tail[..]].concat());
            let found = orientation(&[NAME, b"=", &tail[..]].concat());
            prop_assert!(found.is_none_or(|found| (1..=8).contains(&found)));
        }
    }
}
