//! Several thumbnails at once, over plain threads.
//!
//! The threads live for one call only. A pool that outlives the call would be missing in a
//! child that was forked after it was started, and whoever waits for it would wait for ever.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Do the same work for each of so many items, and return what came out, in their order. Each
/// thread takes the next item when it is done with one.
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
            // Too few threads are no failure: this one does what is left.
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
