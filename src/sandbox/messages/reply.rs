//! Replies, which the app receives from a worker. The app must not trust them.

use std::time::Duration;

use super::bytes::{Reader, Writer};
use crate::error::InvalidMessage;
use crate::thumbnail::Durations;
use crate::thumbnail::format::OutputFormat;

/// The number of bytes in the head of a reply: its kind, a detail, a flag, a zero byte, two
/// numbers, the length of the body, and two durations in nanoseconds.
const HEAD: usize = 32;

/// The maximum number of bytes in a thumbnail.
const LONGEST_DATA: usize = 256 * 1024 * 1024;

/// The maximum number of bytes in a text.
const LONGEST_TEXT: usize = 64 * 1024;

const THUMBNAIL: u8 = 1;
const TEXT: u8 = 2;
const ERROR: u8 = 3;
const OS_ERROR: u8 = 4;
const INFO: u8 = 5;

/// The largest error number of the operating system.
const LAST_ERRNO: u32 = 4095;

/// A reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply<'a> {
    /// A thumbnail.
    Thumbnail {
        /// The encoded file.
        data: &'a [u8],
        /// The width in pixels.
        width: u32,
        /// The height in pixels.
        height: u32,
        /// The format.
        format: OutputFormat,
        /// See [`Thumbnail::is_complete`](crate::thumbnail::Thumbnail::is_complete).
        is_complete: bool,
        /// How long the two steps of the render took.
        durations: Durations,
    },
    /// A placeholder.
    Text(&'a str),
    /// The properties of an image; see [`Info`].
    Info(&'a [u8]),
    /// The image can't be rendered.
    Error(ErrorKind, &'a str),
    /// The image can't be read. The number is the system's error number, or zero.
    OsError(u32, &'a str),
}

/// The properties of an image, as in Python's `ImageInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of `ImageInfo`")]
pub struct Info {
    pub width: u32,
    pub height: u32,
    pub format: String,
    pub orientation: u16,
    pub frames: u32,
    pub pages: u32,
    pub is_film: bool,
    pub has_alpha: bool,
    pub icc: bool,
    pub decoded_size: u64,
}

impl Info {
    /// Encodes the properties for [`Reply::Info`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        for number in [self.width, self.height, self.orientation.into(), self.frames, self.pages] {
            out.u32(number);
        }
        out.flag(self.is_film);
        out.flag(self.has_alpha);
        out.flag(self.icc);
        out.u64(self.decoded_size);
        out.text(&self.format);
        out.0
    }

    /// Decodes the properties.
    ///
    /// # Errors
    /// The bytes are not the result of [`Self::encode`].
    pub fn decode(body: &[u8]) -> Result<Self, InvalidMessage> {
        let from = &mut Reader(body);
        let (width, height) = (from.u32()?, from.u32()?);
        let orientation = from.u32()?.try_into().map_err(|_| InvalidMessage::Value)?;
        let (frames, pages) = (from.u32()?, from.u32()?);
        let (is_film, has_alpha, icc) = (from.flag()?, from.flag()?, from.flag()?);
        let (decoded_size, format) = (from.u64()?, from.text()?.into());
        let info = Self {
            width,
            height,
            format,
            orientation,
            frames,
            pages,
            is_film,
            has_alpha,
            icc,
            decoded_size,
        };
        if info.encode() == body { Ok(info) } else { Err(InvalidMessage::Value) }
    }
}

/// An exception of the Python package `xaccel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// `BadSize`
    BadSize,
    /// `ConfigError`
    ConfigError,
    /// `CorruptImage`
    CorruptImage,
    /// `FileNotFound`
    FileNotFound,
    /// `ImageTooLarge`
    ImageTooLarge,
    /// `RenderStopped`
    RenderStopped,
    /// `RenderTimeout`
    RenderTimeout,
    /// `SpecError`
    SpecError,
    /// `ThumbnailError`
    ThumbnailError,
    /// `UnsupportedImage`
    UnsupportedImage,
}

impl ErrorKind {
    /// All kinds. A message contains the index.
    const ALL: [Self; 10] = [
        Self::BadSize,
        Self::ConfigError,
        Self::CorruptImage,
        Self::FileNotFound,
        Self::ImageTooLarge,
        Self::RenderStopped,
        Self::RenderTimeout,
        Self::SpecError,
        Self::ThumbnailError,
        Self::UnsupportedImage,
    ];

    /// The name of the exception.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadSize => "BadSize",
            Self::ConfigError => "ConfigError",
            Self::CorruptImage => "CorruptImage",
            Self::FileNotFound => "FileNotFound",
            Self::ImageTooLarge => "ImageTooLarge",
            Self::RenderStopped => "RenderStopped",
            Self::RenderTimeout => "RenderTimeout",
            Self::SpecError => "SpecError",
            Self::ThumbnailError => "ThumbnailError",
            Self::UnsupportedImage => "UnsupportedImage",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl<'a> Reply<'a> {
    /// The maximum number of bytes in an error message.
    pub const LONGEST_MESSAGE: usize = 4096;

    /// Encodes the head of the reply, which precedes [`Self::body`].
    ///
    /// # Errors
    /// The body is too long.
    pub fn head(&self) -> Result<[u8; HEAD], InvalidMessage> {
        let mut durations = Durations::default();
        let (kind, detail, flag, first, second) = match *self {
            Self::Thumbnail { width, height, format, is_complete, durations: took, .. } => {
                durations = took;
                (THUMBNAIL, index(&OutputFormat::ALL, format), is_complete, width, height)
            }
            Self::Text(_) => (TEXT, 0, false, 0, 0),
            Self::Error(kind, _) => (ERROR, index(&ErrorKind::ALL, kind), false, 0, 0),
            Self::Info(_) => (INFO, 0, false, 0, 0),
            Self::OsError(number, _) => (OS_ERROR, 0, false, number, 0),
        };
        let length = self.body().len();
        if length > longest(kind)? {
            return Err(InvalidMessage::TooLong);
        }
        let length = u32::try_from(length).map_err(|_| InvalidMessage::TooLong)?;
        let mut head = [0; HEAD];
        let values = [[kind, detail, flag.into(), 0], first.to_le_bytes(), second.to_le_bytes()];
        let values = values.into_iter().chain([length.to_le_bytes()]).flatten();
        let times = [durations.decoding, durations.encoding].map(nanoseconds);
        let values = values.chain(times.into_iter().flat_map(u64::to_le_bytes));
        head.iter_mut().zip(values).for_each(|(byte, value)| *byte = value);
        Ok(head)
    }

    /// The bytes after the head.
    #[must_use]
    pub const fn body(&self) -> &'a [u8] {
        match *self {
            Self::Thumbnail { data, .. } | Self::Info(data) => data,
            Self::Text(text) | Self::Error(_, text) | Self::OsError(_, text) => text.as_bytes(),
        }
    }

    /// Decodes the start of a reply. Returns `None` if more bytes are needed.
    ///
    /// # Errors
    /// The bytes are not the start of a reply.
    fn decode(message: &'a [u8]) -> Result<Option<Self>, InvalidMessage> {
        let Some((head, body)) = message.split_first_chunk::<HEAD>() else { return Ok(None) };
        let from = &mut Reader(head);
        let [kind, detail, flag, _] = from.array()?;
        let (first, second, length) = (from.u32()?, from.u32()?, from.u32()?);
        let length = usize::try_from(length).map_err(|_| InvalidMessage::TooLong)?;
        let decoding = Duration::from_nanos(from.u64()?);
        let encoding = Duration::from_nanos(from.u64()?);
        if length > longest(kind)? || body.len() > length {
            return Err(InvalidMessage::TooLong);
        }
        if body.len() < length {
            return Ok(None);
        }
        let text = || str::from_utf8(body).map_err(|_| InvalidMessage::NotUtf8);
        let reply = match kind {
            THUMBNAIL => Self::Thumbnail {
                data: body,
                width: first,
                height: second,
                format: at(&OutputFormat::ALL, detail)?,
                is_complete: flag != 0,
                durations: Durations { decoding, encoding },
            },
            TEXT => Self::Text(text()?),
            ERROR => Self::Error(at(&ErrorKind::ALL, detail)?, text()?),
            INFO => Info::decode(body).map(|_| Self::Info(body))?,
            _ if first > LAST_ERRNO => return Err(InvalidMessage::Value),
            _ => Self::OsError(first, text()?),
        };
        if reply.head()? == *head { Ok(Some(reply)) } else { Err(InvalidMessage::Value) }
    }
}

/// The maximum number of bytes in the body of a reply of this kind.
const fn longest(kind: u8) -> Result<usize, InvalidMessage> {
    match kind {
        THUMBNAIL => Ok(LONGEST_DATA),
        TEXT => Ok(LONGEST_TEXT),
        ERROR | OS_ERROR | INFO => Ok(Reply::LONGEST_MESSAGE),
        _ => Err(InvalidMessage::Kind),
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos().try_into().unwrap_or(u64::MAX)
}

fn index<T: Copy + PartialEq>(all: &[T], value: T) -> u8 {
    let index = all.iter().position(|other| *other == value);
    index.and_then(|index| index.try_into().ok()).unwrap_or(u8::MAX)
}

fn at<T: Copy>(all: &[T], index: u8) -> Result<T, InvalidMessage> {
    all.get(usize::from(index)).copied().ok_or(InvalidMessage::Value)
}

/// Reads one reply, which arrives in pieces.
#[derive(Debug, Default)]
pub struct ReplyReader {
    /// The pieces so far.
    received: Vec<u8>,
}

impl ReplyReader {
    /// Reads the next piece. Returns the reply if it is complete.
    ///
    /// # Errors
    /// The bytes are not a reply. Memory is allocated only for bytes that have arrived.
    pub fn read<'a>(&'a mut self, piece: &'a [u8]) -> Result<Option<Reply<'a>>, InvalidMessage> {
        if self.received.is_empty() {
            let reply = Reply::decode(piece)?;
            if reply.is_none() {
                self.received.extend_from_slice(piece);
            }
            return Ok(reply);
        }
        self.received.extend_from_slice(piece);
        Reply::decode(&self.received)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REPLIES: [Reply<'_>; 4] = [
        Reply::Thumbnail {
            data: b"data",
            width: 300,
            height: 200,
            format: OutputFormat::Gif,
            is_complete: true,
            durations: Durations {
                decoding: Duration::from_nanos(u64::MAX),
                encoding: Duration::from_nanos(1),
            },
        },
        Reply::Text("data:image/png;base64,"),
        Reply::Error(ErrorKind::UnsupportedImage, "é"),
        Reply::OsError(5, ""),
    ];

    fn encoded(reply: &Reply<'_>) -> Vec<u8> {
        [&reply.head().unwrap(), reply.body()].concat()
    }

    fn read_all(message: &[u8]) -> Result<bool, InvalidMessage> {
        ReplyReader::default().read(message).map(|reply| reply.is_some())
    }

    #[test]
    fn a_reply_arrives_whole_or_in_pieces() {
        for reply in REPLIES {
            let message = encoded(&reply);
            assert_eq!(ReplyReader::default().read(&message), Ok(Some(reply)));
            let mut reader = ReplyReader::default();
            let (last, start) = message.split_last().unwrap();
            for byte in start {
                assert_eq!(reader.read(&[*byte]), Ok(None));
            }
            assert_eq!(reader.read(&[*last]), Ok(Some(reply)));
        }
    }

    #[test]
    fn properties_arrive_as_they_were_sent() {
        let info = Info {
            width: 3,
            height: 2,
            format: "heic".into(),
            orientation: 8,
            frames: 4,
            pages: 5,
            is_film: true,
            has_alpha: true,
            icc: false,
            decoded_size: 1 << 40,
        };
        let body = info.encode();
        let message = encoded(&Reply::Info(&body));
        assert_eq!(ReplyReader::default().read(&message), Ok(Some(Reply::Info(&body))));
        assert_eq!(Info::decode(&body), Ok(info));
        for (index, value) in [(10, 1), (20, 2), (body.len() - 1, 0xff)] {
            let mut changed = body.clone();
            changed[index] = value;
            assert!(Info::decode(&changed).is_err());
        }
        assert!(read_all(&encoded(&Reply::Info(&body[1..]))).is_err());
    }

    #[test]
    fn errors_have_names() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(ErrorKind::from_name("KeyError"), None);
    }

    proptest! {
        #[test]
        fn a_reply_has_only_one_encoding(
            (kind, detail, flag) in (0..6u8, 0..12u8, 0..3u8),
            numbers in prop::array::uniform2(0..3u32),
            (length, body) in (0..6u32, prop::collection::vec(any::<u8>(), 0..6)),
            times in prop::array::uniform2(prop_oneof![Just(0), any::<u64>()]),
            size in 1..50usize,
        ) {
            let [first, second] = numbers.map(u32::to_le_bytes);
            let head = [[kind, detail, flag, 0], first, second, length.to_le_bytes()].concat();
            let message = [head, times.map(u64::to_le_bytes).concat(), body].concat();
            let mut whole = ReplyReader::default();
            let whole = whole.read(&message);
            if let Ok(Some(reply)) = whole {
                prop_assert_eq!(&encoded(&reply), &message);
            }
            let mut reader = ReplyReader::default();
            let mut left = message.len();
            for piece in message.chunks(size) {
                left -= piece.len();
                match reader.read(piece) {
                    Ok(None) => {}
                    Ok(Some(reply)) if left == 0 => prop_assert_eq!(Ok(Some(reply)), whole),
                    Ok(Some(_)) => break,
                    Err(_) => {
                        prop_assert!(whole.is_err());
                        break;
                    }
                }
            }
        }
    }

    #[test]
    fn refuses_everything_else() {
        let thumbnail = encoded(&REPLIES[0]);
        let changed = |index: usize, value: u8| {
            let mut message = thumbnail.clone();
            message[index] = value;
            read_all(&message)
        };
        assert_eq!(read_all(&[0; 100]), Err(InvalidMessage::Kind));
        assert_eq!(changed(0, 9), Err(InvalidMessage::Kind));
        assert_eq!(changed(1, 5), Err(InvalidMessage::Value));
        assert_eq!(changed(2, 2), Err(InvalidMessage::Value));
        assert_eq!(changed(3, 1), Err(InvalidMessage::Value));
        assert_eq!(changed(12, 3), Err(InvalidMessage::TooLong));
        assert_eq!(changed(12, 5), Ok(false));
        assert_eq!(changed(15, 0xff), Err(InvalidMessage::TooLong));
        let mut text = encoded(&REPLIES[1]);
        text[HEAD] = 0xff;
        assert_eq!(read_all(&text), Err(InvalidMessage::NotUtf8));
        text[14] = 1;
        assert_eq!(read_all(&text), Err(InvalidMessage::TooLong));
        for index in 16..HEAD {
            let mut timed = encoded(&REPLIES[1]);
            timed[index] = 1;
            assert_eq!(read_all(&timed), Err(InvalidMessage::Value));
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_not_sent() {
        let message = "a".repeat(Reply::LONGEST_MESSAGE + 1);
        let reply = Reply::Error(ErrorKind::CorruptImage, &message);
        assert_eq!(reply.head(), Err(InvalidMessage::TooLong));
    }
}
