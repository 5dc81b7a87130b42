//! Rotation and mirroring, for the EXIF orientation, `rot-…` and `flip-…`.

use super::spec::{Flip, Rotation};
use raster::{Picture, Size};

/// One of the eight ways to rotate or mirror an image. A transform can swap x and y, and mirrors
/// afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Transform {
    /// Whether x and y are swapped before mirroring.
    pub transpose: bool,
    /// Whether left and right are swapped.
    pub flip_x: bool,
    /// Whether top and bottom are swapped.
    pub flip_y: bool,
}

impl Transform {
    /// The transform that turns an image with this EXIF orientation (1 to 8) upright. Other numbers
    /// are ignored, as in browsers.
    #[must_use]
    pub const fn from_exif(orientation: u16) -> Self {
        let (transpose, flip_x, flip_y) = match orientation {
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, true, false),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => (false, false, false),
        };
        Self { transpose, flip_x, flip_y }
    }

    /// The EXIF orientation that this transform turns upright, 1 to 8.
    #[must_use]
    pub const fn to_exif(self) -> u16 {
        match (self.transpose, self.flip_x, self.flip_y) {
            (false, false, false) => 1,
            (false, true, false) => 2,
            (false, true, true) => 3,
            (false, false, true) => 4,
            (true, false, false) => 5,
            (true, true, false) => 6,
            (true, true, true) => 7,
            (true, false, true) => 8,
        }
    }

    /// A clockwise rotation.
    #[must_use]
    pub const fn rotation(rotation: Rotation) -> Self {
        Self::from_exif(match rotation {
            Rotation::Deg0 => 1,
            Rotation::Deg90 => 6,
            Rotation::Deg180 => 3,
            Rotation::Deg270 => 8,
        })
    }

    /// A mirror image.
    #[must_use]
    pub const fn flip(flip: Option<Flip>) -> Self {
        Self::from_exif(match flip {
            None => 1,
            Some(Flip::Horizontal) => 2,
            Some(Flip::Vertical) => 4,
        })
    }

    /// The corner of the original image that the transform moves to the upper left: whether it is
    /// on the right, and whether it is at the bottom.
    #[must_use]
    pub const fn stored_corner(self) -> (bool, bool) {
        if self.transpose { (self.flip_y, self.flip_x) } else { (self.flip_x, self.flip_y) }
    }

    /// Combines two transforms: first this one, then the next.
    #[must_use]
    pub const fn then(self, next: Self) -> Self {
        let (flip_x, flip_y) =
            if next.transpose { (self.flip_y, self.flip_x) } else { (self.flip_x, self.flip_y) };
        Self {
            transpose: self.transpose != next.transpose,
            flip_x: flip_x != next.flip_x,
            flip_y: flip_y != next.flip_y,
        }
    }

    /// Returns the size of an image after the transform, given its original size.
    #[must_use]
    pub const fn size(self, size: Size) -> Size {
        if self.transpose { size.swapped() } else { size }
    }

    /// Returns the original size of an image that has this size after the transform.
    #[must_use]
    pub const fn original_size(self, size: Size) -> Size {
        self.size(size)
    }
}

/// Rotates and mirrors an image.
#[must_use]
pub fn apply(picture: Picture, transform: Transform) -> Picture {
    if transform == Transform::default() {
        return picture;
    }
    let bytes = picture.kind.bytes();
    let Size { width, height } = transform.size(picture.size());
    let stride = picture.stride();
    let mut data = Vec::with_capacity(picture.data.len());
    for y in 0..height {
        let y = if transform.flip_y { height - 1 - y } else { y } as usize;
        for x in 0..width {
            let x = if transform.flip_x { width - 1 - x } else { x } as usize;
            let (column, row) = if transform.transpose { (y, x) } else { (x, y) };
            let start = row * stride + column * bytes;
            data.extend_from_slice(picture.data.get(start..start + bytes).unwrap_or_default());
        }
    }
    Picture { width, height, kind: picture.kind, data }
}

#[cfg(test)]
mod tests {
    use super::*;
    use raster::PixelKind;

    /// `abc` over `def`.
    fn letters() -> Picture {
        Picture { width: 3, height: 2, kind: PixelKind::Luma, data: b"abcdef".to_vec() }
    }

    #[test]
    fn orientations_become_upright() {
        for (orientation, upright) in [
            (1, "abc/def"),
            (2, "cba/fed"),
            (3, "fed/cba"),
            (4, "def/abc"),
            (5, "ad/be/cf"),
            (6, "da/eb/fc"),
            (7, "fc/eb/da"),
            (8, "cf/be/ad"),
            (0, "abc/def"),
            (9, "abc/def"),
        ] {
            let picture = apply(letters(), Transform::from_exif(orientation));
            let rows: Vec<_> = picture
                .data
                .chunks(picture.width as usize)
                .map(|row| str::from_utf8(row).unwrap())
                .collect();
            assert_eq!(rows.join("/"), upright, "{orientation}");
        }
    }

    #[test]
    fn a_transform_has_one_orientation() {
        for orientation in 1..=8 {
            assert_eq!(Transform::from_exif(orientation).to_exif(), orientation);
        }
    }

    #[test]
    fn one_after_the_other_is_their_product() {
        for first in 1..=8 {
            for second in 1..=8 {
                let (first, second) = (Transform::from_exif(first), Transform::from_exif(second));
                assert_eq!(
                    apply(apply(letters(), first), second),
                    apply(letters(), first.then(second)),
                );
            }
        }
    }
}
