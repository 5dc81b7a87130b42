//! Decodes files at reduced scales, or at full size.

use std::{iter, mem};

use crate::coefficients::Coefficients;
use crate::deadline::Deadline;
use crate::entropy::find_end;
use crate::error::{ENDS_EARLY, Error};
use crate::frame::{Frame, Process};
use crate::image::{Color, Planes, Variances};
use crate::marker::{Found, Reader};
use crate::options::{Options, Scale};
use crate::progression::Progression;
use crate::scaled_plane::{Scaled, side};
use crate::{progressive_scan, scaled_scan};

/// Decodes a JPEG at a fraction of its size, or at its full size.
///
/// At a fraction of the size, the inverse DCT uses only the lowest frequencies of each block. The
/// result is sharper and has less aliasing than the mean of the samples that each sample replaces.
/// At full size, the samples normally differ from those of libjpeg-turbo by at most 1.
///
/// Coefficients that are missing from all scans of a progressive file are zero. libjpeg-turbo
/// estimates them instead, to smooth the image.
///
/// # Errors
/// The same errors as [`decode`](crate::decode).
pub fn decode_scaled(data: &[u8], scale: Scale, options: &Options) -> Result<Planes, Error> {
    decode_before(data, scale, options, Deadline::NONE)
}

/// Decodes a JPEG as [`decode_scaled`] does, but stops when `expired` returns true. `expired` is
/// called about once per row of blocks.
///
/// # Errors
/// The same errors as [`decode_scaled`], and [`Error::Expired`].
pub fn decode_scaled_until(
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
    let (mut reader, frame, mut planes) = prepared(data, scale, options)?;
    let color = reader.color();
    for (component, scaled) in frame.components.iter().zip(&planes) {
        scaled.check(&frame, component, scale)?;
    }
    for (component, scaled) in frame.components.iter().zip(&mut planes).take(options.variances) {
        let (across, down) = component.padded;
        scaled.variances = vec![0; across * down];
    }
    match frame.process {
        Process::Progressive => {
            progressive(data, &mut reader, &frame, deadline, &mut planes)?;
        }
        Process::Sequential => sequential(data, &mut reader, &frame, deadline, &mut planes)?,
    }
    let (width, height) = (side(frame.width, 1, scale), side(frame.height, 1, scale));
    let measured = frame.components.iter().zip(&mut planes).take(options.variances);
    let variances = measured.map(|(component, scaled)| Variances {
        side: scaled.scale.side(),
        across: component.padded.0,
        values: mem::take(&mut scaled.variances),
    });
    let variances = variances.collect();
    let planes = planes.into_iter().map(|scaled| scaled.plane).collect();
    Ok(Planes { width, height, color, planes, variances })
}

/// Reads the headers up to the frame's, and creates an empty plane for each component.
pub(crate) fn prepared<'a>(
    data: &[u8],
    scale: Scale,
    options: &Options,
) -> Result<(Reader, Frame, Vec<Scaled<'a>>), Error> {
    let mut reader = Reader::default();
    if !matches!(reader.advance(data)?, Found::Frame) {
        return Err(ENDS_EARLY);
    }
    let frame = reader.frame()?.clone();
    options.check(&frame)?;
    let is_scaled = reader.color() == Color::YCbCr;
    let chroma = options.chroma_scale.filter(|_| is_scaled).unwrap_or(scale);
    let scales = iter::once(scale).chain(iter::repeat(chroma));
    let planes = frame.components.iter().zip(scales);
    let planes = planes.map(|(component, own)| Scaled::new(&frame, component, scale, own));
    let planes = planes.collect();
    Ok((reader, frame, planes))
}

/// Decodes the scans of a sequential file.
pub(crate) fn sequential(
    data: &[u8],
    reader: &mut Reader,
    frame: &Frame,
    deadline: Deadline,
    planes: &mut [Scaled<'_>],
) -> Result<(), Error> {
    let mut progression = Progression::of_all(frame);
    while !progression.is_complete() {
        deadline.check()?;
        let Found::Scan(scan) = reader.advance(data)? else { return Err(ENDS_EARLY) };
        progression.record(&scan)?;
        let end = scaled_scan::decode(reader, frame, &scan, data, deadline, planes)?;
        reader.resume_at(end);
    }
    Ok(())
}

fn progressive(
    data: &[u8],
    reader: &mut Reader,
    frame: &Frame,
    deadline: Deadline,
    planes: &mut [Scaled<'_>],
) -> Result<(), Error> {
    let mut progression = Progression::of_all(frame);
    let mut coefficients = Vec::new();
    coefficients.resize_with(frame.components.len(), Coefficients::default);
    while !progression.is_complete() {
        deadline.check()?;
        match reader.advance(data)? {
            Found::Scan(scan) => {
                progression.record(&scan)?;
                let coefficients = &mut coefficients;
                let end =
                    progressive_scan::decode(reader, frame, &scan, data, deadline, coefficients)?;
                reader.resume_at(end);
            }
            Found::End if progression.is_known() => break,
            _ => return Err(ENDS_EARLY),
        }
    }
    // Transform one component at a time, so that its coefficients are freed before the next one.
    let components = frame.components.iter().zip(coefficients).zip(planes);
    for ((component, coefficients), Scaled { plane, scale, variances, .. }) in components {
        let size = (plane.width, plane.height);
        plane.data = coefficients.samples(*scale, component, size, variances, deadline)?;
    }
    Ok(())
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
