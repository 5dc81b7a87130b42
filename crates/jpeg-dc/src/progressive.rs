//! Progressive files with all of their coefficients.

use crate::coefficients::Coefficients;
use crate::error::{ENDS_EARLY, Error};
use crate::frame::Process;
use crate::image::{Plane, Planes};
use crate::marker::{Found, Reader};
use crate::options::{Options, Scale};
use crate::progression::Progression;
use crate::progressive_scan;

/// Decodes a progressive JPEG with all of its coefficients.
///
/// The samples are within 1 of those of libjpeg-turbo, as a rule; where it would guess what
/// coefficients are that the file's scans leave out, to smooth the picture, they are zero here.
///
/// # Errors
/// As of [`decode`](crate::decode). Sequential files are [`Error::Unsupported`].
pub fn decode_progressive(data: &[u8], scale: Scale, options: &Options) -> Result<Planes, Error> {
    let mut reader = Reader::default();
    if !matches!(reader.advance(data)?, Found::Frame) {
        return Err(ENDS_EARLY);
    }
    let frame = reader.frame()?.clone();
    options.check(&frame)?;
    if frame.process != Process::Progressive {
        return Err(Error::Unsupported("it is not progressive"));
    }
    let mut progression = Progression::of_all(&frame);
    let mut coefficients = Vec::new();
    coefficients.resize_with(frame.components.len(), Coefficients::default);
    while !progression.is_complete() {
        match reader.advance(data)? {
            Found::Scan(scan) => {
                progression.record(&scan)?;
                let end =
                    progressive_scan::decode(&reader, &frame, &scan, data, &mut coefficients)?;
                reader.resume_at(end);
            }
            Found::End if progression.is_known() => break,
            _ => return Err(ENDS_EARLY),
        }
    }
    let divisor = scale.divisor();
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));
    // One after the other, so that the coefficients of one give way to its samples.
    let components = frame.components.iter().zip(coefficients);
    let planes = components.map(|(component, coefficients)| {
        let ratio = frame.ratio(component);
        let (width, height) =
            (width.div_ceil(divisor * ratio.0), height.div_ceil(divisor * ratio.1));
        let data = coefficients.samples(scale, component, (width, height))?;
        Ok(Plane { width, height, stride: width, scale: ratio, data })
    });
    Ok(Planes {
        width: width.div_ceil(divisor),
        height: height.div_ceil(divisor),
        color: reader.color(),
        planes: planes.collect::<Result<_, Error>>()?,
    })
}
