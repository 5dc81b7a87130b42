//! DC coefficients, each of which is coded as the difference from the previous one.

#![expect(
    clippy::cast_possible_truncation,
    reason = "a code has at most 16 bits, a difference at most 15"
)]

use crate::frame::Layout;
use crate::huffman::Code;

/// A DC difference and its number of bits, which is 0 if the code is invalid.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Step {
    pub(crate) bits: u8,
    /// The length of the code if the difference must be read from the bits after it, otherwise 0.
    code: u8,
    pub(crate) difference: i16,
}

/// Differences, indexed by the bits at their start.
pub(crate) struct DifferenceTable<'a> {
    code: &'a Code,
    steps: Box<[Step; STEPS]>,
}

const WINDOW: u32 = 10;
const STEPS: usize = 1 << WINDOW;

impl<'a> DifferenceTable<'a> {
    pub(crate) fn new(code: &'a Code) -> Self {
        let mut steps = Box::new([Step::default(); STEPS]);
        let mut entries = steps.iter_mut().zip(0_u64..);
        for (length, size) in code.symbols().take_while(|&(length, _)| length <= WINDOW) {
            let bits = length as u8 + size;
            for (step, window) in entries.by_ref().take(1 << (WINDOW - length)) {
                *step = if u32::from(bits) <= WINDOW {
                    let difference = difference(window << (64 - WINDOW) << length, size);
                    Step { bits, code: 0, difference }
                } else {
                    Step { bits, code: length as u8, difference: 0 }
                };
            }
        }
        Self { code, steps }
    }

    /// Returns the difference at the start of `ahead`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "without inlining, it takes a third more time")]
    pub(crate) fn step(&self, ahead: u64) -> Step {
        let step = self.steps.get((ahead >> (64 - WINDOW)) as usize).copied().unwrap_or_default();
        match step {
            Step { bits: 1.., code: 0, .. } => step,
            Step { bits: 1.., code, .. } => {
                Step { difference: difference(ahead << code, step.bits - code), ..step }
            }
            _ => self.long(ahead),
        }
    }

    #[cold]
    fn long(&self, ahead: u64) -> Step {
        self.code.first_symbol(ahead).map_or(Step::default(), |(length, size)| Step {
            bits: length as u8 + size,
            code: length as u8,
            difference: difference(ahead << length, size),
        })
    }
}

/// For each block of an MCU, returns the item of `of_parts` that belongs to the block's component.
pub(crate) fn by_block<'a, T>(layout: &Layout, of_parts: &'a [T]) -> Vec<&'a T> {
    let parts = layout.parts.iter().zip(of_parts);
    parts.flat_map(|(part, own)| std::iter::repeat_n(own, part.h * part.v)).collect()
}

/// Returns the value of the first `size` bits (at most 15) of `bits` (T.81, F.2.2.1).
#[inline]
pub(crate) fn difference(bits: u64, size: u8) -> i16 {
    let magnitude = ((bits >> 1) >> (63 - size)) as i32;
    let negative = !(bits.cast_signed() >> 63) as i32;
    (magnitude - (((1 << size) - 1) & negative)) as i16
}
