//! The messages between the app's process and a worker.
//!
//! A worker trusts the app, which sends [jobs](Job). The app must not trust a worker, because an
//! image may have taken it over: [`ReplyReader`] handles any bytes.

mod bytes;
mod job;
mod reply;

pub use job::{Job, PREFIX, Render, SentWatermark, WATERMARKS, Work};
pub use reply::{ErrorKind, Info, Reply, ReplyReader};
