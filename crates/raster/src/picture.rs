//! Decoded pixels.

use std::num::TryFromIntError;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "width and height")]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl TryFrom<(usize, usize)> for Size {
    type Error = TryFromIntError;

    /// Fails unless the width and height are below 2³².
    fn try_from((width, height): (usize, usize)) -> Result<Self, TryFromIntError> {
        Ok(Self { width: width.try_into()?, height: height.try_into()? })
    }
}

impl Size {
    /// Returns the size with width and height exchanged.
    #[must_use]
    pub const fn swapped(self) -> Self {
        Self { width: self.height, height: self.width }
    }

    /// The number of pixels.
    #[must_use]
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

/// The samples of a pixel, 8 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelKind {
    /// Gray.
    Luma,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, opacity; not premultiplied.
    Rgba,
    /// Cyan, magenta, yellow, black; 255 is full ink.
    Cmyk,
}

impl PixelKind {
    /// The number of bytes per pixel.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Luma => 1,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }
}

/// A picture in memory: rows from top to bottom, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The number of pixels in a row.
    pub width: u32,
    /// The number of rows.
    pub height: u32,
    /// The kind of the pixels.
    pub kind: PixelKind,
    /// `width * height * kind.bytes()` bytes.
    pub data: Vec<u8>,
}

impl Picture {
    /// The size of the picture.
    #[must_use]
    pub const fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }

    /// The number of bytes per row.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.width as usize * self.kind.bytes()
    }

    /// Keeps only the red samples of a picture whose colours are all gray.
    #[must_use]
    pub fn into_luma(self) -> Self {
        let data = self.data.iter().copied().step_by(self.kind.bytes()).collect();
        Self { kind: PixelKind::Luma, data, ..self }
    }

    /// Converts colours to gray with the luma of ITU-R BT.601. Opacities are kept unless all pixels
    /// are opaque.
    #[must_use]
    pub fn into_grayscale(self) -> Self {
        const WEIGHTS: [u32; 3] = [19_595, 38_470, 7_471];
        let luma = |color: [u8; 3]| {
            let sum =
                color.into_iter().zip(WEIGHTS).map(|(sample, weight)| weight * u32::from(sample));
            u8::try_from((sum.sum::<u32>() + (1 << 15)) >> 16).unwrap_or(255)
        };
        let picture = self.without_inks().without_idle_alpha();
        let (kind, data) = match picture.kind {
            PixelKind::Rgb => {
                let (pixels, _) = picture.data.as_chunks();
                (PixelKind::Luma, pixels.iter().map(|&color| luma(color)).collect())
            }
            PixelKind::Rgba => {
                let (pixels, _) = picture.data.as_chunks();
                let gray = pixels.iter().flat_map(|&[red, green, blue, alpha]| {
                    let gray = luma([red, green, blue]);
                    [gray, gray, gray, alpha]
                });
                (PixelKind::Rgba, gray.collect())
            }
            PixelKind::Luma | PixelKind::Cmyk => return picture,
        };
        Self { kind, data, ..picture }
    }

    /// Converts inks to red, green and blue, using the usual formula without a profile.
    #[must_use]
    pub fn without_inks(self) -> Self {
        if self.kind != PixelKind::Cmyk {
            return self;
        }
        let (pixels, _) = self.data.as_chunks::<4>();
        let data = pixels
            .iter()
            .flat_map(|&[cyan, magenta, yellow, black]| {
                let light = |ink: u8| {
                    let product = u16::from(255 - ink) * u16::from(255 - black);
                    u8::try_from((product + 127) / 255).unwrap_or(255)
                };
                [light(cyan), light(magenta), light(yellow)]
            })
            .collect();
        Self { kind: PixelKind::Rgb, data, ..self }
    }

    /// Converts gray to red, green and blue.
    #[must_use]
    pub fn into_color(self) -> Self {
        if self.kind != PixelKind::Luma {
            return self;
        }
        let data = self.data.iter().flat_map(|&luma| [luma; 3]).collect();
        Self { kind: PixelKind::Rgb, data, ..self }
    }

    /// Adds an opacity to each pixel.
    #[must_use]
    pub fn into_rgba(self) -> Self {
        let data = match self.kind {
            PixelKind::Rgba => return self,
            PixelKind::Cmyk => return self.without_inks().into_rgba(),
            PixelKind::Luma => self.data.iter().flat_map(|&l| [l, l, l, 255]).collect(),
            PixelKind::Rgb => {
                let (pixels, _) = self.data.as_chunks::<3>();
                pixels.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect()
            }
        };
        Self { kind: PixelKind::Rgba, data, ..self }
    }

    /// Drops the opacities if all pixels are opaque.
    #[must_use]
    pub fn without_idle_alpha(self) -> Self {
        if self.kind != PixelKind::Rgba {
            return self;
        }
        let (pixels, _) = self.data.as_chunks::<4>();
        if pixels.iter().any(|&[.., alpha]| alpha != 255) {
            return self;
        }
        let data = pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
        Self { kind: PixelKind::Rgb, data, ..self }
    }
}

/// A picture of an animation, or the only picture of a still image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The whole canvas at this moment.
    pub picture: Picture,
    /// The time for which the picture is shown, in milliseconds.
    pub delay: u32,
}
