//! Tags of TIFF 6.0 and some of their values.

pub(super) const IMAGE_LENGTH: u64 = 257;
pub(super) const BITS_PER_SAMPLE: u64 = 258;
pub(super) const COMPRESSION: u64 = 259;
pub(super) const PHOTOMETRIC_INTERPRETATION: u64 = 262;
pub(super) const STRIP_OFFSETS: u64 = 273;
pub(super) const SAMPLES_PER_PIXEL: u64 = 277;
pub(super) const STRIP_BYTE_COUNTS: u64 = 279;
pub(super) const PLANAR_CONFIGURATION: u64 = 284;
pub(super) const PREDICTOR: u64 = 317;
pub(super) const TILE_LENGTH: u64 = 323;
pub(super) const TILE_OFFSETS: u64 = 324;
pub(super) const TILE_BYTE_COUNTS: u64 = 325;
pub(super) const EXTRA_SAMPLES: u64 = 338;
pub(super) const INTERCHANGE_FORMAT: u64 = 513;
pub(super) const Y_CB_CR_COEFFICIENTS: u64 = 529;
pub(super) const Y_CB_CR_SUBSAMPLING: u64 = 530;
pub(super) const REFERENCE_BLACK_WHITE: u64 = 532;

/// The values of the tag `PhotometricInterpretation`.
pub(super) const WHITE_IS_ZERO: u64 = 0;
pub(super) const BLACK_IS_ZERO: u64 = 1;
pub(super) const RGB: u64 = 2;
pub(super) const PALETTE: u64 = 3;
pub(super) const CMYK: u64 = 5;
pub(super) const Y_CB_CR: u64 = 6;
pub(super) const CIE_LAB: u64 = 8;
pub(super) const ICC_LAB: u64 = 9;
