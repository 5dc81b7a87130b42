//! The part of a file that the decoder needs.

use std::io::{self, Read};

use crate::entropy::find_end;
use crate::error::{ENDS_EARLY, Error};
use crate::marker::{Found, Reader};
use crate::options::Options;
use crate::progression::Progression;

/// The number of bytes to read from a source at once.
const CHUNK: u64 = 64 * 1024;

/// Finds the end of the part that [`decode`](crate::decode) needs, while the file arrives piece by
/// piece.
///
/// A progressive file stores its DC coefficients in some of its scans, often in the first half of
/// the file, so you do not have to fetch the rest. A baseline file is needed up to the end of its
/// scans.
///
/// ```
/// # fn main() -> Result<(), jpeg_dc::Error> {
/// # let file = include_bytes!("../tests/data/progressive.jpg");
/// let mut prefix = jpeg_dc::Prefix::new(jpeg_dc::Options::new());
/// let mut received = Vec::new();
/// for piece in file.chunks(100) {
///     received.extend_from_slice(piece);
///     if let Some(length) = prefix.find(&received)? {
///         received.truncate(length);
///         break;
///     }
/// }
/// assert!(received.len() < file.len());
/// let image = jpeg_dc::decode(&received, &jpeg_dc::Options::new())?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Prefix {
    options: Options,
    reader: Reader,
    progression: Option<Progression>,
    /// Within a scan, the position that the search for its end has reached.
    looked_at: Option<usize>,
}

impl Prefix {
    /// Starts the search in a new file.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, reader: Reader::default(), progression: None, looked_at: None }
    }

    /// Whether the headers that have been read describe a sequential file, which is needed up to
    /// the end of its scans.
    #[must_use]
    pub fn is_sequential(&self) -> bool {
        self.progression.as_ref().is_some_and(Progression::is_sequential)
    }

    /// Returns the length of the part that is needed, or `None` if `data` does not contain all of
    /// it. `data` is the file from its first byte on, and must be at least as long as in the
    /// previous call. No byte is searched twice.
    ///
    /// # Errors
    /// The error that [`decode`](crate::decode) would return for the headers alone.
    pub fn find(&mut self, data: &[u8]) -> Result<Option<usize>, Error> {
        loop {
            if let Some(from) = self.looked_at {
                match find_end(data, from) {
                    Ok(end) => self.reader.resume_at(end),
                    Err(looked_at) => {
                        self.looked_at = Some(looked_at);
                        return Ok(None);
                    }
                }
                self.looked_at = None;
                if self.progression.as_ref().is_some_and(Progression::is_complete) {
                    return Ok(Some(self.reader.position()));
                }
            }
            match self.reader.advance(data)? {
                Found::Frame => {
                    let frame = self.reader.frame()?;
                    self.options.check(frame)?;
                    self.progression = Some(Progression::new(frame, self.options.chroma));
                }
                Found::Scan(scan) => {
                    if let Some(progression) = &mut self.progression {
                        progression.record(&scan)?;
                    }
                    self.looked_at = Some(self.reader.position());
                }
                Found::End => {
                    return Err(ENDS_EARLY);
                }
                Found::NeedMore => return Ok(None),
            }
        }
    }
}

/// Reads from `source` the part that [`decode`](crate::decode) needs, and appends it to `data`.
/// `data` is empty, or holds the start of the file. Reading stops early if the headers show that
/// `decode` will refuse the file. If `decode` fails, read the rest and use a full decoder.
///
/// # Errors
/// Fails if `source` can't be read.
pub fn read_needed(mut source: impl Read, data: &mut Vec<u8>, options: &Options) -> io::Result<()> {
    let mut prefix = Prefix::new(*options);
    while let Ok(None) = prefix.find(data) {
        if source.by_ref().take(CHUNK).read_to_end(data)? == 0 {
            break;
        }
    }
    Ok(())
}
