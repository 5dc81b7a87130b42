//! Enhances fine detail.

use crate::blur::premultiplied;
use crate::error::RasterError;
use crate::picture::Picture;

/// Increases the difference between each pixel and its four neighbours by two thirds, as Pillow's
/// filter `DETAIL` does. The pixels at the edges are unchanged.
///
/// # Errors
/// Fails if the data does not match the picture's size.
pub fn detail(picture: Picture) -> Result<Picture, RasterError> {
    premultiplied(picture, |picture| Ok(Picture { data: convolved(&picture), ..picture }))
}

/// The kernel is 10 in the middle and -1 at the four sides, divided by 6.
fn convolved(picture: &Picture) -> Vec<u8> {
    let (stride, step) = (picture.stride(), picture.kind.bytes());
    let mut data = picture.data.clone();
    let rows = data.chunks_exact_mut(stride.max(1)).skip(1);
    for (result, around) in
        rows.zip(picture.data.windows((3 * stride).max(1)).step_by(stride.max(1)))
    {
        let (above, rest) = around.split_at(stride);
        let (row, below) = rest.split_at(stride);
        let result = result.get_mut(step..stride.saturating_sub(step)).unwrap_or_default();
        let middles = row.iter().skip(step).zip(row.iter().zip(row.iter().skip(2 * step)));
        let ends = above.iter().skip(step).zip(below.iter().skip(step));
        for (result, ((&middle, (&left, &right)), (&up, &down))) in
            result.iter_mut().zip(middles.zip(ends))
        {
            let [middle, left, right, up, down] = [middle, left, right, up, down].map(i32::from);
            let sum = 10 * middle - left - right - up - down;
            *result = u8::try_from(((sum + 3) / 6).clamp(0, 255)).unwrap_or(255);
        }
    }
    data
}
