//! The header of an image, in any format.

use super::format::{OutputFormat, SourceFormat};
use super::orient::Transform;
use raster::Size;

/// The header of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The format, determined from the first bytes.
    pub format: SourceFormat,
    /// The size of the stored pixels, before the image is turned upright.
    pub size: Size,
    /// The EXIF orientation, 1 to 8.
    pub orientation: u16,
    /// The transform that turns the stored pixels upright.
    pub transform: Transform,
    /// The number of readable frames; 1 for a still image.
    pub frames: u32,
    /// The number of pages of a document; 1 for an image.
    pub pages: u32,
    /// The number of times that an animation plays; 0 means forever.
    pub plays: u16,
    /// Whether pixels may be transparent.
    pub has_alpha: bool,
    /// Whether the file contains an ICC profile.
    pub has_icc: bool,
    /// Whether the image is scalable. A scalable image has no pixels of its own, so it can be
    /// enlarged without loss.
    pub is_scalable: bool,
}

impl Header {
    /// The header of an upright, opaque still image without a profile.
    #[must_use]
    pub fn still(format: SourceFormat, size: Size) -> Self {
        Self {
            format,
            size,
            orientation: 1,
            transform: Transform::default(),
            frames: 1,
            pages: 1,
            plays: 1,
            has_alpha: false,
            has_icc: false,
            is_scalable: false,
        }
    }

    /// The same header with an EXIF orientation.
    #[must_use]
    pub const fn oriented(self, orientation: u16) -> Self {
        Self { orientation, transform: Transform::from_exif(orientation), ..self }
    }

    /// The size of the upright image.
    #[must_use]
    pub const fn upright_size(&self) -> Size {
        self.transform.size(self.size)
    }

    /// The format of a thumbnail that keeps the format of its source. If browsers do not display
    /// that format, the thumbnail is a JPEG, or a PNG if the source may be transparent.
    #[must_use]
    pub const fn kept_format(&self) -> OutputFormat {
        self.format.kept(self.has_alpha)
    }
}
