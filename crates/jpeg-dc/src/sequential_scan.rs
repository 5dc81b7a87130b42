//! Sequential scans: reads DC coefficients at the starts of the blocks.

use crate::dc::DifferenceTable;
use crate::deadline::Deadline;
use crate::entropy::window;
use crate::error::Error;
use crate::frame::{Component, Frame, Layout, Part, Scan, Walk};
use crate::idct_2x2::{self, Quad, QuadReader};
use crate::image::{Plane, pixel};
use crate::marker::Reader;
use crate::rows::{self, ReadRow};

/// Decodes a scan into the planes of its components and returns the position of its end.
pub(crate) fn decode(
    reader: &Reader,
    frame: &Frame,
    scan: &Scan,
    data: &[u8],
    deadline: Deadline,
    planes: &mut [Plane],
) -> Result<usize, Error> {
    let layout = frame.layout(scan)?;
    let mut quads = Vec::new();
    quads.resize_with(planes.len(), Vec::new);
    let end = rows::read(reader, &layout, data, deadline, || {
        let mut parts: Vec<ReadRow<'_>> = Vec::new();
        let planes = planes.iter_mut().zip(&mut quads).zip(&frame.components);
        for (index, ((plane, quads), component)) in planes.enumerate() {
            let part = layout.parts.iter().find(|part| part.selected.component == index);
            let Some(part) = part else { continue };
            let dc = Dc { reader, layout: &layout, part };
            parts.push(if plane.scale == frame.ratio(component) {
                dc.samples(component, &mut plane.data)?
            } else {
                dc.quads(component, quads)?
            });
        }
        Ok(parts)
    })?;
    let quads = quads.iter().zip(&frame.components);
    for ((quads, component), plane) in quads.zip(planes).filter(|((quads, _), _)| !quads.is_empty())
    {
        plane.data = idct_2x2::plane(quads, component.padded.0);
    }
    Ok(end)
}

/// The DC coefficients of a component's blocks in a scan.
pub(crate) struct Dc<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) layout: &'a Layout,
    pub(crate) part: &'a Part,
}

impl<'a> Dc<'a> {
    /// Writes one sample for each block, including the blocks that fill up the last MCU.
    pub(crate) fn samples(
        self,
        component: &Component,
        samples: &'a mut Vec<u8>,
    ) -> Result<ReadRow<'a>, Error> {
        let Self { reader, layout, part } = self;
        let table = DifferenceTable::new(reader.dc_code(part.selected.dc_table)?);
        let [step, ..] = *reader.quantisation(component.quantisation)?;
        let stride = component.padded.0;
        *samples = vec![0; stride * component.padded.1];
        let mut targets = samples.chunks_mut((part.v * stride).max(1));
        let mut walk = Walk::new(reader.restart_interval);
        Ok(Box::new(move |row| {
            let target = (targets.next().unwrap_or_default(), stride);
            layout.visit_row(part, &mut walk, row.starts, target, |prediction, start, sample| {
                let ahead = window(row.bytes, (start / 8) as usize) << (start % 8);
                let found = table.step(ahead);
                *prediction = prediction.wrapping_add(found.difference.into());
                *sample = pixel(*prediction, step);
            });
        }))
    }

    /// Reads the lowest four coefficients of each block.
    fn quads(self, component: &Component, quads: &'a mut Vec<Quad>) -> Result<ReadRow<'a>, Error> {
        let Self { reader, layout, part } = self;
        let dc_code = reader.dc_code(part.selected.dc_table)?;
        let ac_code = reader.ac_code(part.selected.ac_table)?;
        let read = QuadReader::new(dc_code, ac_code, *reader.quantisation(component.quantisation)?);
        let stride = component.padded.0;
        *quads = vec![Quad::default(); stride * component.padded.1];
        let mut targets = quads.chunks_mut((part.v * stride).max(1));
        let mut walk = Walk::new(reader.restart_interval);
        Ok(Box::new(move |row| {
            let target = (targets.next().unwrap_or_default(), stride);
            layout.visit_row(part, &mut walk, row.starts, target, |prediction, start, quad| {
                *quad = read.block(row.bytes, start, prediction);
            });
        }))
    }
}
