//! The `image` crate's decoder for BMP files.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};

use image::codecs::bmp::BmpDecoder;
use image::{ImageDecoder, ImageResult};

/// Reads the header of a BMP file. The decoder calls `goes_on` for each 64 KiB of the source, and
/// fails if it returns false.
///
/// # Errors
/// Fails if the header is invalid.
pub fn bmp<'a>(
    source: &'a [u8],
    goes_on: &'a dyn Fn() -> bool,
) -> ImageResult<Box<dyn ImageDecoder + 'a>> {
    let source = Stoppable { source: Cursor::new(source), unchecked: 0, goes_on };
    Ok(Box::new(BmpDecoder::new(source)?))
}

/// The number of bytes of a source after which `goes_on` is called.
const PIECE: usize = 64 * 1024;

/// A reader that the caller can stop.
struct Stoppable<'a> {
    source: Cursor<&'a [u8]>,
    unchecked: usize,
    goes_on: &'a dyn Fn() -> bool,
}

impl Stoppable<'_> {
    #[inline]
    fn check(&mut self, bytes: usize) -> io::Result<()> {
        self.unchecked += bytes;
        if self.unchecked < PIECE {
            return Ok(());
        }
        self.unchecked = 0;
        if (self.goes_on)() { Ok(()) } else { Err(io::Error::other("the caller stopped it")) }
    }
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.check(length)?;
        Ok(length)
    }

    // Inline, because the decoder reads one pixel at a time.
    #[inline]
    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.source.read_exact(buffer)?;
        self.check(buffer.len())
    }
}

impl BufRead for Stoppable<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.source.consume(amount);
    }
}

impl Seek for Stoppable<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.source.seek(position)
    }
}
