//! Renders several thumbnails at once, with plain threads.
//!
//! The threads exist only during one call. The threads of a longer-lived pool would not exist in a
//! forked child, and the child would wait for them forever.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Calls a function for each item, and returns the results in the order of the items. When a thread
/// has finished an item, it takes the next one.
pub fn each<T: Send>(
    items: usize,
    threads: NonZeroUsize,
    work: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items));
    let run = || {
        loop {
            let item = next.fetch_add(1, Ordering::Relaxed);
            if item >= items {
                break;
            }
            let result = work(item);
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((item, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.get().min(items) {
            // It does not matter if fewer threads start: this thread does the rest.
            let _ = thread::Builder::new().spawn_scoped(scope, run);
        }
        run();
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|&(item, _)| item);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order() {
        for threads in 1..5 {
            let threads = NonZeroUsize::new(threads).unwrap();
            assert_eq!(each(0, threads, |item| item), Vec::<usize>::new());
            let squares: Vec<_> = (0..100).map(|item| item * item).collect();
            assert_eq!(each(100, threads, |item| item * item), squares);
        }
    }
}
