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
mod sequential;
mod skip;

pub use error::Error;
pub use image::{Color, DcImage, Plane};
pub use options::Options;
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
    let mut planes = empty_planes(&frame);
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
    Ok(DcImage { full: (frame.width.into(), frame.height.into()), color, planes })
}

const ENDS_EARLY: Error = Error::Malformed("it ends before its DC coefficients do");

fn empty_planes(frame: &Frame) -> Vec<Plane> {
    let plane = |component: &frame::Component| Plane {
        width: component.blocks.0,
        height: component.blocks.1,
        stride: component.padded.0,
        scale: (frame.max_h / component.h, frame.max_v / component.v),
        data: Vec::new(),
    };
    frame.components.iter().map(plane).collect()
}
