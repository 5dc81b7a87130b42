//! `keep-copyright`: reads the copyright notice of an image, and writes it as EXIF data and as XMP.
//! No other metadata is kept.

use std::fmt::Write as _;

use super::notice::Notice;
use super::{exif, iptc, xmp};

impl Notice {
    /// Reads the notice from metadata. XMP takes precedence, because it is the most precise format
    /// and the only one in Unicode. IPTC comes second.
    #[must_use]
    pub fn read(exif: Option<&[u8]>, iptc: Option<&[u8]>, xmp: Option<&[u8]>) -> Self {
        let mut notice = xmp.map_or_else(Self::default, xmp::notice);
        notice.complete(iptc.map_or_else(Self::default, iptc::notice));
        notice.complete(exif.map_or_else(Self::default, exif::notice));
        notice
    }

    /// The creators and the rights as EXIF data; `None` if there are none.
    #[must_use]
    pub fn to_exif(&self) -> Option<Vec<u8>> {
        let has_any = !self.creators.is_empty() || !self.rights.is_empty();
        has_any.then(|| exif::with_texts(&self.creators.join("; "), &self.rights))
    }

    /// The notice as an XMP packet (ISO 16684-1); `None` if it is empty.
    #[must_use]
    pub fn to_xmp(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        let Self { creators, rights, credit, statement, terms } = self;
        let mut items = String::new();
        for creator in creators {
            let _ = write!(items, "<rdf:li>{}</rdf:li>", Escaped(creator));
        }
        let mut properties = String::new();
        if !items.is_empty() {
            let _ = write!(properties, "<dc:creator><rdf:Seq>{items}</rdf:Seq></dc:creator>");
        }
        for (name, text) in [("dc:rights", rights), ("xmpRights:UsageTerms", terms)] {
            if !text.is_empty() {
                let _ = write!(
                    properties,
                    "<{name}><rdf:Alt><rdf:li xml:lang=\"x-default\">{}</rdf:li></rdf:Alt></{name}>",
                    Escaped(text)
                );
            }
        }
        for (name, text) in [("photoshop:Credit", credit), ("xmpRights:WebStatement", statement)] {
            if !text.is_empty() {
                let _ = write!(properties, "<{name}>{}</{name}>", Escaped(text));
            }
        }
        let xmp::Namespaces { rdf, dc, photoshop, rights } = xmp::NAMESPACES;
        Some(format!(
            "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
             <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"{rdf}\">\
             <rdf:Description rdf:about=\"\" xmlns:dc=\"{dc}\" xmlns:photoshop=\"{photoshop}\" \
             xmlns:xmpRights=\"{rights}\">{properties}</rdf:Description></rdf:RDF></x:xmpmeta>\
             <?xpacket end=\"r\"?>"
        ))
    }
}

/// A text in the content of an XML element.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::notice::{MAX_CREATORS, MAX_TEXT};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_can_be_read() {
        let texts =
            ["© <A> & \"B\" ]]> &lt;", "Agency", "https://example.org/?a=1&b=2", "All rights"];
        let notice = Notice::new(["Ann", "Bo Ö", "C & D"], texts);
        let (exif, xmp) = (notice.to_exif().unwrap(), notice.to_xmp().unwrap());
        assert_eq!(Notice::read(None, None, Some(xmp.as_bytes())), notice);
        let part = Notice::new(["Ann", "Bo Ö", "C & D"], [texts[0], "", "", ""]);
        assert_eq!(Notice::read(Some(&exif), None, None), part);
        assert_eq!((Notice::default().to_exif(), Notice::default().to_xmp()), (None, None));
        assert_eq!(Notice::new([], ["", "Agency", "", ""]).to_exif(), None);
    }

    #[test]
    fn texts_are_bounded_and_clean() {
        let notice = Notice::new(["a\0b\n"; 20], [&"&".repeat(5000), " \t", "", ""]);
        assert_eq!(notice.creators, vec!["a b"; MAX_CREATORS]);
        assert_eq!((notice.rights.len(), &*notice.credit), (MAX_TEXT, ""));
        let longest = "&".repeat(5000);
        let notice = Notice::new([&*longest; 20], [&longest; 4]);
        assert!(notice.to_xmp().unwrap().len() < 65_000);
        let widest = "\u{1f600}".repeat(5000);
        let notice = Notice::new([&*widest; 20], [&widest; 4]);
        assert!(notice.to_exif().unwrap().len() < 65_000);
        assert!(notice.to_xmp().unwrap().len() < 65_000);
    }

    #[test]
    fn xmp_comes_before_iptc_and_exif() {
        let exif = exif::with_texts("Exif", "exif");
        let iptc = b"\x1c\x02\x50\0\x04Iptc\x1c\x02\x6e\0\x06credit";
        let xmp = Notice::new(["Xmp"], [""; 4]).to_xmp().unwrap();
        let read = |xmp| Notice::read(Some(&exif), Some(iptc), xmp);
        assert_eq!(read(Some(xmp.as_bytes())), Notice::new(["Xmp"], ["exif", "credit", "", ""]));
        assert_eq!(read(Some(b"damaged")), Notice::new(["Iptc"], ["exif", "credit", "", ""]));
    }

    proptest! {
        #[test]
        fn any_text_survives(name in "\\PC{1,30}", rights in any::<String>()) {
            let notice = Notice::new([&*name], [&rights, &name, "", ""]);
            if let Some(xmp) = notice.to_xmp() {
                prop_assert_eq!(xmp::notice(xmp.as_bytes()), notice);
            }
        }
    }
}
