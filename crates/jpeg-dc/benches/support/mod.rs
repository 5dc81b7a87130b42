//! What the benchmarks share.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Every JPEG once: wallpapers are linked under many names.
pub(crate) fn collect(path: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    let mut seen = HashSet::new();
    let mut waiting = vec![path.to_path_buf()];
    while let Some(path) = waiting.pop() {
        let Ok(path) = path.canonicalize() else { continue };
        if !seen.insert(path.clone()) {
            continue;
        }
        if let Ok(entries) = std::fs::read_dir(&path) {
            waiting.extend(entries.flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|ending| ending == "jpg" || ending == "jpeg") {
            files.push((path.clone(), std::fs::read(path).unwrap()));
        }
    }
}

/// The time this thread has run.
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
