//! Sequential scans at a fraction of their size: reads the lowest frequencies of each block.

#![expect(clippy::cast_possible_truncation, reason = "indices are below 256, places below 2048")]

use crate::corner::{self, Corners, INDICES, Transform, Transformed};
use crate::deadline::Deadline;
use crate::entropy::PADDING;
use crate::error::Error;
use crate::frame::{Frame, Layout, Part, Scan};
use crate::image::Plane;
use crate::locate::position;
use crate::marker::{Quantisation, Reader};
use crate::options::Scale;
use crate::rows::{self, ReadRow, Row};
use crate::scaled_plane::Scaled;
use crate::sequential_scan::Dc;
use crate::values::{Position, Values};
use crate::variance::{Blocks, Weights};

/// The number of adjacent blocks that are transformed at once: enough for the compiler to turn the
/// loops over them into vector code.
const WIDTH: usize = 32;

/// The number of values from a block's first one to its last one, at the largest scale.
const REACH: usize = WIDTH * 49 + 1;

/// Decodes a scan into the planes of its components and returns the position of its end.
pub(crate) fn decode(
    reader: &Reader,
    frame: &Frame,
    scan: &Scan,
    data: &[u8],
    deadline: Deadline,
    planes: &mut [Scaled],
) -> Result<usize, Error> {
    let layout = frame.layout(scan)?;
    let measured: Vec<bool> = planes.iter().map(|plane| !plane.variances.is_empty()).collect();
    let mut copied = Copied::default();
    let mut kept = vec![Vec::new(); planes.len()];
    let end = rows::read(reader, &layout, data, deadline, || {
        let mut parts: Vec<ReadRow<'_>> = Vec::new();
        if measured.contains(&true) {
            parts.push(Box::new(|row| copied.add(row)));
        }
        let of_planes = planes.iter_mut().zip(&measured).zip(&mut kept);
        let components = frame.components.iter().enumerate().zip(of_planes);
        for ((index, component), ((scaled, &is_measured), kept)) in components {
            let part = layout.parts.iter().find(|part| part.selected.component == index);
            let Some(part) = part else { continue };
            let Scaled { plane, scale, .. } = scaled;
            if *scale == Scale::Eighth {
                plane.stride = component.padded.0;
                let dc = Dc { reader, layout: &layout, part };
                parts.push(dc.samples(component, &mut plane.data)?);
                continue;
            }
            let source = Source {
                layout: &layout,
                part,
                across: component.padded.0,
                restart_interval: reader.restart_interval,
                dc: Values::dc(reader.dc_code(part.selected.dc_table)?),
                ac: Values::ac(reader.ac_code(part.selected.ac_table)?),
                quantisation: *reader.quantisation(component.quantisation)?,
            };
            let kept = is_measured.then_some(kept);
            match *scale {
                Scale::SevenEighths => parts.push(source.write::<7, 50>(plane, kept)),
                Scale::ThreeQuarters => parts.push(source.write::<6, 37>(plane, kept)),
                Scale::FiveEighths => parts.push(source.write::<5, 26>(plane, kept)),
                Scale::Half => parts.push(source.write::<4, 17>(plane, kept)),
                Scale::ThreeEighths => parts.push(source.write::<3, 10>(plane, kept)),
                Scale::Quarter => parts.push(source.write::<2, 5>(plane, kept)),
                Scale::Full | Scale::Eighth => {}
            }
        }
        Ok(parts)
    })?;
    copied.bytes.resize(copied.bytes.len() + PADDING, 0);
    let components = frame.components.iter().enumerate().zip(planes).zip(&kept);
    for (((index, component), scaled), kept) in components {
        let part = layout.parts.iter().find(|part| part.selected.component == index);
        let Some(part) = part.filter(|_| !scaled.variances.is_empty()) else { continue };
        let blocks = Blocks {
            bytes: &copied.bytes,
            layout: &layout,
            part,
            bounds: &copied.bounds,
            kept,
            dc: &Values::dc(reader.dc_code(part.selected.dc_table)?),
            ac: &Values::ac(reader.ac_code(part.selected.ac_table)?),
            weights: &Weights::new(reader.quantisation(component.quantisation)?, scaled.scale),
        };
        blocks.measure(&mut scaled.variances, component.padded.0, deadline)?;
    }
    Ok(end)
}

/// A copy of the scan. The estimate of a variance depends on all blocks.
#[derive(Default)]
struct Copied {
    bytes: Vec<u8>,
    /// The start and the end of each block, in bits. The end of a row may include the bits of a
    /// byte that the next row shares.
    bounds: Vec<[u32; 2]>,
}

impl Copied {
    fn add(&mut self, Row { bytes, starts, end }: Row<'_>) {
        let first = starts.first().map_or(0, |&start| start / 8);
        let from = position(self.bytes.len() * 8);
        let moved = |bit: u32| bit.saturating_sub(first * 8).saturating_add(from);
        let ends = starts.iter().skip(1).chain([&end]);
        self.bounds.extend(starts.iter().zip(ends).map(|pair| [moved(*pair.0), moved(*pair.1)]));
        let row = bytes.get(first as usize..end.div_ceil(8) as usize);
        self.bytes.extend_from_slice(row.unwrap_or_default());
    }
}

/// A component's blocks in a scan.
struct Source<'a> {
    layout: &'a Layout,
    part: &'a Part,
    /// The number of blocks in a row of the component.
    across: usize,
    restart_interval: usize,
    dc: Values<'a>,
    ac: Values<'a>,
    quantisation: Quantisation,
}

/// A block of a row of MCUs.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// The index of the block's start in the row.
    start: usize,
    /// The index of the block's first coefficient in the row.
    target: usize,
    /// Whether the block is the component's first one in an MCU.
    is_first: bool,
}

/// The value of a DC coefficient, from the differences so far.
struct Prediction {
    restart_interval: usize,
    until_restart: usize,
    value: i16,
}

impl Prediction {
    #[inline]
    fn next(&mut self, is_first: bool, difference: i16) -> i16 {
        if is_first && self.restart_interval > 0 {
            if self.until_restart == 0 {
                self.until_restart = self.restart_interval;
                self.value = 0;
            }
            self.until_restart -= 1;
        }
        self.value = self.value.wrapping_add(difference);
        self.value
    }
}

impl<'a> Source<'a> {
    /// Writes `N` x `N` samples for each block. `M` is `N * N + 1`. Adds the number of bits of the
    /// frequencies that the scale keeps to `kept`, for each block.
    fn write<const N: usize, const M: usize>(
        self,
        plane: &'a mut Plane,
        mut kept: Option<&'a mut Vec<u32>>,
    ) -> ReadRow<'a>
    where
        [f32; N]: Transformed,
    {
        let transform = Transform::<N>::new(&self.quantisation);
        let places = corner::places(u8::try_from(N).unwrap_or_default())
            .map(|place| u16::from(place) * WIDTH as u16);
        let width = plane.width;
        plane.data = vec![0; width * plane.height];
        let groups = self.across.div_ceil(WIDTH);
        let spare = REACH.div_ceil(WIDTH * M);
        let mut corners: Vec<Corners<WIDTH, M>> =
            vec![[[0; WIDTH]; M]; groups * self.part.v + spare];
        let blocks = self.blocks(groups * WIDTH * M, M);
        let mut between = [[[0.0; WIDTH]; N]; N];
        let restart_interval = self.restart_interval;
        let mut prediction =
            Prediction { restart_interval, until_restart: restart_interval, value: 0 };
        let mut targets = plane.data.chunks_mut((width * N * self.part.v).max(1));
        Box::new(move |row| {
            corners.fill([[0; WIDTH]; M]);
            let values = corners.as_flattened_mut().as_flattened_mut();
            let kept = kept.as_deref_mut();
            self.read_row::<N>(row, &blocks, &places, values, (&mut prediction, kept));
            let lines = corners.chunks_exact(groups.max(1)).take(self.part.v);
            let target = targets.next().unwrap_or_default();
            for (line, target) in lines.zip(target.chunks_mut((width * N).max(1))) {
                for (index, corners) in line.iter().enumerate() {
                    transform.write(corners, &mut between, index, target, width);
                }
            }
        })
    }

    /// Reads the coefficients of a row of MCUs.
    ///
    /// This function does not contain the transform, so that the compiler keeps more values in
    /// registers.
    #[inline(never)]
    fn read_row<const N: usize>(
        &self,
        row: Row<'_>,
        blocks: &[Block],
        places: &[u16; INDICES],
        values: &mut [i16],
        (prediction, kept): (&mut Prediction, Option<&mut Vec<u32>>),
    ) {
        let Some(kept) = kept else {
            for block in blocks {
                self.read::<N>(row, *block, places, values, prediction);
            }
            return;
        };
        for block in blocks {
            kept.push(self.read::<N>(row, *block, places, values, prediction));
        }
    }

    /// The blocks of a row of MCUs. A line of blocks has `line` coefficients, a block `places`.
    fn blocks(&self, line: usize, places: usize) -> Vec<Block> {
        let Part { h, v, first, .. } = *self.part;
        let mut blocks = Vec::with_capacity(self.layout.mcus.0 * h * v);
        for mcu in 0..self.layout.mcus.0 {
            for (index, (y, x)) in (0..v).flat_map(|y| (0..h).map(move |x| (y, x))).enumerate() {
                let column = mcu * h + x;
                blocks.push(Block {
                    start: mcu * self.layout.blocks_per_mcu + first + index,
                    target: y * line + column / WIDTH * places * WIDTH + column % WIDTH,
                    is_first: index == 0,
                });
            }
        }
        blocks
    }

    /// Reads the coefficients of a block in the corner of `N` rows and columns. Returns the number of
    /// bits before the look-up that leads beyond the corner.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the number of rows has to be known")]
    fn read<const N: usize>(
        &self,
        row: Row<'_>,
        block: Block,
        places: &[u16; INDICES],
        values: &mut [i16],
        prediction: &mut Prediction,
    ) -> u32 {
        let Row { bytes, starts, .. } = row;
        let start = starts.get(block.start).copied().unwrap_or_default();
        let values = values.get_mut(block.target..).and_then(<[i16]>::first_chunk_mut::<REACH>);
        let Some(values) = values else { return 0 };
        let [dc, ..] = values;
        let mut at = Position::new(bytes, start);
        let mut index = 0;
        *dc = prediction.next(block.is_first, self.dc.step(bytes, &mut at).first);
        // The last coefficient of the corner, in zigzag order.
        let last = const { corner::last(N) };
        // After a DC and an AC coefficient, or after two AC coefficients, more bits must be loaded.
        loop {
            let before = at.bit();
            index = self.step(bytes, &mut at, index, places, values);
            if index >= last {
                return before.saturating_sub(start);
            }
            at.refill(bytes);
            let before = at.bit();
            index = self.step(bytes, &mut at, index, places, values);
            if index >= last {
                return before.saturating_sub(start);
            }
        }
    }

    /// Reads one or two coefficients after the one at `index`. Returns the new index.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call would keep the position out of registers")]
    fn step(
        &self,
        bytes: &[u8],
        at: &mut Position,
        index: u32,
        places: &[u16; INDICES],
        values: &mut [i16; REACH],
    ) -> u32 {
        let found = self.ac.step(bytes, at);
        let mut set = |distance: u32, coefficient: i16| {
            let place = places.get(usize::from((index + distance) as u8)).copied();
            if let Some(value) = values.get_mut(usize::from(place.unwrap_or_default())) {
                *value = coefficient;
            }
        };
        set(found.first_distance(), found.first);
        let (distance, second) = found.second();
        set(distance, second);
        index + found.distance()
    }
}
