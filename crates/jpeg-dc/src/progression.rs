//! Which scans are needed, and when all of them were there.

use crate::error::Error;
use crate::frame::{Frame, Process, Scan};
use crate::options::Chroma;

/// What is known of a coefficient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// No scan yet.
    Nothing,
    /// All but so many low bits.
    AllBut(u8),
}

/// What is known of a component's coefficients, as far as they are needed: of the DC coefficient,
/// or of all 64.
type Needed = Vec<Known>;

/// Keeps account of the scans.
#[derive(Debug)]
pub(crate) struct Progression {
    process: Process,
    components: Vec<Needed>,
    /// Scans that may still come.
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

    /// All coefficients of a progressive frame.
    pub(crate) fn of_all(frame: &Frame) -> Self {
        let needed = frame.components.iter().map(|_| vec![Known::Nothing; 64]);
        let components = needed.collect();
        Self { process: frame.process, components, scans_left: MAX_SCANS_OF_ALL }
    }

    /// Notes a scan. Whether it is needed.
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
                    return Err(Error::Malformed("scans that do not follow one another"));
                }
                *known = Known::AllBut(low);
                is_needed = true;
            }
        }
        Ok(is_needed)
    }

    /// Whether something of every coefficient that is needed was there.
    pub(crate) fn is_known(&self) -> bool {
        self.components.iter().flatten().all(|&known| known != Known::Nothing)
    }

    /// Whether every bit of every coefficient that is needed was there.
    pub(crate) fn is_complete(&self) -> bool {
        self.components.iter().flatten().all(|&known| known == Known::AllBut(0))
    }
}

const INVALID: Error = Error::Malformed("a scan's band of coefficients is invalid");

/// T.81 (G.1.2.1) leaves out no more bits than this.
const MAX_LOW: u8 = 13;

/// A scan of few bytes can ask for a look at every block. Encoders write ten scans or so.
const MAX_SCANS: usize = 500;

/// The same where all of them are read.
const MAX_SCANS_OF_ALL: usize = 100;
