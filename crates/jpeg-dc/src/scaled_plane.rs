//! A plane of an image at a fraction of its size.

use std::slice::ChunksMut;

use crate::error::Error;
use crate::frame::{Component, Frame};
use crate::image::Plane;
use crate::options::Scale;

/// The number of samples in a row or column at this scale. At full size, the component has one
/// sample for `ratio` pixels.
pub(crate) fn side(full: u16, ratio: usize, scale: Scale) -> usize {
    (usize::from(full) * scale.side()).div_ceil(8 * ratio)
}

/// Receives the rows of a plane from top to bottom, one or more at a time.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(&[u8]);

/// A plane, and the scale at which its component is decoded.
pub(crate) struct Scaled<'a> {
    pub(crate) plane: Plane,
    pub(crate) scale: Scale,
    /// The variances of the component's blocks; empty if they are not requested.
    pub(crate) variances: Vec<u16>,
    /// If there is a sink, the plane's data stays empty. At one eighth, the sink is not used.
    pub(crate) sink: Option<Sink<'a>>,
}

impl Scaled<'_> {
    /// An empty plane for a component. The image is decoded at the scale `whole`, and the component
    /// at `scale`. If a sample covers a fraction of a pixel, the plane's scale is rounded down.
    pub(crate) fn new(frame: &Frame, component: &Component, whole: Scale, scale: Scale) -> Self {
        let ratio = frame.ratio(component);
        let (width, height) =
            (side(frame.width, ratio.0, scale), side(frame.height, ratio.1, scale));
        let covers = |ratio: usize| ratio * whole.side() / scale.side();
        let covered = (covers(ratio.0), covers(ratio.1));
        Self {
            plane: Plane { width, height, stride: width, scale: covered, data: Vec::new() },
            scale,
            variances: Vec::new(),
            sink: None,
        }
    }

    /// Fails if a sample covers a fraction of a pixel.
    pub(crate) fn check(
        &self,
        frame: &Frame,
        component: &Component,
        whole: Scale,
    ) -> Result<(), Error> {
        let ratio = frame.ratio(component);
        let (across, down) = self.plane.scale;
        let is_whole = |covered: usize, ratio: usize| {
            covered > 0 && covered * self.scale.side() == ratio * whole.side()
        };
        if is_whole(across, ratio.0) && is_whole(down, ratio.1) {
            Ok(())
        } else {
            Err(Error::Unsupported("a sample would cover a fraction of a pixel"))
        }
    }
}

/// The rows of a plane, as they are decoded.
pub(crate) enum Rows<'a> {
    /// Pieces of the plane, each for a row of MCUs.
    Plane(ChunksMut<'a, u8>),
    /// Memory for a row of MCUs, the number of bytes of the plane that are still missing, and the
    /// sink of the rows.
    Strip(Vec<u8>, usize, Sink<'a>),
}

impl<'a> Rows<'a> {
    /// A row of MCUs has `strip` bytes.
    pub(crate) fn new(plane: &'a mut Plane, sink: Option<Sink<'a>>, strip: usize) -> Self {
        let bytes = plane.width * plane.height;
        if let Some(sink) = sink {
            return Self::Strip(vec![0; strip], bytes, sink);
        }
        plane.data = vec![0; bytes];
        Self::Plane(plane.data.chunks_mut(strip.max(1)))
    }

    /// Calls `write` with the rows of the next row of MCUs.
    pub(crate) fn next(&mut self, write: impl FnOnce(&mut [u8])) {
        match self {
            Self::Plane(pieces) => write(pieces.next().unwrap_or_default()),
            Self::Strip(strip, missing, sink) => {
                let length = strip.len().min(*missing);
                let rows = strip.get_mut(..length).unwrap_or_default();
                write(rows);
                sink(rows);
                *missing -= length;
            }
        }
    }
}
