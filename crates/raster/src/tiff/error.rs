//! The error of the TIFF decoder.

use tiff::TiffError as CrateError;

/// The reason why a TIFF file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum TiffError {
    /// The samples, compression or layout of the file are not supported.
    #[error("this kind of TIFF is not supported")]
    Unsupported,
    /// The file contradicts itself or ends early.
    #[error("{0}")]
    Corrupt(String),
    /// The caller stopped decoding.
    #[error("decoding was stopped")]
    Stopped,
}

impl From<CrateError> for TiffError {
    fn from(error: CrateError) -> Self {
        match error {
            CrateError::UnsupportedError(_) => Self::Unsupported,
            error => Self::Corrupt(error.to_string()),
        }
    }
}
