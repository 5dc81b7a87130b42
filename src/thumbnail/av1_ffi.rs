//! The calls into libaom, made safe: one still to a bitstream of AV1, and pictures back from it.
//! Unsafe code because there is no maintained safe wrapper.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_uint};
use std::mem::MaybeUninit;
use std::{ptr, slice};

use libaom_sys::{
    AOM_BITS_8, AOM_CICP_CP_BT_709, AOM_CICP_MC_BT_601, AOM_CICP_TC_SRGB, AOM_CODEC_CX_FRAME_PKT,
    AOM_CODEC_ERROR, AOM_CODEC_INVALID_PARAM, AOM_CODEC_OK, AOM_CR_FULL_RANGE,
    AOM_DECODER_ABI_VERSION, AOM_ENCODER_ABI_VERSION, AOM_IMG_FMT_HIGHBITDEPTH, AOM_IMG_FMT_I420,
    AOM_IMG_FMT_I444, AOM_Q, AOM_USAGE_ALL_INTRA, AOME_SET_CPUUSED, AOME_SET_CQ_LEVEL,
    AV1E_SET_COLOR_PRIMARIES, AV1E_SET_COLOR_RANGE, AV1E_SET_ENABLE_QM,
    AV1E_SET_MATRIX_COEFFICIENTS, AV1E_SET_QM_MAX, AV1E_SET_QM_MIN,
    AV1E_SET_TRANSFER_CHARACTERISTICS, aom_codec_av1_cx, aom_codec_av1_dx, aom_codec_control,
    aom_codec_ctx, aom_codec_dec_cfg, aom_codec_dec_init_ver, aom_codec_decode, aom_codec_destroy,
    aom_codec_enc_config_default, aom_codec_enc_init_ver, aom_codec_encode, aom_codec_err_t,
    aom_codec_err_to_string, aom_codec_get_cx_data, aom_codec_get_frame,
    aom_codec_peek_stream_info, aom_codec_stream_info, aom_codec_version_str, aom_image,
    aome_enc_control_id,
};
use thiserror::Error;

use raster::Size;

/// What libaom says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Av1Error {
    #[error("libaom can't decode it ({0})")]
    Decode(&'static str),
    #[error("libaom can't encode it ({0})")]
    Encode(&'static str),
    #[error("its pictures are larger than it says")]
    Size,
    #[error("there is no picture in its data")]
    NoPicture,
}

/// libaom's version, such as `3.11.0`.
pub(super) fn version() -> String {
    // SAFETY: takes nothing, and returns a constant string.
    let version = unsafe { CStr::from_ptr(aom_codec_version_str()) };
    version.to_string_lossy().trim_start_matches('v').into()
}

fn meaning(status: aom_codec_err_t) -> &'static str {
    // SAFETY: returns a constant string for every number.
    unsafe { CStr::from_ptr(aom_codec_err_to_string(status)) }.to_str().unwrap_or("unknown error")
}

fn checked(status: aom_codec_err_t, error: fn(&'static str) -> Av1Error) -> Result<(), Av1Error> {
    if status == AOM_CODEC_OK { Ok(()) } else { Err(error(meaning(status))) }
}

/// An encoder or decoder that was initialised, freed when dropped. In a box, so that it does not
/// move: C code may keep its address.
struct Codec(Box<aom_codec_ctx>);

// SAFETY: libaom's contexts are bound to no thread, and `Codec` is their only owner.
unsafe impl Send for Codec {}

impl Drop for Codec {
    fn drop(&mut self) {
        // SAFETY: it was initialised, and is destroyed only here.
        unsafe { aom_codec_destroy(&raw mut *self.0) };
    }
}

impl Codec {
    /// Of what one of libaom's two functions to initialise makes.
    fn new(
        error: fn(&'static str) -> Av1Error,
        initialise: impl FnOnce(*mut aom_codec_ctx) -> aom_codec_err_t,
    ) -> Result<Self, Av1Error> {
        let mut context = Box::new(MaybeUninit::<aom_codec_ctx>::zeroed());
        // What failed has freed itself.
        checked(initialise(context.as_mut_ptr()), error)?;
        // SAFETY: all zeroes is a value of it, and libaom has filled it in.
        Ok(Self(unsafe { context.assume_init() }))
    }
}

/// The largest size of the pictures to come, by a sequence header (AV1, 5.5) with its OBU header.
pub(super) fn largest(sequence_header: &[u8]) -> Result<Size, Av1Error> {
    let mut found = MaybeUninit::<aom_codec_stream_info>::zeroed();
    // SAFETY: the pointer and the length are those of a slice that lives through the call; `found`
    // is writable, all zeroes is a value of it, and nothing keeps a pointer to it.
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

/// Decodes AV1 pictures, each of which may need those before it.
pub(super) struct Decoder {
    codec: Codec,
    most_pixels: u64,
}

impl Decoder {
    /// For pictures of at most so many pixels.
    pub(super) fn new(most_pixels: u64) -> Result<Self, Av1Error> {
        // One thread: the caller has its own, and a forked child none of a pool's.
        let settings = aom_codec_dec_cfg { threads: 1, w: 0, h: 0, allow_lowbitdepth: 1 };
        let version = AOM_DECODER_ABI_VERSION.cast_signed();
        let codec = Codec::new(Av1Error::Decode, |context| {
            // SAFETY: the context is writable, and the settings are copied during the call.
            unsafe {
                aom_codec_dec_init_ver(context, aom_codec_av1_dx(), &raw const settings, 0, version)
            }
        })?;
        Ok(Self { codec, most_pixels })
    }

    /// The last picture of these data. Those of all the sequence headers in them have to be known
    /// to be small enough: libaom has no limit of its own.
    pub(super) fn decode(&mut self, data: &[u8]) -> Result<Decoded<'_>, Av1Error> {
        let context = &raw mut *self.codec.0;
        let mut iterator = ptr::null();
        // SAFETY: the context is alive; the pointer and the length are those of a slice, to which
        // no pointer is kept. The picture stays valid until the next call for this context, and
        // that needs `self`, which `Decoded` borrows.
        let image = unsafe {
            let status = aom_codec_decode(context, data.as_ptr(), data.len(), ptr::null_mut());
            checked(status, Av1Error::Decode)?;
            aom_codec_get_frame(context, &raw mut iterator).as_ref()
        };
        let decoded = Decoded(image.ok_or(Av1Error::NoPicture)?);
        if decoded.size().pixels() > self.most_pixels {
            return Err(Av1Error::Size);
        }
        Ok(decoded)
    }
}

/// A decoded picture.
pub(super) struct Decoded<'a>(&'a aom_image);

/// The samples of one component, of a byte each or two in the machine's order.
pub(super) struct Samples<'a> {
    pub(super) data: &'a [u8],
    /// The bytes from a row to the next.
    pub(super) stride: usize,
    pub(super) size: Size,
}

impl<'a> Decoded<'a> {
    pub(super) const fn size(&self) -> Size {
        Size { width: self.0.d_w, height: self.0.d_h }
    }

    /// Bits of a sample: 8, 10 or 12; more than 8 take two bytes.
    pub(super) const fn bits(&self) -> usize {
        self.0.bit_depth as usize
    }

    /// Of ITU-T H.273.
    pub(super) fn matrix_coefficients(&self) -> u8 {
        u8::try_from(self.0.mc).unwrap_or_default()
    }

    pub(super) const fn full_range(&self) -> bool {
        self.0.range == AOM_CR_FULL_RANGE
    }

    pub(super) fn luma(&self) -> Result<Samples<'a>, Av1Error> {
        self.plane(0, self.size())
    }

    /// Blue and red difference; none of a gray picture.
    pub(super) fn chroma(&self) -> Result<Option<[Samples<'a>; 2]>, Av1Error> {
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
        // SAFETY: libaom's planes are as high as the picture, halved where chroma is, each row
        // `stride` bytes after the one before and as wide as the picture at least; of the last
        // row only so much is taken. They live as long as the picture, that is `'a`.
        let data = unsafe { slice::from_raw_parts(start, length) };
        Ok(Samples { data, stride, size })
    }
}

/// A still to encode: planes of bytes without gaps, of the full range.
pub(super) struct Still<'a> {
    pub(super) size: Size,
    pub(super) luma: &'a [u8],
    /// Blue and red difference of BT.601; none = gray.
    pub(super) chroma: Option<[&'a [u8]; 2]>,
    /// Whether chroma has half the resolution both ways (4:2:0).
    pub(super) half_chroma: bool,
}

impl Still<'_> {
    /// What libaom takes for the picture. It points to the planes.
    fn to_image(&self) -> Result<aom_image, Av1Error> {
        let Size { width, height } = self.size;
        let half = |side: u32| if self.half_chroma { side.div_ceil(2) } else { side };
        let chroma_size = Size { width: half(width), height: half(height) };
        // SAFETY: all zeroes is a value of this struct of numbers and pointers.
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
        Ok(image)
    }
}

/// The steepest and the flattest of AV1's 16 quantizer matrices to use (AV1, 7.12.2): fine detail
/// is kept less exactly, of bad pictures more so. At equal SSIMULACRA2 this saves 10 to 12 % of the
/// bytes (4 % at scores of 85) for 5 % more time. From 0 to 8 would save more below scores of 70,
/// and less above; from 4 or to 15 saves less.
const MATRICES: (c_uint, c_uint) = (2, 10);

/// Encode a still as one picture of AV1. The quantizer is 0 (without loss) to 63, the speed 0 to 9
/// (fastest).
pub(super) fn encode(still: &Still<'_>, quantizer: u8, speed: u8) -> Result<Vec<u8>, Av1Error> {
    let image = still.to_image()?;
    let mut settings = MaybeUninit::uninit();
    // SAFETY: writes to the settings only, and all of them on success.
    let mut settings = unsafe {
        let (interface, usage) = (aom_codec_av1_cx(), AOM_USAGE_ALL_INTRA);
        let status = aom_codec_enc_config_default(interface, settings.as_mut_ptr(), usage);
        checked(status, Av1Error::Encode)?;
        settings.assume_init()
    };
    // One thread, as for the decoder; nothing is to wait for pictures to come.
    (settings.g_threads, settings.g_lag_in_frames, settings.g_limit) = (1, 0, 1);
    (settings.g_w, settings.g_h) = (still.size.width, still.size.height);
    settings.monochrome = c_uint::from(still.chroma.is_none());
    // The main profile has 4:2:0 and gray, the high one 4:4:4 too (AV1, 6.4.1).
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
        (AV1E_SET_ENABLE_QM, 1),
        (AV1E_SET_QM_MIN, MATRICES.0),
        (AV1E_SET_QM_MAX, MATRICES.1),
    ];
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
    // SAFETY: the context is alive. The image points to planes as large as it says, as `to_image`
    // made sure, which live through the call; libaom copies what it keeps, and writes nothing.
    unsafe {
        checked(aom_codec_encode(context, &raw const image, 0, 1, 0), Av1Error::Encode)?;
    }
    packets(&mut codec)
}

fn signed(control: aome_enc_control_id) -> Result<c_int, Av1Error> {
    c_int::try_from(control).map_err(|_| Av1Error::Encode(meaning(AOM_CODEC_ERROR)))
}

/// All that was encoded.
fn packets(codec: &mut Codec) -> Result<Vec<u8>, Av1Error> {
    let mut written = Vec::new();
    let mut iterator = ptr::null();
    // SAFETY: the context is alive. The packets, and what they point to, stay valid until the next
    // call for this context but this one; each is copied at once. The kind says which field of the
    // union is set.
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
        let data = encode(&still(&luma), 0, 9).unwrap();
        let mut decoder = Decoder::new(15).unwrap();
        // Again and again: the same decoder reads a whole sequence.
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
        let wrong = |still: &Still<'_>| matches!(encode(still, 20, 9), Err(Av1Error::Encode(_)));
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
        assert!(matches!(encode(&still(&luma), 64, 9), Err(Av1Error::Encode(_))));
        assert!(matches!(encode(&still(&luma), 20, 200), Err(Av1Error::Encode(_))));
        let empty = Still { size: Size { width: 0, height: 0 }, ..still(&[]) };
        assert!(matches!(encode(&empty, 20, 9), Err(Av1Error::Encode(_))));
    }

    #[test]
    fn damage_is_an_error() {
        let data = encode(&still(&[9; 15]), 20, 9).unwrap();
        for length in 0..data.len() {
            assert!(Decoder::new(15).unwrap().decode(&data[..length]).is_err(), "{length}");
        }
        assert_eq!(Decoder::new(14).unwrap().decode(&data).err(), Some(Av1Error::Size));
        assert!(largest(&[]).is_err() && largest(&[0x0a, 200, 1]).is_err());
    }

    #[test]
    fn a_sequence_header_says_how_large() {
        let data = encode(&still(&[9; 15]), 20, 9).unwrap();
        assert_eq!(largest(&data).unwrap(), SIZE);
    }
}
