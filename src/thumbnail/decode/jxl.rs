//! Decodes JPEG XL (ISO/IEC 18181) with the `jxl` crate: bare codestreams and container files.

use jxl::api::{
    AlphaMode, Event, ExtraChannel, JxlBasicInfo, JxlBitDepth, JxlColorEncoding, JxlColorProfile,
    JxlColorType, JxlDataFormat, JxlDecoder, JxlDecoderOptions, JxlOutputBuffer, JxlParallelRunner,
    JxlParallelRunnerFun, JxlPixelFormat, JxlPrimaries, JxlTransferFunction, JxlWhitePoint,
    ProfileLevel,
};

use super::super::color::Profile;
use super::super::format::{OutputFormat, SourceFormat};
use super::super::header::Header;
use super::super::notice::Notice;
use super::decoder::{Completeness, DecodeRequest, Decoder, Sink, Source};
use crate::error::ThumbnailError;
use raster::{Frame, Picture, PixelKind, Size};

const FORMAT: SourceFormat =
    SourceFormat::new("jxl", OutputFormat::Jpeg).or_if_transparent(OutputFormat::Png);

pub(super) const DECODER: Decoder = Decoder { format: FORMAT, sniff, open };

/// The maximum number of frames that are counted.
const MAX_FRAMES: u32 = 10_000;

/// The number of samples that a frame may always have in addition to those of the image.
const EXTRA_SAMPLES: usize = 1 << 22;

fn sniff(source: &[u8]) -> bool {
    source.starts_with(&[0xFF, 0x0A]) || source.starts_with(b"\0\0\0\x0CJXL \r\n\x87\n")
}

fn corrupt(reason: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(FORMAT, reason)
}

const CUT_OFF: &str = "the file is truncated";

/// Creates a decoder, and reads the headers before the first frame.
fn start(
    mut source: &[u8],
    options: JxlDecoderOptions,
) -> Result<(JxlDecoder, &[u8]), ThumbnailError> {
    let mut decoder = JxlDecoder::new(options);
    match decoder.process(&mut source, None, None).map_err(corrupt)? {
        Event::BasicInfo => Ok((decoder, source)),
        _ => Err(corrupt(CUT_OFF)),
    }
}

fn options() -> JxlDecoderOptions {
    let mut options = JxlDecoderOptions::default();
    options.adjust_orientation = false;
    options.alpha_mode = AlphaMode::Unpremultiplied;
    options.max_profile_level = ProfileLevel::Main10;
    options
}

struct Jxl<'a> {
    source: &'a [u8],
    header: Header,
    samples: Samples,
    /// The bytes that the decoder itself needs for a pixel.
    working_bytes: u64,
    channels: usize,
    profile: Option<Profile>,
}

/// The samples of a pixel.
struct Samples {
    /// The interleaved samples.
    color: JxlColorType,
    /// The number of extra channels in the file.
    extra: usize,
    /// The index of the opacity among the extra channels.
    alpha: Option<usize>,
}

impl Samples {
    fn of(info: &JxlBasicInfo, profile: &JxlColorProfile) -> Self {
        let position = |kind| info.extra_channels.iter().position(|extra| extra.ec_type == kind);
        let alpha = position(ExtraChannel::Alpha);
        let color = match (profile.channels(), alpha) {
            (1, None) => JxlColorType::Grayscale,
            (1, Some(_)) => JxlColorType::GrayscaleAlpha,
            _ if position(ExtraChannel::Black).is_some() => JxlColorType::Cmyk,
            (_, None) => JxlColorType::Rgb,
            (_, Some(_)) => JxlColorType::Rgba,
        };
        Self { color, extra: info.extra_channels.len(), alpha }
    }

    /// The kind of pixels that the other steps receive.
    const fn kind(&self) -> PixelKind {
        match self.color {
            JxlColorType::Grayscale => PixelKind::Luma,
            JxlColorType::Cmyk => PixelKind::Cmyk,
            JxlColorType::GrayscaleAlpha | JxlColorType::Rgba | JxlColorType::Bgra => {
                PixelKind::Rgba
            }
            JxlColorType::Rgb | JxlColorType::Bgr => PixelKind::Rgb,
        }
    }

    /// The opacity of CMYK, which is not interleaved with the inks.
    fn separate_alpha(&self) -> Option<usize> {
        self.alpha.filter(|_| self.color == JxlColorType::Cmyk)
    }

    fn format(&self) -> JxlPixelFormat {
        let bytes = JxlDataFormat::U8 { bit_depth: 8 };
        let alpha = self.separate_alpha();
        JxlPixelFormat {
            color_type: self.color,
            color_data_format: Some(bytes),
            extra_channel_format: (0..self.extra)
                .map(|index| (alpha == Some(index)).then_some(bytes))
                .collect(),
        }
    }
}

fn open(source: &[u8]) -> Result<Box<dyn Source + '_>, ThumbnailError> {
    let (mut decoder, _) = start(source, options())?;
    let (Some(info), Some(embedded)) = (decoder.basic_info(), decoder.embedded_color_profile())
    else {
        return Err(corrupt(CUT_OFF));
    };
    let (info, has_icc) = (info.clone(), matches!(embedded, JxlColorProfile::Icc(_)));
    let samples = Samples::of(&info, embedded);
    let (width, height) = info.size;
    let pixels = |side: usize| u32::try_from(side).map_err(corrupt);
    let size = Size { width: pixels(width)?, height: pixels(height)? };
    let animation = info.animation.as_ref();
    let header = Header {
        frames: if animation.is_some() { count_frames(source) } else { 1 },
        plays: animation
            .map_or(1, |animation| u16::try_from(animation.num_loops).unwrap_or(u16::MAX)),
        // Paper shows through a transparent CMYK image, so the picture is opaque.
        has_alpha: samples.kind() == PixelKind::Rgba,
        has_icc,
        ..Header::still(FORMAT, size)
    }
    .oriented(info.orientation as u16);
    decoder.set_pixel_format(samples.format()).map_err(corrupt)?;
    let output = decoder.output_color_profile();
    // The ICC profile of such an image has only a curve, which would clip the bright parts.
    if output.is_some_and(is_gray_hdr) {
        return Err(ThumbnailError::UnsupportedFeature {
            feature: "gray JPEG XL in HDR (PQ, HLG)",
        });
    }
    let profile = output.and_then(|profile| to_profile(profile, samples.kind()));
    let channels = if samples.kind() == PixelKind::Luma { 1 } else { 3 } + samples.extra;
    Ok(Box::new(Jxl {
        source,
        header,
        working_bytes: working_bytes(&info, channels as u64),
        channels,
        samples,
        profile,
    }))
}

/// The number of bytes that the decoder needs for a pixel in addition to the samples that it
/// returns.
fn working_bytes(info: &JxlBasicInfo, channels: u64) -> u64 {
    let wide = match info.bit_depth {
        JxlBitDepth::Int { bits_per_sample } => bits_per_sample > 14,
        JxlBitDepth::Float { .. } => true,
    };
    // Lossy images are decoded in groups, but lossless images as a whole.
    match (info.uses_original_profile, wide) {
        (false, _) => 4,
        (true, false) => 2 * channels,
        (true, true) => 4 * channels,
    }
}

/// Counts the frames without decoding them. The file may be damaged after some of the frames.
fn count_frames(source: &[u8]) -> u32 {
    let mut options = options();
    options.scan_frames_only = true;
    let Ok((mut decoder, mut rest)) = start(source, options) else { return 1 };
    let mut frames = 0;
    while frames < MAX_FRAMES {
        match decoder.process(&mut rest, None, None) {
            Ok(Event::FrameHeader) => frames += 1,
            Ok(Event::FrameComplete { has_more_frames: true }) => {}
            _ => break,
        }
    }
    frames.max(1)
}

/// Whether the samples are gray, with a transfer function for HDR.
const fn is_gray_hdr(profile: &JxlColorProfile) -> bool {
    use JxlTransferFunction::{HLG, PQ};
    matches!(
        profile,
        JxlColorProfile::Simple(JxlColorEncoding::GrayscaleColorSpace {
            transfer_function: PQ | HLG,
            ..
        })
    )
}

/// Returns the colour space of the decoded samples; `None` means sRGB.
fn to_profile(profile: &JxlColorProfile, kind: PixelKind) -> Option<Profile> {
    let encoding = match profile {
        JxlColorProfile::Icc(icc) => return Some(Profile::Icc(icc.clone())),
        JxlColorProfile::Simple(encoding) => encoding.clone(),
    };
    let encoding = match encoding {
        JxlColorEncoding::GrayscaleColorSpace {
            white_point,
            transfer_function,
            rendering_intent,
        } if kind == PixelKind::Rgba => JxlColorEncoding::RgbColorSpace {
            white_point,
            primaries: JxlPrimaries::SRGB,
            transfer_function,
            rendering_intent,
        },
        encoding => encoding,
    };
    match encoding {
        JxlColorEncoding::RgbColorSpace {
            white_point: JxlWhitePoint::D65,
            primaries: JxlPrimaries::SRGB,
            transfer_function: JxlTransferFunction::SRGB,
            ..
        }
        | JxlColorEncoding::GrayscaleColorSpace {
            white_point: JxlWhitePoint::D65,
            transfer_function: JxlTransferFunction::SRGB,
            ..
        } => None,
        encoding => encoding.maybe_create_profile().ok().flatten().map(Profile::Icc),
    }
}

/// The boxes of a container file (ISO/IEC 14496-12), each as its name and its content.
fn boxes(source: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = source;
    std::iter::from_fn(move || {
        let (size, after) = rest.split_first_chunk::<4>()?;
        let (name, after) = after.split_first_chunk::<4>()?;
        let (header, size) = match u32::from_be_bytes(*size) {
            0 => (8, rest.len()),
            1 => (16, usize::try_from(u64::from_be_bytes(*after.first_chunk::<8>()?)).ok()?),
            size => (8, usize::try_from(size).ok()?),
        };
        let content = rest.get(header..size)?;
        rest = rest.get(size..)?;
        Some((name, content))
    })
}

/// Runs the steps of the decoder one after another, until the time limit is exceeded.
struct Steps<'a>(DecodeRequest<'a>);

impl JxlParallelRunner for Steps<'_> {
    fn run(&mut self, num: usize, step: &JxlParallelRunnerFun<'_>) -> jxl::error::Result<()> {
        self.run_ordered(num, None, step)
    }

    fn num_threads(&self) -> usize {
        1
    }

    fn run_ordered(
        &mut self,
        num: usize,
        _max_threads: Option<usize>,
        step: &JxlParallelRunnerFun<'_>,
    ) -> jxl::error::Result<()> {
        for index in 0..num {
            self.0.check_time().map_err(std::io::Error::other)?;
            step(index)?;
        }
        Ok(())
    }
}

impl Source for Jxl<'_> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn pixel_bytes(&self) -> u64 {
        self.samples.kind().bytes() as u64 + self.working_bytes
    }

    fn profile(&mut self) -> Option<Profile> {
        self.profile.clone()
    }

    /// Only uncompressed metadata is read.
    fn notice(&mut self) -> Notice {
        let find = |wanted| boxes(self.source).find(|(name, _)| *name == wanted);
        // The first four bytes are the number of bytes before the EXIF data (ISO/IEC 18181-2).
        let exif = find(b"Exif").and_then(|(_, content)| {
            let (before, data) = content.split_first_chunk::<4>()?;
            data.get(usize::try_from(u32::from_be_bytes(*before)).ok()?..)
        });
        Notice::read(exif, None, find(b"xml ").map(|(_, content)| content))
    }

    fn frames(
        self: Box<Self>,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        let mut options = options();
        let Size { width, height } = self.header.size;
        let samples = (width.max(16) as usize)
            .saturating_mul(height as usize)
            .saturating_mul(self.channels.max(3));
        // Hidden frames may be larger than the image.
        options.sample_limit = Some(samples.saturating_mul(2).saturating_add(EXTRA_SAMPLES));
        let (mut decoder, mut rest) = start(self.source, options)?;
        decoder.set_pixel_format(self.samples.format()).map_err(corrupt)?;
        let mut shown = 0;
        loop {
            request.check_time()?;
            let (frame, state) = match self.next_frame(&mut decoder, &mut rest, request) {
                Ok(next) => next,
                Err(ThumbnailError::Timeout) => return Err(ThumbnailError::Timeout),
                Err(error) if shown == 0 => return Err(error),
                // The frames before the damaged one can be shown.
                Err(_) => return Ok(Completeness::Part),
            };
            sink(frame.into())?;
            shown += 1;
            match state {
                State::CutOff => return Ok(Completeness::Part),
                State::Last => return Ok(Completeness::Whole),
                State::More if shown == request.max_frames => return Ok(Completeness::Whole),
                State::More => {}
            }
        }
    }
}

/// What follows a frame.
enum State {
    More,
    Last,
    /// The frame is not complete.
    CutOff,
}

impl Jxl<'_> {
    fn next_frame(
        &self,
        decoder: &mut JxlDecoder,
        rest: &mut &[u8],
        request: DecodeRequest<'_>,
    ) -> Result<(Frame, State), ThumbnailError> {
        let mut steps = Steps(request);
        let failed = |error| match request.check_time() {
            Ok(()) => corrupt(error),
            Err(timeout) => timeout,
        };
        match decoder.process(rest, None, Some(&mut steps)).map_err(failed)? {
            Event::FrameHeader => {}
            _ => return Err(corrupt(CUT_OFF)),
        }
        let delay = decoder.frame_header().and_then(|frame| frame.duration).unwrap_or_default();
        let Size { width, height } = self.header.size;
        let (columns, rows) = (width as usize, height as usize);
        let stride = columns * self.samples.color.samples_per_pixel();
        let mut data = vec![self.missing(); rows * stride];
        let mut alpha = vec![255; self.samples.separate_alpha().map_or(0, |_| rows * columns)];
        let state = {
            let mut buffers = vec![JxlOutputBuffer::new(&mut data, rows, stride)];
            if !alpha.is_empty() {
                buffers.push(JxlOutputBuffer::new(&mut alpha, rows, columns));
            }
            let event = decoder.process(rest, Some(&mut buffers), Some(&mut steps));
            match event.map_err(failed)? {
                Event::FrameComplete { has_more_frames: true } => State::More,
                Event::FrameComplete { .. } => State::Last,
                _ => match decoder.flush_pixels(&mut buffers, Some(&mut steps)) {
                    Ok(true) => State::CutOff,
                    Ok(false) => return Err(corrupt(CUT_OFF)),
                    Err(error) => return Err(failed(error)),
                },
            }
        };
        let kind = self.samples.kind();
        let data = match self.samples.color {
            JxlColorType::GrayscaleAlpha => with_colors(&data),
            JxlColorType::Cmyk => {
                to_inks(&mut data, &alpha);
                data
            }
            _ => data,
        };
        let picture = Picture { width, height, kind, data };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the cast saturates"
        )]
        let delay = delay.round() as u32;
        Ok((Frame { picture, delay }, state))
    }

    /// The samples of missing pixels: transparent or gray.
    const fn missing(&self) -> u8 {
        if self.header.has_alpha { 0 } else { 128 }
    }
}

/// Converts gray with opacity to red, green, blue and opacity.
fn with_colors(data: &[u8]) -> Vec<u8> {
    let (pixels, _) = data.as_chunks::<2>();
    pixels.iter().flat_map(|&[gray, alpha]| [gray, gray, gray, alpha]).collect()
}

/// Converts the samples of CMYK, where 255 means no ink, to the amount of each ink. The amount is
/// reduced where the image is transparent, so that paper shows through.
fn to_inks(data: &mut [u8], alpha: &[u8]) {
    let (pixels, _) = data.as_chunks_mut::<4>();
    for pixel in pixels.iter_mut() {
        *pixel = pixel.map(|sample| 255 - sample);
    }
    for (pixel, &alpha) in pixels.iter_mut().zip(alpha) {
        *pixel = pixel.map(|ink| {
            u8::try_from((u16::from(ink) * u16::from(alpha) + 127) / 255).unwrap_or(ink)
        });
    }
}
