//! Decode a JPEG at one eighth of its size from the DC coefficients alone.

mod dc;
mod entropy;
mod error;
mod frame;
mod huffman;
mod image;
mod lanes;
mod locate;
mod marker;
mod options;
mod plan;
mod prefix;
mod progressive;
mod quad;
mod sequential;
mod skip;

pub use error::Error;
pub use image::{Color, DcImage, Plane};
pub use options::{Chroma, Options};
pub use prefix::{Prefix, read_needed};

use frame::{Frame, Process};
use marker::{Found, Reader};
use plan::Plan;
use progressive::Coefficients;

/// Decodes a JPEG at one eighth of its size.
///
/// `data` is a whole file, or at least the part that [`Prefix`] finds; what comes behind it does
/// not matter.
///
/// # Errors
/// [`Error::Unsupported`] and [`Error::Malformed`] both mean that a full decoder should have a
/// try; [`Error::TooLarge`] that the image is above the limit in `options`.
pub fn decode(data: &[u8], options: &Options) -> Result<DcImage, Error> {
    let mut reader = Reader::default();
    if !matches!(reader.advance(data)?, Found::Frame) {
        return Err(ENDS_EARLY);
    }
    let frame = reader.frame()?.clone();
    options.check(&frame)?;
    let mut plan = Plan::new(&frame);
    let mut planes = empty_planes(&frame, options.chroma);
    let mut coefficients = Vec::new();
    coefficients.resize_with(planes.len(), Coefficients::default);
    while !plan.is_complete() {
        let Found::Scan(scan) = reader.advance(data)? else { return Err(ENDS_EARLY) };
        let end = if !plan.note(&scan)? {
            entropy::find_end(data, reader.position()).map_err(|_| ENDS_EARLY)?
        } else if frame.process == Process::Sequential {
            sequential::decode_scan(&reader, &frame, &scan, data, &mut planes)?
        } else {
            progressive::decode_scan(&reader, &frame, &scan, data, &mut coefficients)?
        };
        reader.resume_at(end);
    }
    if frame.process == Process::Progressive {
        for (coefficients, plane) in coefficients.iter().zip(&mut planes) {
            coefficients.write(plane)?;
        }
    }
    let color = match planes.len() {
        1 => Color::Gray,
        _ if reader.is_rgb() => Color::Rgb,
        _ => Color::YCbCr,
    };
    let exact = frame.components.iter().zip(&planes).all(|(component, plane)| {
        frame.is_single(component) || plane.scale != frame.ratio(component)
    });
    Ok(DcImage { full: (frame.width.into(), frame.height.into()), color, planes, exact })
}

const ENDS_EARLY: Error = Error::Malformed("it ends before its DC coefficients do");

fn empty_planes(frame: &Frame, chroma: Chroma) -> Vec<Plane> {
    let plane = |component: &frame::Component| {
        let quad = frame.process == Process::Sequential
            && chroma == Chroma::Full
            && frame.is_quad(component);
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
