//! Reads the marker segments, and keeps the data that the scans need: the frame, the tables and the
//! restart interval.

use memchr::memchr;

use crate::error::Error;
use crate::frame::{Frame, Process, Scan};
use crate::huffman::Code;
use crate::image::Color;

const SOF0: u8 = 0xC0;
const SOF1: u8 = 0xC1;
const SOF2: u8 = 0xC2;
const DHT: u8 = 0xC4;
const JPG: u8 = 0xC8;
const DAC: u8 = 0xCC;
const RST0: u8 = 0xD0;
const RST7: u8 = 0xD7;
const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const DQT: u8 = 0xDB;
const DRI: u8 = 0xDD;
const APP0: u8 = 0xE0;
const APP14: u8 = 0xEE;
const TEM: u8 = 0x01;

/// The result of [`Reader::advance`].
#[derive(Debug)]
pub(crate) enum Found {
    /// The frame header was read.
    Frame,
    /// A scan header was read; its entropy-coded data starts at [`Reader::position`].
    Scan(Scan),
    /// The end of the image was reached.
    End,
    /// The data ends within a segment or before one. The reader continues when it gets more data.
    NeedMore,
}

/// A quantisation table, in zigzag order.
pub(crate) type Quantisation = [u16; 64];

/// Reads marker segments one after the other.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    position: usize,
    started: bool,
    jfif: bool,
    adobe_transform: Option<u8>,
    pub(crate) frame: Option<Frame>,
    quantisation: [Option<Quantisation>; 4],
    dc: [Option<Code>; 4],
    ac: [Option<Code>; 4],
    /// The number of MCUs between two restart markers; 0 if there are no such markers.
    pub(crate) restart_interval: usize,
}

impl Reader {
    /// The position of the reader, which is after the last segment that was read.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Continues after a scan's entropy-coded data.
    pub(crate) fn resume_at(&mut self, position: usize) {
        self.position = position;
    }

    /// The frame. Its header precedes every scan.
    pub(crate) fn frame(&self) -> Result<&Frame, Error> {
        self.frame.as_ref().ok_or(Error::Malformed("a scan comes before the frame header"))
    }

    pub(crate) fn quantisation(&self, number: u8) -> Result<&Quantisation, Error> {
        let table = self.quantisation.get(usize::from(number)).and_then(Option::as_ref);
        table.ok_or(Error::Malformed("a quantisation table is missing"))
    }

    pub(crate) fn dc_code(&self, number: usize) -> Result<&Code, Error> {
        let code = self.dc.get(number).and_then(Option::as_ref);
        let code = code.ok_or(Error::Unsupported("a Huffman table is missing"))?;
        if !code.is_dc() {
            return Err(Error::Malformed("a DC Huffman table has a symbol above 15"));
        }
        Ok(code)
    }

    pub(crate) fn ac_code(&self, number: usize) -> Result<&Code, Error> {
        let code = self.ac.get(number).and_then(Option::as_ref);
        code.ok_or(Error::Unsupported("a Huffman table is missing"))
    }

    /// The colour components of the frame.
    pub(crate) fn color(&self) -> Color {
        match self.frame.as_ref().map(|frame| frame.components.len()) {
            Some(1) => Color::Gray,
            _ if self.is_rgb() => Color::Rgb,
            _ => Color::YCbCr,
        }
    }

    /// Whether three components are red, green and blue instead of `YCbCr`. Without a JFIF or Adobe
    /// segment, libjpeg's heuristic decides.
    fn is_rgb(&self) -> bool {
        let ids: Vec<u8> = self.frame.iter().flat_map(|f| &f.components).map(|c| c.id).collect();
        if ids.len() != 3 || self.jfif {
            return false;
        }
        self.adobe_transform.map_or(ids == *b"RGB", |transform| transform == 0)
    }

    /// The start of a new file. With it, components stand for the same colours as in this file.
    pub(crate) fn color_segments(&self) -> Vec<u8> {
        let mut start = vec![0xFF, SOI];
        if self.jfif {
            start.extend([0xFF, APP0, 0, 16]);
            start.extend(b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
        }
        if let Some(transform) = self.adobe_transform {
            start.extend([0xFF, APP14, 0, 14]);
            start.extend(b"Adobe\0\x64\0\0\0\0");
            start.push(transform);
        }
        start
    }

    /// Reads up to the next frame header, scan header or end. `data` is the file from its start;
    /// after [`Found::NeedMore`], the method may be called again with more data.
    pub(crate) fn advance(&mut self, data: &[u8]) -> Result<Found, Error> {
        if !self.started {
            match data {
                [0xFF, SOI, ..] => {}
                [] | [0xFF] => return Ok(Found::NeedMore),
                _ => return Err(Error::Malformed("the file does not start like a JPEG")),
            }
            self.position = 2;
            self.started = true;
        }
        loop {
            let (marker, start) = match next_marker(data, self.position) {
                Ok(found) => found,
                Err(looked_at) => {
                    self.position = looked_at;
                    return Ok(Found::NeedMore);
                }
            };
            if matches!(marker, RST0..=RST7 | TEM) {
                self.position = start;
                continue;
            }
            match marker {
                EOI => return Ok(Found::End),
                SOI => return Err(Error::Malformed("the file has a second start of an image")),
                _ => {}
            }
            let Some(length) = data.get(start..).and_then(|d| d.first_chunk::<2>()) else {
                return Ok(Found::NeedMore);
            };
            let length = usize::from(u16::from_be_bytes(*length));
            if length < 2 {
                return Err(Error::Malformed("a segment is shorter than its length field"));
            }
            let Some(payload) = data.get(start + 2..start + length) else {
                return Ok(Found::NeedMore);
            };
            let found = self.segment(marker, payload)?;
            self.position = start + length;
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }

    fn segment(&mut self, marker: u8, payload: &[u8]) -> Result<Option<Found>, Error> {
        match marker {
            SOF0 | SOF1 => return self.start_frame(Process::Sequential, payload),
            SOF2 => return self.start_frame(Process::Progressive, payload),
            DHT => self.huffman_tables(payload)?,
            DQT => self.quantisation_tables(payload)?,
            DRI => {
                let &[high, low] = payload else {
                    return Err(Error::Malformed("a DRI segment has the wrong length"));
                };
                self.restart_interval = usize::from(u16::from_be_bytes([high, low]));
            }
            SOS => {
                let scan = Scan::parse(self.frame()?, payload)?;
                return Ok(Some(Found::Scan(scan)));
            }
            APP0 => self.jfif |= payload.len() >= 12 && payload.starts_with(b"JFIF\0"),
            APP14 => {
                if let (true, Some(&transform)) = (payload.starts_with(b"Adobe"), payload.get(11)) {
                    self.adobe_transform = Some(transform);
                }
            }
            JPG | 0xC3 | 0xC5..=0xCF if marker != DAC => {
                return Err(Error::Unsupported(
                    "the coding is arithmetic, lossless or hierarchical",
                ));
            }
            _ => {}
        }
        Ok(None)
    }

    fn start_frame(&mut self, process: Process, payload: &[u8]) -> Result<Option<Found>, Error> {
        if self.frame.is_some() {
            return Err(Error::Malformed("the file has a second frame header"));
        }
        self.frame = Some(Frame::parse(process, payload)?);
        Ok(Some(Found::Frame))
    }

    fn huffman_tables(&mut self, mut payload: &[u8]) -> Result<(), Error> {
        let malformed = Error::Malformed("the length of a DHT segment does not match its tables");
        while let Some((&class_and_number, rest)) = payload.split_first() {
            let (&counts, rest) = rest.split_first_chunk::<16>().ok_or(malformed)?;
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            if total > 256 {
                return Err(malformed);
            }
            let (symbols, rest) = rest.split_at_checked(total).ok_or(malformed)?;
            let tables = match class_and_number >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(malformed),
            };
            let slot = tables.get_mut(usize::from(class_and_number & 15)).ok_or(malformed)?;
            *slot = Some(Code::new(counts, symbols)?);
            payload = rest;
        }
        Ok(())
    }

    fn quantisation_tables(&mut self, mut payload: &[u8]) -> Result<(), Error> {
        let malformed = Error::Malformed("the length of a DQT segment does not match its tables");
        while let Some((&precision_and_number, rest)) = payload.split_first() {
            let mut table = [0; 64];
            let number = usize::from(precision_and_number & 15);
            let slot = self.quantisation.get_mut(number).ok_or(malformed)?;
            payload = match precision_and_number >> 4 {
                0 => {
                    let (values, rest) = rest.split_first_chunk::<64>().ok_or(malformed)?;
                    table = values.map(u16::from);
                    rest
                }
                1 => {
                    let (values, rest) = rest.split_first_chunk::<128>().ok_or(malformed)?;
                    for (entry, value) in table.iter_mut().zip(values.chunks_exact(2)) {
                        *entry = value.iter().fold(0, |high, &low| high << 8 | u16::from(low));
                    }
                    rest
                }
                _ => return Err(malformed),
            };
            *slot = Some(table);
        }
        Ok(())
    }
}

/// Finds the next marker at or after `from`, and the position of its segment's length. If there is
/// no marker, the error is the position from which to continue the search when more data has
/// arrived. Other bytes are skipped, as in libjpeg.
fn next_marker(data: &[u8], from: usize) -> Result<(u8, usize), usize> {
    let mut at = from;
    loop {
        let rest = data.get(at..).unwrap_or_default();
        let start = at + memchr(0xFF, rest).ok_or(data.len().max(from))?;
        let code = data.get(start..).unwrap_or_default().iter().position(|&byte| byte != 0xFF);
        let code = start + code.ok_or(data.len() - 1)?;
        at = code + 1;
        match data.get(code) {
            Some(0) | None => {}
            Some(&marker) => return Ok((marker, at)),
        }
    }
}
