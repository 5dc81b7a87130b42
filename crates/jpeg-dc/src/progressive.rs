//! Decodes progressive files, with all coefficients.

use crate::coefficients::Coefficients;
use crate::deadline::Deadline;
use crate::entropy::find_end;
use crate::error::{ENDS_EARLY, Error};
use crate::frame::Process;
use crate::image::{Plane, Planes};
use crate::marker::{Found, Reader};
use crate::options::{Options, Scale};
use crate::progression::Progression;
use crate::progressive_scan;

/// Decodes a progressive JPEG with all of its coefficients.
///
/// The samples normally differ from those of libjpeg-turbo by at most 1. Coefficients that no scan
/// contains are zero; libjpeg-turbo estimates them to smooth the image.
///
/// # Errors
/// The same errors as [`decode`](crate::decode). Sequential files are [`Error::Unsupported`].
pub fn decode_progressive(data: &[u8], scale: Scale, options: &Options) -> Result<Planes, Error> {
    decode_before(data, scale, options, Deadline::NONE)
}

/// Decodes a JPEG as [`decode_progressive`] does, but stops when `expired` returns true. `expired`
/// is called about once per row of blocks.
///
/// # Errors
/// The same errors as [`decode_progressive`], and [`Error::Expired`].
pub fn decode_progressive_until(
    data: &[u8],
    scale: Scale,
    options: &Options,
    expired: &dyn Fn() -> bool,
) -> Result<Planes, Error> {
    decode_before(data, scale, options, Deadline(expired))
}

fn decode_before(
    data: &[u8],
    scale: Scale,
    options: &Options,
    deadline: Deadline,
) -> Result<Planes, Error> {
    let mut reader = Reader::default();
    if !matches!(reader.advance(data)?, Found::Frame) {
        return Err(ENDS_EARLY);
    }
    let frame = reader.frame()?.clone();
    options.check(&frame)?;
    if frame.process != Process::Progressive {
        return Err(Error::Unsupported("it is sequential, not progressive"));
    }
    let mut progression = Progression::of_all(&frame);
    let mut coefficients = Vec::new();
    coefficients.resize_with(frame.components.len(), Coefficients::default);
    while !progression.is_complete() {
        deadline.check()?;
        match reader.advance(data)? {
            Found::Scan(scan) => {
                progression.record(&scan)?;
                let coefficients = &mut coefficients;
                let end =
                    progressive_scan::decode(&reader, &frame, &scan, data, deadline, coefficients)?;
                reader.resume_at(end);
            }
            Found::End if progression.is_known() => break,
            _ => return Err(ENDS_EARLY),
        }
    }
    let divisor = scale.divisor();
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));
    // Transform one component at a time, so that its coefficients are freed before the next one.
    let components = frame.components.iter().zip(coefficients);
    let planes = components.map(|(component, coefficients)| {
        let ratio = frame.ratio(component);
        let (width, height) =
            (width.div_ceil(divisor * ratio.0), height.div_ceil(divisor * ratio.1));
        let data = coefficients.samples(scale, component, (width, height), deadline)?;
        Ok(Plane { width, height, stride: width, scale: ratio, data })
    });
    Ok(Planes {
        width: width.div_ceil(divisor),
        height: height.div_ceil(divisor),
        color: reader.color(),
        planes: planes.collect::<Result<_, Error>>()?,
    })
}

/// Whether a file has scans for every bit of every coefficient. A progressive file may end after
/// any scan, so a file that is cut off between two scans looks complete. This function reads the
/// headers of the scans, not their data.
///
/// Returns false for a file whose headers are refused, and for a file that ends within a scan.
#[must_use]
pub fn has_all_scans(data: &[u8]) -> bool {
    all_scans(data).unwrap_or(false)
}

fn all_scans(data: &[u8]) -> Result<bool, Error> {
    let mut reader = Reader::default();
    if !matches!(reader.advance(data)?, Found::Frame) {
        return Ok(false);
    }
    let mut progression = Progression::of_all(reader.frame()?);
    while !progression.is_complete() {
        let Found::Scan(scan) = reader.advance(data)? else { return Ok(false) };
        progression.record(&scan)?;
        reader.resume_at(find_end(data, reader.position()).map_err(|_| ENDS_EARLY)?);
    }
    Ok(true)
}
