//! Sequential scans at a fraction of their size: reads the lowest frequencies of each block.

use crate::ac::LANES;
use crate::blocks::Each;
use crate::corner::{self, Corners, INDICES, Places, Transform, Transformed};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::frame::{Frame, Layout, Part, Scan};
use crate::image::{Plane, Planes};
use crate::locate::{Located, locate_scan};
use crate::marker::{Quantisation, Reader};
use crate::options::Scale;
use crate::values::{Position, Values};
use crate::variance::{Weights, rounded};

/// The number of blocks that are read at once. The blocks do not depend on each other, so the
/// processor does not have to wait for the symbols of one block.
const AT_ONCE: usize = 4;

/// Decodes a scan into the planes of its components and returns the position of its end.
pub(crate) fn decode(
    reader: &Reader,
    frame: &Frame,
    scan: &Scan,
    data: &[u8],
    scale: Scale,
    deadline: Deadline,
    image: &mut Planes,
) -> Result<usize, Error> {
    let Located { layout, bits, starts } = locate_scan(reader, frame, scan, data, deadline)?;
    let interval = reader.restart_interval;
    for part in &layout.parts {
        let component = frame.components.get(part.selected.component);
        let plane = image.planes.get_mut(part.selected.component);
        let (Some(component), Some(plane)) = (component, plane) else { continue };
        let source = Source {
            bytes: bits.padded(),
            starts: &starts,
            layout: &layout,
            part,
            across: component.padded.0,
            restart_interval: interval,
            dc: Values::dc(reader.dc_code(part.selected.dc_table)?),
            ac: Values::ac(reader.ac_code(part.selected.ac_table)?),
            quantisation: *reader.quantisation(component.quantisation)?,
        };
        let scale = plane.scale_of_blocks(frame.ratio(component), scale);
        match scale {
            // The compiler's vector code is fastest when it processes these numbers of blocks at
            // once.
            Scale::Half => source.write::<4, 4, 17>(plane, deadline)?,
            Scale::ThreeEighths => source.write::<3, 8, 10>(plane, deadline)?,
            Scale::Quarter => source.write::<2, 8, 5>(plane, deadline)?,
            Scale::Eighth => source.write::<1, 8, 2>(plane, deadline)?,
            Scale::Full => {}
        }
        if let Some(variances) = image.variances.as_mut().filter(|_| part.selected.component == 0) {
            let weights = Weights::new(&source.quantisation, scale);
            source.measure(&weights, &mut variances.values, deadline)?;
        }
    }
    Ok(bits.end)
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

impl Source<'_> {
    /// Writes `N` x `N` samples for each block. `M` is `N * N + 1`.
    fn write<const N: usize, const P: usize, const M: usize>(
        &self,
        plane: &mut Plane,
        deadline: Deadline,
    ) -> Result<(), Error>
    where
        [Each<P>; N]: Transformed,
    {
        let transform = Transform::<N, P>::new(&self.quantisation);
        let places = corner::places(u8::try_from(N).unwrap_or_default());
        let width = plane.width;
        plane.data = vec![0; width * plane.height];
        let groups = self.across.div_ceil(LANES);
        let mut corners: Vec<Corners<M>> = vec![[[0; LANES]; M]; groups * self.part.v];
        let blocks = self.blocks(groups * LANES * M, M);
        let restart_interval = self.restart_interval;
        let mut prediction =
            Prediction { restart_interval, until_restart: restart_interval, value: 0 };
        let rows = self.starts.chunks((self.layout.mcus.0 * self.layout.blocks_per_mcu).max(1));
        let targets = plane.data.chunks_mut((width * N * self.part.v).max(1));
        for (starts, target) in rows.zip(targets) {
            deadline.check()?;
            corners.fill([[0; LANES]; M]);
            let values = corners.as_flattened_mut().as_flattened_mut();
            let (chunks, rest) = blocks.as_chunks::<AT_ONCE>();
            for chunk in chunks {
                self.read::<N, AT_ONCE>(starts, chunk, &places, values, &mut prediction);
            }
            for block in rest {
                self.read::<N, 1>(starts, &[*block], &places, values, &mut prediction);
            }
            let lines = corners.chunks_exact(groups.max(1));
            for (line, target) in lines.zip(target.chunks_mut((width * N).max(1))) {
                for (index, group) in line.iter().enumerate() {
                    transform.write(group, index, target, width);
                }
            }
        }
        Ok(())
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
                    target: y * line + column / LANES * places * LANES + column % LANES,
                    is_first: index == 0,
                });
            }
        }
        blocks
    }

    /// Reads the coefficients of some blocks that a corner of `N` rows and columns needs.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the number of rows and blocks has to be known")]
    fn read<const N: usize, const L: usize>(
        &self,
        starts: &[u32],
        blocks: &[Block; L],
        places: &Places,
        values: &mut [i16],
        prediction: &mut Prediction,
    ) {
        let start = |block: Block| starts.get(block.start).copied().unwrap_or_default();
        let mut lanes = blocks.map(|block| (Position::new(self.bytes, start(block)), 0));
        for ((at, _), block) in lanes.iter_mut().zip(blocks) {
            let (_, difference) = self.dc.step(self.bytes, at);
            if let Some(value) = values.get_mut(block.target) {
                *value = prediction.next(block.is_first, difference);
            }
        }
        let mut step = |lanes: &mut [(Position, usize); L]| {
            for ((at, index), block) in lanes.iter_mut().zip(blocks) {
                let (distance, coefficient) = self.ac.step(self.bytes, at);
                *index = (*index + distance).min(INDICES - 1);
                let place = places.get(*index).copied().unwrap_or_default();
                if let Some(value) = values.get_mut(block.target + usize::from(place) * LANES) {
                    *value = coefficient;
                }
            }
        };
        // After a DC and an AC coefficient, or after two AC coefficients, more bits must be loaded.
        step(&mut lanes);
        loop {
            for (at, _) in &mut lanes {
                at.refill(self.bytes);
            }
            step(&mut lanes);
            step(&mut lanes);
            // The last coefficient of the corner, in zigzag order.
            let last = 2 * N * (N - 1);
            if lanes.iter().all(|&(_, index)| index >= last) {
                return;
            }
        }
    }

    /// Computes the variance of each block.
    fn measure(
        &self,
        weights: &Weights,
        variances: &mut [u16],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let blocks = self.blocks(self.across, 1);
        let rows = self.starts.chunks((self.layout.mcus.0 * self.layout.blocks_per_mcu).max(1));
        let targets = variances.chunks_mut((self.across * self.part.v).max(1));
        for (starts, variances) in rows.zip(targets) {
            deadline.check()?;
            let (chunks, rest) = blocks.as_chunks::<AT_ONCE>();
            for chunk in chunks {
                self.measure_blocks(starts, chunk, weights, variances);
            }
            for block in rest {
                self.measure_blocks(starts, &[*block], weights, variances);
            }
        }
        Ok(())
    }

    /// Computes the variances of some blocks, whose targets are their positions.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the number of blocks has to be known")]
    fn measure_blocks<const L: usize>(
        &self,
        starts: &[u32],
        blocks: &[Block; L],
        weights: &Weights,
        variances: &mut [u16],
    ) {
        let start = |block: Block| starts.get(block.start).copied().unwrap_or_default();
        let mut lanes = blocks.map(|block| (Position::new(self.bytes, start(block)), 0, 0.0));
        for (at, ..) in &mut lanes {
            self.dc.step(self.bytes, at);
        }
        let step = |lanes: &mut [(Position, usize, f32); L]| {
            for (at, index, sum) in lanes {
                let (distance, coefficient) = self.ac.step(self.bytes, at);
                *index = (*index + distance).min(INDICES - 1);
                *sum += weights.of(*index) * f32::from(coefficient).powi(2);
            }
        };
        // After a DC and an AC coefficient, or after two AC coefficients, more bits must be loaded.
        step(&mut lanes);
        while lanes.iter().any(|&(_, index, _)| index < 63) {
            for (at, ..) in &mut lanes {
                at.refill(self.bytes);
            }
            step(&mut lanes);
            step(&mut lanes);
        }
        for ((.., sum), block) in lanes.into_iter().zip(blocks) {
            if let Some(variance) = variances.get_mut(block.target) {
                *variance = rounded(sum);
            }
        }
    }
}
