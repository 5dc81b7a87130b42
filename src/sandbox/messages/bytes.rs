//! The values that make up a message. Numbers are little-endian.

use crate::error::InvalidMessage;

/// Appends values to a message.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn flag(&mut self, value: bool) {
        self.0.push(value.into());
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn f64(&mut self, value: f64) {
        self.0.extend(value.to_le_bytes());
    }

    /// Writes the length of the bytes, and then the bytes.
    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.u64(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    pub(super) fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    pub(super) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }
}

/// Reads values from the start of a message.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], InvalidMessage> {
        let (value, rest) = self.0.split_first_chunk().ok_or(InvalidMessage::TooShort)?;
        self.0 = rest;
        Ok(*value)
    }

    pub(super) fn flag(&mut self) -> Result<bool, InvalidMessage> {
        Ok(self.u8()? != 0)
    }

    pub(super) fn u8(&mut self) -> Result<u8, InvalidMessage> {
        let [value] = self.array()?;
        Ok(value)
    }

    pub(super) fn u32(&mut self) -> Result<u32, InvalidMessage> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, InvalidMessage> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn f64(&mut self) -> Result<f64, InvalidMessage> {
        self.array().map(f64::from_le_bytes)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], InvalidMessage> {
        let length = usize::try_from(self.u64()?).map_err(|_| InvalidMessage::TooShort)?;
        let (value, rest) = self.0.split_at_checked(length).ok_or(InvalidMessage::TooShort)?;
        self.0 = rest;
        Ok(value)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, InvalidMessage> {
        str::from_utf8(self.bytes()?).map_err(|_| InvalidMessage::NotUtf8)
    }

    pub(super) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, InvalidMessage>,
    ) -> Result<Option<T>, InvalidMessage> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }
}
