//! The canvas on which the frames of an animation are drawn.

use super::decoder::Sink;
use crate::error::ThumbnailError;
use raster::{Frame, Picture, PixelKind, Size};

const CLEAR: [u8; 4] = [0; 4];

/// The rectangle of the canvas that a frame covers, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// How a frame is disposed of before the next one is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disposal {
    /// The frame remains on the canvas.
    Keep,
    /// The frame's part of the canvas becomes transparent.
    Clear,
    /// The frame's part of the canvas is restored to its previous content.
    Restore,
}

/// The picture drawn so far.
pub(super) struct Canvas {
    size: Size,
    pixels: Vec<[u8; 4]>,
}

impl Canvas {
    pub(super) fn new(size: Size) -> Self {
        let pixels = vec![CLEAR; size.width as usize * size.height as usize];
        Self { size, pixels }
    }

    /// Returns the rows of a part of the canvas. The part is clipped to the canvas.
    pub(super) fn rows(&mut self, part: Part) -> impl Iterator<Item = &mut [[u8; 4]]> {
        let right = (part.left + part.width).min(self.size.width as usize);
        self.pixels
            .chunks_exact_mut((self.size.width as usize).max(1))
            .skip(part.top)
            .take(part.height)
            .map(move |row| row.get_mut(part.left..right).unwrap_or_default())
    }

    /// Draws a frame, passes the canvas to the sink, and disposes of the frame.
    pub(super) fn show(
        &mut self,
        part: Part,
        disposal: Disposal,
        delay: u32,
        sink: Sink<'_>,
        draw: impl FnOnce(&mut Self),
    ) -> Result<(), ThumbnailError> {
        let before: Vec<[u8; 4]> = match disposal {
            Disposal::Restore => self.rows(part).flat_map(|row| row.iter().copied()).collect(),
            Disposal::Keep | Disposal::Clear => Vec::new(),
        };
        draw(self);
        let Size { width, height } = self.size;
        let data = self.pixels.as_flattened().to_vec();
        let picture = Picture { width, height, kind: PixelKind::Rgba, data };
        sink(Frame { picture, delay }.into())?;
        match disposal {
            Disposal::Keep => {}
            Disposal::Clear => self.rows(part).for_each(|row| row.fill(CLEAR)),
            Disposal::Restore => {
                let mut before = before.into_iter();
                for pixel in self.rows(part).flatten() {
                    *pixel = before.next().unwrap_or(CLEAR);
                }
            }
        }
        Ok(())
    }
}
