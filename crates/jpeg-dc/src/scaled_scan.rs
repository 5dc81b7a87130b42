//! Sequential scans at a fraction of their size: reads the lowest frequencies of each block.

#![expect(clippy::cast_possible_truncation, reason = "indices are below 256, places below 2048")]

use crate::corner::{self, Corners, INDICES, Transform, Transformed};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::frame::{Frame, Layout, Part, Scan};
use crate::image::Plane;
use crate::locate::{Located, locate_scan};
use crate::marker::{Quantisation, Reader};
use crate::options::Scale;
use crate::scaled_plane::Scaled;
use crate::sequential_scan::Dc;
use crate::values::{Position, Values};
use crate::variance::{Blocks, Weights};

/// The number of adjacent blocks that are transformed at once: enough for the compiler to turn the
/// loops over them into vector code.
const WIDTH: usize = 32;

/// The number of values from a block's first one to its last one, at the largest scale.
const REACH: usize = WIDTH * 36 + 1;

/// Decodes a scan into the planes of its components and returns the position of its end.
pub(crate) fn decode(
    reader: &Reader,
    frame: &Frame,
    scan: &Scan,
    data: &[u8],
    deadline: Deadline,
    planes: &mut [Scaled],
) -> Result<usize, Error> {
    let Located { layout, bits, starts } = locate_scan(reader, frame, scan, data, deadline)?;
    let interval = reader.restart_interval;
    let bounds = if planes.iter().any(|plane| !plane.variances.is_empty()) {
        bounds(&starts, bits.len())
    } else {
        Vec::new()
    };
    for part in &layout.parts {
        let component = frame.components.get(part.selected.component);
        let plane = planes.get_mut(part.selected.component);
        let (Some(component), Some(Scaled { plane, scale, variances })) = (component, plane) else {
            continue;
        };
        let mut rests = Vec::new();
        let is_measured = !variances.is_empty();
        let (dc, ac) = (
            Values::dc(reader.dc_code(part.selected.dc_table)?),
            Values::ac(reader.ac_code(part.selected.ac_table)?),
        );
        let quantisation = reader.quantisation(component.quantisation)?;
        if *scale == Scale::Eighth {
            let dc = Dc { reader, layout: &layout, part, bits: &bits, starts: &starts };
            plane.stride = component.padded.0;
            plane.data = dc.samples(component, deadline)?;
        } else {
            let source = Source {
                bytes: bits.padded(),
                starts: &starts,
                layout: &layout,
                part,
                across: component.padded.0,
                restart_interval: interval,
                dc: &dc,
                ac: &ac,
                quantisation: *quantisation,
            };
            let rests = is_measured.then_some(&mut rests);
            match *scale {
                Scale::ThreeQuarters => source.write::<6, 37>(plane, rests, deadline)?,
                Scale::FiveEighths => source.write::<5, 26>(plane, rests, deadline)?,
                Scale::Half => source.write::<4, 17>(plane, rests, deadline)?,
                Scale::ThreeEighths => source.write::<3, 10>(plane, rests, deadline)?,
                Scale::Quarter => source.write::<2, 5>(plane, rests, deadline)?,
                Scale::Full | Scale::Eighth => {}
            }
        }
        if is_measured {
            let weights = Weights::new(quantisation, *scale);
            let blocks = Blocks {
                bytes: bits.padded(),
                layout: &layout,
                part,
                bounds: &bounds,
                rests: &rests,
                dc: &dc,
                ac: &ac,
                weights: &weights,
            };
            blocks.measure(variances, component.padded.0, deadline)?;
        }
    }
    Ok(bits.end)
}

/// The start and the end of each block, in bits. Between restart markers, the end may include a few
/// bits that fill up a byte.
fn bounds(starts: &[u32], bytes: usize) -> Vec<[u32; 2]> {
    let end = u32::try_from(bytes * 8).unwrap_or(u32::MAX);
    let ends = starts.iter().skip(1).copied().chain([end]);
    starts.iter().zip(ends).map(|(&start, end)| [start, end]).collect()
}

/// A component's blocks in a scan.
struct Source<'a> {
    bytes: &'a [u8],
    /// The starts of all blocks of the scan, in bits.
    starts: &'a [u32],
    layout: &'a Layout,
    part: &'a Part,
    /// The number of blocks in a row of the component.
    across: usize,
    restart_interval: usize,
    dc: &'a Values<'a>,
    ac: &'a Values<'a>,
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

impl Source<'_> {
    /// Writes `N` x `N` samples for each block. `M` is `N * N + 1`. Adds the position after the
    /// frequencies that the scale keeps to `rests`, for each block.
    fn write<const N: usize, const M: usize>(
        &self,
        plane: &mut Plane,
        mut rests: Option<&mut Vec<u32>>,
        deadline: Deadline,
    ) -> Result<(), Error>
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
        let rows = self.starts.chunks((self.layout.mcus.0 * self.layout.blocks_per_mcu).max(1));
        let targets = plane.data.chunks_mut((width * N * self.part.v).max(1));
        for (starts, target) in rows.zip(targets) {
            deadline.check()?;
            corners.fill([[0; WIDTH]; M]);
            let values = corners.as_flattened_mut().as_flattened_mut();
            let rests = rests.as_deref_mut();
            self.read_row::<N>(starts, &blocks, &places, values, (&mut prediction, rests));
            let lines = corners.chunks_exact(groups.max(1)).take(self.part.v);
            for (line, target) in lines.zip(target.chunks_mut((width * N).max(1))) {
                for (index, corners) in line.iter().enumerate() {
                    transform.write(corners, &mut between, index, target, width);
                }
            }
        }
        Ok(())
    }

    /// Reads the coefficients of a row of MCUs.
    ///
    /// This function does not contain the transform, so that the compiler keeps more values in
    /// registers.
    #[inline(never)]
    fn read_row<const N: usize>(
        &self,
        starts: &[u32],
        blocks: &[Block],
        places: &[u16; INDICES],
        values: &mut [i16],
        (prediction, rests): (&mut Prediction, Option<&mut Vec<u32>>),
    ) {
        let Some(rests) = rests else {
            for block in blocks {
                self.read::<N>(starts, *block, places, values, prediction);
            }
            return;
        };
        for block in blocks {
            rests.push(self.read::<N>(starts, *block, places, values, prediction));
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

    /// Reads the coefficients of a block in the corner of `N` rows and columns. Returns the position
    /// of the look-up that leads beyond the corner.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the number of rows has to be known")]
    fn read<const N: usize>(
        &self,
        starts: &[u32],
        block: Block,
        places: &[u16; INDICES],
        values: &mut [i16],
        prediction: &mut Prediction,
    ) -> u32 {
        let start = starts.get(block.start).copied().unwrap_or_default();
        let values = values.get_mut(block.target..).and_then(<[i16]>::first_chunk_mut::<REACH>);
        let Some(values) = values else { return start };
        let [dc, ..] = values;
        let mut at = Position::new(self.bytes, start);
        let mut index = 0;
        *dc = prediction.next(block.is_first, self.dc.step(self.bytes, &mut at).first);
        // The last coefficient of the corner, in zigzag order.
        let last = (2 * N * (N - 1)) as u32;
        // After a DC and an AC coefficient, or after two AC coefficients, more bits must be loaded.
        loop {
            let before = at.bit();
            index = self.step(&mut at, index, places, values);
            if index >= last {
                return before;
            }
            at.refill(self.bytes);
            let before = at.bit();
            index = self.step(&mut at, index, places, values);
            if index >= last {
                return before;
            }
        }
    }

    /// Reads one or two coefficients after the one at `index`. Returns the new index.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call would keep the position out of registers")]
    fn step(
        &self,
        at: &mut Position,
        index: u32,
        places: &[u16; INDICES],
        values: &mut [i16; REACH],
    ) -> u32 {
        let found = self.ac.step(self.bytes, at);
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
