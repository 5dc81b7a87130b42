//! Helpers for the targets.

use std::panic;

/// Makes the fuzzer ignore panics in other crates, because the bindings catch them and report the
/// source as corrupt. Panics in this package still end the run.
///
/// The fuzzer's own hook ends the run at every panic, so this function must be called before the
/// first input.
pub fn allow_panics_of_decoders() {
    let abort = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let is_ours = info.location().is_none_or(|at| !at.file().contains("/registry/src/"));
        if is_ours {
            abort(info);
        }
    }));
}

/// Runs code in which a decoder may panic.
pub fn guarded(work: impl FnOnce()) {
    let _ = panic::catch_unwind(panic::AssertUnwindSafe(work));
}
