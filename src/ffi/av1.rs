//! Safe calls to libaom, which encode a still image as an AV1 bitstream, and decode AV1 frames.

use std::ffi::{CStr, c_int, c_uint};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::{ptr, slice};

use libaom_sys::{
    AOM_BITS_8, AOM_CICP_CP_BT_709, AOM_CICP_MC_BT_601, AOM_CICP_TC_SRGB, AOM_CODEC_CX_FRAME_PKT,
    AOM_CODEC_ERROR, AOM_CODEC_INVALID_PARAM, AOM_CODEC_OK, AOM_CONTENT_SCREEN, AOM_CR_FULL_RANGE,
    AOM_DECODER_ABI_VERSION, AOM_ENCODER_ABI_VERSION, AOM_IMG_FMT_HIGHBITDEPTH, AOM_IMG_FMT_I420,
    AOM_IMG_FMT_I444, AOM_Q, AOM_TUNE_SSIM, AOM_USAGE_ALL_INTRA, AOME_SET_CPUUSED,
    AOME_SET_CQ_LEVEL, AOME_SET_TUNING, AV1E_SET_COLOR_PRIMARIES, AV1E_SET_COLOR_RANGE,
    AV1E_SET_ENABLE_QM, AV1E_SET_MATRIX_COEFFICIENTS, AV1E_SET_QM_MAX, AV1E_SET_QM_MIN,
    AV1E_SET_TRANSFER_CHARACTERISTICS, AV1E_SET_TUNE_CONTENT, aom_codec_av1_cx, aom_codec_av1_dx,
    aom_codec_control, aom_codec_ctx, aom_codec_dec_cfg, aom_codec_dec_init_ver, aom_codec_decode,
    aom_codec_destroy, aom_codec_enc_config_default, aom_codec_enc_init_ver, aom_codec_encode,
    aom_codec_err_t, aom_codec_err_to_string, aom_codec_get_cx_data, aom_codec_get_frame,
    aom_codec_peek_stream_info, aom_codec_stream_info, aom_codec_version_str, aom_image,
    aome_enc_control_id,
};
use thiserror::Error;

use raster::Size;

/// An error of libaom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Av1Error {
    #[error("libaom can't decode it ({0})")]
    Decode(&'static str),
    #[error("libaom can't encode it ({0})")]
    Encode(&'static str),
    #[error("its pictures are larger than its header says")]
    Size,
    #[error("its data does not contain a picture")]
    NoPicture,
}

/// libaom's version, such as `3.11.0`.
pub(crate) fn version() -> String {
    // SAFETY: the function takes no argument and returns a constant string.
    let version = unsafe { CStr::from_ptr(aom_codec_version_str()) };
    version.to_string_lossy().trim_start_matches('v').into()
}

fn meaning(status: aom_codec_err_t) -> &'static str {
    // SAFETY: the function returns a constant string for every number.
    unsafe { CStr::from_ptr(aom_codec_err_to_string(status)) }.to_str().unwrap_or("unknown error")
}

fn checked(status: aom_codec_err_t, error: fn(&'static str) -> Av1Error) -> Result<(), Av1Error> {
    if status == AOM_CODEC_OK { Ok(()) } else { Err(error(meaning(status))) }
}

/// An initialised encoder or decoder, which is freed when it is dropped. It is boxed so that its
/// address never changes, because C code may keep the address.
struct Codec(Box<aom_codec_ctx>);

// SAFETY: libaom's contexts are not bound to a thread, and `Codec` is their only owner.
unsafe impl Send for Codec {}

impl Drop for Codec {
    fn drop(&mut self) {
        // SAFETY: the context was initialised, and is destroyed only here.
        unsafe { aom_codec_destroy(&raw mut *self.0) };
    }
}

impl Codec {
    /// Initialises a context with libaom's function for encoders or for decoders.
    fn new(
        error: fn(&'static str) -> Av1Error,
        initialise: impl FnOnce(*mut aom_codec_ctx) -> aom_codec_err_t,
    ) -> Result<Self, Av1Error> {
        let mut context = Box::new(MaybeUninit::<aom_codec_ctx>::zeroed());
        // libaom frees a context that it fails to initialise.
        checked(initialise(context.as_mut_ptr()), error)?;
        // SAFETY: all zeroes is a valid context, and libaom has filled it in.
        Ok(Self(unsafe { context.assume_init() }))
    }
}

/// The largest frame size that a sequence header (AV1, 5.5) allows. The data starts with the OBU
/// header.
pub(crate) fn largest(sequence_header: &[u8]) -> Result<Size, Av1Error> {
    let mut found = MaybeUninit::<aom_codec_stream_info>::zeroed();
    // SAFETY: the pointer and the length are those of a slice that outlives the call. `found` is
    // writable, all zeroes is a valid value for it, and nothing keeps a pointer to it.
    let (status, found) = unsafe {
        let status = aom_codec_peek_stream_info(
            aom_codec_av1_dx(),
            sequence_header.as_ptr(),
            sequence_header.len(),
            found.as_mut_ptr(),
        );
        (status, found.assume_init())
    };
    checked(status, Av1Error::Decode)?;
    Ok(Size { width: found.w, height: found.h })
}

/// Decodes AV1 frames. Each frame may depend on the frames before it.
pub(crate) struct Decoder {
    codec: Codec,
    max_pixels: u64,
}

impl Decoder {
    /// Creates a decoder for frames of at most `max_pixels` pixels.
    pub(crate) fn new(max_pixels: u64) -> Result<Self, Av1Error> {
        // Use one thread: callers have their own threads, and the threads of a pool do not survive
        // a fork.
        let settings = aom_codec_dec_cfg { threads: 1, w: 0, h: 0, allow_lowbitdepth: 1 };
        let version = AOM_DECODER_ABI_VERSION.cast_signed();
        let codec = Codec::new(Av1Error::Decode, |context| {
            // SAFETY: the context is writable, and the settings are copied during the call.
            unsafe {
                aom_codec_dec_init_ver(context, aom_codec_av1_dx(), &raw const settings, 0, version)
            }
        })?;
        Ok(Self { codec, max_pixels })
    }

    /// Returns the last frame in this data. The caller must have checked the sizes in all of the
    /// data's sequence headers, because libaom does not limit them itself.
    pub(crate) fn decode(&mut self, data: &[u8]) -> Result<DecodedImage<'_>, Av1Error> {
        let context = &raw mut *self.codec.0;
        let mut iterator = ptr::null();
        // SAFETY: the context is alive. The pointer and the length are those of a slice, and no
        // pointer to it is kept. The picture stays valid until the next call for this context; such
        // a call needs `self`, which `DecodedImage` borrows.
        let image = unsafe {
            let status = aom_codec_decode(context, data.as_ptr(), data.len(), ptr::null_mut());
            checked(status, Av1Error::Decode)?;
            aom_codec_get_frame(context, &raw mut iterator).as_ref()
        };
        let decoded = DecodedImage(image.ok_or(Av1Error::NoPicture)?);
        if decoded.size().pixels() > self.max_pixels {
            return Err(Av1Error::Size);
        }
        Ok(decoded)
    }
}

/// A decoded frame.
pub(crate) struct DecodedImage<'a>(&'a aom_image);

/// The samples of one component: one byte each, or two in native byte order.
pub(crate) struct Samples<'a> {
    pub(crate) data: &'a [u8],
    /// The number of bytes from one row to the next.
    pub(crate) stride: usize,
    pub(crate) size: Size,
}

impl<'a> DecodedImage<'a> {
    pub(crate) const fn size(&self) -> Size {
        Size { width: self.0.d_w, height: self.0.d_h }
    }

    /// The number of bits per sample: 8, 10 or 12. Samples of more than 8 bits take two bytes.
    pub(crate) const fn bits(&self) -> usize {
        self.0.bit_depth as usize
    }

    /// The matrix coefficients, as a code point of ITU-T H.273.
    pub(crate) fn matrix_coefficients(&self) -> u8 {
        u8::try_from(self.0.mc).unwrap_or_default()
    }

    pub(crate) const fn full_range(&self) -> bool {
        self.0.range == AOM_CR_FULL_RANGE
    }

    pub(crate) fn luma(&self) -> Result<Samples<'a>, Av1Error> {
        self.plane(0, self.size())
    }

    /// Cb and Cr; `None` for a gray picture.
    pub(crate) fn chroma(&self) -> Result<Option<[Samples<'a>; 2]>, Av1Error> {
        if self.0.monochrome != 0 {
            return Ok(None);
        }
        let half = |side: u32, shift: c_uint| if shift == 0 { side } else { side.div_ceil(2) };
        let Size { width, height } = self.size();
        let size = Size {
            width: half(width, self.0.x_chroma_shift),
            height: half(height, self.0.y_chroma_shift),
        };
        Ok(Some([self.plane(1, size)?, self.plane(2, size)?]))
    }

    fn plane(&self, index: usize, size: Size) -> Result<Samples<'a>, Av1Error> {
        let is_wide = self.0.fmt & AOM_IMG_FMT_HIGHBITDEPTH != 0;
        let start = self.0.planes.get(index).copied().unwrap_or(ptr::null_mut());
        let stride = self.0.stride.get(index).and_then(|&stride| usize::try_from(stride).ok());
        let row = size.width as usize * if is_wide { 2 } else { 1 };
        let stride = stride.filter(|&stride| stride >= row).ok_or(Av1Error::Size)?;
        if start.is_null() || is_wide != (self.bits() > 8) || size.height == 0 {
            return Err(Av1Error::Size);
        }
        let length = stride * (size.height as usize - 1) + row;
        // SAFETY: a plane has the height of the picture, or half of that height for subsampled
        // chroma. Rows are `stride` bytes apart and at least as wide as the picture; at most `row`
        // bytes of the last row are used. Planes live as long as the picture, which lives for `'a`.
        let data = unsafe { slice::from_raw_parts(start, length) };
        Ok(Samples { data, stride, size })
    }
}

/// A still image to encode: planes of bytes without padding, in full range.
pub(crate) struct Still<'a> {
    pub(crate) size: Size,
    pub(crate) luma: &'a [u8],
    /// Cb and Cr of BT.601; `None` for a gray image.
    pub(crate) chroma: Option<[&'a [u8]; 2]>,
    /// Whether chroma has half the width and height (4:2:0).
    pub(crate) half_chroma: bool,
}

/// libaom's description of a still image, with pointers to its planes.
struct StillImage<'a> {
    image: aom_image,
    planes: PhantomData<&'a [u8]>,
}

impl<'a> Still<'a> {
    fn to_image(&self) -> Result<StillImage<'a>, Av1Error> {
        let Size { width, height } = self.size;
        let half = |side: u32| if self.half_chroma { side.div_ceil(2) } else { side };
        let chroma_size = Size { width: half(width), height: half(height) };
        // SAFETY: all zeroes is a valid value of this struct, which consists of numbers and
        // pointers.
        let mut image = unsafe { MaybeUninit::<aom_image>::zeroed().assume_init() };
        image.fmt = if self.half_chroma { AOM_IMG_FMT_I420 } else { AOM_IMG_FMT_I444 };
        image.monochrome = c_int::from(self.chroma.is_none());
        image.range = AOM_CR_FULL_RANGE;
        image.bit_depth = AOM_BITS_8;
        image.x_chroma_shift = c_uint::from(self.half_chroma);
        image.y_chroma_shift = c_uint::from(self.half_chroma);
        (image.w, image.h, image.d_w, image.d_h) = (width, height, width, height);
        let [blue, red] = self.chroma.unwrap_or_default();
        let planes = [(self.luma, self.size), (blue, chroma_size), (red, chroma_size)];
        let count = if self.chroma.is_some() { 3 } else { 1 };
        for (index, (plane, size)) in planes.into_iter().take(count).enumerate() {
            if plane.len() as u64 != size.pixels() {
                return Err(Av1Error::Encode(meaning(AOM_CODEC_INVALID_PARAM)));
            }
            let stride = c_int::try_from(size.width).map_err(|_| Av1Error::Size)?;
            if let (Some(to), Some(to_stride)) =
                (image.planes.get_mut(index), image.stride.get_mut(index))
            {
                (*to, *to_stride) = (plane.as_ptr().cast_mut(), stride);
            }
        }
        Ok(StillImage { image, planes: PhantomData })
    }
}

/// The range of quantizer matrices to use, from the steepest to the flattest; AV1 defines 16 of
/// them (AV1, 7.12.2). These matrices quantize fine detail more coarsely, especially at low
/// quality. At equal SSIMULACRA2 scores, this saves 10 to 12 % of the bytes (4 % at scores of 85),
/// and takes 5 % more time. The range 0 to 8 saves more at scores below 70, and less above; a range
/// that starts at 4 or ends at 15 saves less.
const MATRICES: (c_uint, c_uint) = (2, 10);

/// The fastest speed at which libaom weighs errors by their visibility (`AOM_TUNE_SSIM`) instead of
/// using quantizer matrices. At equal SSIMULACRA2 scores, this saves a fifth of the bytes and takes
/// no more time. At the faster speeds, it has no effect, or some pictures need several times as many
/// bytes.
const FASTEST_TUNED: u8 = 7;

/// Encodes a still image as one AV1 frame. The quantizer ranges from 0 (lossless) to 63, and the
/// speed from 0 to 9 (fastest).
///
/// `is_graphic` enables libaom's tools for screen content (`AOM_CONTENT_SCREEN`), such as palettes.
/// They take several times as long.
pub(crate) fn encode(
    still: &Still<'_>,
    quantizer: u8,
    speed: u8,
    is_graphic: bool,
) -> Result<Vec<u8>, Av1Error> {
    let image = still.to_image()?;
    let mut settings = MaybeUninit::uninit();
    // SAFETY: the call writes only to the settings, and on success it fills in all of them.
    let mut settings = unsafe {
        let (interface, usage) = (aom_codec_av1_cx(), AOM_USAGE_ALL_INTRA);
        let status = aom_codec_enc_config_default(interface, settings.as_mut_ptr(), usage);
        checked(status, Av1Error::Encode)?;
        settings.assume_init()
    };
    // Use one thread, as for the decoder, and no lag, because no other frame follows.
    (settings.g_threads, settings.g_lag_in_frames, settings.g_limit) = (1, 0, 1);
    (settings.g_w, settings.g_h) = (still.size.width, still.size.height);
    settings.monochrome = c_uint::from(still.chroma.is_none());
    // The main profile supports 4:2:0 and gray; the high profile also supports 4:4:4 (AV1, 6.4.1).
    settings.g_profile = c_uint::from(still.chroma.is_some() && !still.half_chroma);
    settings.rc_end_usage = AOM_Q;
    (settings.rc_min_quantizer, settings.rc_max_quantizer) = (0, 63);

    let version = AOM_ENCODER_ABI_VERSION.cast_signed();
    let mut codec = Codec::new(Av1Error::Encode, |context| {
        // SAFETY: the context is writable, and the settings are copied during the call.
        unsafe {
            aom_codec_enc_init_ver(context, aom_codec_av1_cx(), &raw const settings, 0, version)
        }
    })?;
    let context = &raw mut *codec.0;
    let mut controls = vec![
        (AOME_SET_CPUUSED, speed.into()),
        (AOME_SET_CQ_LEVEL, quantizer.into()),
        (AV1E_SET_COLOR_RANGE, AOM_CR_FULL_RANGE),
    ];
    if is_graphic {
        controls.push((AV1E_SET_TUNE_CONTENT, AOM_CONTENT_SCREEN));
    }
    if speed <= FASTEST_TUNED {
        controls.push((AOME_SET_TUNING, AOM_TUNE_SSIM));
    } else {
        controls.extend([
            (AV1E_SET_ENABLE_QM, 1),
            (AV1E_SET_QM_MIN, MATRICES.0),
            (AV1E_SET_QM_MAX, MATRICES.1),
        ]);
    }
    if still.chroma.is_some() {
        controls.extend([
            (AV1E_SET_COLOR_PRIMARIES, AOM_CICP_CP_BT_709),
            (AV1E_SET_TRANSFER_CHARACTERISTICS, AOM_CICP_TC_SRGB),
            (AV1E_SET_MATRIX_COEFFICIENTS, AOM_CICP_MC_BT_601),
        ]);
    }
    for (control, value) in controls {
        // SAFETY: the context is alive, and these controls take one number of C's type `int` or
        // `unsigned int`, which are passed in the same way.
        let status = unsafe { aom_codec_control(context, signed(control)?, value.cast_signed()) };
        checked(status, Av1Error::Encode)?;
    }
    // SAFETY: the context is alive. The image points to planes. `to_image` has checked their sizes,
    // and `StillImage` keeps them borrowed. libaom copies the data that it keeps, and does not
    // write to the planes.
    unsafe {
        checked(aom_codec_encode(context, &raw const image.image, 0, 1, 0), Av1Error::Encode)?;
    }
    packets(&mut codec)
}

fn signed(control: aome_enc_control_id) -> Result<c_int, Av1Error> {
    c_int::try_from(control).map_err(|_| Av1Error::Encode(meaning(AOM_CODEC_ERROR)))
}

/// Returns the encoded bytes.
fn packets(codec: &mut Codec) -> Result<Vec<u8>, Av1Error> {
    let mut written = Vec::new();
    let mut iterator = ptr::null();
    // SAFETY: the context is alive. The packets and the data that they point to stay valid until a
    // different function is called for this context. Each packet is copied at once. The kind
    // determines which field of the union is set.
    unsafe {
        while let Some(packet) =
            aom_codec_get_cx_data(&raw mut *codec.0, &raw mut iterator).as_ref()
        {
            if packet.kind == AOM_CODEC_CX_FRAME_PKT {
                let frame = packet.data.frame;
                written.extend_from_slice(slice::from_raw_parts(frame.buf.cast(), frame.sz));
            }
        }
    }
    if written.is_empty() { Err(Av1Error::Encode(meaning(AOM_CODEC_ERROR))) } else { Ok(written) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 5, height: 3 };

    fn still(luma: &[u8]) -> Still<'_> {
        Still { size: SIZE, luma, chroma: None, half_chroma: true }
    }

    #[test]
    fn gray_comes_back_without_loss() {
        let luma: Vec<_> = (0..15).map(|sample| sample * 17).collect();
        let data = encode(&still(&luma), 0, 9, false).unwrap();
        let mut decoder = Decoder::new(15).unwrap();
        // The calls are repeated because the same decoder reads a whole sequence.
        for _ in 0..3 {
            let picture = decoder.decode(&data).unwrap();
            assert_eq!((picture.size(), picture.bits()), (SIZE, 8));
            assert!(picture.full_range() && picture.chroma().unwrap().is_none());
            let Samples { data, stride, size } = picture.luma().unwrap();
            let rows: Vec<_> = data.chunks(stride).flat_map(|row| &row[..5]).copied().collect();
            assert_eq!((rows, size), (luma.clone(), SIZE));
        }
    }

    #[test]
    fn planes_of_another_size_are_refused() {
        let wrong =
            |still: &Still<'_>| matches!(encode(still, 20, 9, false), Err(Av1Error::Encode(_)));
        assert!(wrong(&still(&[0; 14])) && wrong(&still(&[0; 16])));
        for (half_chroma, length) in [(true, 5), (true, 7), (false, 14)] {
            let (luma, chroma) = ([0; 15], vec![0; length]);
            let chroma = Some([chroma.as_slice(); 2]);
            assert!(wrong(&Still { size: SIZE, luma: &luma, chroma, half_chroma }));
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let luma = [0; 15];
        assert!(matches!(encode(&still(&luma), 64, 9, false), Err(Av1Error::Encode(_))));
        assert!(matches!(encode(&still(&luma), 20, 200, false), Err(Av1Error::Encode(_))));
        let empty = Still { size: Size { width: 0, height: 0 }, ..still(&[]) };
        assert!(matches!(encode(&empty, 20, 9, false), Err(Av1Error::Encode(_))));
    }

    #[test]
    fn damage_is_an_error() {
        let data = encode(&still(&[9; 15]), 20, 9, false).unwrap();
        for length in 0..data.len() {
            assert!(Decoder::new(15).unwrap().decode(&data[..length]).is_err(), "{length}");
        }
        assert_eq!(Decoder::new(14).unwrap().decode(&data).err(), Some(Av1Error::Size));
        assert!(largest(&[]).is_err() && largest(&[0x0a, 200, 1]).is_err());
    }

    #[test]
    fn a_sequence_header_says_how_large() {
        let data = encode(&still(&[9; 15]), 20, 9, false).unwrap();
        assert_eq!(largest(&data).unwrap(), SIZE);
    }
}
