//! Decodes images at one eighth of their size.

use crate::coefficients::Coefficients;
use crate::deadline::Deadline;
use crate::entropy::find_end;
use crate::error::{ENDS_EARLY, Error};
use crate::frame::{Component, Frame, Process};
use crate::image::{DcImage, Plane, Planes};
use crate::marker::{Found, Reader};
use crate::options::{Chroma, Options};
use crate::progression::Progression;
use crate::{progressive_scan, sequential_scan};

/// Decodes a JPEG at one eighth of its size.
///
/// `data` is a whole file, or at least the part that [`Prefix`](crate::Prefix) finds. The rest is
/// ignored.
///
/// # Errors
/// [`Error::Unsupported`] and [`Error::Malformed`] mean that a full decoder should try the file;
/// [`Error::TooLarge`] means that the image exceeds the limit in `options`.
pub fn decode(data: &[u8], options: &Options) -> Result<DcImage, Error> {
    decode_before(data, options, Deadline::NONE)
}

/// Decodes a JPEG as [`decode`] does, but stops when `expired` returns true. `expired` is called
/// about once per row of blocks of each scan.
///
/// # Errors
/// The same errors as [`decode`], and [`Error::Expired`].
pub fn decode_until(
    data: &[u8],
    options: &Options,
    expired: &dyn Fn() -> bool,
) -> Result<DcImage, Error> {
    decode_before(data, options, Deadline(expired))
}

fn decode_before(data: &[u8], options: &Options, deadline: Deadline) -> Result<DcImage, Error> {
    let mut reader = Reader::default();
    if !matches!(reader.advance(data)?, Found::Frame) {
        return Err(ENDS_EARLY);
    }
    let frame = reader.frame()?.clone();
    options.check(&frame)?;
    let mut progression = Progression::new(&frame, options.chroma);
    let mut planes = empty_planes(&frame, options.chroma);
    let mut coefficients = Vec::new();
    coefficients.resize_with(planes.len(), Coefficients::default);
    while !progression.is_complete() {
        deadline.check()?;
        let Found::Scan(scan) = reader.advance(data)? else { return Err(ENDS_EARLY) };
        let end = if !progression.record(&scan)? {
            find_end(data, reader.position()).map_err(|_| ENDS_EARLY)?
        } else if frame.process == Process::Sequential {
            sequential_scan::decode(&reader, &frame, &scan, data, deadline, &mut planes)?
        } else {
            progressive_scan::decode(&reader, &frame, &scan, data, deadline, &mut coefficients)?
        };
        reader.resume_at(end);
    }
    if frame.process == Process::Progressive {
        let planes = planes.iter_mut().zip(&frame.components);
        for (coefficients, (plane, component)) in coefficients.iter_mut().zip(planes) {
            coefficients.write(plane, component, deadline)?;
        }
    }
    let color = reader.color();
    let exact = frame.components.iter().zip(&planes).all(|(component, plane)| {
        frame.is_single(component) || plane.scale != frame.ratio(component)
    });
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));
    let (width, height) = (width.div_ceil(8), height.div_ceil(8));
    let image = Planes { width, height, color, planes, variances: Vec::new() };
    Ok(DcImage { full: (frame.width.into(), frame.height.into()), image, exact })
}

fn empty_planes(frame: &Frame, chroma: Chroma) -> Vec<Plane> {
    let plane = |component: &Component| {
        let quad = chroma == Chroma::Full && frame.is_quad(component);
        let factor = if quad { 2 } else { 1 };
        let ratio = frame.ratio(component);
        let width = usize::from(frame.width) * factor;
        let height = usize::from(frame.height) * factor;
        Plane {
            width: width.div_ceil(8 * ratio.0),
            height: height.div_ceil(8 * ratio.1),
            stride: component.padded.0 * factor,
            scale: (ratio.0 / factor, ratio.1 / factor),
            data: Vec::new(),
        }
    };
    frame.components.iter().map(plane).collect()
}
