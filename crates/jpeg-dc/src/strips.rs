//! Decodes sequential files without keeping their planes in memory.

use crate::deadline::Deadline;
use crate::error::Error;
use crate::frame::{Frame, Process};
use crate::image::{Color, Plane};
use crate::marker::Reader;
use crate::options::{Options, Scale};
use crate::scaled;
use crate::scaled_plane::{Scaled, Sink, side};

/// A sequential JPEG whose rows are passed on as they are decoded.
///
/// The samples are those of [`decode_scaled`](crate::decode_scaled).
pub struct Strips<'a> {
    data: &'a [u8],
    scale: Scale,
    reader: Reader,
    frame: Frame,
    planes: Vec<Scaled<'static>>,
}

/// The shape of a plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// The number of samples in a row.
    pub width: usize,
    /// The number of rows.
    pub height: usize,
    /// The number of pixels of the decoded image that one sample covers, across and down. It may be
    /// a fraction.
    pub covers: (f64, f64),
}

fn fraction(numerator: usize, denominator: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "both are below 100")]
    let fraction = numerator as f64 / denominator as f64;
    fraction
}

impl<'a> Strips<'a> {
    /// Reads the header. A sample of chroma may cover a fraction of a pixel.
    /// [`Options::variances`] is ignored.
    ///
    /// # Errors
    /// The same errors as [`decode_scaled`](crate::decode_scaled). Progressive files are
    /// [`Error::Unsupported`].
    pub fn new(data: &'a [u8], scale: Scale, options: &Options) -> Result<Self, Error> {
        let (reader, frame, planes) = scaled::prepared(data, scale, options)?;
        if frame.process == Process::Progressive {
            return Err(Error::Unsupported("it is progressive, not sequential"));
        }
        Ok(Self { data, scale, reader, frame, planes })
    }

    /// The width and height of the decoded image in pixels.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let Frame { width, height, .. } = self.frame;
        (side(width, 1, self.scale), side(height, 1, self.scale))
    }

    /// The colour components of the planes.
    #[must_use]
    pub fn color(&self) -> Color {
        self.reader.color()
    }

    /// The shape of each plane.
    pub fn shapes(&self) -> impl Iterator<Item = Shape> {
        let components = self.frame.components.iter().zip(&self.planes);
        components.map(|(component, Scaled { plane, scale, .. })| {
            let (across, down) = self.frame.ratio(component);
            let covers = |ratio: usize| fraction(ratio * self.scale.side(), scale.side());
            let Plane { width, height, .. } = *plane;
            Shape { width, height, covers: (covers(across), covers(down)) }
        })
    }

    /// Decodes the image. `sinks` has a function for each plane, which receives the rows of the
    /// plane from top to bottom, one or more at a time, without padding. `expired` is called about
    /// once per row of blocks.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the file is damaged, and [`Error::Expired`] if `expired` returns
    /// true. Some rows may have been passed on before.
    pub fn read<'s>(
        self,
        sinks: impl IntoIterator<Item = &'s mut dyn FnMut(&[u8])>,
        expired: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        let Self { data, mut reader, frame, planes, .. } = self;
        let planes = planes.into_iter().zip(sinks);
        let planes = planes.map(|(Scaled { plane, scale, variances, .. }, sink)| {
            let sink: Option<Sink<'s>> = Some(sink);
            Scaled { plane, scale, variances, sink }
        });
        let mut planes: Vec<_> = planes.collect();
        scaled::sequential(data, &mut reader, &frame, Deadline(expired), &mut planes)?;
        // At one eighth, the planes are small, and are decoded as a whole.
        for Scaled { plane, sink, .. } in &mut planes {
            if let Some(sink) = sink {
                plane.rows().for_each(sink);
            }
        }
        Ok(())
    }
}
