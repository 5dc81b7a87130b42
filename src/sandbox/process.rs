//! The kernel's settings for the process as a whole.

use std::time::Duration;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getrlimit, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use rustix::thread::set_no_new_privs;
use rustix::time::{ClockId, clock_gettime};

use crate::error::SandboxError;

fn refused(error: rustix::io::Errno) -> SandboxError {
    SandboxError::Refused("the process", error.to_string())
}

pub(super) fn harden() -> Result<(), SandboxError> {
    set_no_new_privs(true).map_err(refused)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(refused)?;
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(refused)?;
    // When the clock is first read, rustix looks it up with a call that the layers do not allow.
    let _ = clock_gettime(ClockId::ProcessCPUTime);
    Ok(())
}

pub(super) fn limit_processor_time(seconds: f64) -> Result<(), SandboxError> {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let used = Duration::new(used.tv_sec.unsigned_abs(), 0);
    // The used time and the given time are both rounded up to whole seconds.
    let more = Duration::try_from_secs_f64(seconds.max(0.0).ceil() + 2.0).unwrap_or(Duration::MAX);
    let limit = used.saturating_add(more).as_secs();
    let Rlimit { maximum, .. } = getrlimit(Resource::Cpu);
    let current = Some(maximum.map_or(limit, |maximum| limit.min(maximum)));
    setrlimit(Resource::Cpu, Rlimit { current, maximum }).map_err(refused)
}
