//! Locks that work across threads and processes: exclusive `flock`s on files in `.lock`.
//!
//! A `flock` belongs to the open file, which a forked child shares with its parent. Without
//! precautions, the child would keep a lock after the parent was killed, and could release a lock
//! that the parent still holds. The static variable `HELD` therefore contains the files of all held
//! locks, so that a child can close them; see [`before_fork`].

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::directory::{Cache, LOCK_DIRECTORY, create_in};

/// The number of locks. A lock is a file that must not be deleted, so the number is fixed.
/// Thumbnails that share a lock wait for each other, which is rare and harmless.
const LOCKS: u64 = 1024;

/// The files of the locks that this process holds, keyed by serial number.
static HELD: Mutex<Held> = Mutex::new(Held { next: 0, files: BTreeMap::new() });

/// The number of threads that are currently taking or releasing a lock.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// The number of threads that are about to fork.
static FORKING: AtomicUsize = AtomicUsize::new(0);

struct Held {
    next: u64,
    files: BTreeMap<u64, File>,
}

fn held() -> MutexGuard<'static, Held> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls a function, and keeps the process from forking until the function returns.
fn undivided<T>(action: impl FnOnce() -> T) -> T {
    struct Busy;
    impl Drop for Busy {
        fn drop(&mut self) {
            BUSY.fetch_sub(1, Ordering::SeqCst);
        }
    }
    loop {
        BUSY.fetch_add(1, Ordering::SeqCst);
        let busy = Busy;
        if FORKING.load(Ordering::SeqCst) == 0 {
            return action();
        }
        drop(busy);
        thread::yield_now();
    }
}

/// Call this before a fork, and [`after_fork_in_parent`] and [`after_fork_in_child`] after it. This
/// function waits for threads that are taking or releasing a lock, which takes microseconds.
pub fn before_fork() {
    FORKING.fetch_add(1, Ordering::SeqCst);
    while BUSY.load(Ordering::SeqCst) > 0 {
        thread::yield_now();
    }
}

/// Lets the parent's threads take and release locks again; see [`before_fork`].
pub fn after_fork_in_parent() {
    FORKING.fetch_sub(1, Ordering::SeqCst);
}

/// Closes the files of the locks that the parent holds, without releasing the locks; see
/// [`before_fork`].
pub fn after_fork_in_child() {
    FORKING.store(0, Ordering::SeqCst);
    held().files.clear();
}

/// A lock with at most one holder at a time. It is released when it is dropped, or by the kernel
/// when the process ends. It is invalid in a child that is forked while the lock is held.
#[derive(Debug)]
pub struct Lock {
    number: u64,
}

impl Lock {
    /// Locks the file that `open` returns. Returns `None` if another thread or process has locked
    /// it.
    fn take(open: impl FnOnce() -> io::Result<File>) -> io::Result<Option<Self>> {
        undivided(|| {
            let file = open()?;
            match file.try_lock() {
                Ok(()) => {
                    let mut held = held();
                    let number = held.next;
                    held.next += 1;
                    held.files.insert(number, file);
                    Ok(Some(Self { number }))
                }
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(error),
            }
        })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        undivided(|| {
            let file = held().files.remove(&self.number);
            // Closing the file is not enough if children were forked without Python's hooks. Errors
            // can't be handled here.
            let _ = file.map(|file| file.unlock());
        });
    }
}

impl Cache {
    /// Returns the number of the lock for the thumbnail at `uri`.
    #[must_use]
    pub fn lock_number(uri: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        uri.hash(&mut hasher);
        hasher.finish() % LOCKS
    }

    /// Acquires the exclusive right to render the thumbnails that share this lock. Returns `None`
    /// if another thread or process holds it. The caller must then wait and try again, because only
    /// the caller knows what else its thread has to do.
    ///
    /// # Errors
    /// Fails if the lock's file can't be created, for example on a read-only disk.
    pub fn try_lock(&self, number: u64) -> io::Result<Option<Lock>> {
        self.try_lock_file(&format!("{number:03x}"))
    }

    /// Takes one of the `queue` places in the render queue. Returns `None` if all of them are
    /// taken.
    ///
    /// # Errors
    /// Fails if the files of the locks can't be created.
    pub fn try_enqueue(&self, queue: usize) -> io::Result<Option<Lock>> {
        self.first_free("queue", queue.max(1))
    }

    /// Takes one of the `renders` places for concurrent renders. Returns `None` if all of them are
    /// taken.
    ///
    /// # Errors
    /// Fails if the files of the locks can't be created.
    pub fn try_admit(&self, renders: usize) -> io::Result<Option<Lock>> {
        self.first_free("render", renders.max(1))
    }

    /// Takes the first free lock in a range of numbered locks.
    pub(super) fn first_free(&self, name: &str, count: usize) -> io::Result<Option<Lock>> {
        let start = self.next_place.fetch_add(1, Ordering::Relaxed);
        search(start, count, |number| self.try_lock_file(&format!("{name}-{number}")))
    }

    fn try_lock_file(&self, name: &str) -> io::Result<Option<Lock>> {
        Lock::take(|| {
            create_in(&self.directory.join(LOCK_DIRECTORY), |directory| {
                let mut options = OpenOptions::new();
                options.create(true).truncate(false).write(true).open(directory.join(name))
            })
        })
    }
}

/// Iterates over the numbers below `count`, beginning at `start`. If every search began at 0, each
/// one would first have to try the numbers that are already taken.
fn search<T>(
    start: usize,
    count: usize,
    mut take: impl FnMut(usize) -> io::Result<Option<T>>,
) -> io::Result<Option<T>> {
    for step in 0..count {
        if let Some(taken) = take(start.wrapping_add(step) % count)? {
            return Ok(Some(taken));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn lets_one_at_a_time_make_a_thumbnail() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::new(temp.path().to_owned());
        let (inside, made) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let number = Cache::lock_number("/t/1x1/a");
                    let _lock = loop {
                        match cache.try_lock(number).unwrap() {
                            Some(lock) => break lock,
                            None => thread::yield_now(),
                        }
                    };
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    if !cache.path("/t/1x1/a").unwrap().exists() {
                        made.fetch_add(1, Ordering::SeqCst);
                        cache.publish("/t/1x1/a", b"thumbnail", None).unwrap();
                    }
                    inside.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn admits_and_enqueues_no_more_than_the_given_number() {
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

    #[test]
    fn finds_a_free_place_without_trying_all_that_are_taken() {
        const PLACES: usize = 256;
        let mut is_taken = [false; PLACES];
        let mut attempts = 0;
        for start in 0..PLACES {
            let found = search(start, PLACES, |number| {
                attempts += 1;
                Ok((!std::mem::replace(&mut is_taken[number], true)).then_some(number))
            });
            assert!(found.unwrap().is_some());
        }
        assert_eq!(attempts, PLACES);
        let mut tried = Vec::new();
        let none = search::<()>(usize::MAX, 4, |number| {
            tried.push(number);
            Ok(None)
        });
        assert!(none.unwrap().is_none());
        assert_eq!(tried, [3, 0, 1, 2]);
    }
}
