//! The headers of JPEGs within other files.

use crate::picture::Size;

/// The maximum number of scans. Each scan costs time for every pixel.
const MAX_SCANS: u32 = 20;

/// Whether each frame header of the JPEG (ITU-T T.81, B.2.2) declares at most this size and at most
/// this number of components. Returns true for data without a frame header.
pub(crate) fn fits(data: &[u8], size: Size, components: u16) -> bool {
    let mut rest = data;
    let mut scans = 0;
    while let Some((marker, content, after)) = segment(rest) {
        rest = after;
        match (marker, content) {
            (0xda, _) => scans += 1,
            // SOF0 to SOF15, excluding DHT, JPG and DAC.
            (0xc4 | 0xc8 | 0xcc, _) => {}
            (0xc0..=0xcf, &[_, h1, h0, w1, w0, count, ..]) => {
                let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
                if u32::from(width) > size.width
                    || u32::from(height) > size.height
                    || u16::from(count) > components
                {
                    return false;
                }
            }
            _ => {}
        }
        if scans > MAX_SCANS {
            return false;
        }
    }
    true
}

/// The next segment: its marker, its content, and the data after it. Markers without a segment, and
/// the data of scans, are skipped.
pub(crate) fn segment(mut data: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    loop {
        let start = data.iter().position(|&byte| byte == 0xff)?;
        data = data.get(start + 1..)?;
        match *data.first()? {
            // This is a fill byte; the marker may follow it.
            0xff => {}
            // A stuffed byte, TEM, RST0 to RST7, SOI, EOI.
            0x00 | 0x01 | 0xd0..=0xd9 => data = data.get(1..)?,
            marker => {
                let (length, _) = data.get(1..)?.split_first_chunk::<2>()?;
                let length = usize::from(u16::from_be_bytes(*length));
                let whole = data.get(1..)?;
                let content = whole.get(2..length.min(whole.len())).unwrap_or_default();
                let after = whole.get(length.max(2)..).unwrap_or_default();
                return Some((marker, content, after));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 100, height: 50 };

    fn frame(marker: u8, width: u16, height: u16, components: u8) -> Vec<u8> {
        let ([h1, h0], [w1, w0]) = (height.to_be_bytes(), width.to_be_bytes());
        let mut data = vec![0xff, marker, 0, 8, 8, h1, h0, w1, w0, components];
        data.extend([0xff, 0xda, 0, 2, 1, 2, 0xff, 0, 3]);
        data
    }

    #[test]
    fn every_frame_header_counts() {
        let start = [0xff, 0xd8].as_slice();
        let good = frame(0xc0, 100, 50, 3);
        assert!(fits(&[start, &good].concat(), SIZE, 3));
        for bad in [frame(0xc0, 101, 50, 3), frame(0xc2, 100, 51, 3), frame(0xc1, 1, 1, 4)] {
            assert!(!fits(&[start, &bad].concat(), SIZE, 3));
            // The frame header follows a scan, fill bytes and restart markers.
            let fill = [0xff, 0xd3, 0xff, 0xff].as_slice();
            assert!(!fits(&[start, &good, fill, &bad].concat(), SIZE, 3));
        }
        assert!(fits(&[], SIZE, 3) && fits(&[0xff], SIZE, 3) && fits(&[0xff, 0xc0], SIZE, 3));
    }

    #[test]
    fn few_scans_are_enough() {
        assert!(fits(&frame(0xc2, 9, 9, 3).repeat(20), SIZE, 3));
        assert!(!fits(&frame(0xc2, 9, 9, 3).repeat(21), SIZE, 3));
    }
}
