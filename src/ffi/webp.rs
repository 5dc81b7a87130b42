//! Safe calls to libwebp.

use std::ffi::c_int;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

use libwebp_sys::{
    VP8StatusCode, WEBP_CSP_MODE, WebPAnimDecoder, WebPAnimDecoderDelete, WebPAnimDecoderGetInfo,
    WebPAnimDecoderGetNext, WebPAnimDecoderHasMoreFrames, WebPAnimDecoderNew,
    WebPAnimDecoderOptions, WebPAnimDecoderOptionsInit, WebPAnimEncoder, WebPAnimEncoderAdd,
    WebPAnimEncoderAssemble, WebPAnimEncoderDelete, WebPAnimEncoderNewInternal,
    WebPAnimEncoderOptions, WebPAnimEncoderOptionsInitInternal, WebPAnimInfo,
    WebPBitstreamFeatures, WebPConfig, WebPData, WebPDataClear, WebPDecoderConfig, WebPEncode,
    WebPEncodingError, WebPGetDecoderVersion, WebPGetFeatures, WebPGetMuxABIVersion, WebPIDecode,
    WebPIDecodedArea, WebPIDecoder, WebPIDelete, WebPIUpdate, WebPMemoryWrite, WebPMemoryWriter,
    WebPMemoryWriterClear, WebPMemoryWriterInit, WebPPicture, WebPPictureFree,
    WebPPictureImportRGB, WebPPictureImportRGBA, WebPRGBABuffer, WebPValidateConfig,
    WebPYUVABuffer,
};
use thiserror::Error;

use raster::{Frame, Picture, PixelKind, Size};

/// An error of libwebp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum WebPError {
    #[error("libwebp can't decode it ({0:?})")]
    Decode(VP8StatusCode),
    #[error("libwebp can't encode it ({0:?})")]
    Encode(WebPEncodingError),
    #[error("it is too large for libwebp")]
    Size,
    #[error("the caller stopped it")]
    Stopped,
    #[error("it ends early")]
    Incomplete,
    #[error("the version of libwebp differs from the one of the build")]
    Version,
}

/// The features of a bitstream.
pub(crate) struct Features {
    pub(crate) size: Size,
    pub(crate) has_alpha: bool,
    pub(crate) has_animation: bool,
    /// Whether this is a still image with lossy compression.
    pub(crate) is_lossy: bool,
}

/// `WebPBitstreamFeatures.format` of a lossy still image. It is 0 for an animation.
const LOSSY: c_int = 1;

/// libwebp's version, such as `1.6.0`.
pub(crate) fn version() -> String {
    // SAFETY: the function takes no argument and returns a constant.
    let version = unsafe { WebPGetDecoderVersion() };
    format!("{}.{}.{}", version >> 16 & 255, version >> 8 & 255, version & 255)
}

/// Read the features of a bitstream.
pub(crate) fn features(source: &[u8]) -> Result<Features, WebPError> {
    let mut found = WebPBitstreamFeatures {
        width: 0,
        height: 0,
        has_alpha: 0,
        has_animation: 0,
        format: 0,
        pad: [0; 5],
    };
    // SAFETY: the pointer and the length are those of a slice that outlives the call. `found` is
    // writable, and nothing keeps a pointer to it.
    let status = unsafe { WebPGetFeatures(source.as_ptr(), source.len(), &raw mut found) };
    if status != VP8StatusCode::VP8_STATUS_OK {
        return Err(WebPError::Decode(status));
    }
    let side = |side: c_int| u32::try_from(side).map_err(|_| WebPError::Size);
    Ok(Features {
        size: Size { width: side(found.width)?, height: side(found.height)? },
        has_alpha: found.has_alpha != 0,
        has_animation: found.has_animation != 0,
        is_lossy: found.format == LOSSY,
    })
}

/// A decoder's configuration, with the planes that the decoder writes to.
struct Decoding<'a> {
    config: WebPDecoderConfig,
    planes: PhantomData<&'a mut [u8]>,
}

impl<'a> Decoding<'a> {
    /// Configure a decoder that decodes a still image of size `full` and scales it to `size`.
    fn new(full: Size, size: Size) -> Result<Self, WebPError> {
        let mut config = WebPDecoderConfig::new().map_err(|()| WebPError::Version)?;
        if size != full {
            config.options.use_scaling = 1;
            config.options.scaled_width = signed(size.width as usize)?;
            config.options.scaled_height = signed(size.height as usize)?;
        }
        config.output.is_external_memory = 1;
        Ok(Self { config, planes: PhantomData })
    }

    /// Make the decoder write interleaved samples, in rows of `stride` bytes.
    fn into_pixels(
        mut self,
        mode: WEBP_CSP_MODE,
        pixels: &'a mut [u8],
        stride: usize,
    ) -> Result<Self, WebPError> {
        self.config.output.colorspace = mode;
        self.config.output.u.RGBA = WebPRGBABuffer {
            rgba: pixels.as_mut_ptr(),
            stride: signed(stride)?,
            size: pixels.len(),
        };
        Ok(self)
    }

    /// Make the decoder write luma of this size, with Cb and Cr at [`half`] this size.
    fn into_components(
        mut self,
        size: Size,
        [luma, blue, red]: [&'a mut [u8]; 3],
    ) -> Result<Self, WebPError> {
        let half = half(size);
        self.config.output.colorspace = WEBP_CSP_MODE::MODE_YUV;
        self.config.output.u.YUVA = WebPYUVABuffer {
            y: luma.as_mut_ptr(),
            u: blue.as_mut_ptr(),
            v: red.as_mut_ptr(),
            a: ptr::null_mut(),
            y_stride: signed(size.width as usize)?,
            u_stride: signed(half.width as usize)?,
            v_stride: signed(half.width as usize)?,
            a_stride: 0,
            y_size: luma.len(),
            u_size: blue.len(),
            v_size: red.len(),
            a_size: 0,
        };
        Ok(self)
    }

    /// Decode all rows that the source contains, and return their number. `goes_on` is called
    /// between pieces of the source.
    fn run(mut self, source: &[u8], goes_on: &dyn Fn() -> bool) -> Result<u32, WebPError> {
        let piece = (source.len() / PIECES).max(PIECE);
        // SAFETY: no data is passed. The configuration is initialised, and outlives the decoder,
        // which keeps a pointer to it and is dropped first. The output is external memory:
        // `into_pixels` and `into_components` pass each buffer with its actual length, and `'a`
        // keeps it borrowed. libwebp checks that strides and sizes are sufficient for the picture,
        // does not write beyond the size, and does not use an opacity plane in `MODE_YUV`. If there
        // is no buffer, the pointers are null, which libwebp rejects.
        let decoder = unsafe { WebPIDecode(ptr::null(), 0, &raw mut self.config) };
        let decoder = Incremental(ptr::NonNull::new(decoder).ok_or(WebPError::Size)?);
        let mut status = VP8StatusCode::VP8_STATUS_SUSPENDED;
        let mut length = 0;
        while status == VP8StatusCode::VP8_STATUS_SUSPENDED && length < source.len() {
            if !goes_on() {
                return Err(WebPError::Stopped);
            }
            length = (length + piece).min(source.len());
            // SAFETY: the decoder is alive. The data starts at the same address each time, and
            // contains at least `length` bytes, which stay borrowed until the decoder is dropped.
            status = unsafe { WebPIUpdate(decoder.0.as_ptr(), source.as_ptr(), length) };
        }
        let mut rows = 0;
        // SAFETY: the decoder is alive; the call writes only to the number, and null pointers stand
        // for values that are not requested.
        unsafe {
            let (none, rows) = (ptr::null_mut(), &raw mut rows);
            WebPIDecodedArea(decoder.0.as_ptr(), none, none, none, rows);
        }
        match u32::try_from(rows) {
            Ok(rows @ 1..) => Ok(rows),
            _ => Err(WebPError::Decode(status)),
        }
    }
}

/// The minimum size of the pieces into which a source is divided, in bytes. The time limit is
/// checked between pieces.
const PIECE: usize = 64 * 1024;

/// The maximum number of pieces into which a source is divided.
const PIECES: usize = 64;

/// An incremental decoder, freed when dropped.
struct Incremental(ptr::NonNull<WebPIDecoder>);

impl Drop for Incremental {
    fn drop(&mut self) {
        // SAFETY: the decoder came from `WebPIDecode`, and is deleted only here.
        unsafe { WebPIDelete(self.0.as_ptr()) }
    }
}

/// The size of Cb and Cr in a picture of this size.
pub(crate) const fn half(size: Size) -> Size {
    Size { width: size.width.div_ceil(2), height: size.height.div_ceil(2) }
}

/// Decode a lossy still image of size `full` to luma, Cb and Cr. If `size` is different, libwebp's
/// own scaler shrinks the image to it. Cb and Cr have [`half`] that size.
pub(crate) fn decode_components(
    source: &[u8],
    full: Size,
    size: Size,
    goes_on: &dyn Fn() -> bool,
) -> Result<[Vec<u8>; 3], WebPError> {
    let half = half(size);
    let plane = |size: Size| usize::try_from(size.pixels()).map(|length| vec![0_u8; length]);
    let [luma, blue, red] = [plane(size), plane(half), plane(half)];
    let too_large = |_| WebPError::Size;
    let mut planes = [luma.map_err(too_large)?, blue.map_err(too_large)?, red.map_err(too_large)?];
    let borrowed = planes.each_mut().map(Vec::as_mut_slice);
    let rows = Decoding::new(full, size)?.into_components(size, borrowed)?.run(source, goes_on)?;
    if rows == size.height { Ok(planes) } else { Err(WebPError::Incomplete) }
}

/// Decode a still image of size `full`. If `size` is different, libwebp's own scaler shrinks the
/// image to it. Returns whether the source contains all rows; missing rows are transparent or gray.
pub(crate) fn decode(
    source: &[u8],
    full: Size,
    size: Size,
    kind: PixelKind,
    goes_on: &dyn Fn() -> bool,
) -> Result<(Picture, bool), WebPError> {
    let (mode, kind) = match kind {
        PixelKind::Rgba => (WEBP_CSP_MODE::MODE_RGBA, PixelKind::Rgba),
        PixelKind::Luma | PixelKind::Rgb | PixelKind::Cmyk => {
            (WEBP_CSP_MODE::MODE_RGB, PixelKind::Rgb)
        }
    };
    let stride = size.width as usize * kind.bytes();
    let bytes = stride.checked_mul(size.height as usize).ok_or(WebPError::Size)?;
    let mut data = vec![0_u8; bytes];
    let decoding = Decoding::new(full, size)?.into_pixels(mode, &mut data, stride)?;
    let rows = decoding.run(source, goes_on)?;
    let missing = data.get_mut(rows as usize * stride..).unwrap_or_default();
    missing.fill(if kind == PixelKind::Rgba { 0 } else { 128 });
    let picture = Picture { width: size.width, height: size.height, kind, data };
    Ok((picture, rows == size.height))
}

/// Memory that libwebp allocated for a file, freed when dropped.
struct Output(WebPMemoryWriter);

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: the writer was initialised, and is cleared only here.
        unsafe { WebPMemoryWriterClear(&raw mut self.0) }
    }
}

/// A picture to encode, freed when dropped: a copy that libwebp owns, or planes that it borrows.
struct Input<'a>(WebPPicture, PhantomData<&'a [u8]>);

impl<'a> Input<'a> {
    /// Create a picture of this size that does not contain pixels yet.
    fn new(size: Size, as_argb: bool) -> Result<Self, WebPError> {
        let mut picture = WebPPicture::new().map_err(|()| WebPError::Version)?;
        picture.use_argb = c_int::from(as_argb);
        picture.width = signed(size.width as usize)?;
        picture.height = signed(size.height as usize)?;
        Ok(Self(picture, PhantomData))
    }

    /// Create a picture that borrows luma, and Cb and Cr at [`half`] its size.
    fn borrow([luma, blue, red]: [&'a Picture; 3]) -> Result<Self, WebPError> {
        let half = half(luma.size());
        let is_plane = |picture: &Picture, size: Size| {
            picture.size() == size && picture.data.len() as u64 == size.pixels()
        };
        if !is_plane(luma, luma.size()) || !is_plane(blue, half) || !is_plane(red, half) {
            return Err(WebPError::Size);
        }
        let mut input = Self::new(luma.size(), false)?;
        // libwebp reads 4:2:0 samples from these planes. Their sizes were checked, and `'a` keeps
        // them borrowed. libwebp writes to planes only if the picture has an opacity plane.
        input.0.y = luma.data.as_ptr().cast_mut();
        input.0.u = blue.data.as_ptr().cast_mut();
        input.0.v = red.data.as_ptr().cast_mut();
        input.0.y_stride = input.0.width;
        input.0.uv_stride = signed(half.width as usize)?;
        Ok(input)
    }
}

impl Drop for Input<'_> {
    fn drop(&mut self) {
        // SAFETY: the picture was initialised, and is freed only here. libwebp frees only memory
        // that it has allocated, so it does not free borrowed planes.
        unsafe { WebPPictureFree(&raw mut self.0) }
    }
}

/// The quality for lossless compression.
pub(crate) const LOSSLESS: u8 = 100;

/// The settings for a quality.
fn configuration(quality: u8) -> Result<WebPConfig, WebPError> {
    let mut config = WebPConfig::new().map_err(|()| WebPError::Version)?;
    config.quality = f32::from(quality);
    config.lossless = c_int::from(quality == LOSSLESS);
    // SAFETY: the call only reads the configuration.
    if unsafe { WebPValidateConfig(&raw const config) } == 0 {
        return Err(WebPError::Encode(WebPEncodingError::VP8_ENC_ERROR_INVALID_CONFIGURATION));
    }
    Ok(config)
}

fn signed(side: usize) -> Result<c_int, WebPError> {
    c_int::try_from(side).map_err(|_| WebPError::Size)
}

/// Copy a colour picture.
fn import(picture: &Picture, as_argb: bool) -> Result<Input<'static>, WebPError> {
    let mut input = Input::new(picture.size(), as_argb)?;
    let stride = signed(picture.stride())?;
    let pixels = picture.data.as_ptr();
    if picture.data.len() < picture.stride() * picture.height as usize {
        return Err(WebPError::Size);
    }
    // SAFETY: as was just checked, the data consists of `height` rows of `stride` bytes for the
    // width and height of `input`. libwebp copies them.
    let imported = unsafe {
        match picture.kind {
            PixelKind::Rgb => WebPPictureImportRGB(&raw mut input.0, pixels, stride),
            PixelKind::Rgba => WebPPictureImportRGBA(&raw mut input.0, pixels, stride),
            PixelKind::Luma | PixelKind::Cmyk => return Err(WebPError::Size),
        }
    };
    if imported == 0 { Err(WebPError::Encode(input.0.error_code)) } else { Ok(input) }
}

/// Encode a colour picture. Quality 100 is lossless.
pub(crate) fn encode(
    picture: &Picture,
    quality: u8,
    goes_on: &dyn Fn() -> bool,
) -> Result<Vec<u8>, WebPError> {
    let config = configuration(quality)?;
    write(import(picture, config.lossless != 0)?, &config, goes_on)
}

/// Encode luma, with Cb and Cr at [`half`] its size. This is always lossy.
pub(crate) fn encode_components(
    components: [&Picture; 3],
    quality: u8,
    goes_on: &dyn Fn() -> bool,
) -> Result<Vec<u8>, WebPError> {
    let config = configuration(quality.min(LOSSLESS - 1))?;
    write(Input::borrow(components)?, &config, goes_on)
}

/// Encode a picture. `goes_on` is called at most once for each percent of progress.
fn write(
    mut input: Input<'_>,
    config: &WebPConfig,
    goes_on: &dyn Fn() -> bool,
) -> Result<Vec<u8>, WebPError> {
    let mut writer = WebPMemoryWriter { mem: ptr::null_mut(), size: 0, max_size: 0, pad: [0] };
    // SAFETY: the call writes only to the struct.
    unsafe { WebPMemoryWriterInit(&raw mut writer) };
    let mut output = Output(writer);
    input.0.writer = Some(WebPMemoryWrite);
    input.0.custom_ptr = (&raw mut output.0).cast();
    input.0.progress_hook = Some(report);
    input.0.user_data = (&raw const goes_on).cast_mut().cast();
    // SAFETY: both structs are initialised; the writer that `custom_ptr` points to, and the function
    // that `user_data` points to, live longer than the call and are not otherwise touched during it.
    if unsafe { WebPEncode(config, &raw mut input.0) } == 0 {
        return Err(match input.0.error_code {
            WebPEncodingError::VP8_ENC_ERROR_USER_ABORT => WebPError::Stopped,
            error => WebPError::Encode(error),
        });
    }
    drop(input);
    // SAFETY: after success `mem` points to `size` bytes that the writer owns.
    Ok(unsafe { copied(output.0.mem, output.0.size) })
}

/// Returns whether libwebp should continue encoding.
///
/// # Safety
/// The `user_data` of the picture must point to a function.
unsafe extern "C" fn report(_percent: c_int, picture: *const WebPPicture) -> c_int {
    // SAFETY: libwebp passes the picture that it encodes, and the caller guarantees what
    // `user_data` points to.
    let goes_on = unsafe { &*(*picture).user_data.cast::<&dyn Fn() -> bool>() };
    c_int::from(goes_on())
}

/// # Safety
/// `start` must be null or point to `length` initialised bytes.
unsafe fn copied(start: *const u8, length: usize) -> Vec<u8> {
    if start.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller guarantees this.
    unsafe { std::slice::from_raw_parts(start, length) }.to_vec()
}

/// Decodes the frames of an animation, each one as a picture of the whole canvas.
pub(crate) struct AnimationDecoder<'a> {
    decoder: ptr::NonNull<WebPAnimDecoder>,
    size: Size,
    shown_until: c_int,
    source: PhantomData<&'a [u8]>,
}

impl Drop for AnimationDecoder<'_> {
    fn drop(&mut self) {
        // SAFETY: the decoder came from `WebPAnimDecoderNew`, and is deleted only here.
        unsafe { WebPAnimDecoderDelete(self.decoder.as_ptr()) }
    }
}

impl<'a> AnimationDecoder<'a> {
    /// Open an animation whose canvas has this size.
    pub(crate) fn new(source: &'a [u8], size: Size) -> Result<Self, WebPError> {
        let mut options = WebPAnimDecoderOptions {
            color_mode: WEBP_CSP_MODE::MODE_RGBA,
            use_threads: 0,
            padding: [0; 7],
        };
        // SAFETY: the call writes only to the struct.
        if unsafe { WebPAnimDecoderOptionsInit(&raw mut options) } == 0 {
            return Err(WebPError::Version);
        }
        options.color_mode = WEBP_CSP_MODE::MODE_RGBA;
        let data = WebPData { bytes: source.as_ptr(), size: source.len() };
        // SAFETY: the decoder keeps pointers into the source, which outlives it because of `'a`;
        // the two structs are only read during the call.
        let decoder = unsafe { WebPAnimDecoderNew(&raw const data, &raw const options) };
        let decoder = ptr::NonNull::new(decoder)
            .ok_or(WebPError::Decode(VP8StatusCode::VP8_STATUS_BITSTREAM_ERROR))?;
        let opened = Self { decoder, size, shown_until: 0, source: PhantomData };
        let mut info = WebPAnimInfo::default();
        // SAFETY: the decoder is alive, and the call writes only to `info`.
        let known = unsafe { WebPAnimDecoderGetInfo(decoder.as_ptr(), &raw mut info) } != 0;
        // `next_frame` relies on this when it copies the canvas.
        if !known || (info.canvas_width, info.canvas_height) != (size.width, size.height) {
            return Err(WebPError::Size);
        }
        Ok(opened)
    }

    /// Returns the next frame, if there is one.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, WebPError> {
        let decoder = self.decoder.as_ptr();
        // SAFETY: the decoder is alive.
        if unsafe { WebPAnimDecoderHasMoreFrames(decoder) } == 0 {
            return Ok(None);
        }
        let mut canvas = ptr::null_mut();
        let mut until = 0;
        // SAFETY: the decoder is alive, and the call writes only to the two variables.
        if unsafe { WebPAnimDecoderGetNext(decoder, &raw mut canvas, &raw mut until) } == 0 {
            return Err(WebPError::Decode(VP8StatusCode::VP8_STATUS_BITSTREAM_ERROR));
        }
        let Size { width, height } = self.size;
        let kind = PixelKind::Rgba;
        let bytes = width as usize * height as usize * kind.bytes();
        // SAFETY: after success `canvas` points to the canvas in RGBA, whose size was compared
        // with `self.size`; it stays valid until the next call, and is copied at once.
        let data = unsafe { copied(canvas, bytes) };
        let delay = u32::try_from(until.saturating_sub(self.shown_until)).unwrap_or_default();
        self.shown_until = until;
        Ok(Some(Frame { picture: Picture { width, height, kind, data }, delay }))
    }
}

/// Encodes an animation.
pub(crate) struct AnimationEncoder {
    encoder: ptr::NonNull<WebPAnimEncoder>,
    config: WebPConfig,
    time: c_int,
}

impl Drop for AnimationEncoder {
    fn drop(&mut self) {
        // SAFETY: the encoder came from `WebPAnimEncoderNewInternal`, and is deleted only here.
        unsafe { WebPAnimEncoderDelete(self.encoder.as_ptr()) }
    }
}

impl AnimationEncoder {
    /// Begin an animation that plays `plays` times, or forever if `plays` is 0.
    pub(crate) fn new(size: Size, plays: u16, quality: u8) -> Result<Self, WebPError> {
        let config = configuration(quality)?;
        let version = WebPGetMuxABIVersion();
        let mut options = MaybeUninit::<WebPAnimEncoderOptions>::uninit();
        // SAFETY: the call writes only to the struct, and on success it fills in all of it.
        let mut options = unsafe {
            if WebPAnimEncoderOptionsInitInternal(options.as_mut_ptr(), version) == 0 {
                return Err(WebPError::Version);
            }
            options.assume_init()
        };
        options.anim_params.loop_count = c_int::from(plays);
        let (width, height) = (signed(size.width as usize)?, signed(size.height as usize)?);
        // SAFETY: the options are initialised and copied during the call.
        let encoder =
            unsafe { WebPAnimEncoderNewInternal(width, height, &raw const options, version) };
        let encoder = ptr::NonNull::new(encoder).ok_or(WebPError::Size)?;
        Ok(Self { encoder, config, time: 0 })
    }

    /// Add a picture of the animation's size, shown for `delay` milliseconds.
    pub(crate) fn add(&mut self, picture: &Picture, delay: u32) -> Result<(), WebPError> {
        let mut input = import(picture, true)?;
        let picture = &raw mut input.0;
        // SAFETY: encoder, picture and configuration are alive and initialised; the encoder
        // copies what it keeps, and refuses a picture of another size.
        let added = unsafe {
            WebPAnimEncoderAdd(self.encoder.as_ptr(), picture, self.time, &raw const self.config)
        };
        if added == 0 {
            return Err(WebPError::Encode(input.0.error_code));
        }
        self.time = self.time.saturating_add(c_int::try_from(delay).unwrap_or(c_int::MAX));
        Ok(())
    }

    /// Returns the finished file.
    pub(crate) fn finish(self) -> Result<Vec<u8>, WebPError> {
        let encoder = self.encoder.as_ptr();
        let failed = WebPError::Encode(WebPEncodingError::VP8_ENC_ERROR_BAD_WRITE);
        let mut data = WebPData::default();
        // SAFETY: the encoder is alive. A null picture means that the time is the end of the last
        // picture. On success, `data` owns the bytes that it points to, until it is cleared here.
        unsafe {
            let ended = WebPAnimEncoderAdd(encoder, ptr::null_mut(), self.time, ptr::null());
            if ended == 0 || WebPAnimEncoderAssemble(encoder, &raw mut data) == 0 {
                return Err(failed);
            }
            let written = copied(data.bytes, data.size);
            WebPDataClear(&mut data);
            Ok(written)
        }
    }
}
