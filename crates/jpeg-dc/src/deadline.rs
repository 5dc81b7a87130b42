//! The caller's time limit.

use crate::error::Error;

/// Whether the caller's time is up. The function is called about once per row of blocks, so it may
/// read a clock.
#[derive(Clone, Copy)]
pub(crate) struct Deadline<'a>(pub(crate) &'a dyn Fn() -> bool);

impl Deadline<'_> {
    /// No limit.
    pub(crate) const NONE: Deadline<'static> = Deadline(&|| false);

    pub(crate) fn check(self) -> Result<(), Error> {
        if (self.0)() { Err(Error::Expired) } else { Ok(()) }
    }
}
