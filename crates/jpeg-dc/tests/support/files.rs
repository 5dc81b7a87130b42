//! Finds files for the tests and benchmarks of a decoder.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Returns the JPEGs below a path, in the order of their paths. Each file is returned once, because
/// wallpapers are linked under many names.
pub(crate) fn jpegs(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    let mut waiting = vec![path.to_path_buf()];
    while let Some(path) = waiting.pop() {
        let Ok(path) = path.canonicalize() else { continue };
        if !seen.insert(path.clone()) {
            continue;
        }
        if let Ok(entries) = std::fs::read_dir(&path) {
            waiting.extend(entries.flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|ending| ending == "jpg" || ending == "jpeg") {
            let data = std::fs::read(&path).unwrap();
            found.push((path, data));
        }
    }
    found.sort();
    found
}
