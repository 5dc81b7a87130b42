//! The zigzag order of coefficients.

/// The zigzag order (T.81, figure A.6): the row and column of each coefficient.
pub(crate) const ZIGZAG: [(u8, u8); 64] = zigzag();

const fn zigzag() -> [(u8, u8); 64] {
    let mut order = [(0, 0); 64];
    let (mut row, mut column, mut rest) = (0_u8, 0_u8, order.as_mut_slice());
    while let Some((place, others)) = rest.split_first_mut() {
        *place = (row, column);
        rest = others;
        // The order follows the diagonals. It goes upwards if the number of the diagonal is even.
        if (row + column) % 2 == 0 {
            if column == 7 {
                row += 1;
            } else {
                column += 1;
                row = row.saturating_sub(1);
            }
        } else if row == 7 {
            column += 1;
        } else {
            row += 1;
            column = column.saturating_sub(1);
        }
    }
    order
}
