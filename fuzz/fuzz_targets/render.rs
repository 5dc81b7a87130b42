//! No file crashes a render, and a thumbnail has the requested size.

#![no_main]

use libfuzzer_sys::fuzz_target;
use xaccel::thumbnail::decode::svg::Fonts;
use xaccel::thumbnail::encode::Style;
use xaccel::thumbnail::format::OutputFormat;
use xaccel::thumbnail::limits::Limits;
use xaccel::thumbnail::options::{Qualities, RenderOptions};
use xaccel::thumbnail::render;
use xaccel::thumbnail::resize::Averaging;
use xaccel::thumbnail::spec::Spec;
use xaccel_fuzz::{allow_panics_of_decoders, guarded};

fuzz_target!(
    init: allow_panics_of_decoders(),
    |source: &[u8]| guarded(|| render_all(source))
);

fn render_all(source: &[u8]) {
    let limits = Limits {
        max_memory: 4_000_000,
        max_pixels: None,
        max_bytes: 1_000_000,
        max_frames: 8,
        max_side: 64,
    };
    // The first spec needs the whole picture. With the others, the picture may arrive in rows or in
    // components. Most options work on pixels.
    for (spec, format) in [
        ("16x16,cover,upscale,g-smart", OutputFormat::WebP),
        ("16x16,cover,upscale", OutputFormat::Jpeg),
        ("16x16,pad,trim-3,grayscale,detail,radius-5", OutputFormat::Png),
        ("16x16,fill,upscale,trim-200,radius-99", OutputFormat::Gif),
        ("16x16,brightness-2,contrast-0.5,saturation-3,pixelate-3,dpr-1.5", OutputFormat::Avif),
        ("16x16,cover,upscale,q-auto,max-bytes-400", OutputFormat::Avif),
        ("16x16,fill,upscale,q-auto", OutputFormat::WebP),
        ("16x16,pad,bg-ff0000,keep-icc", OutputFormat::Png),
        ("16x16,pad,upscale,keep-icc", OutputFormat::WebP),
        ("16x16,fill,upscale,keep-icc,keep-copyright", OutputFormat::Jpeg),
        ("16x16,fill,upscale,keep-icc,keep-copyright", OutputFormat::Avif),
        ("16x16,fill,upscale,max-bytes-300", OutputFormat::Jpeg),
        ("16x16,fill,upscale,frame-2,at-1.5,trim-3", OutputFormat::WebP),
        ("16x16,cover,upscale,trim-0,crop-0-0-0.5-0.5,detail", OutputFormat::WebP),
    ] {
        let options = RenderOptions {
            spec: &Spec::parse(spec).expect("a good spec"),
            format: Some(format),
            qualities: Qualities { jpeg: 50, webp: 50, avif: 50, target: 70 },
            style: Style::default(),
            averaging: Averaging::Encoded,
            watermark: None,
            fonts: &Fonts::SYSTEM,
            limits: &limits,
            is_partial: false,
            expired: &|| false,
        };
        if let Ok(made) = render(source, &options) {
            // Without `upscale`, a small picture stays small. A pixel ratio of 1.5 allows 24 pixels.
            let size = (made.width, made.height);
            assert!(size.0 <= 24 && size.1 <= 24, "{spec}: {size:?}");
            assert!(!spec.contains("upscale") || size == (16, 16), "{spec}: {size:?}");
        }
    }
}
