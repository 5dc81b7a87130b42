//! Generates pseudo-random images and layouts, which are the same in every run.

use super::encode::{Component, Image, Scan, Tables};

/// The `SplitMix64` generator (Steele, Lea and Flood, 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// Returns a number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    /// Returns a number from `from` to `to`, both inclusive.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below((to - from + 1) as u64) as i64
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// The sampling factors of each component, with the usual names.
pub(crate) const SAMPLINGS: [(&str, &[(usize, usize)]); 13] = [
    ("gray", &[(1, 1)]),
    ("gray 2x2", &[(2, 2)]),
    ("4:4:4", &[(1, 1), (1, 1), (1, 1)]),
    ("4:2:2", &[(2, 1), (1, 1), (1, 1)]),
    ("4:4:0", &[(1, 2), (1, 1), (1, 1)]),
    ("4:2:0", &[(2, 2), (1, 1), (1, 1)]),
    ("4:1:1", &[(4, 1), (1, 1), (1, 1)]),
    ("4:4:1", &[(1, 4), (1, 1), (1, 1)]),
    ("4:1:0", &[(4, 2), (1, 1), (1, 1)]),
    ("4:4:4 of 2x2", &[(2, 2), (2, 2), (1, 2)]),
    ("Cb 4:2:2, Cr 4:4:0", &[(2, 2), (1, 2), (2, 1)]),
    ("chroma above luma", &[(1, 1), (2, 1), (2, 1)]),
    ("4:2:0 and 4:4:4", &[(2, 2), (1, 1), (2, 2)]),
];

/// An image with these sampling factors. Everything else follows from `seed`.
pub(crate) fn image(seed: u64, sampling: &[(usize, usize)]) -> Image {
    let mut random = Random::new(seed);
    let largest = if random.one_in(8) { 700 } else { 130 };
    let width = random.between(1, largest) as usize;
    let height = random.between(1, largest) as usize;
    let progressive = random.one_in(2);
    image_of(random, seed, sampling, (width, height), progressive)
}

/// A sequential image with scans that are long enough to be read at several positions at once.
pub(crate) fn large_image(seed: u64, sampling: &[(usize, usize)]) -> Image {
    let mut random = Random::new(seed);
    let size = (random.between(700, 1500) as usize, random.between(700, 1500) as usize);
    image_of(random, seed, sampling, size, false)
}

/// A sequential image with more than 40,000 blocks. Only some of them are read for their variances.
pub(crate) fn huge_image(seed: u64, sampling: &[(usize, usize)]) -> Image {
    image_of(Random::new(seed), seed, sampling, (1720, 1710), false)
}

fn image_of(
    mut random: Random,
    seed: u64,
    sampling: &[(usize, usize)],
    (width, height): (usize, usize),
    progressive: bool,
) -> Image {
    let ids = random.pick(&[[1, 2, 3], [0, 1, 2], [b'R', b'G', b'B'], [7, 200, 9]]);
    let tables = match random.below(if progressive { 2 } else { 3 }) {
        0 => Tables::Optimised,
        1 => Tables::Arbitrary(seed),
        _ => Tables::Standard,
    };
    let mut image = Image {
        width,
        height,
        progressive,
        extended: !progressive && random.one_in(4),
        components: Vec::new(),
        scans: Vec::new(),
        tables,
        jfif: random.one_in(2),
        adobe: random.pick(&[None, None, Some(0), Some(1)]),
        fill: if random.one_in(4) { random.below(4) as usize } else { 0 },
    };
    for (&(h, v), id) in sampling.iter().zip(ids) {
        let quantisation = [(); 64].map(|()| random.between(1, 40) as u16);
        image.components.push(Component { id, h, v, quantisation, stride: 0, blocks: Vec::new() });
    }
    let (across, down) = image.mcus();
    let (max_h, max_v) = (image.max_h(), image.max_v());
    for component in &mut image.components {
        component.stride = across * component.h;
        // If the AC coefficients affect the picture at 1/8, they must be as small as those of a
        // real picture, because the result of an overflow depends on the processor.
        let is_quad = max_h % (2 * component.h) == 0 && max_v % (2 * component.v) == 0;
        let largest = if is_quad { 4 } else { 1023 };
        let (stride, lines) = (component.stride, down * component.v);
        component.blocks = blocks(&mut random, stride, lines, component.quantisation[0], largest);
    }
    image.scans = if progressive {
        progressive_script(&mut random, sampling)
    } else {
        sequential_script(&mut random, sampling)
    };
    image
}

/// Blocks like those of a photo: neighbours are similar, most blocks have few coefficients, and
/// some have all of them.
fn blocks(
    random: &mut Random,
    across: usize,
    down: usize,
    quantisation: u16,
    largest_ac: i64,
) -> Vec<[i16; 64]> {
    let limit = i64::from(1016 / quantisation);
    let step = random.pick(&[1, 5, 50]).min(limit);
    let density = random.pick(&[0, 1, 3, 8, 20, 80]);
    let mut dc = 0;
    let mut make = |_| {
        dc = if random.one_in(30) {
            random.between(-limit, limit)
        } else {
            (dc + random.between(-step, step)).clamp(-limit, limit)
        };
        let mut block = [0; 64];
        block[0] = dc as i16;
        let count = match random.below(20) {
            0 => 63,
            1..5 => 0,
            _ => random.between(0, density),
        };
        for _ in 0..count {
            let place = random.between(1, 63).min(random.between(1, 63)) as usize;
            let largest = random.pick(&[1, 1, 1, 2, 3, 10, 100, 1023]).min(largest_ac);
            block[place] = random.between(-largest, largest) as i16;
        }
        if random.one_in(25) {
            block[63] = 1;
        }
        block
    };
    (0..across * down).map(&mut make).collect()
}

fn restart_interval(random: &mut Random) -> usize {
    random.pick(&[0, 0, 0, 1, 2, 7, 30, 100])
}

/// Whether the components may share a scan.
fn may_interleave(sampling: &[(usize, usize)]) -> bool {
    sampling.iter().map(|(h, v)| h * v).sum::<usize>() <= 10
}

/// Divides the components among scans: all in one, each in its own, or one apart from the others.
fn division(random: &mut Random, sampling: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..sampling.len()).collect();
    if all.len() == 1 {
        return vec![all];
    }
    match random.below(6) {
        0 => all.into_iter().map(|index| vec![index]).collect(),
        1 => vec![vec![0], vec![1, 2]],
        2 => vec![vec![2], vec![0, 1]],
        _ if may_interleave(sampling) => vec![all],
        _ => vec![vec![0], vec![1, 2]],
    }
}

fn sequential_script(random: &mut Random, sampling: &[(usize, usize)]) -> Vec<Scan> {
    let divided = division(random, sampling);
    let mut scan = |components| Scan {
        components,
        first: 0,
        last: 63,
        high: 0,
        low: 0,
        restart_interval: restart_interval(random),
    };
    divided.into_iter().map(&mut scan).collect()
}

fn progressive_script(random: &mut Random, sampling: &[(usize, usize)]) -> Vec<Scan> {
    let left_out = random.below(4) as u8;
    let mut dc = Vec::new();
    for (high, low) in std::iter::once((0, left_out)).chain((0..left_out).rev().map(|l| (l + 1, l)))
    {
        for components in division(random, sampling) {
            dc.push(Scan { components, first: 0, last: 0, high, low, restart_interval: 0 });
        }
    }
    let mut ac = Vec::new();
    for component in 0..sampling.len() {
        let split = random.between(2, 62) as usize;
        let left_out = random.below(3) as u8;
        for (first, last) in [(1, split), (split + 1, 63)] {
            for (high, low) in
                std::iter::once((0, left_out)).chain((0..left_out).rev().map(|l| (l + 1, l)))
            {
                let components = vec![component];
                ac.push(Scan { components, first, last, high, low, restart_interval: 0 });
            }
        }
    }
    // The scans may have any order that starts with a DC scan and keeps the order within each kind.
    let mut scans = Vec::new();
    let first_scans = dc.iter().take_while(|scan| scan.high == 0).count();
    let (mut dc, mut ac) = (dc.into_iter(), ac.into_iter());
    scans.extend(dc.by_ref().take(first_scans));
    while dc.len() + ac.len() > 0 {
        let from_dc = random.below((dc.len() + ac.len()) as u64) < dc.len() as u64;
        scans.extend(if from_dc { dc.next() } else { ac.next() });
    }
    for scan in &mut scans {
        scan.restart_interval = restart_interval(random);
    }
    scans
}
