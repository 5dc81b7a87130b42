//! A plane of an image at a fraction of its size.

use crate::error::Error;
use crate::frame::{Component, Frame};
use crate::image::Plane;
use crate::options::Scale;

/// The number of samples in a row or column at this scale. At full size, the component has one
/// sample for `ratio` pixels.
pub(crate) fn side(full: u16, ratio: usize, scale: Scale) -> usize {
    (usize::from(full) * scale.side()).div_ceil(8 * ratio)
}

/// A plane, and the scale at which its component is decoded.
pub(crate) struct Scaled {
    pub(crate) plane: Plane,
    pub(crate) scale: Scale,
    /// The variances of the component's blocks; empty if they are not requested.
    pub(crate) variances: Vec<u16>,
}

impl Scaled {
    /// An empty plane for a component. The image is decoded at the scale `whole`, and the component
    /// at `scale`.
    pub(crate) fn new(
        frame: &Frame,
        component: &Component,
        whole: Scale,
        scale: Scale,
    ) -> Result<Self, Error> {
        let ratio = frame.ratio(component);
        let covers = |ratio: usize| {
            let eighths = ratio * whole.side();
            let covered = eighths / scale.side();
            if eighths.is_multiple_of(scale.side()) && covered > 0 {
                Ok(covered)
            } else {
                Err(Error::Unsupported("a sample would cover a fraction of a pixel"))
            }
        };
        let (width, height) =
            (side(frame.width, ratio.0, scale), side(frame.height, ratio.1, scale));
        let covered = (covers(ratio.0)?, covers(ratio.1)?);
        Ok(Self {
            plane: Plane { width, height, stride: width, scale: covered, data: Vec::new() },
            scale,
            variances: Vec::new(),
        })
    }
}
