//! A JPEG encoder for the tests: it writes given coefficients in any layout of scans.

#![allow(dead_code, reason = "each test binary uses only part of it")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, on small values"
)]

pub(crate) mod encode;
pub(crate) mod files;
pub(crate) mod generate;
pub(crate) mod oracle;
