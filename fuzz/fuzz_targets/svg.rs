//! No SVG file crashes its decoder, or takes more than its limits allow: the picture has the
//! requested size, and drawing stops at the deadline.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use raster::Size;
use xaccel::thumbnail::decode::svg::Fonts;
use xaccel::thumbnail::decode::{self, DecodeRequest};
use xaccel::thumbnail::limits::Limits;
use xaccel_fuzz::{allow_panics_of_decoders, guarded};

const LIMITS: Limits = Limits {
    max_memory: 4_000_000,
    max_pixels: None,
    max_bytes: 1_000_000,
    max_frames: 1,
    max_side: 1_000_000,
};

/// The time after which drawing must stop, and the time by which it must have stopped. The
/// sanitizer makes everything several times slower.
const DEADLINE: Duration = Duration::from_millis(500);
const MOST: Duration = Duration::from_secs(8);

fuzz_target!(
    init: allow_panics_of_decoders(),
    |source: &[u8]| guarded(|| draw(source))
);

fn draw(source: &[u8]) {
    for size in [Size { width: 64, height: 48 }, Size { width: 1, height: 600 }] {
        let Ok(mut opened) = decode::open(source, &LIMITS) else { return };
        // Other formats have a target of their own.
        if !opened.header().is_scalable || opened.set_fonts(&Fonts::SYSTEM).is_err() {
            return;
        }
        let start = Instant::now();
        let request = DecodeRequest {
            size,
            linear_size: None,
            half_chroma: false,
            max_frames: 1,
            is_partial: false,
            limits: &LIMITS,
            expired: &|| start.elapsed() > DEADLINE,
        };
        let _ = opened.frames(request, &mut |frame| {
            let picture = frame.pixels.into_picture()?;
            assert_eq!(picture.size(), size);
            assert_eq!(picture.data.len(), picture.stride() * picture.height as usize);
            Ok(())
        });
        let taken = start.elapsed();
        assert!(taken < MOST, "drawing took {taken:?}");
    }
}
