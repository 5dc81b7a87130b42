//! No file crashes a decoder at any size, whether the decoder reads the header, the profile, the
//! copyright notice or all frames. The first bytes determine the format, so the corpus contains files
//! of each format.

#![no_main]

use libfuzzer_sys::fuzz_target;
use raster::Size;
use xaccel::thumbnail::decode::{self, DecodeRequest};
use xaccel::thumbnail::limits::Limits;
use xaccel_fuzz::{allow_panics_of_decoders, guarded};

const LIMITS: Limits = Limits {
    max_memory: 4_000_000,
    max_pixels: None,
    max_bytes: 1_000_000,
    max_frames: 8,
    max_side: 1_000_000,
};

fuzz_target!(
    init: allow_panics_of_decoders(),
    |source: &[u8]| guarded(|| decode_all(source))
);

fn decode_all(source: &[u8]) {
    let most = u32::MAX;
    for (width, is_linear, half_chroma, max_frames, is_partial) in [
        (most, false, false, LIMITS.max_frames, false),
        (9, false, false, 1, false),
        (9, true, false, 1, false),
        (9, false, true, 1, false),
        (9, false, true, 1, true),
    ] {
        let Ok(mut opened) = decode::open(source, &LIMITS) else { return };
        let header = *opened.header();
        let _ = opened.profile();
        let _ = opened.notice();
        let count = header.frames.min(max_frames);
        let size = Size { width, height: width };
        let request = DecodeRequest {
            size,
            linear_size: is_linear.then_some(size),
            half_chroma,
            max_frames,
            is_partial,
            limits: &LIMITS,
            expired: &|| false,
        };
        let pixels = opened.decoded_pixels(request);
        if LIMITS.check_source(pixels, opened.pixel_bytes(), count).is_err() {
            continue;
        }
        let _ = opened.components(request);
        let mut shown = None;
        let _ = opened.frames(request, &mut |frame| {
            let picture = frame.pixels.into_picture()?;
            assert_eq!(picture.data.len(), picture.stride() * picture.height as usize);
            assert_eq!(*shown.get_or_insert(picture.size()), picture.size());
            let (Size { width, height }, most) = (picture.size(), header.size);
            assert!(header.is_scalable || (width <= most.width && height <= most.height));
            Ok(())
        });
    }
}
