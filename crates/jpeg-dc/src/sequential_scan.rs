//! Sequential scans: reads DC coefficients at the starts of the blocks.

use crate::dc::DifferenceTable;
use crate::deadline::Deadline;
use crate::entropy::{Bits, window};
use crate::error::Error;
use crate::frame::{Component, Frame, Layout, Part, Scan};
use crate::idct_2x2::{self, Quad, QuadReader};
use crate::image::{Plane, pixel};
use crate::locate::{Located, locate_scan};
use crate::marker::Reader;

/// Decodes a scan into the planes of its components and returns the position of its end.
pub(crate) fn decode(
    reader: &Reader,
    frame: &Frame,
    scan: &Scan,
    data: &[u8],
    deadline: Deadline,
    planes: &mut [Plane],
) -> Result<usize, Error> {
    let Located { layout, bits, starts } = locate_scan(reader, frame, scan, data, deadline)?;
    let interval = reader.restart_interval;
    for part in &layout.parts {
        let component = frame.components.get(part.selected.component);
        let plane = planes.get_mut(part.selected.component);
        let (Some(component), Some(plane)) = (component, plane) else { continue };
        if plane.scale != frame.ratio(component) {
            let dc_code = reader.dc_code(part.selected.dc_table)?;
            let ac_code = reader.ac_code(part.selected.ac_table)?;
            let quantisation = reader.quantisation(component.quantisation)?;
            let stride = component.padded.0;
            let quads = QuadReader::new(dc_code, ac_code, *quantisation);
            let mut blocks = vec![Quad::default(); component.padded.0 * component.padded.1];
            let bytes = bits.padded();
            layout.visit(
                part,
                interval,
                &starts,
                (&mut blocks, stride),
                deadline,
                |prediction, start, quad| {
                    *quad = quads.block(bytes, start, prediction);
                },
            )?;
            plane.data = idct_2x2::plane(&blocks, stride);
            continue;
        }
        plane.data = Dc { reader, layout: &layout, part, bits: &bits, starts: &starts }
            .samples(component, deadline)?;
    }
    Ok(bits.end)
}

/// The DC coefficients of a component's blocks in a scan.
pub(crate) struct Dc<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) layout: &'a Layout,
    pub(crate) part: &'a Part,
    pub(crate) bits: &'a Bits,
    /// The starts of all blocks of the scan, in bits.
    pub(crate) starts: &'a [u32],
}

impl Dc<'_> {
    /// One sample for each block, including the blocks that fill up the last MCU.
    pub(crate) fn samples(
        &self,
        component: &Component,
        deadline: Deadline,
    ) -> Result<Vec<u8>, Error> {
        let Self { reader, layout, part, bits, starts } = *self;
        let table = DifferenceTable::new(reader.dc_code(part.selected.dc_table)?);
        let [step, ..] = *reader.quantisation(component.quantisation)?;
        let stride = component.padded.0;
        let mut samples = vec![0; stride * component.padded.1];
        layout.visit(
            part,
            reader.restart_interval,
            starts,
            (&mut samples, stride),
            deadline,
            |prediction, start, sample| {
                let ahead = window(bits.padded(), (start / 8) as usize) << (start % 8);
                let found = table.step(ahead);
                *prediction = prediction.wrapping_add(found.difference.into());
                *sample = pixel(*prediction, step);
            },
        )?;
        Ok(samples)
    }
}
