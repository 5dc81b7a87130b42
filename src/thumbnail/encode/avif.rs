//! Encodes AVIF: the images with libaom, and the container with `zenavif-serialize`.

use std::borrow::Cow;

use memchr::memmem;
use zenavif_serialize::Aviffy;
use zenavif_serialize::constants::MatrixCoefficients;

use super::super::limits::CheckTime;
use super::metadata::Metadata;
use crate::error::ThumbnailError;
use crate::ffi::av1::{self, Still};
use raster::{Picture, PixelKind, Size};

/// libaom's speed for still pictures. Slower speeds need fewer bytes for the same score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AvifSpeed(u8);

impl AvifSpeed {
    /// The fastest speed.
    const FASTEST: Self = Self(9);

    /// Returns the speed with this number: 0 to 7, or 9 (fastest). Speed 8 is not available, because
    /// it makes some files several times as large as speed 9 does.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            0..=7 | 9 => Some(Self(number)),
            _ => None,
        }
    }

    /// The number of the speed.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Qualities, and libaom's quantizers (63 to 0) for them; those between are interpolated. The
/// qualities match those of rav1e: qualities 60, 85 and 95 have SSIMULACRA2 scores of about 60, 80
/// and 90. At 100, the only loss is the rounding to luma and chroma.
type Quantizers = [(u8, u8)];

/// The quantizers for the fastest speed.
const AT_FASTEST: &Quantizers = &[(0, 60), (75, 22), (85, 10), (95, 2), (100, 0)];

/// The quantizers for the other speeds. A quality has the same score as at the fastest speed.
const AT_OTHERS: &Quantizers =
    &[(0, 60), (25, 51), (50, 38), (60, 34), (75, 30), (85, 20), (95, 8), (100, 0)];

/// At this quality and above, chroma keeps its full resolution (4:4:4). Up to an SSIMULACRA2 score
/// of about 90, half the resolution (4:2:0) takes 2 to 5 % fewer bytes and a quarter less time for
/// the same score. Above this score, it limits the quality. For graphics with coloured text, the full
/// resolution takes a fifth to a third fewer bytes at every quality.
const FULL_CHROMA: u8 = 95;

/// The unit before the first image of a bitstream. It has no meaning in a file (AV1, 5.6).
const TEMPORAL_DELIMITER: [u8; 2] = [0x12, 0];

pub(super) fn encode(
    picture: &Picture,
    quality: u8,
    speed: Option<AvifSpeed>,
    metadata: &Metadata,
    check_time: CheckTime<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    let size = picture.size();
    let color = in_rgb(picture);
    let luma = luma(&color);
    let method = method_for(&luma, size, speed);
    let half_chroma = halves_chroma(quality) && !method.is_graphic;
    let [blue, red] = chroma(&color, half_chroma);
    // The time limit is checked before each call, because libaom can't be stopped.
    let compress = |still: &Still<'_>, Method { speed, is_graphic }| {
        check_time()?;
        let quantizers = if speed == AvifSpeed::FASTEST { AT_FASTEST } else { AT_OTHERS };
        let quantizer = quantizer(quantizers, quality);
        let stream = av1::encode(still, quantizer, speed.number(), is_graphic)
            .map_err(|error| ThumbnailError::Internal(error.to_string()))?;
        let start =
            if stream.starts_with(&TEMPORAL_DELIMITER) { TEMPORAL_DELIMITER.len() } else { 0 };
        Ok::<_, ThumbnailError>(stream.get(start..).unwrap_or_default().to_vec())
    };
    let chroma = Some([blue.as_slice(), &red]);
    let color = compress(&Still { size, luma: &luma, chroma, half_chroma }, method)?;
    let alpha = alpha(picture)
        .map(|luma| {
            let still = Still { size, luma: &luma, chroma: None, half_chroma: true };
            compress(&still, method_for(&luma, size, speed))
        })
        .transpose()?;
    let mut container = Aviffy::new();
    if let Some(icc) = &metadata.icc {
        // The bitstream also contains the matrix coefficients.
        container.set_icc_profile(icc.clone());
    }
    if let Some(exif) = &metadata.exif {
        // The first four bytes are the number of bytes before the data (HEIF, annex A.2.1).
        container.set_exif([&[0; 4], exif.as_slice()].concat());
    }
    if let Some(xmp) = &metadata.xmp {
        container.set_xmp(xmp.clone().into_bytes());
    }
    let mut file = Vec::new();
    container
        .set_matrix_coefficients(MatrixCoefficients::Bt601)
        .set_seq_profile(u8::from(!half_chroma))
        .set_chroma_subsampling((half_chroma, half_chroma))
        .set_width(size.width)
        .set_height(size.height)
        .set_bit_depth(8)
        .write_slice(&mut file, &color, alpha.as_deref())
        .map_err(|error| ThumbnailError::Internal(error.to_string()))?;
    set_levels(&mut file, [Some(color), alpha].into_iter().flatten());
    Ok(file)
}

/// Copies the levels from the bitstreams to the configurations of the images (AV1 in ISOBMFF,
/// 2.3.3), because the two must agree. The configurations are in the same order as the bitstreams,
/// and come before all data.
fn set_levels(file: &mut [u8], streams: impl Iterator<Item = Vec<u8>>) {
    let places: Vec<_> = memmem::find_iter(file, b"av1C").zip(streams).collect();
    for (place, stream) in places {
        // A still's sequence header (AV1, 5.5.1) has 3 bits for the profile, 2 set bits, and the
        // level.
        if let ([0x0a, _, first, second, ..], Some(to)) = (&*stream, file.get_mut(place + 5)) {
            *to = *to & 0xe0 | (first & 7) << 2 | second >> 6;
        }
    }
}

/// The default speed. Files are as small as those of other encoders with their default settings. A
/// photograph of [`MOST_PIXELS`] takes a third of a second.
const USUAL: AvifSpeed = AvifSpeed(6);

/// The number of pixels above which the default speed is the fastest one, and graphics are encoded as
/// photographs are. A graphic with this number of pixels takes a few seconds.
const MOST_PIXELS: u64 = 1 << 21;

/// The number of pixels above which graphics are encoded as photographs are at the default speed. A
/// graphic with this number of pixels takes a third of a second.
const MOST_IN_GRAPHIC: u64 = 1 << 19;

/// The slowest speed for graphics. Slower speeds save a few bytes, but take up to five times as long.
const SLOW_GRAPHIC: AvifSpeed = AvifSpeed(6);

/// The fastest speed for graphics. Faster speeds have few of libaom's tools for such pictures.
const FAST_GRAPHIC: AvifSpeed = AvifSpeed(7);

/// How an image is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Method {
    speed: AvifSpeed,
    /// Whether to use libaom's tools for screen content, and to keep the full resolution of chroma.
    is_graphic: bool,
}

/// How to encode an image with these samples at this speed. `None` is the default speed.
fn method_for(luma: &[u8], size: Size, speed: Option<AvifSpeed>) -> Method {
    let is_graphic = |most| size.pixels() <= most && is_graphic(luma, size);
    let (speed, is_graphic) = match speed {
        None if is_graphic(MOST_IN_GRAPHIC) => (FAST_GRAPHIC, true),
        None if size.pixels() <= MOST_PIXELS => (USUAL, false),
        None => (AvifSpeed::FASTEST, false),
        Some(speed) if speed <= FAST_GRAPHIC && is_graphic(MOST_PIXELS) => {
            (speed.max(SLOW_GRAPHIC), true)
        }
        Some(speed) => (speed, false),
    };
    Method { speed, is_graphic }
}

/// The side length of the blocks whose samples are counted.
const BLOCK: usize = 8;

/// Whether text and lines of few colours cover a part of the picture: at least one in forty blocks
/// has a high contrast, but few different samples. Photographs have fewer such blocks.
fn is_graphic(luma: &[u8], size: Size) -> bool {
    let width = size.width as usize;
    let (mut blocks, mut drawn) = (0_usize, 0_usize);
    for rows in luma.chunks_exact((width * BLOCK).max(1)) {
        for left in (0..=width.saturating_sub(BLOCK)).step_by(BLOCK) {
            let rows = rows.chunks_exact(width.max(1));
            let samples = rows.flat_map(|row| row.get(left..left + BLOCK).unwrap_or_default());
            blocks += 1;
            drawn += usize::from(is_drawn(samples.copied()));
        }
    }
    blocks > 0 && drawn * 40 >= blocks
}

/// Whether samples have a high contrast, but at most sixteen different values.
fn is_drawn(samples: impl Iterator<Item = u8>) -> bool {
    let (mut least, mut most, mut values) = (u8::MAX, 0, [false; 256]);
    for sample in samples {
        (least, most) = (least.min(sample), most.max(sample));
        if let Some(value) = values.get_mut(usize::from(sample)) {
            *value = true;
        }
    }
    most.saturating_sub(least) > 64 && values.iter().filter(|&&found| found).count() <= 16
}

/// Whether chroma has half the width and height (4:2:0) at this quality.
pub(super) const fn halves_chroma(quality: u8) -> bool {
    quality < FULL_CHROMA
}

fn quantizer(quantizers: &Quantizers, quality: u8) -> u8 {
    let least = quantizers.last().map_or(0, |&(_, least)| least);
    let between = quantizers.windows(2).find_map(|pair| match *pair {
        [(from, most), (to, least)] if (from..=to).contains(&quality) => {
            let (part, whole) = (u16::from(to - quality), u16::from(to - from));
            let more = (u16::from(most - least) * part + whole / 2) / whole;
            u8::try_from(more).ok()?.checked_add(least)
        }
        _ => None,
    });
    between.unwrap_or(least)
}

/// The opacity of the image, unless all of its pixels are opaque.
fn alpha(picture: &Picture) -> Option<Vec<u8>> {
    if picture.kind != PixelKind::Rgba {
        return None;
    }
    let (pixels, _) = picture.data.as_chunks::<4>();
    let alpha: Vec<_> = pixels.iter().map(|&[.., alpha]| alpha).collect();
    alpha.iter().any(|&alpha| alpha != u8::MAX).then_some(alpha)
}

/// Converts an image to red, green and blue. If it has an opacity, this stays the fourth sample.
fn in_rgb(picture: &Picture) -> Cow<'_, Picture> {
    match picture.kind {
        PixelKind::Luma => Cow::Owned(picture.clone().into_color()),
        PixelKind::Cmyk => Cow::Owned(picture.clone().without_inks()),
        PixelKind::Rgb => Cow::Borrowed(picture),
        PixelKind::Rgba => Cow::Owned(with_hidden_mean(picture.clone())),
    }
}

/// Returns the image with its transparent pixels filled with the mean colour of the others.
/// Transparent pixels are invisible, so they can have any colour. A colour similar to the visible
/// ones needs fewer bytes, and does not bleed into the visible pixels.
fn with_hidden_mean(mut picture: Picture) -> Picture {
    let (pixels, _) = picture.data.as_chunks_mut::<4>();
    let (mut sums, mut weight) = ([0_u64; 3], 0_u64);
    for &[red, green, blue, alpha] in &*pixels {
        let alpha = u64::from(alpha);
        for (sum, sample) in sums.iter_mut().zip([red, green, blue]) {
            *sum += u64::from(sample) * alpha;
        }
        weight += alpha;
    }
    let mean = sums.map(|sum| u8::try_from(sum / weight.max(1)).unwrap_or(u8::MAX));
    for [color @ .., alpha] in pixels {
        if *alpha == 0 {
            *color = mean;
        }
    }
    picture
}

/// The weights of red, green and blue in luma, Cb and Cr (ITU-T H.273, BT.601 in full range), in
/// 65,536ths. For gray, Cb and Cr are 128.
const LUMA: [i32; 3] = [19_595, 38_470, 7_471];
const BLUE: [i32; 3] = [-11_058, -21_710, 32_768];
const RED: [i32; 3] = [32_768, -27_439, -5_329];

/// The weighted sum of a pixel's red, green and blue samples.
fn weigh(weights: [i32; 3], [red, green, blue]: [i32; 3]) -> i32 {
    let [of_red, of_green, of_blue] = weights;
    of_red * red + of_green * green + of_blue * blue
}

fn color<const N: usize>(pixel: &[u8; N]) -> [i32; 3] {
    pixel.first_chunk::<3>().map_or([0; 3], |color| color.map(i32::from))
}

/// The luma of an image in red, green and blue.
fn luma(Picture { kind, data, .. }: &Picture) -> Vec<u8> {
    fn of_pixels<const N: usize>(pixels: &[[u8; N]]) -> Vec<u8> {
        let luma = |pixel| byte((weigh(LUMA, color(pixel)) + (1 << 15)) >> 16);
        pixels.iter().map(luma).collect()
    }
    match kind {
        PixelKind::Rgba => of_pixels(data.as_chunks::<4>().0),
        _ => of_pixels(data.as_chunks::<3>().0),
    }
}

/// Cb and Cr of an image in red, green and blue.
fn chroma(picture: &Picture, half_chroma: bool) -> [Vec<u8>; 2] {
    let Picture { width, kind, data, .. } = picture;
    let width = if half_chroma { Some((*width as usize).max(1)) } else { None };
    match kind {
        PixelKind::Rgba => chroma_of(data.as_chunks::<4>().0, width),
        _ => chroma_of(data.as_chunks::<3>().0, width),
    }
}

/// Cb and Cr of pixels whose first three bytes are red, green and blue. With a width, the resolution
/// is halved.
fn chroma_of<const N: usize>(pixels: &[[u8; N]], width: Option<usize>) -> [Vec<u8>; 2] {
    let difference = |weights, sum, shift| {
        byte((weigh(weights, sum) + (128 << shift) + (1 << (shift - 1))) >> shift)
    };
    let (blue, red) = if let Some(width) = width {
        // Each sample covers four pixels. At an odd edge, a sample covers fewer pixels, which are
        // then counted twice.
        pixels
            .chunks(2 * width)
            .flat_map(|rows| {
                let (upper, lower) = rows.split_at(width.min(rows.len()));
                let lower = if lower.is_empty() { upper } else { lower };
                upper.chunks(2).zip(lower.chunks(2))
            })
            .map(|pairs| {
                let mut sum = [0; 3];
                for pair in <[_; 2]>::from(pairs) {
                    for pixel in [pair.first(), pair.last()].into_iter().flatten() {
                        for (sum, sample) in sum.iter_mut().zip(color(pixel)) {
                            *sum += sample;
                        }
                    }
                }
                (difference(BLUE, sum, 18), difference(RED, sum, 18))
            })
            .unzip()
    } else {
        let both = |pixel| {
            let color = color(pixel);
            (difference(BLUE, color, 16), difference(RED, color, 16))
        };
        pixels.iter().map(both).unzip()
    };
    [blue, red]
}

fn byte(value: i32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Metadata = Metadata { icc: None, exif: None, xmp: None };
    const IN_TIME: CheckTime<'_> = &|| Ok(());

    /// Lines of two colours cover a part of the picture. The rest is noise.
    fn drawn(size: Size, part: u32) -> Vec<u8> {
        let mut state = 1_u32;
        let samples = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
        samples
            .map(|(x, y)| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let line = if (x + y) % 5 == 0 { 20 } else { 230 };
                if y < part { line } else { state.to_be_bytes()[0] }
            })
            .collect()
    }

    #[test]
    fn lines_are_graphic_and_noise_is_not() {
        let size = Size { width: 163, height: 161 };
        assert!(is_graphic(&drawn(size, 161), size));
        assert!(is_graphic(&drawn(size, 16), size));
        assert!(!is_graphic(&drawn(size, 0), size));
        assert!(!is_graphic(&vec![7; 163 * 161], size));
        for (width, height) in [(0, 0), (7, 300), (300, 7), (1, 1)] {
            let size = Size { width, height };
            assert!(!is_graphic(&drawn(size, height), size), "{width} {height}");
        }
    }

    #[test]
    fn the_method_depends_on_the_picture() {
        let chosen = |width, height, is_graphic: bool, speed| {
            let size = Size { width, height };
            let luma = drawn(size, if is_graphic { height } else { 0 });
            let Method { speed, is_graphic } = method_for(&luma, size, AvifSpeed::new(speed));
            (speed.number(), is_graphic)
        };
        // Speed 8 does not exist, so it is the default.
        for (width, height, is_graphic, speed, expected) in [
            (1024, 512, true, 8, (7, true)),
            (1024, 513, true, 8, (6, false)),
            (1024, 512, false, 8, (6, false)),
            (2048, 1024, false, 8, (6, false)),
            (2048, 1025, false, 8, (9, false)),
            (2048, 1024, true, 7, (7, true)),
            (2048, 1025, true, 7, (7, false)),
            (2048, 1025, false, 5, (5, false)),
            (640, 400, true, 5, (6, true)),
            (640, 400, true, 9, (9, false)),
        ] {
            let found = chosen(width, height, is_graphic, speed);
            assert_eq!(found, expected, "{width} {height} {is_graphic} {speed}");
        }
    }
    const SPEED: Option<AvifSpeed> = Some(AvifSpeed::FASTEST);
    use crate::thumbnail::decode::{self, DecodeRequest};
    use crate::thumbnail::limits::Limits;

    /// A picture without sharp edges.
    fn picture(width: u32, height: u32, kind: PixelKind) -> Picture {
        let sample =
            |x: u32, y: u32, index: u32| u8::try_from((40 + x + y + index * 20) % 256).unwrap();
        let bytes = u32::try_from(kind.bytes()).unwrap();
        let data = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| (0..bytes).map(move |i| sample(x, y, i))))
            .collect();
        Picture { width, height, kind, data }
    }

    fn decoded(file: &[u8]) -> Picture {
        let source = decode::open(file, &Limits::default()).unwrap();
        let request = DecodeRequest {
            size: source.header().size,
            linear_size: None,
            half_chroma: false,
            max_frames: 1,
            is_partial: false,
            limits: &Limits::default(),
            expired: &|| false,
        };
        let mut found = None;
        let mut take = |frame: decode::DecodedFrame<'_>| {
            found = Some(frame.pixels.into_picture()?);
            Ok(())
        };
        source.frames(request, &mut take).unwrap();
        found.unwrap()
    }

    fn difference(one: &Picture, other: &Picture) -> u8 {
        assert_eq!((one.size(), one.kind), (other.size(), other.kind));
        one.data.iter().zip(&other.data).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
    }

    #[test]
    fn every_size_and_kind_comes_back() {
        for (width, height) in [(1, 1), (1, 7), (7, 1), (2, 2), (3, 2), (2, 3), (33, 17), (64, 65)]
        {
            for kind in [PixelKind::Luma, PixelKind::Rgb, PixelKind::Rgba] {
                for (quality, most) in [(94, 12), (100, 3)] {
                    let picture = picture(width, height, kind);
                    let made = decoded(&encode(&picture, quality, SPEED, &NONE, IN_TIME).unwrap());
                    let difference = difference(&made, &picture.into_color());
                    assert!(
                        difference <= most,
                        "{width}x{height} {kind:?} {quality}: {difference}"
                    );
                }
            }
        }
    }

    #[test]
    fn opacity_is_left_out_where_there_is_none() {
        let mut opaque = picture(20, 10, PixelKind::Rgba);
        opaque.data.iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = 255);
        let plain = opaque.clone().without_idle_alpha();
        assert_eq!(
            encode(&opaque, 60, SPEED, &NONE, IN_TIME).unwrap(),
            encode(&plain, 60, SPEED, &NONE, IN_TIME).unwrap()
        );
        assert_eq!(
            decoded(&encode(&opaque, 60, SPEED, &NONE, IN_TIME).unwrap()).kind,
            PixelKind::Rgb
        );
    }

    #[test]
    fn hidden_colors_do_not_show() {
        let mut spots = picture(40, 30, PixelKind::Rgba);
        let (pixels, _) = spots.data.as_chunks_mut::<4>();
        for (index, pixel) in pixels.iter_mut().enumerate() {
            *pixel = if index / 3 % 2 == 0 { [0; 4] } else { [200, 30, 60, 255] };
        }
        let made = decoded(&encode(&spots, 60, SPEED, &NONE, IN_TIME).unwrap());
        let (pixels, _) = made.data.as_chunks::<4>();
        for [red, green, blue, _] in pixels {
            assert!(red.abs_diff(200) < 4 && green.abs_diff(30) < 4 && blue.abs_diff(60) < 4);
        }
    }

    #[test]
    fn a_better_quality_takes_more_bytes() {
        let mut last = 0;
        let mut noise = picture(96, 64, PixelKind::Rgb);
        for (index, sample) in noise.data.iter_mut().enumerate() {
            *sample = sample.wrapping_add(u8::try_from(index * index % 89).unwrap());
        }
        for quality in (10..=100).step_by(10) {
            let size = encode(&noise, quality, SPEED, &NONE, IN_TIME).unwrap().len();
            assert!(size > last, "{size} bytes at {quality}, {last} below");
            last = size;
        }
    }

    #[test]
    fn quantizers_fall_to_none() {
        for quantizers in [AT_FASTEST, AT_OTHERS] {
            let all: Vec<_> = (0..=100).map(|quality| quantizer(quantizers, quality)).collect();
            assert!(all.is_sorted_by(|a, b| a >= b));
            assert_eq!(quantizer(quantizers, 255), 0);
        }
        let of = |quantizers| [0, 60, 75, 90, 100].map(|quality| quantizer(quantizers, quality));
        assert_eq!(of(AT_FASTEST), [60, 30, 22, 6, 0]);
        assert_eq!(of(AT_OTHERS), [60, 34, 30, 14, 0]);
    }

    #[test]
    fn the_same_picture_makes_the_same_file() {
        let picture = picture(70, 50, PixelKind::Rgba);
        assert_eq!(
            encode(&picture, 60, SPEED, &NONE, IN_TIME).unwrap(),
            encode(&picture, 60, SPEED, &NONE, IN_TIME).unwrap()
        );
    }

    #[test]
    fn configurations_agree_with_the_bitstreams() {
        for (side, level) in [(64, 0), (600, 1)] {
            let file =
                encode(&picture(side, 300, PixelKind::Rgba), 60, SPEED, &NONE, IN_TIME).unwrap();
            let levels: Vec<_> =
                memmem::find_iter(&file, b"av1C").map(|at| file[at + 5] & 31).collect();
            assert_eq!(levels, [level; 2]);
        }
    }

    #[test]
    fn graphics_keep_the_resolution_of_chroma() {
        let size = Size { width: 64, height: 64 };
        for (part, profile) in [(64, 1), (0, 0)] {
            let data = drawn(size, part).into_iter().flat_map(|sample| [sample; 3]).collect();
            let picture = Picture { width: 64, height: 64, kind: PixelKind::Rgb, data };
            let file = encode(&picture, 60, None, &NONE, IN_TIME).unwrap();
            let at = memmem::find(&file, b"av1C").unwrap();
            assert_eq!(file[at + 5] >> 5, profile, "{part}");
        }
    }

    #[test]
    fn a_picture_too_large_for_av1_is_an_error() {
        let picture =
            Picture { width: 65_537, height: 1, kind: PixelKind::Luma, data: vec![0; 65_537] };
        assert!(matches!(
            encode(&picture, 60, SPEED, &NONE, IN_TIME),
            Err(ThumbnailError::Internal(_))
        ));
    }
}
