//! No file crashes a reader, at any size: of its header, its colours, all of its frames. The first
//! bytes decide the format, so the corpus has files of each.

#![no_main]

use libfuzzer_sys::fuzz_target;
use raster::Size;
use xaccel::thumbnail::decode::{self, Wanted};
use xaccel::thumbnail::limits::Limits;
use xaccel::thumbnail::probe::probe;
use xaccel_fuzz::{allow_panics_of_decoders, guarded};

const LIMITS: Limits =
    Limits { max_pixels: 1_000_000, max_bytes: 1_000_000, max_frames: 8, max_side: 1_000_000 };

fuzz_target!(
    init: allow_panics_of_decoders(),
    |source: &[u8]| guarded(|| decode_all(source))
);

fn decode_all(source: &[u8]) {
    let Ok(header) = probe(source, &LIMITS) else { return };
    let _ = decode::profile(source, header.format);
    let most = u32::MAX;
    for (width, half_chroma, all_frames, is_start) in [
        (most, false, true, false),
        (9, false, false, false),
        (9, true, false, false),
        (9, true, false, true),
    ] {
        let count = if all_frames { header.frames } else { 1 };
        if LIMITS.check_source(header.size, count).is_err() {
            continue;
        }
        let size = Size { width, height: width };
        let wanted = Wanted { size, half_chroma, all_frames, is_start };
        let mut shown = None;
        let _ = decode::frames(source, &header, wanted, &mut |frame| {
            let picture = frame.pixels.into_picture()?;
            assert_eq!(picture.data.len(), picture.stride() * picture.height as usize);
            assert_eq!(*shown.get_or_insert(picture.size()), picture.size());
            assert!(picture.width <= header.size.width && picture.height <= header.size.height);
            Ok(())
        });
    }
}
