//! Sequential scans: DC coefficients from the starts of the blocks.

#![expect(
    clippy::cast_possible_truncation,
    reason = "a code has at most 16 bits, a difference at most 15"
)]

use crate::entropy::{Bits, window};
use crate::error::Error;
use crate::frame::{Frame, Scan};
use crate::huffman::Code;
use crate::image::{Plane, pixel};
use crate::locate::Locator;
use crate::marker::Reader;

/// Decodes a scan into the planes of its components. Gives where the scan ends.
pub(crate) fn decode_scan(
    reader: &Reader,
    frame: &Frame,
    scan: &Scan,
    data: &[u8],
    planes: &mut [Plane],
) -> Result<usize, Error> {
    let layout = frame.layout(scan)?;
    let interval = reader.restart_interval;
    let bits = Bits::collect(data, reader.position(), interval > 0)?;
    // A block takes a bit for its DC code and one for its end at the least. Checked before
    // anything is allocated by the size that the header claims.
    if layout.total_blocks() > bits.len() * 4 {
        return Err(Error::Malformed("a scan ends early"));
    }
    let locator = Locator::new(reader, &layout)?;
    let starts = locator.locate(&bits, &layout, interval)?;
    for part in &layout.parts {
        let component = frame.components.get(part.selected.component);
        let plane = planes.get_mut(part.selected.component);
        let (Some(component), Some(plane)) = (component, plane) else { continue };
        if plane.data.is_empty() {
            plane.data = vec![0; component.padded.0 * component.padded.1];
        }
        let differences = Differences::new(reader.dc_code(part.selected.dc_table)?);
        let quantisation = reader.quantisation(component.quantisation)?[0];
        let (stride, samples) = (plane.stride, plane.data.as_mut_slice());
        let mut prediction: i32 = 0;
        layout.visit(
            part,
            stride,
            interval,
            &mut prediction,
            |prediction| *prediction = 0,
            |prediction, index, place| {
                let start = starts.get(index).copied().unwrap_or_default();
                *prediction = prediction.wrapping_add(differences.at(bits.padded(), start)?);
                if let Some(sample) = samples.get_mut(place) {
                    *sample = pixel(*prediction, quantisation);
                }
                Ok(())
            },
        )?;
    }
    Ok(bits.end)
}

struct Differences<'a> {
    code: &'a Code,
    /// By the first 9 bits: length of the code, and size.
    table: Vec<(u8, u8)>,
}

const WINDOW: u32 = 9;

impl<'a> Differences<'a> {
    fn new(code: &'a Code) -> Self {
        let mut table = Vec::with_capacity(1 << WINDOW);
        for (length, size) in code.symbols().take_while(|&(length, _)| length <= WINDOW) {
            table.extend(std::iter::repeat_n((length as u8, size), 1 << (WINDOW - length)));
        }
        table.resize(1 << WINDOW, (0, 0));
        Self { code, table }
    }

    #[inline]
    fn at(&self, bytes: &[u8], start: u32) -> Result<i32, Error> {
        let word = window(bytes, (start / 8) as usize) << (start % 8);
        let index = (word >> (64 - WINDOW)) as usize;
        let (mut length, mut size) = self.table.get(index).copied().unwrap_or_default();
        if length == 0 {
            let long = self.code.first_symbol(word);
            let (l, s) = long.ok_or(Error::Malformed("a scan has an invalid code"))?;
            (length, size) = (l as u8, s);
        }
        Ok(difference(word << length, u32::from(size)))
    }
}

/// The value of `size` bits at the start of `bits` (T.81, F.2.2.1).
#[inline]
pub(crate) fn difference(bits: u64, size: u32) -> i32 {
    let magnitude = ((bits >> 1) >> (63 - size)) as i32;
    let negative = !(bits.cast_signed() >> 63) as i32;
    magnitude - (((1 << size) - 1) & negative)
}
