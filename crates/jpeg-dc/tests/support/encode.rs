//! Writes coefficients as a JPEG: any sampling, scan script, restart interval and Huffman tables.

use super::generate::Random;

/// The coefficients of a block, in zigzag order.
pub(crate) type Block = [i16; 64];

#[derive(Clone, Debug)]
pub(crate) struct Component {
    pub(crate) id: u8,
    pub(crate) h: usize,
    pub(crate) v: usize,
    pub(crate) quantisation: [u16; 64],
    /// The number of blocks in a row of `blocks`, including those that fill up MCUs.
    pub(crate) stride: usize,
    pub(crate) blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
pub(crate) struct Scan {
    /// Indices of components.
    pub(crate) components: Vec<usize>,
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) high: u8,
    pub(crate) low: u8,
    pub(crate) restart_interval: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Tables that are optimised for the scan's symbols.
    Optimised,
    /// The tables in T.81, annex K, which are for baseline files only.
    Standard,
    /// Tables in which the length of a code does not depend on the frequency of its symbol, so that
    /// long codes are common.
    Arbitrary(u64),
}

#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) progressive: bool,
    /// Whether the frame is extended sequential (SOF1) instead of baseline (SOF0).
    pub(crate) extended: bool,
    pub(crate) components: Vec<Component>,
    pub(crate) scans: Vec<Scan>,
    pub(crate) tables: Tables,
    pub(crate) jfif: bool,
    pub(crate) adobe: Option<u8>,
    /// The number of fill bytes before each marker.
    pub(crate) fill: usize,
}

/// One step of a scan.
enum Token {
    /// A symbol of the DC (0) or AC (1) table, first or second set.
    Symbol(usize, u8),
    Bits(u32, u32),
    Restart,
}

impl Image {
    pub(crate) fn max_h(&self) -> usize {
        self.components.iter().map(|c| c.h).max().unwrap()
    }

    pub(crate) fn max_v(&self) -> usize {
        self.components.iter().map(|c| c.v).max().unwrap()
    }

    pub(crate) fn mcus(&self) -> (usize, usize) {
        (self.width.div_ceil(8 * self.max_h()), self.height.div_ceil(8 * self.max_v()))
    }

    /// The number of blocks of a component that contain pixels of the image, across and down.
    pub(crate) fn own_blocks(&self, c: &Component) -> (usize, usize) {
        (
            (self.width * c.h).div_ceil(8 * self.max_h()),
            (self.height * c.v).div_ceil(8 * self.max_v()),
        )
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![0xFF, 0xD8];
        let segment = |out: &mut Vec<u8>, marker: u8, payload: &[u8]| {
            out.resize(out.len() + self.fill, 0xFF);
            out.extend([0xFF, marker]);
            out.extend(u16::try_from(payload.len() + 2).unwrap().to_be_bytes());
            out.extend(payload);
        };
        if self.jfif {
            segment(&mut out, 0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
        }
        if let Some(transform) = self.adobe {
            segment(&mut out, 0xEE, &[b"Adobe\0\x64\0\0\0\0".as_slice(), &[transform]].concat());
        }
        for (number, c) in (0..).zip(&self.components) {
            let mut payload;
            if c.quantisation.iter().all(|&q| q < 256) {
                payload = vec![number];
                payload.extend(c.quantisation.map(|q| q as u8));
            } else {
                payload = vec![16 | number];
                payload.extend(c.quantisation.iter().flat_map(|q| q.to_be_bytes()));
            }
            segment(&mut out, 0xDB, &payload);
        }
        let mut frame = vec![8];
        frame.extend((self.height as u16).to_be_bytes());
        frame.extend((self.width as u16).to_be_bytes());
        frame.push(self.components.len() as u8);
        for (number, c) in (0..).zip(&self.components) {
            frame.extend([c.id, (c.h << 4 | c.v) as u8, number]);
        }
        let sof = if self.progressive { 0xC2 } else { 0xC0 | u8::from(self.extended) };
        segment(&mut out, sof, &frame);
        let mut restart_interval = 0;
        for (number, scan) in self.scans.iter().enumerate() {
            if scan.restart_interval != restart_interval {
                restart_interval = scan.restart_interval;
                segment(&mut out, 0xDD, &(restart_interval as u16).to_be_bytes());
            }
            let tokens = self.tokens(scan);
            // Extended frames may use all four table numbers.
            let base = if self.extended { 2 } else { 0 };
            let tables: Vec<Table> = (0..4)
                .map(|table| match self.tables {
                    Tables::Standard => Table::standard(table),
                    Tables::Optimised => Table::optimised(table, &tokens),
                    Tables::Arbitrary(seed) => {
                        Table::arbitrary(table, &tokens, seed + number as u64)
                    }
                })
                .collect();
            for (index, table) in tables.iter().enumerate() {
                if !table.symbols.is_empty() && (number == 0 || self.tables != Tables::Standard) {
                    let number = base + (index / 2) as u8;
                    let mut payload = vec![((index % 2) << 4) as u8 | number];
                    payload.extend(table.counts);
                    payload.extend(&table.symbols);
                    segment(&mut out, 0xC4, &payload);
                }
            }
            let mut header = vec![scan.components.len() as u8];
            for &index in &scan.components {
                let number = base + u8::from(index > 0);
                header.extend([self.components[index].id, number << 4 | number]);
            }
            header.extend([scan.first as u8, scan.last as u8, scan.high << 4 | scan.low]);
            segment(&mut out, 0xDA, &header);
            write_tokens(&mut out, &tokens, &tables, self.fill);
        }
        out.resize(out.len() + self.fill, 0xFF);
        out.extend([0xFF, 0xD9]);
        out
    }

    fn tokens(&self, scan: &Scan) -> Vec<Token> {
        // For each MCU its blocks: component, table set, block.
        let mut order: Vec<Vec<(usize, &Block)>> = Vec::new();
        if let [only] = scan.components[..] {
            let c = &self.components[only];
            let (across, down) = self.own_blocks(c);
            for y in 0..down {
                for x in 0..across {
                    order.push(vec![(only, &c.blocks[y * c.stride + x])]);
                }
            }
        } else {
            let (across, down) = self.mcus();
            for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
                let mut mcu = Vec::new();
                for &index in &scan.components {
                    let c = &self.components[index];
                    for (dy, dx) in (0..c.v).flat_map(|dy| (0..c.h).map(move |dx| (dy, dx))) {
                        let at = (y * c.v + dy) * c.stride + x * c.h + dx;
                        mcu.push((index, &c.blocks[at]));
                    }
                }
                order.push(mcu);
            }
        }
        let mut coder = Coder { tokens: Vec::new(), run: 0, run_bits: Vec::new(), ac_table: 1 };
        let mut predictions = vec![0; self.components.len()];
        for (number, mcu) in order.iter().enumerate() {
            if scan.restart_interval > 0 && number > 0 && number % scan.restart_interval == 0 {
                coder.flush_run();
                coder.tokens.push(Token::Restart);
                predictions.fill(0);
            }
            for &(index, block) in mcu {
                let set = 2 * usize::from(index > 0);
                coder.ac_table = set + 1;
                match (self.progressive, scan.first, scan.high) {
                    (false, ..) => {
                        coder.dc(set, block[0], &mut predictions[index]);
                        coder.sequential_ac(block);
                    }
                    (true, 0, 0) => {
                        coder.dc(set, block[0] >> scan.low, &mut predictions[index]);
                    }
                    (true, 0, _) => {
                        coder.bits(u32::from(block[0] as u16) >> scan.low & 1, 1);
                    }
                    (true, _, 0) => coder.first_ac(&block[scan.first..=scan.last], scan.low),
                    (true, _, _) => coder.refine_ac(&block[scan.first..=scan.last], scan.low),
                }
            }
        }
        coder.flush_run();
        coder.tokens
    }
}

struct Coder {
    tokens: Vec<Token>,
    /// The number of blocks in an end-of-band run, and their correction bits.
    run: u32,
    run_bits: Vec<u32>,
    ac_table: usize,
}

/// The number of bits of a magnitude.
fn size(value: i32) -> u32 {
    32 - value.unsigned_abs().leading_zeros()
}

impl Coder {
    fn bits(&mut self, value: u32, count: u32) {
        self.tokens.push(Token::Bits(value, count));
    }

    fn value(&mut self, value: i32) {
        let bits = size(value);
        let coded = if value < 0 { value - 1 } else { value };
        self.bits(coded as u32 & ((1 << bits) - 1), bits);
    }

    fn dc(&mut self, set: usize, value: i16, prediction: &mut i32) {
        let difference = i32::from(value) - *prediction;
        *prediction = value.into();
        self.tokens.push(Token::Symbol(set, size(difference) as u8));
        self.value(difference);
    }

    fn symbol(&mut self, symbol: u8) {
        self.tokens.push(Token::Symbol(self.ac_table, symbol));
    }

    fn sequential_ac(&mut self, block: &Block) {
        let mut run = 0;
        for &value in &block[1..] {
            if value == 0 {
                run += 1;
                continue;
            }
            while run > 15 {
                self.symbol(0xF0);
                run -= 16;
            }
            self.symbol(run << 4 | size(value.into()) as u8);
            self.value(value.into());
            run = 0;
        }
        if run > 0 {
            self.symbol(0);
        }
    }

    fn flush_run(&mut self) {
        if self.run > 0 {
            let bits = self.run.ilog2();
            self.symbol((bits << 4) as u8);
            self.bits(self.run & ((1 << bits) - 1), bits);
            self.run = 0;
        }
        for bit in std::mem::take(&mut self.run_bits) {
            self.bits(bit, 1);
        }
    }

    fn first_ac(&mut self, band: &[i16], low: u8) {
        let mut run = 0;
        for &value in band {
            let magnitude = i32::from(value).abs() >> low;
            if magnitude == 0 {
                run += 1;
                continue;
            }
            self.flush_run();
            while run > 15 {
                self.symbol(0xF0);
                run -= 16;
            }
            self.symbol(run << 4 | size(magnitude) as u8);
            self.value(if value < 0 { -magnitude } else { magnitude });
            run = 0;
        }
        if run > 0 {
            self.run += 1;
            if self.run == 0x7FFF {
                self.flush_run();
            }
        }
    }

    fn refine_ac(&mut self, band: &[i16], low: u8) {
        let magnitudes: Vec<i32> = band.iter().map(|&v| i32::from(v).abs() >> low).collect();
        let last_new = magnitudes.iter().rposition(|&m| m == 1);
        let mut run = 0;
        let mut corrections = Vec::new();
        for (k, &magnitude) in magnitudes.iter().enumerate() {
            if magnitude == 0 {
                run += 1;
                continue;
            }
            while run > 15 && last_new.is_some_and(|last| k <= last) {
                self.flush_run();
                self.symbol(0xF0);
                run -= 16;
                for bit in corrections.drain(..) {
                    self.tokens.push(Token::Bits(bit, 1));
                }
            }
            if magnitude > 1 {
                corrections.push(magnitude as u32 & 1);
                continue;
            }
            self.flush_run();
            self.symbol(run << 4 | 1);
            self.bits(u32::from(band[k] >= 0), 1);
            for bit in corrections.drain(..) {
                self.tokens.push(Token::Bits(bit, 1));
            }
            run = 0;
        }
        if run > 0 || !corrections.is_empty() {
            self.run += 1;
            self.run_bits.append(&mut corrections);
            if self.run == 0x7FFF || self.run_bits.len() > 900 {
                self.flush_run();
            }
        }
    }
}

fn write_tokens(out: &mut Vec<u8>, tokens: &[Token], tables: &[Table], fill: usize) {
    let (mut held, mut count, mut restart) = (0_u64, 0, 0);
    let put = |out: &mut Vec<u8>, held: &mut u64, count: &mut u32, value: u32, bits: u32| {
        *held = *held << bits | u64::from(value);
        *count += bits;
        while *count >= 8 {
            *count -= 8;
            let byte = (*held >> *count) as u8;
            out.push(byte);
            if byte == 0xFF {
                out.push(0);
            }
        }
    };
    let pad = |out: &mut Vec<u8>, held: &mut u64, count: &mut u32| {
        let missing = (8 - *count % 8) % 8;
        put(out, held, count, (1 << missing) - 1, missing);
    };
    for token in tokens {
        match *token {
            Token::Symbol(table, symbol) => {
                let (code, length) = tables[table].code(symbol);
                put(out, &mut held, &mut count, code, length);
            }
            Token::Bits(value, bits) => put(out, &mut held, &mut count, value, bits),
            Token::Restart => {
                pad(out, &mut held, &mut count);
                out.resize(out.len() + fill, 0xFF);
                out.extend([0xFF, 0xD0 | restart]);
                restart = (restart + 1) & 7;
            }
        }
    }
    pad(out, &mut held, &mut count);
}

struct Table {
    counts: [u8; 16],
    symbols: Vec<u8>,
    codes: [(u32, u32); 256],
}

impl Table {
    fn new(counts: [u8; 16], symbols: Vec<u8>) -> Self {
        let mut codes = [(0, 0); 256];
        let (mut code, mut next) = (0, symbols.iter());
        for (length, &count) in (1..).zip(&counts) {
            for _ in 0..count {
                codes[usize::from(*next.next().unwrap())] = (code, length);
                code += 1;
            }
            code <<= 1;
        }
        Self { counts, symbols, codes }
    }

    fn code(&self, symbol: u8) -> (u32, u32) {
        let (code, length) = self.codes[usize::from(symbol)];
        assert!(length > 0, "no code for symbol {symbol:#x}");
        (code, length)
    }

    fn used(table: usize, tokens: &[Token]) -> Vec<(u8, u64)> {
        let mut frequencies = [0; 256];
        for token in tokens {
            if let Token::Symbol(of, symbol) = *token
                && of == table
            {
                frequencies[usize::from(symbol)] += 1;
            }
        }
        (0..=255).zip(frequencies).filter(|&(_, frequency)| frequency > 0).collect()
    }

    fn optimised(table: usize, tokens: &[Token]) -> Self {
        Self::from_frequencies(Self::used(table, tokens))
    }

    fn arbitrary(table: usize, tokens: &[Token], seed: u64) -> Self {
        let mut random = Random::new(seed * 4 + table as u64);
        let mut used = Self::used(table, tokens);
        for (_, frequency) in &mut used {
            *frequency = 1 << random.below(24);
        }
        Self::from_frequencies(used)
    }

    fn from_frequencies(mut used: Vec<(u8, u64)>) -> Self {
        if used.is_empty() {
            return Self::new([0; 16], Vec::new());
        }
        loop {
            // The last leaf takes the code of all ones, which T.81 reserves.
            let mut nodes: Vec<(u64, Vec<usize>)> =
                used.iter().enumerate().map(|(i, &(_, f))| (f, vec![i])).collect();
            nodes.push((0, vec![used.len()]));
            let mut lengths = vec![0_usize; used.len() + 1];
            while nodes.len() > 1 {
                nodes.sort_by(|a, b| b.cmp(a));
                let (a, mut leaves) = nodes.pop().unwrap();
                let (b, others) = nodes.pop().unwrap();
                leaves.extend(others);
                for &leaf in &leaves {
                    lengths[leaf] += 1;
                }
                nodes.push((a + b, leaves));
            }
            if lengths.iter().any(|&length| length > 16) {
                for (_, frequency) in &mut used {
                    *frequency = *frequency / 4 + 1;
                }
                continue;
            }
            // The reserved code must be the last one, so no other code may be longer.
            let longest = *lengths.iter().max().unwrap();
            assert_eq!(lengths[used.len()], longest);
            lengths.pop();
            let mut order: Vec<usize> = (0..used.len()).collect();
            order.sort_by_key(|&i| lengths[i]);
            let mut counts = [0; 16];
            for &length in &lengths {
                counts[length - 1] += 1;
            }
            return Self::new(counts, order.iter().map(|&i| used[i].0).collect());
        }
    }

    /// T.81, tables K.3 to K.6.
    fn standard(table: usize) -> Self {
        let (counts, symbols): ([u8; 16], Vec<u8>) = match table {
            0 => ([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], (0..12).collect()),
            2 => ([0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], (0..12).collect()),
            1 => ([0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125], from_hex(LUMA_AC)),
            _ => ([0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119], from_hex(CHROMA_AC)),
        };
        Self::new(counts, symbols)
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

const LUMA_AC: &str = "
    01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728
    292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a83848586878889
    8a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2
    e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa";
const CHROMA_AC: &str = "
    0001020311040521310612415107617113223281081442 91a1b1c109233352f0156272d10a162434e125f11718191a26
    2728292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a828384858687
    88898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9da
    e2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa";
