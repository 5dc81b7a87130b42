//! Keeps track of the scans of a frame: which ones are needed, and whether all of them were read.

use crate::error::Error;
use crate::frame::{Frame, Process, Scan};
use crate::options::Chroma;

/// The bits of a coefficient that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// No scan has contained the coefficient yet.
    Nothing,
    /// All except this number of low bits.
    AllBut(u8),
}

/// The known bits of the coefficients that a component needs: the DC coefficient, or all 64.
type Needed = Vec<Known>;

/// The successive approximation of a frame's coefficients (T.81, G.1.1.1) so far.
#[derive(Debug)]
pub(crate) struct Progression {
    process: Process,
    components: Vec<Needed>,
    /// The number of scans that can still be accepted.
    scans_left: usize,
}

impl Progression {
    pub(crate) fn new(frame: &Frame, chroma: Chroma) -> Self {
        let needed = frame.components.iter().map(|component| {
            let all = chroma == Chroma::Full && frame.is_quad(component);
            let whole = all && frame.process == Process::Progressive;
            vec![Known::Nothing; if whole { 64 } else { 1 }]
        });
        Self { process: frame.process, components: needed.collect(), scans_left: MAX_SCANS }
    }

    /// Creates a progression that needs all coefficients. A scan of a sequential frame contains all
    /// coefficients of a block at once, so the first coefficient stands for all of them.
    pub(crate) fn of_all(frame: &Frame) -> Self {
        let in_block = if frame.process == Process::Progressive { 64 } else { 1 };
        let needed = frame.components.iter().map(|_| vec![Known::Nothing; in_block]);
        let components = needed.collect();
        Self { process: frame.process, components, scans_left: MAX_SCANS_OF_ALL }
    }

    /// Whether each scan contains all coefficients of its blocks.
    pub(crate) fn is_sequential(&self) -> bool {
        self.process == Process::Sequential
    }

    /// Records a scan. Returns whether it is needed.
    pub(crate) fn record(&mut self, scan: &Scan) -> Result<bool, Error> {
        let left = self.scans_left.checked_sub(1);
        self.scans_left = left.ok_or(Error::Unsupported("too many scans"))?;
        let (band, high, low) = match self.process {
            Process::Sequential => (0..1, 0, 0),
            Process::Progressive => match (scan.band, scan.components.len()) {
                _ if scan.low > MAX_LOW => return Err(INVALID),
                ((0, 0), _) => (0..1, scan.high, scan.low),
                ((first @ 1.., last @ ..64), 1) if first <= last => {
                    (usize::from(first)..usize::from(last) + 1, scan.high, scan.low)
                }
                _ => return Err(INVALID),
            },
        };
        let mut is_needed = false;
        for selected in &scan.components {
            let needed = self.components.get_mut(selected.component);
            for known in needed.and_then(|needed| needed.get_mut(band.clone())).unwrap_or_default()
            {
                let follows = match *known {
                    Known::Nothing => high == 0,
                    Known::AllBut(left_out) => high == left_out && low + 1 == left_out,
                };
                if !follows {
                    return Err(Error::Malformed("the scans of a component are out of order"));
                }
                *known = Known::AllBut(low);
                is_needed = true;
            }
        }
        Ok(is_needed)
    }

    /// Whether the scans contained some bits of every coefficient that is needed.
    pub(crate) fn is_known(&self) -> bool {
        self.components.iter().flatten().all(|&known| known != Known::Nothing)
    }

    /// Whether the scans contained every bit of every coefficient that is needed.
    pub(crate) fn is_complete(&self) -> bool {
        self.components.iter().flatten().all(|&known| known == Known::AllBut(0))
    }
}

const INVALID: Error = Error::Malformed("a scan's band of coefficients is invalid");

/// The maximum number of low bits that a scan may leave out (T.81, G.1.2.1).
const MAX_LOW: u8 = 13;

/// The maximum number of scans. A scan of only a few bytes can require a visit to every block.
/// Encoders write about ten scans.
const MAX_SCANS: usize = 500;

/// The maximum number of scans if all of them are read.
const MAX_SCANS_OF_ALL: usize = 100;
