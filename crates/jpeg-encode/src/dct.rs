//! The forward DCT by the algorithm of Arai, Agui and Nakajima ("A Fast DCT-SQ Scheme for Images",
//! 1988) in 16-bit integers.

use archmage::autoversion;

use super::component::{COUNT, Rows, SIDE};

/// The values of neighbouring blocks.
pub(crate) type Values = [[[i16; SIDE]; SIDE]; COUNT];

/// The factor of each frequency in the result of [`forward`]: `cos(kπ/16) √2`, or 1 for the first.
pub(crate) const SCALES: [f32; 8] =
    [1.0, 1.387_039_8, 1.306_563, 1.175_875_6, 1.0, 0.785_694_96, 0.541_196_1, 0.275_899_4];

/// The factor by which [`forward`] scales all coefficients.
pub(crate) const SCALE: f32 = 16.0;

/// Multiplies by `fraction` / 65,536, adds `ADDEND` / 65,536, and rounds down.
#[inline(always)]
fn part<const ADDEND: i32>(value: i16, fraction: i16) -> i16 {
    ((i32::from(value) * i32::from(fraction) + ADDEND) >> 16) as i16
}

/// The transform in one dimension.
#[inline(always)]
fn transform<const ADDEND: i32>([s0, s1, s2, s3, s4, s5, s6, s7]: [i16; SIDE]) -> [i16; SIDE] {
    // cos(4π/16), cos(6π/16), cos(2π/16) - cos(6π/16) and cos(2π/16) + cos(6π/16). All except the
    // second one are stored after subtracting 1.
    const COS_4: i16 = -19_195;
    const COS_6: i16 = 25_080;
    const DIFFERENCE: i16 = -30_068;
    const SUM: i16 = 20_091;

    let add = i16::wrapping_add;
    let subtract = i16::wrapping_sub;
    let (a0, a1, a2, a3) = (add(s0, s7), add(s1, s6), add(s2, s5), add(s3, s4));
    let (b0, b1) = (add(a0, a3), add(a1, a2));
    let (b2, b3) = (subtract(a1, a2), subtract(a0, a3));
    let both = add(b2, b3);
    let turned = add(both, part::<ADDEND>(both, COS_4));

    let (d0, d1) = (subtract(s3, s4), subtract(s2, s5));
    let (d2, d3) = (subtract(s1, s6), subtract(s0, s7));
    let (e0, e1, e2) = (add(d0, d1), add(d1, d2), add(d2, d3));
    let common = part::<ADDEND>(subtract(e0, e2), COS_6);
    let f0 = add(add(e0, part::<ADDEND>(e0, DIFFERENCE)), common);
    let f1 = add(e1, part::<ADDEND>(e1, COS_4));
    let f2 = add(add(e2, part::<ADDEND>(e2, SUM)), common);
    let (g0, g1) = (add(d3, f1), subtract(d3, f1));
    [
        add(b0, b1),
        add(g0, f2),
        add(b3, turned),
        subtract(g1, f0),
        subtract(b0, b1),
        add(g1, f0),
        subtract(b3, turned),
        subtract(g0, f2),
    ]
}

/// Transforms the columns of all blocks.
#[autoversion(v3)]
fn transform_columns(samples: &Rows<u8>, values: &mut Rows<i16>) {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = samples;
    let [r0, r1, r2, r3, r4, r5, r6, r7] = values;
    let samples = (s0.iter().zip(s1).zip(s2).zip(s3)).zip(s4.iter().zip(s5).zip(s6).zip(s7));
    let rows = (r0.iter_mut().zip(r1).zip(r2).zip(r3)).zip(r4.iter_mut().zip(r5).zip(r6).zip(r7));
    for (samples, row) in samples.zip(rows) {
        let ((((s0, s1), s2), s3), (((s4, s5), s6), s7)) = samples;
        let ((((r0, r1), r2), r3), (((r4, r5), r6), r7)) = row;
        // Here, there is room for two more bits than in the second dimension. Rounding down takes
        // less time, and is exact enough with these two bits.
        let samples =
            [s0, s1, s2, s3, s4, s5, s6, s7].map(|&sample| (i16::from(sample) - 128) << 3);
        [*r0, *r1, *r2, *r3, *r4, *r5, *r6, *r7] = transform::<0>(samples);
    }
}

/// Divides by 4, and exchanges rows and columns of each block.
#[autoversion(v3)]
fn turn(values: &Rows<i16>, turned: &mut Values) {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = values;
    let (upper, lower) = (r0.iter().zip(r1).zip(r2).zip(r3), r4.iter().zip(r5).zip(r6).zip(r7));
    for (column, ((((s0, s1), s2), s3), (((s4, s5), s6), s7))) in
        turned.as_flattened_mut().iter_mut().zip(upper.zip(lower))
    {
        *column = [s0, s1, s2, s3, s4, s5, s6, s7].map(|value| value.wrapping_add(2) >> 2);
    }
}

/// Transforms the columns of all blocks.
#[autoversion(v3)]
fn transform_blocks(values: &mut Values) {
    for [r0, r1, r2, r3, r4, r5, r6, r7] in values {
        let rows =
            (r0.iter_mut().zip(r1).zip(r2).zip(r3)).zip(r4.iter_mut().zip(r5).zip(r6).zip(r7));
        for ((((r0, r1), r2), r3), (((r4, r5), r6), r7)) in rows {
            [*r0, *r1, *r2, *r3, *r4, *r5, *r6, *r7] =
                transform::<0x8000>([*r0, *r1, *r2, *r3, *r4, *r5, *r6, *r7]);
        }
    }
}

/// Returns the coefficients, multiplied by [`SCALE`] and by [`SCALES`] of both dimensions. The first
/// index is the block, and the second one is the horizontal frequency.
pub(crate) fn forward(samples: &Rows<u8>, values: &mut Values) {
    let mut rows = [[0; _]; _];
    transform_columns(samples, &mut rows);
    turn(&rows, values);
    transform_blocks(values);
}
