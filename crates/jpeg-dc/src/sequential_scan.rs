//! Sequential scans: reads DC coefficients at the starts of the blocks.

use crate::dc::DifferenceTable;
use crate::deadline::Deadline;
use crate::entropy::window;
use crate::error::Error;
use crate::frame::{Frame, Scan};
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
        let dc_code = reader.dc_code(part.selected.dc_table)?;
        let quantisation = reader.quantisation(component.quantisation)?;
        let stride = component.padded.0;
        if plane.scale != frame.ratio(component) {
            let ac_code = reader.ac_code(part.selected.ac_table)?;
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
        let table = DifferenceTable::new(dc_code);
        plane.data.resize(component.padded.0 * component.padded.1, 0);
        layout.visit(
            part,
            interval,
            &starts,
            (&mut plane.data, stride),
            deadline,
            |prediction, start, sample| {
                let ahead = window(bits.padded(), (start / 8) as usize) << (start % 8);
                let step = table.step(ahead);
                *prediction = prediction.wrapping_add(step.difference.into());
                *sample = pixel(*prediction, quantisation[0]);
            },
        )?;
    }
    Ok(bits.end)
}
