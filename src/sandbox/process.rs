//! What the kernel knows about the process as a whole.

use rustix::process::{
    DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal,
};
use rustix::thread::set_no_new_privs;

use crate::error::SandboxError;

pub(super) fn harden() -> Result<(), SandboxError> {
    let refused =
        |error: rustix::io::Errno| SandboxError::Refused("the process", error.to_string());
    set_no_new_privs(true).map_err(refused)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(refused)?;
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(refused)
}
