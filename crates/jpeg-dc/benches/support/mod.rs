//! Helpers for the benchmarks.

#![allow(dead_code, reason = "each benchmark uses only part of it")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

#[path = "../../tests/support/files.rs"]
mod files;

/// Returns the JPEGs below these paths. If no path is given, returns the photographs in Debian's
/// package `plasma-workspace-wallpapers`.
pub(crate) fn collect(mut sources: Vec<PathBuf>) -> Vec<(PathBuf, Vec<u8>)> {
    if sources.is_empty() {
        sources.push(PathBuf::from("/usr/share/wallpapers"));
    }
    sources.iter().flat_map(|source| files::jpegs(source)).collect()
}

/// The CPU time of this thread.
#[derive(Clone, Copy)]
pub(crate) struct Processor(Duration);

impl Processor {
    pub(crate) fn now() -> Self {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Self(Duration::try_from(time).unwrap())
    }

    pub(crate) fn elapsed(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

pub(crate) fn shortened(path: &Path) -> String {
    let name = path.to_string_lossy();
    let name = name.strip_prefix("/usr/share/wallpapers/").unwrap_or(&name);
    name.replace("/contents", "")
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
