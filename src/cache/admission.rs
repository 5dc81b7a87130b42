//! How many renders there are at once, and how many may wait, in all processes together.

use std::io;

use super::{Cache, Lock};

impl Cache {
    /// A place in the queue for the right to render, or nothing when as many as `queue` wait.
    ///
    /// # Errors
    /// When the files of the locks can't be created.
    pub fn try_enqueue(&self, queue: usize) -> io::Result<Option<Lock>> {
        self.first_free("queue", queue.max(1))
    }

    /// The right to render, which as many as `renders` have at once, or nothing for now.
    ///
    /// # Errors
    /// When the files of the locks can't be created.
    pub fn try_admit(&self, renders: usize) -> io::Result<Option<Lock>> {
        self.first_free("render", renders.max(1))
    }

    /// The first of some numbered locks that nobody holds.
    pub(super) fn first_free(&self, name: &str, count: usize) -> io::Result<Option<Lock>> {
        for number in 0..count {
            if let Some(lock) = self.try_lock_file(&format!("{name}-{number}"))? {
                return Ok(Some(lock));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admits_so_many_at_once_and_lets_so_many_wait() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().to_owned());
        let take_two = |take: &dyn Fn() -> io::Result<Option<Lock>>| {
            let held = [take().unwrap().unwrap(), take().unwrap().unwrap()];
            assert!(take().unwrap().is_none());
            drop(held);
            assert!(take().unwrap().is_some());
        };
        take_two(&|| cache.try_admit(2));
        take_two(&|| cache.try_enqueue(2));
    }
}
