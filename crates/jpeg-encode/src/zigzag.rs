//! The zigzag order of coefficients (T.81, figure A.6).

/// The index of each coefficient in zigzag order. An index is 8 times the vertical frequency plus
/// the horizontal frequency.
pub(crate) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The place of each coefficient in zigzag order. A place is 8 times the horizontal frequency plus
/// the vertical frequency.
pub(crate) const PLACES: [u8; 64] = {
    let mut places = ZIGZAG;
    let mut rest = places.as_mut_slice();
    while let [place, others @ ..] = rest {
        *place = *place % 8 * 8 + *place / 8;
        rest = others;
    }
    places
};

/// The rank of each place in zigzag order.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
pub(crate) const RANKS: [u8; 64] = {
    let mut ranks = [0; 64];
    let mut rank = 0;
    while rank < 64 {
        ranks[PLACES[rank as usize] as usize] = rank;
        rank += 1;
    }
    ranks
};
