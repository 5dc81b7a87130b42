//! The errors of the encoder.

/// The reason why a picture can't be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A side is 0.
    #[error("a JPEG has at least one pixel")]
    Empty,
    /// There are fewer samples than the size requires.
    #[error("there are fewer samples than pixels")]
    Samples,
}
