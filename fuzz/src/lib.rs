//! What the targets have in common.

use std::panic;

/// Let the panics of other crates pass, as the bindings do: they catch them, and call the source
/// corrupt. Those of this package still end the run.
///
/// The fuzzer's own hook ends it at every panic, so this must come before the first input.
pub fn allow_panics_of_decoders() {
    let abort = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let is_ours = info.location().is_none_or(|at| !at.file().contains("/registry/src/"));
        if is_ours {
            abort(info);
        }
    }));
}

/// Run what may panic in a decoder.
pub fn guarded(work: impl FnOnce()) {
    let _ = panic::catch_unwind(panic::AssertUnwindSafe(work));
}
