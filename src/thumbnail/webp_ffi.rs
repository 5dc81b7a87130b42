//! The calls into libwebp, made safe. The only file of this crate with unsafe code: libwebp is
//! the one codec without a maintained safe wrapper.

#![allow(unsafe_code)]

use std::ffi::c_int;
use std::ptr;

use libwebp_sys::{
    VP8StatusCode, WEBP_CSP_MODE, WebPBitstreamFeatures, WebPConfig, WebPDecode, WebPDecoderConfig,
    WebPEncode, WebPEncodingError, WebPGetDecoderVersion, WebPGetFeatures, WebPMemoryWrite,
    WebPMemoryWriter, WebPMemoryWriterClear, WebPMemoryWriterInit, WebPPicture, WebPPictureFree,
    WebPPictureImportRGB, WebPPictureImportRGBA, WebPRGBABuffer, WebPValidateConfig,
};
use thiserror::Error;

use super::picture::{Picture, PixelKind, Size};

/// What libwebp says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum WebPError {
    #[error("libwebp can't decode it ({0:?})")]
    Decode(VP8StatusCode),
    #[error("libwebp can't encode it ({0:?})")]
    Encode(WebPEncodingError),
    #[error("it is too large for libwebp")]
    Size,
    #[error("this is another version of libwebp than it was built for")]
    Version,
}

/// What the bitstream says.
pub(super) struct Features {
    pub(super) size: Size,
    pub(super) has_alpha: bool,
    pub(super) has_animation: bool,
}

/// libwebp's version, such as `1.6.0`.
pub(super) fn version() -> String {
    // SAFETY: takes nothing, only returns a constant.
    let version = unsafe { WebPGetDecoderVersion() };
    format!("{}.{}.{}", version >> 16 & 255, version >> 8 & 255, version & 255)
}

pub(super) fn features(source: &[u8]) -> Result<Features, WebPError> {
    let mut found = WebPBitstreamFeatures {
        width: 0,
        height: 0,
        has_alpha: 0,
        has_animation: 0,
        format: 0,
        pad: [0; 5],
    };
    // SAFETY: the pointer and the length are those of a slice that lives through the call;
    // `found` is writable and nothing keeps a pointer to it.
    let status = unsafe { WebPGetFeatures(source.as_ptr(), source.len(), &raw mut found) };
    if status != VP8StatusCode::VP8_STATUS_OK {
        return Err(WebPError::Decode(status));
    }
    let side = |side: c_int| u32::try_from(side).map_err(|_| WebPError::Size);
    Ok(Features {
        size: Size { width: side(found.width)?, height: side(found.height)? },
        has_alpha: found.has_alpha != 0,
        has_animation: found.has_animation != 0,
    })
}

/// Decode a still of size `full`, shrunk to `size` by libwebp's own scaler if that differs.
pub(super) fn decode(
    source: &[u8],
    full: Size,
    size: Size,
    kind: PixelKind,
) -> Result<Picture, WebPError> {
    let signed = |side: u32| c_int::try_from(side).map_err(|_| WebPError::Size);
    let mut config = WebPDecoderConfig::new().map_err(|()| WebPError::Version)?;
    if size != full {
        config.options.use_scaling = 1;
        config.options.scaled_width = signed(size.width)?;
        config.options.scaled_height = signed(size.height)?;
    }
    let (mode, kind) = match kind {
        PixelKind::Rgba => (WEBP_CSP_MODE::MODE_RGBA, PixelKind::Rgba),
        PixelKind::Luma | PixelKind::Rgb => (WEBP_CSP_MODE::MODE_RGB, PixelKind::Rgb),
    };
    let stride = size.width as usize * kind.bytes();
    let bytes = stride.checked_mul(size.height as usize).ok_or(WebPError::Size)?;
    let mut data = vec![0_u8; bytes];
    config.output.colorspace = mode;
    config.output.is_external_memory = 1;
    config.output.u.RGBA = WebPRGBABuffer {
        rgba: data.as_mut_ptr(),
        stride: c_int::try_from(stride).map_err(|_| WebPError::Size)?,
        size: bytes,
    };
    // SAFETY: the source's pointer and length are those of a slice. The output is external
    // memory: libwebp writes at most `size` bytes to `rgba`, which `data` owns, checks that
    // the stride and the size suffice for the picture, and keeps no pointer after the call.
    let status = unsafe { WebPDecode(source.as_ptr(), source.len(), &raw mut config) };
    if status != VP8StatusCode::VP8_STATUS_OK {
        return Err(WebPError::Decode(status));
    }
    Ok(Picture { width: size.width, height: size.height, kind, data })
}

/// Memory that libwebp allocated for a file, freed when dropped.
struct Output(WebPMemoryWriter);

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: the writer was initialised, and is cleared only here.
        unsafe { WebPMemoryWriterClear(&raw mut self.0) }
    }
}

/// A picture that libwebp allocated, freed when dropped.
struct Input(WebPPicture);

impl Drop for Input {
    fn drop(&mut self) {
        // SAFETY: the picture was initialised, and is freed only here.
        unsafe { WebPPictureFree(&raw mut self.0) }
    }
}

/// Encode a picture in colour; without loss at quality 100.
pub(super) fn encode(picture: &Picture, quality: u8) -> Result<Vec<u8>, WebPError> {
    let signed = |side: usize| c_int::try_from(side).map_err(|_| WebPError::Size);
    let mut config = WebPConfig::new().map_err(|()| WebPError::Version)?;
    config.quality = f32::from(quality);
    config.lossless = c_int::from(quality == 100);
    // SAFETY: only reads the configuration.
    if unsafe { WebPValidateConfig(&raw const config) } == 0 {
        return Err(WebPError::Encode(WebPEncodingError::VP8_ENC_ERROR_INVALID_CONFIGURATION));
    }

    let mut writer = WebPMemoryWriter { mem: ptr::null_mut(), size: 0, max_size: 0, pad: [0] };
    // SAFETY: writes to the struct only.
    unsafe { WebPMemoryWriterInit(&raw mut writer) };
    let mut output = Output(writer);

    let mut input = Input(WebPPicture::new().map_err(|()| WebPError::Version)?);
    input.0.use_argb = config.lossless;
    input.0.width = signed(picture.width as usize)?;
    input.0.height = signed(picture.height as usize)?;
    input.0.writer = Some(WebPMemoryWrite);
    input.0.custom_ptr = (&raw mut output.0).cast();
    let stride = signed(picture.stride())?;
    let pixels = picture.data.as_ptr();
    if picture.data.len() < picture.stride() * picture.height as usize {
        return Err(WebPError::Size);
    }
    // SAFETY: the data are `height` rows of `stride` bytes, as just checked, and those are the
    // width and height given above; libwebp copies them.
    let imported = unsafe {
        match picture.kind {
            PixelKind::Rgb => WebPPictureImportRGB(&raw mut input.0, pixels, stride),
            PixelKind::Rgba => WebPPictureImportRGBA(&raw mut input.0, pixels, stride),
            PixelKind::Luma => return Err(WebPError::Size),
        }
    };
    // SAFETY: both structs are initialised; the writer that `custom_ptr` points to lives
    // longer than the call and is not otherwise touched during it.
    if imported == 0 || unsafe { WebPEncode(&raw const config, &raw mut input.0) } == 0 {
        return Err(WebPError::Encode(input.0.error_code));
    }
    drop(input);
    // SAFETY: after success `mem` points to `size` bytes, or is null with a size of zero.
    let written = unsafe {
        if output.0.mem.is_null() {
            &[]
        } else {
            std::slice::from_raw_parts(output.0.mem, output.0.size)
        }
    };
    Ok(written.to_vec())
}
