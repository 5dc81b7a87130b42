//! Which scans are needed, and when all of them were there.

use crate::error::Error;
use crate::frame::{Frame, Process, Scan};

/// What is known of a component's DC coefficients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// No scan yet.
    Nothing,
    /// All but so many low bits.
    AllBut(u8),
}

/// Keeps account of the scans.
#[derive(Debug)]
pub(crate) struct Plan {
    process: Process,
    components: Vec<Known>,
}

impl Plan {
    pub(crate) fn new(frame: &Frame) -> Self {
        Self { process: frame.process, components: vec![Known::Nothing; frame.components.len()] }
    }

    /// Notes a scan. Whether it is needed, that is, carries DC coefficients.
    pub(crate) fn note(&mut self, scan: &Scan) -> Result<bool, Error> {
        let (high, low) = match self.process {
            Process::Sequential => (0, 0),
            Process::Progressive => (scan.high, scan.low),
        };
        if self.process == Process::Progressive {
            match scan.band {
                (0, 0) if low <= MAX_LOW => {}
                (0, _) => return Err(Error::Malformed("a scan's band of coefficients is invalid")),
                _ => return Ok(false),
            }
        }
        for selected in &scan.components {
            let Some(known) = self.components.get_mut(selected.component) else { continue };
            let follows = match *known {
                Known::Nothing => high == 0,
                Known::AllBut(left_out) => high == left_out && low + 1 == left_out,
            };
            if !follows {
                return Err(Error::Malformed("DC scans that do not follow one another"));
            }
            *known = Known::AllBut(low);
        }
        Ok(true)
    }

    /// Whether every bit of every DC coefficient was there.
    pub(crate) fn is_complete(&self) -> bool {
        self.components.iter().all(|&known| known == Known::AllBut(0))
    }
}

/// T.81 (G.1.2.1) leaves out no more bits than this.
const MAX_LOW: u8 = 13;
