//! Reads pairs of pictures from standard input, and prints the SSIMULACRA2 score of each pair.
//!
//! A pair consists of the width and the height (32 bits each, little-endian), the RGB samples of
//! the original, and those of the other picture.

use std::error::Error;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;

use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

fn picture(input: &mut impl Read, width: usize, height: usize) -> Result<Rgb, Box<dyn Error>> {
    let mut samples = vec![0; width * height * 3];
    input.read_exact(&mut samples)?;
    let (pixels, _) = samples.as_chunks::<3>();
    let pixels = pixels.iter().map(|pixel| pixel.map(|sample| f32::from(sample) / 255.0)).collect();
    let [width, height] = [NonZeroUsize::try_from(width)?, NonZeroUsize::try_from(height)?];
    Ok(Rgb::new(
        pixels,
        width.into(),
        height.into(),
        TransferCharacteristic::SRGB,
        ColorPrimaries::BT709,
    )?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut sides = [0; 8];
    while input.read_exact(&mut sides).is_ok() {
        let (width, height) = sides.split_at(4);
        let [width, height] = [width, height].map(|side| side.try_into().map(u32::from_le_bytes));
        let (width, height) = (usize::try_from(width?)?, usize::try_from(height?)?);
        let original = picture(&mut input, width, height)?;
        let other = picture(&mut input, width, height)?;
        writeln!(output, "{}", compute_frame_ssimulacra2(original, other)?)?;
        output.flush()?;
    }
    Ok(())
}
