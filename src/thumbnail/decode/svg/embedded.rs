//! Images inside an SVG file. Only `data:` URIs are read; references to files are ignored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use png::{BitDepth, ColorType, Compression, Encoder};
use raster::{Picture, PixelKind};
use resvg::usvg::{ImageHrefResolver, ImageKind, Options};

use super::super::super::limits::Limits;
use super::super::decoder::{DecodeRequest, Decoder, first_picture};
use super::super::{gif, jpeg, png as png_file, webp};

/// The decoders of the formats that browsers show inside SVG.
const DECODERS: [&Decoder; 4] = [&jpeg::DECODER, &png_file::DECODER, &webp::DECODER, &gif::DECODER];

/// What remains of the limits for the images of one file.
pub(super) struct Budget {
    limits: Limits,
    /// The number of bytes of pixels that may still be decoded.
    memory: AtomicU64,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { limits: *limits, memory: AtomicU64::new(limits.max_memory) }
    }

    fn take(&self, bytes: u64) -> bool {
        let taken = self
            .memory
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |memory| memory.checked_sub(bytes));
        taken.is_ok()
    }
}

/// Leaves out all images.
pub(super) fn none() -> ImageHrefResolver<'static> {
    ImageHrefResolver {
        resolve_data: Box::new(|_, _, _| None),
        resolve_string: Box::new(|_, _| None),
    }
}

/// Decodes images within the limits. Damaged images and images in other formats, including SVG, are
/// left out.
pub(super) fn resolver(budget: &Budget) -> ImageHrefResolver<'_> {
    ImageHrefResolver {
        resolve_data: Box::new(|_: &str, data: Arc<Vec<u8>>, _: &Options| {
            let picture = decoded(&data, budget)?;
            Some(ImageKind::PNG(Arc::new(encoded(&picture)?)))
        }),
        resolve_string: Box::new(|_, _| None),
    }
}

fn decoded(data: &[u8], budget: &Budget) -> Option<Picture> {
    budget.limits.check_bytes(data.len() as u64).ok()?;
    let decoder = DECODERS.into_iter().find(|decoder| (decoder.sniff)(data))?;
    let source = (decoder.open)(data).ok().filter(|source| source.header().size.pixels() > 0)?;
    let request = DecodeRequest::still(source.header().size, &budget.limits, &|| false);
    if !budget.take(source.decoded_pixels(request).saturating_mul(4)) {
        return None;
    }
    first_picture(source, request).ok()
}

fn encoded(picture: &Picture) -> Option<Vec<u8>> {
    let color = match picture.kind {
        PixelKind::Luma => ColorType::Grayscale,
        PixelKind::Rgb => ColorType::Rgb,
        PixelKind::Rgba => ColorType::Rgba,
        PixelKind::Cmyk => return None,
    };
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, picture.width, picture.height);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fastest);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&picture.data).ok()?;
    writer.finish().ok()?;
    Some(file)
}
