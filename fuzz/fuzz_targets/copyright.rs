//! No metadata crashes the readers of copyright notices, and the written notices can be read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use xaccel::thumbnail::notice::Notice;
use xaccel::thumbnail::{exif, iptc, xmp};

fuzz_target!(|data: &[u8]| {
    for notice in [exif::notice(data), iptc::notice(data), xmp::notice(data)] {
        if let Some(packet) = notice.to_xmp() {
            assert_eq!(xmp::notice(packet.as_bytes()), notice);
            assert!(packet.len() < 65_000);
        }
        if let Some(tags) = notice.to_exif() {
            let _ = exif::notice(&tags);
            assert!(tags.len() < 65_000);
        }
    }
    let _ = Notice::read(Some(data), Some(data), Some(data));
});
