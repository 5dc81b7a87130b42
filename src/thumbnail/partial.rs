//! Sources that are read only as far as necessary: files and streams.
//!
//! For a thumbnail at one eighth of the size of a progressive JPEG, only the first scans are
//! needed. They may be only a small part of the file.

use std::fs::File;
use std::io::{self, Read, Take};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use jpeg_dc::{Chroma, Options, Prefix, read_needed};
use rustix::fs::{CWD, Mode, OFlags, openat};

use super::limits::Limits;
use crate::error::ThumbnailError;

/// The start of a JPEG: the SOI marker, followed by another marker.
const JPEG: [u8; 3] = [0xff, 0xd8, 0xff];

/// Opens a file for reading. Opening a FIFO or a device has no side effects.
///
/// # Errors
/// Fails if the file can't be opened.
pub fn open(path: &Path) -> io::Result<File> {
    // Without these flags, opening a FIFO would wait for a writer, and a terminal that is opened
    // could become the controlling terminal.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(openat(CWD, path, flags, Mode::empty())?.into())
}

/// A file that is read only as far as necessary.
pub struct SourceFile {
    file: Take<Positioned>,
    /// The size in bytes.
    size: u64,
    read: Vec<u8>,
}

impl SourceFile {
    /// Opens a file whose size is within the limits.
    ///
    /// # Errors
    /// The outer error means that the file can't be read. It is `NotFound` if the file is not a
    /// regular file. The inner error means that the file is too large.
    pub fn open(path: &Path, limits: &Limits) -> io::Result<Result<Self, ThumbnailError>> {
        Self::from_file(open(path)?, limits)
    }

    /// Uses an open file whose size is within the limits. The file is read from its start. The
    /// descriptor's position does not matter, and does not change.
    ///
    /// # Errors
    /// See [`open`](Self::open).
    pub fn from_file(file: File, limits: &Limits) -> io::Result<Result<Self, ThumbnailError>> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "it is not a regular file"));
        }
        if let Err(error) = limits.check_bytes(metadata.len()) {
            return Ok(Err(error));
        }
        let read = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        // The file may have grown in the meantime.
        let file = Positioned { file, position: 0 }.take(limits.max_bytes.saturating_add(1));
        Ok(Ok(Self { file, size: metadata.len(), read }))
    }

    /// Returns the start of the file, as far as a thumbnail at one eighth of a JPEG's size needs
    /// it. Returns `None` if the whole file is needed.
    ///
    /// # Errors
    /// Fails if the file can't be read.
    pub fn start(&mut self) -> io::Result<Option<&[u8]>> {
        self.file.by_ref().take(JPEG.len() as u64).read_to_end(&mut self.read)?;
        if self.read != JPEG {
            return Ok(None);
        }
        read_needed(&mut self.file, &mut self.read, &Options::new().chroma(Chroma::Dc))?;
        Ok(((self.read.len() as u64) < self.size).then_some(&self.read))
    }

    /// Returns the first `length` bytes of the file, or fewer if the file is shorter.
    ///
    /// # Errors
    /// Fails if the file can't be read.
    pub fn head(&mut self, length: usize) -> io::Result<&[u8]> {
        let missing = length.saturating_sub(self.read.len()) as u64;
        self.file.by_ref().take(missing).read_to_end(&mut self.read)?;
        Ok(self.read.get(..length).unwrap_or(&self.read))
    }

    /// Returns the whole file.
    ///
    /// # Errors
    /// Fails if the file can't be read.
    pub fn all(&mut self) -> io::Result<&[u8]> {
        self.file.read_to_end(&mut self.read)?;
        Ok(&self.read)
    }
}

/// A reader with its own position, because copies of a descriptor share one position.
struct Positioned {
    file: File,
    position: u64,
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.position)?;
        self.position += length as u64;
        Ok(length)
    }
}

/// A source that arrives in pieces.
#[derive(Debug)]
pub struct StreamedSource {
    content: Arc<Vec<u8>>,
    /// `None` once the search for the first scans has ended.
    needed: Option<Prefix>,
    /// Whether the search has ended without a result.
    needs_all: bool,
}

impl StreamedSource {
    /// Creates a source of up to `capacity` bytes. The system provides memory only for bytes that
    /// have arrived. A buffer that grows would be copied again and again, and would take twice the
    /// memory during each copy.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let mut content = Vec::new();
        // If there is not enough address space, the buffer grows on demand.
        let _ = content.try_reserve_exact(capacity);
        let needed = Some(Prefix::new(Options::new().chroma(Chroma::Dc)));
        Self { content: Arc::new(content), needed, needs_all: false }
    }

    /// Adds the next piece. Returns true if this piece completes the bytes that a thumbnail at one
    /// eighth of a JPEG's size needs.
    pub fn feed(&mut self, piece: &[u8]) -> bool {
        Arc::make_mut(&mut self.content).extend_from_slice(piece);
        let Some(needed) = &mut self.needed else { return false };
        let found = needed.find(&self.content);
        if !matches!(found, Ok(None)) {
            self.needed = None;
        }
        self.needs_all = found.is_err();
        matches!(found, Ok(Some(_)))
    }

    /// Whether it is already known that every thumbnail needs the whole image.
    #[must_use]
    pub fn needs_all(&self) -> bool {
        self.needs_all || self.needed.as_ref().is_some_and(Prefix::is_sequential)
    }

    /// The bytes that have arrived so far.
    #[must_use]
    pub const fn content(&self) -> &Arc<Vec<u8>> {
        &self.content
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn knows_when_enough_of_a_progressive_jpeg_has_arrived() {
        let long = [PROGRESSIVE, &vec![0; 500_000]].concat();
        let mut source = StreamedSource::new(0);
        let enough = long.chunks(100).position(|piece| source.feed(piece)).unwrap();
        assert!(source.content().len() < PROGRESSIVE.len());
        assert_eq!(source.content()[..], long[..(enough + 1) * 100]);
        assert!(!source.feed(&long[source.content().len()..]));
        assert_eq!(**source.content(), long);
    }

    #[test]
    fn knows_when_all_of_an_image_is_needed() {
        let needs_all = |image: &[u8]| {
            let mut source = StreamedSource::new(0);
            source.feed(image);
            source.needs_all()
        };
        assert!(needs_all(b"RIFF\0\0\0\0WEBP"));
        assert!(!needs_all(&PROGRESSIVE[..600]));
        assert!(!needs_all(PROGRESSIVE));
        let frame = PROGRESSIVE.windows(2).position(|pair| pair == [0xff, 0xc2]).unwrap();
        let mut baseline = PROGRESSIVE.to_vec();
        baseline[frame + 1] = 0xc0;
        assert!(!needs_all(&baseline[..frame]));
        assert!(needs_all(&baseline[..frame + 40]));
    }

    #[test]
    fn other_formats_are_needed_whole() {
        let mut source = StreamedSource::new(0);
        assert!(!vec![0; 10_000].chunks(100).any(|piece| source.feed(piece)));
        assert_eq!(**source.content(), [0; 10_000]);
    }

    const PROGRESSIVE: &[u8] = include_bytes!("../../crates/jpeg-dc/tests/data/progressive.jpg");

    /// Returns the length of the start of a file, after checking that the whole file can still be
    /// read afterwards.
    fn start_of(content: &[u8]) -> Option<usize> {
        let temp = tempfile::NamedTempFile::new().unwrap();
        fs::write(temp.path(), content).unwrap();
        let mut file = SourceFile::open(temp.path(), &Limits::default()).unwrap().unwrap();
        let start = file.start().unwrap().map(|start| {
            assert!(content.starts_with(start));
            start.len()
        });
        assert_eq!(file.all().unwrap(), content);
        start
    }

    #[test]
    fn reads_the_start_of_a_progressive_jpeg() {
        let long = [PROGRESSIVE, &vec![0; 500_000]].concat();
        assert!(start_of(&long).unwrap() < 100_000);
    }

    #[test]
    fn copies_of_a_descriptor_do_not_disturb_each_other() {
        let temp = tempfile::NamedTempFile::new().unwrap();
        fs::write(temp.path(), b"abcdef").unwrap();
        let mut file = File::open(temp.path()).unwrap();
        file.read_exact(&mut [0; 4]).unwrap();
        let source = || {
            let copy = file.try_clone().unwrap();
            SourceFile::from_file(copy, &Limits::default()).unwrap().unwrap()
        };
        let (mut one, mut other) = (source(), source());
        assert_eq!(one.start().unwrap(), None);
        assert_eq!(other.all().unwrap(), b"abcdef");
        assert_eq!(one.all().unwrap(), b"abcdef");
    }

    #[test]
    fn reads_other_files_whole() {
        assert_eq!(start_of(PROGRESSIVE), None);
        assert_eq!(start_of(b""), None);
        assert_eq!(start_of(&vec![0; 500_000]), None);
    }

    #[test]
    fn refuses_directories_and_files_that_are_too_large() {
        let temp = tempfile::tempdir().unwrap();
        let kind = SourceFile::open(temp.path(), &Limits::default()).err().unwrap().kind();
        assert_eq!(kind, io::ErrorKind::NotFound);
        let path = temp.path().join("large");
        fs::write(&path, [0; 11]).unwrap();
        let limits = Limits { max_bytes: 10, ..Limits::default() };
        let refused = SourceFile::open(&path, &limits).unwrap().err();
        assert!(matches!(refused, Some(ThumbnailError::TooLarge { .. })));
    }
}
