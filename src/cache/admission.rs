//! How many renders there are at once, and how many may wait, in all processes together.

use std::fs::TryLockError;
use std::io;
use std::thread;
use std::time::Duration;

use super::{Cache, Lock};

/// How often the one at the head of the queue looks for a free place.
const POLL: Duration = Duration::from_millis(1);

impl Cache {
    /// Wait for the right to render: `renders` have it at once. At most `queue` wait; to any
    /// more the answer is none, at once.
    ///
    /// # Errors
    /// When the files of the locks can't be created.
    pub fn admit(&self, renders: usize, queue: usize) -> io::Result<Option<Lock>> {
        if let Some(lock) = self.first_free("queue", queue.max(1))? {
            let head = self.lock_file("head")?;
            head.lock()?;
            let _head = Lock { file: head };
            let _place = lock;
            loop {
                if let Some(lock) = self.first_free("render", renders.max(1))? {
                    return Ok(Some(lock));
                }
                thread::sleep(POLL);
            }
        }
        Ok(None)
    }

    /// The first of some numbered locks that nobody holds.
    pub(super) fn first_free(&self, name: &str, count: usize) -> io::Result<Option<Lock>> {
        for number in 0..count {
            let file = self.lock_file(&format!("{name}-{number}"))?;
            match file.try_lock() {
                Ok(()) => return Ok(Some(Lock { file })),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn admits_so_many_at_once() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().to_owned());
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let _lock = cache.admit(2, 16).unwrap().unwrap();
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert!((1..=2).contains(&most.into_inner()));
    }

    #[test]
    fn refuses_more_than_may_wait() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().to_owned());
        let rendering = cache.admit(1, 1).unwrap().unwrap();
        let waiting = {
            let cache = cache.clone();
            thread::spawn(move || cache.admit(1, 1).unwrap().is_some())
        };
        let queue = temp.path().join(".lock/queue-0");
        let taken = || {
            let file = std::fs::File::open(&queue).unwrap();
            matches!(file.try_lock(), Err(TryLockError::WouldBlock))
        };
        while !taken() {
            thread::yield_now();
        }
        assert!(cache.admit(1, 1).unwrap().is_none());
        drop(rendering);
        assert!(waiting.join().unwrap());
    }
}
