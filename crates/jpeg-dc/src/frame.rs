//! The frame: the data of the SOF segment, and the block geometry that follows from it.

use crate::deadline::Deadline;
use crate::error::Error;

/// The coding process of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Process {
    /// Baseline and extended sequential (SOF0, SOF1): a scan contains whole blocks.
    Sequential,
    /// Progressive (SOF2): a scan contains some coefficients, or some of their bits.
    Progressive,
}

/// One colour component of the frame.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) id: u8,
    /// Sampling factors, 1 to 4.
    pub(crate) h: usize,
    pub(crate) v: usize,
    /// Number of the quantisation table.
    pub(crate) quantisation: u8,
    /// The number of blocks that contain pixels of the image, across and down.
    pub(crate) blocks: (usize, usize),
    /// The number of blocks, including those that only fill up the last MCU of a row or column.
    pub(crate) padded: (usize, usize),
}

/// The frame header.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) process: Process,
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) components: Vec<Component>,
    /// Largest sampling factors.
    pub(crate) max_h: usize,
    pub(crate) max_v: usize,
    /// The number of MCUs in a row of an interleaved scan, and the number of such rows.
    pub(crate) mcus: (usize, usize),
}

impl Frame {
    /// The resolution of the image divided by the resolution of a component: across, and down.
    pub(crate) fn ratio(&self, component: &Component) -> (usize, usize) {
        (self.max_h / component.h, self.max_v / component.v)
    }

    /// Whether libjpeg computes 2 x 2 samples for each block of this component at 1/8. It does so
    /// if the component has half the resolution of the image in both directions. For a component
    /// with a quarter of the resolution, it would compute 4 x 4 samples.
    pub(crate) fn is_quad(&self, component: &Component) -> bool {
        let (h, v) = self.ratio(component);
        h % 2 == 0 && v % 2 == 0 && (h % 4 != 0 || v % 4 != 0)
    }

    /// Whether libjpeg computes a single sample for each block of this component at 1/8.
    pub(crate) fn is_single(&self, component: &Component) -> bool {
        let (h, v) = self.ratio(component);
        h % 2 != 0 || v % 2 != 0
    }

    /// Reads the payload of an SOF0, SOF1 or SOF2 segment.
    pub(crate) fn parse(process: Process, payload: &[u8]) -> Result<Self, Error> {
        let truncated = Error::Malformed("the frame header is too short");
        let (head, specs) = payload.split_first_chunk::<6>().ok_or(truncated)?;
        let &[precision, y1, y0, x1, x0, count] = head;
        let height = u16::from_be_bytes([y1, y0]);
        let width = u16::from_be_bytes([x1, x0]);
        if precision != 8 {
            return Err(Error::Unsupported("the samples do not have 8 bits"));
        }
        if height == 0 {
            return Err(Error::Unsupported("the height is given by a DNL segment"));
        }
        if width == 0 {
            return Err(Error::Malformed("the width is 0"));
        }
        if !matches!(count, 1 | 3) {
            return Err(Error::Unsupported(
                "the number of components is not 1 or 3 (it may be CMYK)",
            ));
        }
        if specs.len() != 3 * usize::from(count) {
            return Err(Error::Malformed(
                "the frame header's length does not match its components",
            ));
        }
        let mut components = Vec::with_capacity(specs.len() / 3);
        for spec in specs.chunks_exact(3) {
            let &[id, sampling, quantisation] = spec else { return Err(truncated) };
            let (h, v) = (usize::from(sampling >> 4), usize::from(sampling & 15));
            if !(1..=4).contains(&h) || !(1..=4).contains(&v) || quantisation > 3 {
                return Err(Error::Malformed("a component's sampling or table number is invalid"));
            }
            if components.iter().any(|other: &Component| other.id == id) {
                return Err(Error::Unsupported("two components have the same number"));
            }
            components.push(Component { id, h, v, quantisation, blocks: (0, 0), padded: (0, 0) });
        }
        let max_h = components.iter().map(|c| c.h).max().unwrap_or(1);
        let max_v = components.iter().map(|c| c.v).max().unwrap_or(1);
        let (full_w, full_h) = (usize::from(width), usize::from(height));
        let mcus = (full_w.div_ceil(8 * max_h), full_h.div_ceil(8 * max_v));
        for component in &mut components {
            if max_h % component.h != 0 || max_v % component.v != 0 {
                return Err(Error::Unsupported("the sampling factors do not divide one another"));
            }
            component.blocks = (
                (full_w * component.h).div_ceil(8 * max_h),
                (full_h * component.v).div_ceil(8 * max_v),
            );
            component.padded = (mcus.0 * component.h, mcus.1 * component.v);
        }
        Ok(Self { process, width, height, components, max_h, max_v, mcus })
    }

    /// The geometry of a scan over these components.
    pub(crate) fn layout(&self, scan: &Scan) -> Result<Layout, Error> {
        let mut parts = Vec::with_capacity(scan.components.len());
        let mut blocks_per_mcu = 0;
        for selected in &scan.components {
            let component = self
                .components
                .get(selected.component)
                .ok_or(Error::Malformed("a scan names an unknown component"))?;
            // A scan of one component has no interleaving: each of its blocks is an MCU.
            let (h, v) =
                if scan.components.len() == 1 { (1, 1) } else { (component.h, component.v) };
            parts.push(Part { selected: *selected, h, v, first: blocks_per_mcu });
            blocks_per_mcu += h * v;
        }
        if blocks_per_mcu > MAX_BLOCKS_PER_MCU {
            return Err(Error::Malformed("an MCU has more than 10 blocks"));
        }
        let mcus = match scan.components.as_slice() {
            [only] => self.components.get(only.component).map_or((0, 0), |c| c.blocks),
            _ => self.mcus,
        };
        Ok(Layout { parts, blocks_per_mcu, mcus })
    }
}

/// The maximum number of blocks in an MCU (T.81, B.2.3).
pub(crate) const MAX_BLOCKS_PER_MCU: usize = 10;

/// A component of a scan, as selected by the scan header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScanComponent {
    /// Index of the component in the frame.
    pub(crate) component: usize,
    /// Numbers of the Huffman tables, 0 to 3.
    pub(crate) dc_table: usize,
    pub(crate) ac_table: usize,
}

/// The scan header.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    pub(crate) components: Vec<ScanComponent>,
    /// First and last coefficient, in zigzag order.
    pub(crate) band: (u8, u8),
    /// The bit positions of successive approximation: Ah, which is 0 in the first scan, and Al.
    pub(crate) high: u8,
    pub(crate) low: u8,
}

impl Scan {
    /// Reads the payload of an SOS segment.
    pub(crate) fn parse(frame: &Frame, payload: &[u8]) -> Result<Self, Error> {
        let truncated = Error::Malformed("a scan header is too short");
        let (&count, rest) = payload.split_first().ok_or(truncated)?;
        let count = usize::from(count);
        if count == 0 || count > frame.components.len() {
            return Err(Error::Malformed("a scan has too few or too many components"));
        }
        let (selectors, tail) = rest.split_at_checked(2 * count).ok_or(truncated)?;
        let &[first, last, approximation] = tail else { return Err(truncated) };
        let mut components: Vec<ScanComponent> = Vec::with_capacity(count);
        for selector in selectors.chunks_exact(2) {
            let &[id, tables] = selector else { return Err(truncated) };
            let component = frame
                .components
                .iter()
                .position(|component| component.id == id)
                .ok_or(Error::Malformed("a scan names an unknown component"))?;
            if components.iter().any(|other| other.component == component) {
                return Err(Error::Malformed("a scan names a component twice"));
            }
            let (dc_table, ac_table) = (usize::from(tables >> 4), usize::from(tables & 15));
            if dc_table > 3 || ac_table > 3 {
                return Err(Error::Malformed("the number of a Huffman table is above 3"));
            }
            components.push(ScanComponent { component, dc_table, ac_table });
        }
        let (high, low) = (approximation >> 4, approximation & 15);
        Ok(Self { components, band: (first, last), high, low })
    }
}

/// One component's part of each MCU of a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) selected: ScanComponent,
    /// The number of the component's blocks in an MCU: across, and down.
    pub(crate) h: usize,
    pub(crate) v: usize,
    /// The index of the part's first block within the MCU.
    pub(crate) first: usize,
}

/// The order of the blocks in a scan.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) parts: Vec<Part>,
    pub(crate) blocks_per_mcu: usize,
    /// The number of MCUs in a row, and the number of rows.
    pub(crate) mcus: (usize, usize),
}

impl Layout {
    /// The number of MCUs in the scan.
    pub(crate) fn total_mcus(&self) -> usize {
        self.mcus.0 * self.mcus.1
    }

    /// The number of blocks in the scan.
    pub(crate) fn total_blocks(&self) -> usize {
        self.total_mcus() * self.blocks_per_mcu
    }

    /// Visits a component's blocks in the order of the scan. `source` has an item for each block of
    /// the scan. `target` is a plane with this stride. `block` receives a prediction (0 after every
    /// restart marker), the block's item, and the block's element of `target`. The deadline is
    /// checked before each row.
    #[inline]
    pub(crate) fn visit<S: Copy, T>(
        &self,
        part: &Part,
        restart_interval: usize,
        source: &[S],
        (target, stride): (&mut [T], usize),
        deadline: Deadline,
        mut block: impl FnMut(&mut i32, S, &mut T),
    ) -> Result<(), Error> {
        let mut walk = Walk::new(restart_interval);
        let rows = source.chunks((self.mcus.0 * self.blocks_per_mcu).max(1));
        for (source, target) in rows.zip(target.chunks_mut((part.v * stride).max(1))) {
            deadline.check()?;
            self.visit_row(part, &mut walk, source, (target, stride), &mut block);
        }
        Ok(())
    }

    /// Visits a component's blocks in a row of MCUs. `source` has an item for each block of the row.
    /// `target` is this row of a plane with this stride.
    #[inline]
    pub(crate) fn visit_row<S: Copy, T>(
        &self,
        part: &Part,
        walk: &mut Walk,
        source: &[S],
        (target, stride): (&mut [T], usize),
        mut block: impl FnMut(&mut i32, S, &mut T),
    ) {
        if self.blocks_per_mcu == 0 || stride == 0 {
            return;
        }
        let mut mcus = source.chunks_exact(self.blocks_per_mcu);
        let mut lines = target.chunks_mut(stride).map(<[T]>::iter_mut);
        let mut lines: [_; 4] = std::array::from_fn(|_| lines.next().unwrap_or_default());
        // In local variables, so that the compiler keeps them in registers.
        let Walk { restart_interval, mut until_restart, mut prediction } = *walk;
        while mcus.len() > 0 {
            let piece = if restart_interval == 0 {
                mcus.len()
            } else {
                if until_restart == 0 {
                    until_restart = restart_interval;
                    prediction = 0;
                }
                mcus.len().min(until_restart)
            };
            until_restart = until_restart.wrapping_sub(piece);
            let mcus = mcus.by_ref().take(piece);
            let mut step = |source, target: &mut T| block(&mut prediction, source, target);
            match (&mut lines, part.h, part.v) {
                ([line, ..], 1, 1) => {
                    for (mcu, out) in mcus.zip(line) {
                        if let Some(&source) = mcu.get(part.first) {
                            step(source, out);
                        }
                    }
                }
                (lines, ..) => {
                    for mcu in mcus {
                        let mut blocks = mcu.iter().skip(part.first);
                        for line in lines.iter_mut().take(part.v) {
                            for out in line.take(part.h) {
                                if let Some(&source) = blocks.next() {
                                    step(source, out);
                                }
                            }
                        }
                    }
                }
            }
        }
        *walk = Walk { restart_interval, until_restart, prediction };
    }
}

/// What [`Layout::visit_row`] passes on to the next row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk {
    restart_interval: usize,
    until_restart: usize,
    prediction: i32,
}

impl Walk {
    pub(crate) fn new(restart_interval: usize) -> Self {
        Self { restart_interval, until_restart: restart_interval, prediction: 0 }
    }
}
