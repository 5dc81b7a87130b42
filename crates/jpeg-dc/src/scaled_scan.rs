//! Sequential scans at any scale: reads the lowest frequencies of each block.

#![expect(clippy::cast_possible_truncation, reason = "indices are below 256, places below 2048")]

use archmage::autoversion;

use crate::corner::{self, Corners, INDICES, Transform, Transformed};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::frame::{Frame, Layout, Part, Scan};
use crate::image::Plane;
use crate::marker::{Quantisation, Reader};
use crate::options::Scale;
use crate::rows::{self, ReadRow, Row};
use crate::scaled_plane::{Rows, Scaled, Sink};
use crate::sequential_scan::Dc;
use crate::values::{Position, Values};
use crate::variance::{Means, Measure, Weights};

/// The number of adjacent blocks that are transformed at once: enough for the compiler to turn the
/// loops over them into vector code.
const WIDTH: usize = 32;

/// The number of values from a block's first one to its last one, at the largest scale.
const REACH: usize = WIDTH * 64 + 1;

/// Decodes a scan into the planes of its components and returns the position of its end.
pub(crate) fn decode(
    reader: &Reader,
    frame: &Frame,
    scan: &Scan,
    data: &[u8],
    deadline: Deadline,
    planes: &mut [Scaled<'_>],
) -> Result<usize, Error> {
    let layout = frame.layout(scan)?;
    let mut means = Vec::new();
    means.resize_with(planes.len(), || None);
    let end = rows::read(reader, &layout, data, deadline, || {
        let mut parts: Vec<ReadRow<'_>> = Vec::new();
        let of_planes = planes.iter_mut().zip(&mut means);
        for ((index, component), (scaled, means)) in
            frame.components.iter().enumerate().zip(of_planes)
        {
            let part = layout.parts.iter().find(|part| part.selected.component == index);
            let Some(part) = part else { continue };
            let Scaled { plane, scale, variances, sink } = scaled;
            let sink = sink.as_deref_mut().map(|sink| sink as Sink<'_>);
            *means = Means::new(variances.len(), *scale);
            let across = component.padded.0;
            let quantisation = *reader.quantisation(component.quantisation)?;
            let dc = || Ok::<_, Error>(Values::dc(reader.dc_code(part.selected.dc_table)?));
            let ac = || Ok::<_, Error>(Values::ac(reader.ac_code(part.selected.ac_table)?));
            let mut measure = if variances.is_empty() {
                None
            } else {
                Some(Measure {
                    per_mcu: layout.blocks_per_mcu,
                    part,
                    across,
                    dc: dc()?,
                    ac: ac()?,
                    weights: Weights::new(&quantisation, *scale),
                    rows: variances.chunks_mut((across * part.v).max(1)),
                    means: means.as_mut(),
                    to_read: Vec::new(),
                })
            };
            if *scale == Scale::Eighth {
                plane.stride = across;
                let samples = Dc { reader, layout: &layout, part };
                parts.push(samples.samples(component, &mut plane.data)?);
                if let Some(mut measure) = measure.take() {
                    parts.push(Box::new(move |row| measure.row(row, &[])));
                }
                continue;
            }
            let source = Source {
                layout: &layout,
                part,
                across,
                restart_interval: reader.restart_interval,
                dc: dc()?,
                ac: ac()?,
                quantisation,
            };
            match *scale {
                Scale::Full => parts.push(source.write::<8, 65>(plane, sink, measure)),
                Scale::SevenEighths => parts.push(source.write::<7, 50>(plane, sink, measure)),
                Scale::ThreeQuarters => parts.push(source.write::<6, 37>(plane, sink, measure)),
                Scale::FiveEighths => parts.push(source.write::<5, 26>(plane, sink, measure)),
                Scale::Half => parts.push(source.write::<4, 17>(plane, sink, measure)),
                Scale::ThreeEighths => parts.push(source.write::<3, 10>(plane, sink, measure)),
                Scale::Quarter => parts.push(source.write::<2, 5>(plane, sink, measure)),
                Scale::Eighth => {}
            }
        }
        Ok(parts)
    })?;
    for (scaled, means) in planes.iter_mut().zip(&means) {
        if let Some(means) = means {
            means.replace_places(&mut scaled.variances);
        }
    }
    Ok(end)
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

/// Reads the coefficients of a row of MCUs. Adds the number of bits of the frequencies that the scale
/// keeps to `kept`, for each block.
///
/// This function does not contain the transform, so that the compiler keeps more values in registers.
/// The code for AVX2 also shifts bits with fewer instructions.
#[autoversion(v3)]
#[inline(never)]
fn read_row<const N: usize>(
    source: &Source<'_>,
    row: Row<'_>,
    blocks: &[Block],
    places: &[u16; INDICES],
    values: &mut [i16],
    (prediction, kept): (&mut Prediction, Option<&mut Vec<u32>>),
) {
    let Some(kept) = kept else {
        for block in blocks {
            source.read::<N>(row, *block, places, values, prediction);
        }
        return;
    };
    for block in blocks {
        kept.push(source.read::<N>(row, *block, places, values, prediction));
    }
}

impl<'a> Source<'a> {
    /// Writes `N` x `N` samples for each block. `M` is `N * N + 1`.
    fn write<const N: usize, const M: usize>(
        self,
        plane: &'a mut Plane,
        sink: Option<Sink<'a>>,
        mut measure: Option<Measure<'a>>,
    ) -> ReadRow<'a>
    where
        [f32; N]: Transformed,
    {
        let transform = Transform::<N>::new(&self.quantisation);
        let places = corner::places(u8::try_from(N).unwrap_or_default())
            .map(|place| u16::from(place) * WIDTH as u16);
        let width = plane.width;
        let groups = self.across.div_ceil(WIDTH);
        let spare = REACH.div_ceil(WIDTH * M);
        let mut corners: Vec<Corners<WIDTH, M>> =
            vec![[[0; WIDTH]; M]; groups * self.part.v + spare];
        let blocks = self.blocks(groups * WIDTH * M, M);
        let mut between = [[[0.0; WIDTH]; N]; N];
        let restart_interval = self.restart_interval;
        let mut prediction =
            Prediction { restart_interval, until_restart: restart_interval, value: 0 };
        let mut targets = Rows::new(plane, sink, width * N * self.part.v);
        let mut kept = Vec::new();
        Box::new(move |row| {
            corners.fill([[0; WIDTH]; M]);
            let values = corners.as_flattened_mut().as_flattened_mut();
            kept.clear();
            let kept_bits = measure.is_some().then_some(&mut kept);
            read_row::<N>(&self, row, &blocks, &places, values, (&mut prediction, kept_bits));
            if let Some(measure) = &mut measure {
                measure.row(row, &kept);
            }
            let lines = corners.chunks_exact(groups.max(1)).take(self.part.v);
            targets.next(|target| {
                for (line, target) in lines.zip(target.chunks_mut((width * N).max(1))) {
                    for (index, corners) in line.iter().enumerate() {
                        transform.write(corners, &mut between, index, target, width);
                    }
                }
            });
        })
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
