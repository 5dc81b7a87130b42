//! The segments of a file.

use super::component::Layout;
use super::huffman::Codes;
use super::tables::Steps;
use super::zigzag::ZIGZAG;

fn segment(file: &mut Vec<u8>, marker: u8, content: &[u8]) {
    // All segments are short.
    let length = u16::try_from(content.len() + 2).unwrap_or(u16::MAX);
    file.extend([0xff, marker]);
    file.extend(length.to_be_bytes());
    file.extend(content);
}

/// Returns the start of a file. It ends with the frame header, which contains the size.
pub(crate) fn start(layout: Layout, steps: &[Steps; 2]) -> Vec<u8> {
    let count = if layout.subsampling.is_some() { 3_u8 } else { 1 };
    let mut file = vec![0xff, 0xd8];
    // Version 1.1. The pixels are square, and the picture has no size in inches.
    segment(&mut file, 0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    for (steps, id) in steps.iter().zip(0_u8..).take(count.min(2).into()) {
        let mut content = vec![id];
        let steps = steps.as_flattened();
        content.extend(ZIGZAG.iter().filter_map(|&index| steps.get(usize::from(index))));
        segment(&mut file, 0xdb, &content);
    }
    let (across, down) = layout.factors();
    let mut content = vec![8];
    content.extend(layout.height.to_be_bytes());
    content.extend(layout.width.to_be_bytes());
    content.push(count);
    for id in 1..=count {
        let factors = if id == 1 { across << 4 | down } else { 0x11 };
        content.extend([id, u8::try_from(factors).unwrap_or(0x11), u8::from(id > 1)]);
    }
    segment(&mut file, 0xc0, &content);
    file
}

/// Writes the Huffman tables and the start of the scan.
pub(crate) fn start_scan(file: &mut Vec<u8>, layout: Layout, tables: &[Codes]) {
    for (table, id) in tables.iter().zip([0x00, 0x10, 0x01, 0x11]) {
        let content = [[id].as_slice(), &table.lengths, &table.symbols].concat();
        segment(file, 0xc4, &content);
    }
    let components: &[u8] = match layout.subsampling {
        Some(_) => &[3, 1, 0x00, 2, 0x11, 3, 0x11],
        None => &[1, 1, 0x00],
    };
    segment(file, 0xda, &[components, &[0, 63, 0]].concat());
}

pub(crate) fn end(mut file: Vec<u8>) -> Vec<u8> {
    file.extend([0xff, 0xd9]);
    file
}
