//! Sources of which no more is read than is needed: on disk, and such as arrive.

use std::fs::{self, File};
use std::io::{self, Read, Take};
use std::path::Path;

use jpeg_dc::{Chroma, Options, Prefix, read_needed};

use super::limits::Limits;
use crate::error::ThumbnailError;

/// How a JPEG begins: with the marker SOI, and another one.
const JPEG: [u8; 3] = [0xff, 0xd8, 0xff];

/// A file of which no more is read than is needed.
pub struct SourceFile {
    file: Take<File>,
    /// In bytes.
    size: u64,
    read: Vec<u8>,
}

impl SourceFile {
    /// Open a file, if it is not larger than the limits allow.
    ///
    /// # Errors
    /// Outside: it can't be read, or is no regular file (`NotFound`). Inside: it is too large.
    pub fn open(path: &Path, limits: &Limits) -> io::Result<Result<Self, ThumbnailError>> {
        // Asked before the file is opened: opening a FIFO would wait for a writer.
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "it is not a regular file"));
        }
        if let Err(error) = limits.check_bytes(metadata.len()) {
            return Ok(Err(error));
        }
        let read = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        // The file may have grown meanwhile.
        let file = File::open(path)?.take(limits.max_bytes.saturating_add(1));
        Ok(Ok(Self { file, size: metadata.len(), read }))
    }

    /// Its first bytes: of a progressive JPEG as many as a thumbnail of an eighth of its size
    /// takes, which may be a small part of it. `None` when it takes the whole file.
    ///
    /// # Errors
    /// It can't be read.
    pub fn start(&mut self) -> io::Result<Option<&[u8]>> {
        self.file.by_ref().take(JPEG.len() as u64).read_to_end(&mut self.read)?;
        if self.read != JPEG {
            return Ok(None);
        }
        read_needed(&mut self.file, &mut self.read, &Options::new().chroma(Chroma::Dc))?;
        Ok(((self.read.len() as u64) < self.size).then_some(&self.read))
    }

    /// All of its bytes.
    ///
    /// # Errors
    /// It can't be read.
    pub fn all(&mut self) -> io::Result<&[u8]> {
        self.file.read_to_end(&mut self.read)?;
        Ok(&self.read)
    }
}

/// An image that arrives piece by piece.
#[derive(Debug)]
pub struct Incoming {
    content: Vec<u8>,
    /// None once it is known how much is needed, or that it is all.
    needed: Option<Prefix>,
}

impl Default for Incoming {
    fn default() -> Self {
        let needed = Some(Prefix::new(Options::new().chroma(Chroma::Dc)));
        Self { content: Vec::new(), needed }
    }
}

impl Incoming {
    /// Take the next piece. True with the piece that completes what a thumbnail of an eighth of a
    /// JPEG's size takes, which of a progressive one may be a small part.
    pub fn feed(&mut self, piece: &[u8]) -> bool {
        self.content.extend_from_slice(piece);
        let Some(needed) = &mut self.needed else { return false };
        let found = needed.find(&self.content);
        if !matches!(found, Ok(None)) {
            self.needed = None;
        }
        matches!(found, Ok(Some(_)))
    }

    /// What has arrived.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_when_enough_of_a_progressive_jpeg_has_arrived() {
        let long = [PROGRESSIVE, &vec![0; 500_000]].concat();
        let mut incoming = Incoming::default();
        let enough = long.chunks(100).position(|piece| incoming.feed(piece)).unwrap();
        assert!(incoming.content().len() < PROGRESSIVE.len());
        assert_eq!(incoming.content(), &long[..(enough + 1) * 100]);
        assert!(!incoming.feed(&long[incoming.content().len()..]));
        assert_eq!(incoming.content(), long);
    }

    #[test]
    fn wants_all_of_what_is_no_jpeg() {
        let mut incoming = Incoming::default();
        assert!(!vec![0; 10_000].chunks(100).any(|piece| incoming.feed(piece)));
        assert_eq!(incoming.content(), [0; 10_000]);
    }

    const PROGRESSIVE: &[u8] = include_bytes!("../../crates/jpeg-dc/tests/data/progressive.jpg");

    /// What of a file is read at first, and whether all of it can be had after that.
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
    fn reads_other_files_whole() {
        assert_eq!(start_of(PROGRESSIVE), None);
        assert_eq!(start_of(b""), None);
        assert_eq!(start_of(&vec![0; 500_000]), None);
    }

    #[test]
    fn refuses_what_is_no_file_and_what_is_too_large() {
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
