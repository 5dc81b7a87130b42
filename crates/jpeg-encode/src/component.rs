//! The components of a picture. Only one row of units (MCUs) is in memory at a time.

use super::error::Error;
use super::subsampling::Subsampling;

/// The side of a block.
pub(crate) const SIDE: usize = 8;

/// The number of blocks that are transformed together.
pub(crate) const COUNT: usize = 4;

/// The rows of neighbouring blocks.
pub(crate) type Rows<T> = [[T; SIDE * COUNT]; SIDE];

/// The size of a picture and its components.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) width: u16,
    pub(crate) height: u16,
    /// `None` for gray.
    pub(crate) subsampling: Option<Subsampling>,
}

impl Layout {
    pub(crate) fn new(
        width: u16,
        height: u16,
        subsampling: Option<Subsampling>,
    ) -> Result<Self, Error> {
        match (width, height) {
            (0, _) | (_, 0) => Err(Error::Empty),
            _ => Ok(Self { width, height, subsampling }),
        }
    }

    /// The number of luma blocks in a unit: horizontally and vertically.
    pub(crate) fn factors(self) -> (usize, usize) {
        match self.subsampling {
            None | Some(Subsampling::Full) => (1, 1),
            Some(Subsampling::HalfWidth) => (2, 1),
            Some(Subsampling::Half) => (2, 2),
        }
    }

    pub(crate) fn unit_height(self) -> usize {
        self.factors().1 * SIDE
    }

    /// The number of units: horizontally and vertically.
    pub(crate) fn units(self) -> (usize, usize) {
        let (across, down) = self.factors();
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        (width.div_ceil(across * SIDE), height.div_ceil(down * SIDE))
    }

    /// The number of blocks of all components.
    pub(crate) fn blocks(self) -> usize {
        let (columns, rows) = self.units();
        let (across, down) = self.factors();
        columns * rows * (across * down + if self.subsampling.is_some() { 2 } else { 0 })
    }

    pub(crate) fn components(self) -> Vec<Component> {
        let (across, down) = self.factors();
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let units = self.units().0;
        let luma = Component::new(width, height, (across, down), units);
        let chroma =
            || Component::new(width.div_ceil(across), height.div_ceil(down), (1, 1), units);
        match self.subsampling {
            None => vec![luma],
            Some(_) => vec![luma, chroma(), chroma()],
        }
    }
}

/// A component, and its samples in one row of units.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// The number of blocks in a unit: horizontally and vertically.
    pub(crate) factors: (usize, usize),
    pub(crate) stride: usize,
    pub(crate) samples: Vec<u8>,
}

impl Component {
    fn new(width: usize, height: usize, factors: (usize, usize), units: usize) -> Self {
        let stride = units.next_multiple_of(COUNT) * factors.0 * SIDE;
        Self { width, height, factors, stride, samples: vec![0; stride * factors.1 * SIDE] }
    }

    /// The number of rows of samples in a unit.
    pub(crate) fn rows(&self) -> usize {
        self.factors.1 * SIDE
    }

    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.samples.chunks_exact_mut(self.stride)
    }

    /// The samples of the blocks from this one on.
    pub(crate) fn blocks(&self, column: usize, row: usize) -> Rows<u8> {
        let start = (row * self.stride + column) * SIDE;
        let mut rest = self.samples.get(start..).unwrap_or_default();
        let mut rows = [[0; _]; _];
        for row in &mut rows {
            if let Some(samples) = rest.first_chunk() {
                *row = *samples;
            }
            rest = rest.get(self.stride..).unwrap_or_default();
        }
        rows
    }
}

/// Copies a row of samples, and repeats the last one to the end of the row.
pub(crate) fn copy_row(from: &[u8], to: &mut [u8]) {
    let (row, rest) = to.split_at_mut(from.len().min(to.len()));
    for (to, &from) in row.iter_mut().zip(from) {
        *to = from;
    }
    rest.fill(from.last().copied().unwrap_or_default());
}

/// Repeats the last of the first `width` samples to the end of the row.
pub(crate) fn repeat_last(row: &mut [u8], width: usize) {
    let (samples, rest) = row.split_at_mut(width.min(row.len()));
    rest.fill(samples.last().copied().unwrap_or_default());
}
