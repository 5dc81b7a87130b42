//! The fields of a spec.

use super::values::{
    ByteLimit, CropRect, Factor, Fit, Flip, FormatOption, FrameNumber, Gravity, Hundredths, Length,
    Page, Progressive, Quality, Rgb, Rotation, Seconds, Subsampling, Tolerance, Version,
    WatermarkName,
};

/// The description of a thumbnail. [`Spec::parse`] parses it, and
/// [`fmt::Display`](std::fmt::Display) writes it. If you set fields directly, call
/// [`Spec::normalized`] afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each option is independent of the others")]
pub struct Spec {
    /// The width of the box in pixels, before [`dpr`](Self::dpr); `None` means that this side is
    /// free.
    pub width: Option<u32>,
    /// The height of the box in pixels, before [`dpr`](Self::dpr); `None` means that this side is
    /// free.
    pub height: Option<u32>,
    /// How the image fits the box.
    pub fit: Fit,
    /// Whether [`Fit::Contain`] and [`Fit::Pad`] may enlarge the image; the other fits always do.
    pub upscale: bool,
    /// The part of the image that a crop keeps; `None` means the centre.
    pub gravity: Option<Gravity>,
    /// The page of a document; `None` means the first page.
    pub page: Option<Page>,
    /// The frame of an animation to show as a still image; `None` means all frames, if the format
    /// of the thumbnail supports animations.
    pub frame: Option<FrameNumber>,
    /// The time of the frame to show, from the start of a film. With `None`, the decoder chooses a
    /// frame. Sources other than films ignore the time.
    pub at: Option<Seconds>,
    /// The tolerance for trimming, which is the first step. Trimming cuts off the border that has
    /// the colour of the upright source's upper left corner.
    pub trim: Option<Tolerance>,
    /// The part of the upright source to use; `None` means all of it.
    pub crop: Option<CropRect>,
    /// A rotation. The box applies to the rotated image.
    pub rotate: Rotation,
    /// Mirroring, which is applied after the rotation.
    pub flip: Option<Flip>,
    /// The factor of the CSS filter `brightness()`, at most 10. The background keeps its colour.
    /// This is true of all options that change colours.
    pub brightness: Option<Factor>,
    /// The factor of the CSS filter `contrast()`, at most 10.
    pub contrast: Option<Factor>,
    /// The factor of the CSS filter `saturate()`, at most 10.
    pub saturation: Option<Factor>,
    /// Whether the picture is converted to shades of gray. The background keeps its colour.
    pub grayscale: bool,
    /// The side length of the squares that replace the pixels. Like the sides of the box, it is
    /// multiplied by [`dpr`](Self::dpr).
    pub pixelate: Option<Length>,
    /// The sigma of a Gaussian blur in pixels of the thumbnail, at most 100.
    pub blur: Option<Hundredths>,
    /// Whether the differences between neighbouring pixels are increased by two thirds.
    pub detail: bool,
    /// The sigma of an unsharp mask in pixels of the thumbnail, at most 10.
    pub sharpen: Option<Hundredths>,
    /// The radius of the corners of the picture, at most half of the shorter side. Like the sides
    /// of the box, it is multiplied by [`dpr`](Self::dpr).
    pub radius: Option<Length>,
    /// The colour behind transparent pixels and in the padding.
    pub background: Option<Rgb>,
    /// The name of the watermark over the thumbnail.
    pub watermark: Option<WatermarkName>,
    /// The number of thumbnail pixels per pixel of the box, 0.1 to 8; `None` means 1.
    pub dpr: Option<Hundredths>,
    /// The quality; `None` means the configured quality for the format. PNG and GIF ignore it.
    pub quality: Option<Quality>,
    /// The maximum size of the file. The quality is reduced until the file fits. PNG and GIF ignore
    /// it.
    pub max_bytes: Option<ByteLimit>,
    /// JPEG: progressive or baseline; `None` means the configured setting.
    pub progressive: Option<Progressive>,
    /// JPEG: the chroma subsampling; `None` means the configured setting.
    pub subsampling: Option<Subsampling>,
    /// Whether a wide colour space of the source is kept and its ICC profile is embedded.
    pub keep_icc: bool,
    /// Whether the names of the creators and the rights statements are copied from the source.
    pub keep_copyright: bool,
    /// The format; `None` means the format for the name of the source.
    pub format: Option<FormatOption>,
    /// The version of the source.
    pub version: Option<Version>,
}
