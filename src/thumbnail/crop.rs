//! The geometry of a thumbnail: the part of the source that it shows, and its size.
//!
//! All computations use the *turned* image, as visitors see it. At the end, the window is
//! transformed to the coordinates of the stored pixels, so that pixels are rotated only after they
//! are resized.

use super::format::MAX_SIDE;
use super::header::Header;
use super::orient::Transform;
use super::spec::{CropRect, Fit, Gravity, Hundredths, Spec};
use crate::error::ThumbnailError;
use raster::Size;

/// A part of an image, as fractions of its sides.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "a rectangle")]
pub struct Window {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Window {
    /// This window is a part of `outer`. Returns it as a part of the image that contains `outer`.
    #[must_use]
    pub fn within(self, outer: Self) -> Self {
        Self {
            left: outer.left + self.left * outer.width,
            top: outer.top + self.top * outer.height,
            width: self.width * outer.width,
            height: self.height * outer.height,
        }
    }
}

/// The sizes and the crop of one thumbnail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// The transform from the stored pixels to the turned image.
    pub transform: Transform,
    /// The size of the thumbnail.
    pub canvas: Size,
    /// The size of the picture on the canvas. It is smaller than the canvas only if the fit adds
    /// padding.
    pub size: Size,
    /// The number of thumbnail pixels per pixel of the box.
    pub density: f64,
    /// The size of the stored source.
    source: Size,
    /// Whether the source can be decoded at a larger size.
    is_scalable: bool,
    /// The part of the turned source that remains after the spec's `crop`.
    crop: Window,
    /// The size of the part of `crop` that is kept, as fractions of the turned source.
    kept: (f64, f64),
}

impl Geometry {
    /// Computes the geometry for a source with this header. A scalable source is enlarged without
    /// loss, so `upscale` always applies to it.
    ///
    /// # Errors
    /// [`ThumbnailError::TooLarge`] when a side is longer than [`MAX_SIDE`].
    pub fn of(header: &Header, spec: &Spec) -> Result<Self, ThumbnailError> {
        let is_scalable = header.is_scalable;
        let spec = Spec { upscale: spec.upscale || is_scalable, ..*spec };
        let geometry = Self::new(header.size, header.transform, &spec)?;
        Ok(Self { is_scalable, ..geometry })
    }

    /// Computes the geometry for a source with these stored dimensions. `upright` is the transform
    /// that turns it upright.
    ///
    /// # Errors
    /// [`ThumbnailError::TooLarge`] when a side is longer than [`MAX_SIDE`].
    pub fn new(source: Size, upright: Transform, spec: &Spec) -> Result<Self, ThumbnailError> {
        let turn = Transform::rotation(spec.rotate).then(Transform::flip(spec.flip));
        let transform = upright.then(turn);
        let turned = transform.size(source);
        let crop = transform_window(from_spec(spec.crop.unwrap_or(CropRect::ALL)), turn);
        let crop = snapped(crop, turned);
        let full = (f64::from(turned.width) * crop.width, f64::from(turned.height) * crop.height);

        let dpr = spec.dpr.map_or(1.0, Hundredths::to_f64);
        let frame_at = |density: f64| {
            let pixels = |side: u32| (f64::from(side) * density).round().max(1.0);
            (spec.width.map(pixels), spec.height.map(pixels))
        };
        // With `contain` and `pad`, the proportionally shorter side of the box determines the
        // scale.
        let scale_to = |frame: (Option<f64>, Option<f64>)| {
            let ratios = [frame.0.map(|side| side / full.0), frame.1.map(|side| side / full.1)];
            let ratios = ratios.into_iter().flatten();
            match spec.fit {
                Fit::Contain | Fit::Pad => ratios.reduce(f64::min),
                Fit::Cover | Fit::Fill => ratios.reduce(f64::max),
            }
            .unwrap_or(1.0)
        };
        // If the source does not have enough pixels for the density, the density is lowered, so
        // that the picture and its canvas shrink in the same proportion.
        let density =
            if spec.upscale { dpr } else { dpr.min((1.0 / scale_to(frame_at(1.0))).max(1.0)) };
        let mut frame = frame_at(density);
        let mut scale = scale_to(frame);
        if !spec.upscale && scale > 1.0 {
            if matches!(spec.fit, Fit::Cover | Fit::Fill) {
                // The frame shrinks but keeps its proportions.
                let shrunk = |side: Option<f64>| side.map(|side| side / scale);
                frame = (shrunk(frame.0), shrunk(frame.1));
            }
            scale = 1.0;
        }
        let scaled = (full.0 * scale, full.1 * scale);
        let (size, kept) = match spec.fit {
            Fit::Contain | Fit::Pad => (scaled, full),
            Fit::Cover => {
                let size = (frame.0.unwrap_or(scaled.0), frame.1.unwrap_or(scaled.1));
                (size, ((size.0 / scale).min(full.0), (size.1 / scale).min(full.1)))
            }
            Fit::Fill => ((frame.0.unwrap_or(full.0), frame.1.unwrap_or(full.1)), full),
        };
        let size = Size { width: whole(size.0)?, height: whole(size.1)? };
        let canvas = match spec.fit {
            Fit::Pad => Size {
                width: whole(frame.0.unwrap_or(0.0))?.max(size.width),
                height: whole(frame.1.unwrap_or(0.0))?.max(size.height),
            },
            _ => size,
        };
        let kept = (kept.0 / f64::from(turned.width), kept.1 / f64::from(turned.height));
        Ok(Self { transform, canvas, size, density, source, is_scalable: false, crop, kept })
    }

    /// The size of the whole stored source at the scale of the thumbnail. The source must be
    /// decoded at this size or larger.
    #[must_use]
    pub fn decoded_size(&self) -> Size {
        let Size { width, height } = self.transform.size(self.source);
        let side = |stored: u32, size: u32, kept: f64| {
            let most = if self.is_scalable { MAX_SIDE } else { stored };
            let least = (f64::from(size) / kept).ceil().min(f64::from(most));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            let least = least as u32;
            least
        };
        self.transform.original_size(Size {
            width: side(width, self.size.width, self.kept.0),
            height: side(height, self.size.height, self.kept.1),
        })
    }

    /// The size of the resized picture before the transform.
    #[must_use]
    pub const fn stored_size(&self) -> Size {
        self.transform.original_size(self.size)
    }

    /// The part of the stored source that the thumbnail shows; with [`Gravity::Smart`], the centre.
    #[must_use]
    pub fn window(&self, gravity: Gravity) -> Window {
        let (width, height) = self.kept;
        let free = (self.crop.width - width, self.crop.height - height);
        let (x, y) = match gravity {
            Gravity::Compass(compass) => {
                let (x, y) = compass.position();
                (free.0 * x, free.1 * y)
            }
            Gravity::Focal(x, y) => (
                (x.to_f64() * self.crop.width - width / 2.0).clamp(0.0, free.0.max(0.0)),
                (y.to_f64() * self.crop.height - height / 2.0).clamp(0.0, free.1.max(0.0)),
            ),
            Gravity::Smart => (free.0 / 2.0, free.1 / 2.0),
        };
        self.stored_window(x, y)
    }

    /// The window at this distance from the left and top edges of `crop`, as a part of the stored
    /// source.
    fn stored_window(&self, x: f64, y: f64) -> Window {
        let (width, height) = self.kept;
        let window = Window { left: self.crop.left + x, top: self.crop.top + y, width, height };
        inverse_window(window, self.transform)
    }

    /// The possible positions of the window in the stored source, or `None` if there is only one.
    #[must_use]
    pub fn choice(&self) -> Option<Choice> {
        const NOTHING: f64 = 1e-6;
        let (width, height) = self.kept;
        let free = (self.crop.width - width, self.crop.height - height);
        if free.0 < NOTHING && free.1 < NOTHING {
            return None;
        }
        Some(Choice {
            area: inverse_window(self.crop, self.transform),
            usual: self.stored_window(free.0 / 2.0, free.1 / 4.0),
        })
    }
}

/// The possible positions of a window, as fractions of the stored source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// The part of the source that contains the window.
    pub area: Window,
    /// The default position. It is centred horizontally. Vertically, three times as much is cropped
    /// at the bottom as at the top, because heads are usually near the top.
    pub usual: Window,
}

fn from_spec(crop: CropRect) -> Window {
    Window {
        left: crop.x.to_f64(),
        top: crop.y.to_f64(),
        width: crop.width.to_f64(),
        height: crop.height.to_f64(),
    }
}

/// Moves the edges of the window to whole pixels of an image of this size. A spec's fractions are
/// rounded, and a fraction of a pixel can't be shown without blurring.
fn snapped(window: Window, size: Size) -> Window {
    let along = |start: f64, length: f64, pixels: u32| {
        let pixels = f64::from(pixels);
        let first = (start * pixels).round().min(pixels - 1.0);
        let end = ((start + length) * pixels).round().clamp(first + 1.0, pixels);
        (first / pixels, (end - first) / pixels)
    };
    let (left, width) = along(window.left, window.width, size.width);
    let (top, height) = along(window.top, window.height, size.height);
    Window { left, top, width, height }
}

/// The position of a part of an image after the image has been transformed.
fn transform_window(window: Window, transform: Transform) -> Window {
    let window = if transform.transpose { transposed(window) } else { window };
    flipped(window, transform)
}

/// The position that a part of a transformed image had before the transform.
fn inverse_window(window: Window, transform: Transform) -> Window {
    let window = flipped(window, transform);
    if transform.transpose { transposed(window) } else { window }
}

const fn transposed(window: Window) -> Window {
    Window { left: window.top, top: window.left, width: window.height, height: window.width }
}

fn flipped(window: Window, transform: Transform) -> Window {
    let Window { left, top, width, height } = window;
    let left = if transform.flip_x { 1.0 - left - width } else { left };
    let top = if transform.flip_y { 1.0 - top - height } else { top };
    Window { left, top, width, height }
}

fn whole(side: f64) -> Result<u32, ThumbnailError> {
    let side = side.round().max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    if side <= f64::from(MAX_SIDE) {
        Ok(side as u32)
    } else {
        Err(ThumbnailError::TooLarge {
            what: "pixels on a side of the thumbnail",
            found: side as u64,
            limit: u64::from(MAX_SIDE),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(width: u32, height: u32, orientation: u16, spec: &str) -> Geometry {
        let (size, upright) = (Size { width, height }, Transform::from_exif(orientation));
        Geometry::new(size, upright, &Spec::parse(spec).unwrap()).unwrap()
    }

    #[test]
    fn sizes() {
        for (spec, canvas, size) in [
            ("-x-", (1600, 900), (1600, 900)),
            ("400x400", (400, 225), (400, 225)),
            ("400x-", (400, 225), (400, 225)),
            ("-x225", (400, 225), (400, 225)),
            ("3200x3200", (1600, 900), (1600, 900)),
            ("3200x3200,upscale", (3200, 1800), (3200, 1800)),
            ("400x400,dpr-2", (800, 450), (800, 450)),
            ("400x400,cover", (400, 400), (400, 400)),
            ("3200x3200,cover", (900, 900), (900, 900)),
            ("3200x3200,cover,upscale", (3200, 3200), (3200, 3200)),
            ("3200x-,cover", (1600, 900), (1600, 900)),
            ("800x800,cover,dpr-2", (900, 900), (900, 900)),
            ("3200x1600,fill", (1600, 800), (1600, 800)),
            ("3200x1600,fill,upscale", (3200, 1600), (3200, 1600)),
            ("1000x900,pad,dpr-2", (1600, 1440), (1600, 900)),
            ("400x-,cover", (400, 225), (400, 225)),
            ("400x400,fill", (400, 400), (400, 400)),
            ("400x-,fill", (400, 900), (400, 900)),
            ("400x400,pad", (400, 400), (400, 225)),
            ("3200x3200,pad", (3200, 3200), (1600, 900)),
            ("400x400,rot-90", (225, 400), (225, 400)),
            ("400x400,crop-0-0-0.5-1", (356, 400), (356, 400)),
            ("400x400,crop-0-0-0.5-1,rot-90", (400, 356), (400, 356)),
            ("1x1", (1, 1), (1, 1)),
        ] {
            let found = geometry(1600, 900, 1, spec);
            let sizes = [canvas, size].map(|(width, height)| Size { width, height });
            assert_eq!([found.canvas, found.size], sizes, "{spec}");
        }
        let upright = geometry(1600, 900, 6, "400x400");
        assert_eq!(upright.canvas, Size { width: 225, height: 400 });
        assert_eq!(upright.stored_size(), Size { width: 400, height: 225 });
        assert_eq!(upright.decoded_size(), Size { width: 400, height: 225 });
    }

    #[test]
    fn windows() {
        for (orientation, spec, [left, top, width, height]) in [
            (1, "400x400", [0.0, 0.0, 1.0, 1.0]),
            (1, "400x400,cover", [0.25, 0.0, 0.5, 1.0]),
            (1, "400x400,cover,g-w", [0.0, 0.0, 0.5, 1.0]),
            (1, "400x400,cover,g-se", [0.5, 0.0, 0.5, 1.0]),
            (1, "400x400,cover,g-0.6-0.1", [0.35, 0.0, 0.5, 1.0]),
            (1, "400x400,cover,g-1-0", [0.5, 0.0, 0.5, 1.0]),
            (2, "400x400,cover,g-w", [0.5, 0.0, 0.5, 1.0]),
            (3, "400x400,cover,g-w", [0.5, 0.0, 0.5, 1.0]),
            (6, "400x400,cover,g-n", [0.0, 0.0, 0.5, 1.0]),
            (8, "400x400,cover,g-n", [0.5, 0.0, 0.5, 1.0]),
            (1, "400x400,crop-0.5-0-0.25-1", [0.5, 0.0, 0.25, 1.0]),
            (6, "400x400,crop-0-0-1-0.25", [0.0, 0.0, 0.25, 1.0]),
            (1, "400x400,crop-0-0-0.25-1,rot-90", [0.0, 0.0, 0.25, 1.0]),
            (1, "400x400,crop-0-0-0.25-1,flip-h", [0.0, 0.0, 0.25, 1.0]),
        ] {
            let spec_value = Spec::parse(spec).unwrap();
            let window = geometry(800, 400, orientation, spec)
                .window(spec_value.gravity.unwrap_or(Gravity::CENTER));
            let expected = Window { left, top, width, height };
            let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
            assert!(
                near(window.left, left)
                    && near(window.top, top)
                    && near(window.width, width)
                    && near(window.height, height),
                "{orientation} {spec}: {window:?}, not {expected:?}"
            );
        }
    }

    #[test]
    fn the_usual_place_is_high_in_the_turned_picture() {
        for (orientation, spec, left, top) in [
            (1, "400x400,cover", 0.25, 0.0),
            (1, "800x200,cover", 0.0, 0.125),
            (3, "800x200,cover", 0.0, 0.375),
            (6, "400x400,cover", 0.125, 0.0),
            (8, "400x400,cover", 0.375, 0.0),
            (1, "400x400,cover,rot-90", 0.125, 0.0),
        ] {
            let Choice { area, usual } = geometry(800, 400, orientation, spec).choice().unwrap();
            assert_eq!(area, Window { left: 0.0, top: 0.0, width: 1.0, height: 1.0 });
            let found = ((usual.left - left).abs(), (usual.top - top).abs());
            assert!(found.0 < 1e-9 && found.1 < 1e-9, "{orientation} {spec}: {usual:?}");
        }
        assert_eq!(geometry(800, 400, 1, "400x400").choice(), None);
    }

    #[test]
    fn decoding_may_stop_at_the_needed_size() {
        let needed = geometry(800, 400, 1, "100x100,cover").decoded_size();
        assert_eq!(needed, Size { width: 200, height: 100 });
        let needed = geometry(800, 400, 1, "1600x1600,cover").decoded_size();
        assert_eq!(needed, Size { width: 800, height: 400 });
    }
}
