//! Progressive frames: the scans of DC coefficients, first the higher bits, then bit by bit.

#![expect(
    clippy::cast_possible_truncation,
    reason = "a code has at most 16 bits, a difference at most 15; libjpeg keeps 16 bits of a coefficient"
)]

use crate::entropy::{Bits, window};
use crate::error::Error;
use crate::frame::{Frame, Layout, Scan};
use crate::huffman::Code;
use crate::image::{Plane, pixel};
use crate::marker::{Quantisation, Reader};
use crate::sequential::difference;

/// The DC coefficients of a component.
#[derive(Debug, Default)]
pub(crate) struct Coefficients {
    values: Vec<i16>,
    quantisation: Option<Quantisation>,
}

impl Coefficients {
    /// The pixels these coefficients stand for.
    pub(crate) fn write(&self, plane: &mut Plane) -> Result<(), Error> {
        let quantisation = self.quantisation.ok_or(Error::Malformed("a component without scan"))?;
        plane.data = self.values.iter().map(|&dc| pixel(dc.into(), quantisation[0])).collect();
        Ok(())
    }
}

/// Decodes a scan of DC coefficients. Gives where it ends.
pub(crate) fn decode_scan(
    reader: &Reader,
    frame: &Frame,
    scan: &Scan,
    data: &[u8],
    coefficients: &mut [Coefficients],
) -> Result<usize, Error> {
    let layout = frame.layout(scan)?;
    let bits = Bits::collect(data, reader.position(), reader.restart_interval > 0)?;
    // Checked before anything is allocated by the size that the header claims.
    if layout.total_blocks() > bits.len() * 8 {
        return Err(Error::Malformed("a scan ends early"));
    }
    if scan.high == 0 {
        for part in &layout.parts {
            let component = frame.components.get(part.selected.component);
            let target = coefficients.get_mut(part.selected.component);
            let (Some(component), Some(target)) = (component, target) else { continue };
            target.values = vec![0; component.padded.0 * component.padded.1];
            target.quantisation = Some(*reader.quantisation(component.quantisation)?);
        }
        first(reader, scan, frame, &layout, &bits, coefficients)?;
    } else {
        refine(reader, scan, frame, &layout, &bits, coefficients)?;
    }
    Ok(bits.end)
}

/// MCUs of each interval of the scan, with the bits it lies in.
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
    coefficients: &mut [Coefficients],
) -> Result<(), Error> {
    let mut tables = Vec::with_capacity(layout.parts.len());
    for part in &layout.parts {
        tables.push(DifferenceTable::new(reader.dc_code(part.selected.dc_table)?));
    }
    let mut of_block = Vec::with_capacity(layout.blocks_per_mcu);
    for (part, table) in layout.parts.iter().zip(&tables) {
        of_block.extend(std::iter::repeat_n(table, part.h * part.v));
    }
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
        let values = target.values.as_mut_slice();
        layout.visit(
            part,
            component.padded.0,
            reader.restart_interval,
            &mut 0_i32,
            |prediction| *prediction = 0,
            |prediction, index, place| {
                let difference = differences.get(index).copied().unwrap_or_default();
                *prediction = prediction.wrapping_add(difference);
                if let Some(value) = values.get_mut(place) {
                    *value = (*prediction << scan.low) as i16;
                }
                Ok(())
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
    differences: &mut Vec<i32>,
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
            let mut step = table.fast(ahead);
            if step.bits == 0 {
                step = table.slow(ahead)?;
            }
            used += u32::from(step.bits);
            differences.push(step.difference.into());
        }
    }
    Ok(byte * 8 + used as usize)
}

#[derive(Debug, Clone, Copy, Default)]
struct Step {
    bits: u16,
    difference: i16,
}

struct DifferenceTable<'a> {
    code: &'a Code,
    steps: Box<[Step; STEPS]>,
}

const WINDOW: u32 = 11;
const STEPS: usize = 1 << WINDOW;

impl<'a> DifferenceTable<'a> {
    fn new(code: &'a Code) -> Self {
        let mut steps = Box::new([Step::default(); STEPS]);
        let mut entries = steps.iter_mut().zip(0_u64..);
        for (length, size) in code.symbols().take_while(|&(length, _)| length <= WINDOW) {
            let bits = length + u32::from(size);
            for (step, window) in entries.by_ref().take(1 << (WINDOW - length)) {
                if bits <= WINDOW {
                    let magnitude = window << (64 - WINDOW + length);
                    let difference = difference(magnitude, size.into());
                    *step = Step { bits: bits as u16, difference: difference as i16 };
                }
            }
        }
        Self { code, steps }
    }

    #[inline]
    fn fast(&self, ahead: u64) -> Step {
        self.steps.get((ahead >> (64 - WINDOW)) as usize).copied().unwrap_or_default()
    }

    #[cold]
    fn slow(&self, ahead: u64) -> Result<Step, Error> {
        let symbol = self.code.first_symbol(ahead);
        let (length, size) = symbol.ok_or(Error::Malformed("a scan has an invalid code"))?;
        let difference = difference(ahead << length, size.into());
        Ok(Step { bits: (length + u32::from(size)) as u16, difference: difference as i16 })
    }
}

fn refine(
    reader: &Reader,
    scan: &Scan,
    frame: &Frame,
    layout: &Layout,
    bits: &Bits,
    coefficients: &mut [Coefficients],
) -> Result<(), Error> {
    for interval in intervals(layout, bits, reader.restart_interval) {
        let (mcus, range) = interval?;
        if range.len() * 8 < mcus * layout.blocks_per_mcu {
            return Err(Error::Malformed("a scan ends early"));
        }
    }
    let bytes = bits.padded();
    for part in &layout.parts {
        let component = frame.components.get(part.selected.component);
        let target = coefficients.get_mut(part.selected.component);
        let (Some(component), Some(target)) = (component, target) else { continue };
        let values = target.values.as_mut_slice();
        let mut ranges = bits.intervals.iter();
        // Where in the bits block 0 would be, had they no gaps.
        layout.visit(
            part,
            component.padded.0,
            reader.restart_interval,
            &mut (0_usize, 0_usize, true),
            |state| *state = (ranges.next().map_or(0, |range| range.start * 8), 0, true),
            |(base, first, fresh), index, place| {
                if *fresh {
                    *fresh = false;
                    *first = index - part.first;
                }
                let bit = *base + index - *first;
                let byte = bytes.get(bit / 8).copied().unwrap_or_default();
                if let Some(value) = values.get_mut(place) {
                    *value |= i16::from(byte >> (7 - bit % 8) & 1) << scan.low;
                }
                Ok(())
            },
        )?;
    }
    Ok(())
}
