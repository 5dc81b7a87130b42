//! The fields of a spec.

use super::values::{
    CropRect, Fit, Flip, FormatOption, Gravity, Hundredths, Progressive, Rgb, Rotation,
    Subsampling, Version,
};

/// What a thumbnail looks like. [`Spec::parse`] reads it, [`fmt::Display`](std::fmt::Display) writes
/// it. Call [`Spec::normalized`] after you fill in fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Spec {
    /// The width of the box in pixels, before [`dpr`](Self::dpr); `None` = free.
    pub width: Option<u32>,
    /// The height of the box in pixels, before [`dpr`](Self::dpr); `None` = free.
    pub height: Option<u32>,
    /// How the picture fills the box.
    pub fit: Fit,
    /// Let [`Fit::Contain`] and [`Fit::Pad`] enlarge the picture; the others always do.
    pub upscale: bool,
    /// The part that stays; `None` = the centre.
    pub gravity: Option<Gravity>,
    /// The part of the upright source to use; `None` = all of it.
    pub crop: Option<CropRect>,
    /// A rotation. The box is that of the rotated picture.
    pub rotate: Rotation,
    /// A mirror image, after the rotation.
    pub flip: Option<Flip>,
    /// The sigma of a Gaussian blur in pixels of the thumbnail, at most 100.
    pub blur: Option<Hundredths>,
    /// The sigma of an unsharp mask in pixels of the thumbnail, at most 10.
    pub sharpen: Option<Hundredths>,
    /// The colour behind transparent pixels and in the padding.
    pub background: Option<Rgb>,
    /// Pixels of the thumbnail for one of the box, 0.1 to 8; `None` = 1.
    pub dpr: Option<Hundredths>,
    /// Quality from 1 to 100; `None` = the setting for the format.
    pub quality: Option<u8>,
    /// JPEG: the scans; `None` = the setting.
    pub progressive: Option<Progressive>,
    /// JPEG: the resolution of chroma; `None` = the setting.
    pub subsampling: Option<Subsampling>,
    /// The format; `None` = by the name of the source.
    pub format: Option<FormatOption>,
    /// The version of the source.
    pub version: Option<Version>,
}
