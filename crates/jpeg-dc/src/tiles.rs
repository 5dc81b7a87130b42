//! Cuts sequential files into smaller ones without decoding their pixels.

#![expect(
    clippy::cast_possible_truncation,
    reason = "a scan has fewer than 2^32 bits; a side has at most 16 bits"
)]

use std::ops::Range;

use crate::dc::{DifferenceTable, by_block};
use crate::deadline::Deadline;
use crate::entropy::window;
use crate::error::{ENDS_EARLY, Error};
use crate::frame::{Frame, Process};
use crate::locate::{Located, locate_scan};
use crate::marker::{Found, Quantisation, Reader};
use crate::options::Options;

/// The tiles of a sequential file: the smallest parts that can be cut out of it (the MCUs of T.81).
///
/// ```no_run
/// use jpeg_dc::{Options, Tiles};
///
/// # let file = [];
/// let tiles = Tiles::find(&file, &Options::new(), &|| false)?;
/// let top_left: Vec<u8> = tiles.cut(0..2, 0..2)?; // a JPEG file
/// # Ok::<_, jpeg_dc::Error>(())
/// ```
pub struct Tiles {
    reader: Reader,
    frame: Frame,
    located: Located,
    /// The DC coefficients of all blocks, in the order of the scan.
    dc: Vec<i16>,
}

impl Tiles {
    /// Finds the tiles. The function calls `expired` regularly, and stops once `expired` returns
    /// true.
    ///
    /// # Errors
    /// The same errors as [`decode_until`](crate::decode_until). The error is also
    /// [`Error::Unsupported`] if the file is progressive, has several scans, or has restart
    /// markers.
    pub fn find(data: &[u8], options: &Options, expired: &dyn Fn() -> bool) -> Result<Self, Error> {
        let mut reader = Reader::default();
        if !matches!(reader.advance(data)?, Found::Frame) {
            return Err(ENDS_EARLY);
        }
        let frame = reader.frame()?.clone();
        options.check(&frame)?;
        let Found::Scan(scan) = reader.advance(data)? else { return Err(ENDS_EARLY) };
        if frame.process != Process::Sequential || scan.components.len() != frame.components.len() {
            return Err(Error::Unsupported("it has several scans"));
        }
        if reader.restart_interval > 0 {
            return Err(Error::Unsupported("it has restart markers"));
        }
        let deadline = Deadline(expired);
        let located = locate_scan(&reader, &frame, &scan, data, deadline)?;
        let mut tiles = Self { reader, frame, located, dc: Vec::new() };
        tiles.dc = tiles.coefficients(deadline)?;
        // Fail now if a table is missing.
        tiles.head((1, 1))?;
        Ok(tiles)
    }

    fn coefficients(&self, deadline: Deadline) -> Result<Vec<i16>, Error> {
        let Located { layout, bits, starts } = &self.located;
        let tables = self.tables()?;
        let of_blocks = by_block(layout, &tables);
        let mut predictions = vec![0_i16; layout.parts.len()];
        let indices: Vec<usize> = (0..layout.parts.len()).collect();
        let parts = by_block(layout, &indices);
        let mut dc = Vec::with_capacity(starts.len());
        for row in starts.chunks((layout.mcus.0 * layout.blocks_per_mcu).max(1)) {
            deadline.check()?;
            let blocks = of_blocks.iter().zip(&parts).cycle();
            for (&start, (table, &&part)) in row.iter().zip(blocks) {
                let ahead = window(bits.padded(), (start / 8) as usize) << (start % 8);
                if let Some(prediction) = predictions.get_mut(part) {
                    *prediction = prediction.wrapping_add(table.step(ahead).difference);
                    dc.push(*prediction);
                }
            }
        }
        Ok(dc)
    }

    /// The DC table of each part.
    fn tables(&self) -> Result<Vec<DifferenceTable<'_>>, Error> {
        let parts = self.located.layout.parts.iter();
        parts
            .map(|part| Ok(DifferenceTable::new(self.reader.dc_code(part.selected.dc_table)?)))
            .collect()
    }

    /// The width and height of a tile, in pixels.
    #[must_use]
    pub fn tile(&self) -> (usize, usize) {
        if self.frame.components.len() == 1 {
            return (8, 8);
        }
        (8 * self.frame.max_h, 8 * self.frame.max_v)
    }

    /// The number of tiles, across and down. The last tile of a row or column may extend beyond the
    /// image.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        self.located.layout.mcus
    }

    /// Compares each tile, row by row, with the tile at `column` and `row`. The result for a tile
    /// is true if the means of any two corresponding blocks differ by more than `tolerance`.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn differing(
        &self,
        (column, row): (usize, usize),
        tolerance: u16,
    ) -> Result<Vec<bool>, Error> {
        let Located { layout, .. } = &self.located;
        let limits = layout.parts.iter().map(|part| {
            let component = self.frame.components.get(part.selected.component);
            let number = component.map_or(0, |component| component.quantisation);
            let [step, ..] = *self.reader.quantisation(number)?;
            // The mean of a block is an eighth of its dequantised DC coefficient.
            Ok(u32::from(tolerance) * 8 / u32::from(step.max(1)))
        });
        let limits = limits.collect::<Result<Vec<_>, Error>>()?;
        let limits = by_block(layout, &limits);
        let mut tiles = self.dc.chunks_exact(layout.blocks_per_mcu.max(1));
        let reference = tiles.clone().nth(row * layout.mcus.0 + column).unwrap_or_default();
        let differs = |tile: &[i16]| {
            let blocks = tile.iter().zip(reference).zip(&limits);
            let mut blocks = blocks.map(|((&dc, &reference), &&limit)| {
                i32::from(dc).abs_diff(i32::from(reference)) > limit
            });
            blocks.any(|differs| differs)
        };
        Ok(tiles.by_ref().map(differs).collect())
    }

    /// Cuts out some tiles. The result is a JPEG file with the same coefficients.
    ///
    /// # Errors
    /// [`Error::Malformed`] if a table is missing.
    pub fn cut(&self, columns: Range<usize>, rows: Range<usize>) -> Result<Vec<u8>, Error> {
        let Located { layout, bits, starts } = &self.located;
        let columns = columns.start..columns.end.min(layout.mcus.0);
        let rows = rows.start..rows.end.min(layout.mcus.1);
        let (width, height) = self.tile();
        let side = |range: &Range<usize>, tile: usize, full: u16| {
            let end = (range.end * tile).min(usize::from(full));
            end.saturating_sub(range.start * tile) as u16
        };
        let (width, height) =
            (side(&columns, width, self.frame.width), side(&rows, height, self.frame.height));
        let mut writer = Writer { bytes: self.head((width, height))?, held: 0, count: 0 };
        let tables = self.tables()?;
        let tables = by_block(layout, &tables);
        let indices: Vec<usize> = (0..layout.parts.len()).collect();
        let parts = by_block(layout, &indices);
        let mut predictions = vec![0_i16; layout.parts.len()];
        let end = (bits.len() * 8) as u32;
        for row in rows {
            let first = (row * layout.mcus.0 + columns.start) * layout.blocks_per_mcu;
            let count = columns.len() * layout.blocks_per_mcu;
            let from = starts.iter().skip(first).take(count);
            let to = starts.iter().skip(first + 1).chain([&end]);
            let blocks = tables.iter().zip(&parts).cycle();
            let dc = self.dc.iter().skip(first);
            for (((&from, &to), &dc), (table, &&part)) in from.zip(to).zip(dc).zip(blocks) {
                let ahead = window(bits.padded(), (from / 8) as usize) << (from % 8);
                if let Some(prediction) = predictions.get_mut(part) {
                    writer.difference(i32::from(dc.wrapping_sub(*prediction)));
                    *prediction = dc;
                }
                writer.copy(bits.padded(), from + u32::from(table.step(ahead).bits)..to);
            }
        }
        Ok(writer.finish())
    }

    /// The segments up to the data of the scan.
    fn head(&self, (width, height): (u16, u16)) -> Result<Vec<u8>, Error> {
        let mut head = self.reader.color_segments();
        let mut segment = |marker: u8, content: &[u8]| {
            head.extend([0xFF, marker]);
            head.extend((content.len() as u16 + 2).to_be_bytes());
            head.extend(content);
        };
        let [high, low] = height.to_be_bytes();
        let [left, right] = width.to_be_bytes();
        let mut frame = vec![8, high, low, left, right, self.frame.components.len() as u8];
        for component in &self.frame.components {
            let sampling = (component.h << 4 | component.v) as u8;
            frame.extend([component.id, sampling, component.quantisation]);
            let table = self.reader.quantisation(component.quantisation)?;
            segment(0xDB, &quantisation(component.quantisation, table));
        }
        segment(0xC1, &frame);
        segment(0xC4, &[&[0][..], &DC_COUNTS, &DC_SYMBOLS].concat());
        let parts = &self.located.layout.parts;
        let mut scan = vec![parts.len() as u8];
        for part in parts {
            let number = part.selected.ac_table as u8;
            let code = self.reader.ac_code(part.selected.ac_table)?;
            segment(0xC4, &[&[0x10 | number][..], &code.definition()].concat());
            let component = self.frame.components.get(part.selected.component);
            scan.extend([component.map_or(0, |component| component.id), number]);
        }
        scan.extend([0, 63, 0]);
        segment(0xDA, &scan);
        Ok(head)
    }
}

/// A Huffman code for the sizes of DC differences. The code of a size is the size itself in four
/// bits; only the last code has five bits.
const DC_COUNTS: [u8; 16] = [0, 0, 0, 15, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const DC_SYMBOLS: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// The payload of a DQT segment, with 8 bits for each step if all steps fit, otherwise 16.
fn quantisation(number: u8, table: &Quantisation) -> Vec<u8> {
    let small: Result<Vec<u8>, _> = table.iter().map(|&step| u8::try_from(step)).collect();
    if let Ok(small) = small {
        return [vec![number], small].concat();
    }
    let wide = table.iter().flat_map(|step| step.to_be_bytes());
    [0x10 | number].into_iter().chain(wide).collect()
}

/// Writes entropy-coded data.
struct Writer {
    bytes: Vec<u8>,
    /// The lowest `count` bits have not been written yet.
    held: u64,
    count: u32,
}

impl Writer {
    /// Writes the lowest `count` bits, at most 32.
    fn put(&mut self, bits: u64, count: u32) {
        self.held = self.held << count | bits & ((1 << count) - 1);
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.held >> self.count) as u8;
            self.bytes.push(byte);
            if byte == 0xFF {
                self.bytes.push(0);
            }
        }
    }

    /// Writes the difference of a DC coefficient (T.81, F.1.2.1). Only damaged files have
    /// differences of more than 15 bits.
    fn difference(&mut self, difference: i32) {
        let size = (32 - difference.unsigned_abs().leading_zeros()).min(15);
        match size {
            15 => self.put(0b11110, 5),
            _ => self.put(size.into(), 4),
        }
        let bits = if difference < 0 { difference - 1 } else { difference };
        self.put(u64::from(bits.cast_unsigned()), size);
    }

    fn copy(&mut self, bytes: &[u8], mut range: Range<u32>) {
        while range.start < range.end {
            let count = (range.end - range.start).min(32);
            let ahead = window(bytes, (range.start / 8) as usize) << (range.start % 8);
            self.put(ahead >> (64 - count), count);
            range.start += count;
        }
    }

    /// Pads the last byte with ones, and adds the marker for the end of the image.
    fn finish(mut self) -> Vec<u8> {
        self.put(0x7F, 7);
        self.bytes.extend([0xFF, 0xD9]);
        self.bytes
    }
}
