//! Decodes the scans of DC coefficients in progressive frames. The first scan contains the higher
//! bits, and each of the others adds one bit.

#![expect(
    clippy::cast_possible_truncation,
    reason = "a code has at most 16 bits, a difference at most 15; libjpeg keeps 16 bits of a coefficient"
)]

use crate::ac::AcScan;
use crate::coefficients::Coefficients;
use crate::dc::{DifferenceTable, by_block};
use crate::deadline::Deadline;
use crate::entropy::{Bits, window};
use crate::error::Error;
use crate::frame::{Frame, Layout, Scan};
use crate::marker::Reader;

/// Decodes a scan and returns the position of its end.
pub(crate) fn decode(
    reader: &Reader,
    frame: &Frame,
    scan: &Scan,
    data: &[u8],
    deadline: Deadline,
    coefficients: &mut [Coefficients],
) -> Result<usize, Error> {
    let layout = frame.layout(scan)?;
    let bits = Bits::collect(data, reader.position(), reader.restart_interval > 0)?;
    if scan.band.0 > 0 {
        let end = bits.end;
        if let [part] = layout.parts.as_slice()
            && let Some(target) = coefficients.get_mut(part.selected.component)
        {
            if target.dc.is_empty() {
                return Err(Error::Malformed(
                    "a scan of AC coefficients comes before the first scan of DC coefficients",
                ));
            }
            let code = reader.ac_code(part.selected.ac_table)?;
            target.ac.push(AcScan::new(code, scan, bits, reader.restart_interval));
        }
        return Ok(end);
    }
    // This is checked before memory is allocated for the size that the header claims.
    if layout.total_blocks() > bits.len() * 8 {
        return Err(Error::Malformed("a scan ends early"));
    }
    if scan.high == 0 {
        for part in &layout.parts {
            let component = frame.components.get(part.selected.component);
            let target = coefficients.get_mut(part.selected.component);
            let (Some(component), Some(target)) = (component, target) else { continue };
            target.dc = vec![0; component.padded.0 * component.padded.1];
            target.quantisation = Some(*reader.quantisation(component.quantisation)?);
        }
        first(reader, scan, frame, &layout, &bits, deadline, coefficients)?;
    } else {
        refine(reader, scan, frame, &layout, &bits, deadline, coefficients)?;
    }
    Ok(bits.end)
}

/// The number of MCUs in each interval of the scan, and the interval's range within the bits.
fn intervals<'a>(
    layout: &Layout,
    bits: &'a Bits,
    restart_interval: usize,
) -> impl Iterator<Item = Result<(usize, &'a std::ops::Range<usize>), Error>> {
    let mut left = layout.total_mcus();
    let mut ranges = bits.intervals.iter();
    std::iter::from_fn(move || {
        let mcus = if restart_interval == 0 { left } else { left.min(restart_interval) };
        left -= mcus;
        (mcus > 0).then(|| {
            let range = ranges.next().ok_or(Error::Malformed("a scan ends early"))?;
            Ok((mcus, range))
        })
    })
}

fn first(
    reader: &Reader,
    scan: &Scan,
    frame: &Frame,
    layout: &Layout,
    bits: &Bits,
    deadline: Deadline,
    coefficients: &mut [Coefficients],
) -> Result<(), Error> {
    let mut tables = Vec::with_capacity(layout.parts.len());
    for part in &layout.parts {
        tables.push(DifferenceTable::new(reader.dc_code(part.selected.dc_table)?));
    }
    let of_block = by_block(layout, &tables);
    let mut differences = Vec::with_capacity(layout.total_blocks());
    for interval in intervals(layout, bits, reader.restart_interval) {
        let (mcus, range) = interval?;
        let end =
            decode_differences(bits.padded(), range.start, mcus, &of_block, &mut differences)?;
        if end > range.end * 8 {
            return Err(Error::Malformed("a scan ends early"));
        }
    }
    for part in &layout.parts {
        let component = frame.components.get(part.selected.component);
        let target = coefficients.get_mut(part.selected.component);
        let (Some(component), Some(target)) = (component, target) else { continue };
        layout.visit(
            part,
            reader.restart_interval,
            &differences,
            (&mut target.dc, component.padded.0),
            deadline,
            |prediction, difference, value| {
                *prediction = prediction.wrapping_add(difference.into());
                *value = (*prediction << scan.low) as i16;
            },
        )?;
    }
    Ok(())
}

fn decode_differences(
    bytes: &[u8],
    start: usize,
    mcus: usize,
    tables: &[&DifferenceTable],
    differences: &mut Vec<i16>,
) -> Result<usize, Error> {
    let mut byte = start;
    let mut word = window(bytes, byte);
    let mut used = 0;
    for _ in 0..mcus {
        for table in tables {
            if used > 32 {
                byte += (used >> 3) as usize;
                used &= 7;
                word = window(bytes, byte);
            }
            let ahead = word << used;
            let step = table.step(ahead);
            if step.bits == 0 {
                return Err(Error::Malformed("a scan has an invalid code"));
            }
            used += u32::from(step.bits);
            differences.push(step.difference);
        }
    }
    Ok(byte * 8 + used as usize)
}

fn refine(
    reader: &Reader,
    scan: &Scan,
    frame: &Frame,
    layout: &Layout,
    bits: &Bits,
    deadline: Deadline,
    coefficients: &mut [Coefficients],
) -> Result<(), Error> {
    for interval in intervals(layout, bits, reader.restart_interval) {
        let (mcus, range) = interval?;
        if range.len() * 8 < mcus * layout.blocks_per_mcu {
            return Err(Error::Malformed("a scan ends early"));
        }
    }
    let mut ones = Vec::with_capacity(layout.total_blocks());
    for interval in intervals(layout, bits, reader.restart_interval) {
        let (mcus, range) = interval?;
        let bytes = bits.padded().get(range.clone()).unwrap_or_default();
        let each = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
        ones.extend(each.take(mcus * layout.blocks_per_mcu));
    }
    for part in &layout.parts {
        let component = frame.components.get(part.selected.component);
        let target = coefficients.get_mut(part.selected.component);
        let (Some(component), Some(target)) = (component, target) else { continue };
        layout.visit(
            part,
            reader.restart_interval,
            &ones,
            (&mut target.dc, component.padded.0),
            deadline,
            |_, one, value| *value |= i16::from(one) << scan.low,
        )?;
    }
    Ok(())
}
