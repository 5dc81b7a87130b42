//! Jobs, which the app sends to a worker together with the descriptor of the image.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::bytes::{Reader, Writer};
use crate::error::InvalidMessage;
use crate::thumbnail::encode::AvifSpeed;
use crate::thumbnail::format::OutputFormat;
use crate::thumbnail::limits::Limits;
use crate::thumbnail::options::Qualities;
use crate::thumbnail::spec::{Gravity, Progressive, Spec, Subsampling};
use crate::thumbnail::watermark::Placement;

/// The number of watermarks that a worker keeps for later jobs.
pub const WATERMARKS: usize = 16;

/// The number of bytes before a job, which contain its length.
pub const PREFIX: usize = 4;

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job<'a> {
    /// The path of the image, to show in messages.
    pub path: Option<PathBuf>,
    /// The number of bytes in the image if it is only the start of a JPEG, or `None` if it is
    /// whole.
    pub start: Option<u64>,
    /// The limits of the image and its thumbnail.
    pub limits: Limits,
    /// The number of seconds that the job may take.
    pub timeout: f64,
    /// The names of the enabled plug-in decoders; `None` for the default.
    pub decoders: Option<Vec<String>>,
    /// What to make.
    pub work: Work<'a>,
}

/// What to make from an image.
#[derive(Debug, Clone, PartialEq)]
pub enum Work<'a> {
    /// A thumbnail.
    Render(Box<Render<'a>>),
    /// A placeholder of this kind; `None` for a `data:` URI.
    Placeholder(Option<String>),
    /// The properties in the header.
    Probe,
}

/// What a thumbnail looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct Render<'a> {
    /// The description of the thumbnail.
    pub spec: Spec,
    /// The format to write.
    pub format: OutputFormat,
    /// The qualities that apply if the spec does not set one.
    pub qualities: Qualities,
    /// Whether a JPEG is progressive, if the spec does not say.
    pub progressive: Progressive,
    /// The chroma subsampling of a JPEG, if the spec does not set it.
    pub subsampling: Subsampling,
    /// The speed of the encoder for AVIF.
    pub avif_speed: Option<AvifSpeed>,
    /// The watermark that the spec names.
    pub watermark: Option<SentWatermark<'a>>,
}

/// A watermark. Each worker receives its content once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SentWatermark<'a> {
    /// The worker's place for the watermark, less than [`WATERMARKS`].
    pub place: u8,
    /// The encoded image and its placement; `None` if the worker already keeps them in this place.
    pub content: Option<(&'a [u8], Placement)>,
}

/// The kinds of work.
const RENDER: u8 = 1;
const PLACEHOLDER: u8 = 2;
const PROBE: u8 = 3;

impl<'a> Job<'a> {
    /// The length of the job after this prefix.
    #[must_use]
    pub const fn length(prefix: [u8; PREFIX]) -> usize {
        u32::from_le_bytes(prefix) as usize
    }

    /// Encodes the job, preceded by its length.
    ///
    /// # Errors
    /// The job is too long, because its watermark is too large.
    pub fn encode(&self) -> Result<Vec<u8>, InvalidMessage> {
        let mut out = Writer(vec![0; PREFIX]);
        out.optional(self.path.as_deref(), |out, path| out.bytes(path.as_os_str().as_bytes()));
        out.optional(self.start, Writer::u64);
        let Limits { max_memory, max_pixels, max_bytes, max_frames, max_side } = self.limits;
        out.u64(max_memory);
        out.optional(max_pixels, Writer::u64);
        out.u64(max_bytes);
        out.u32(max_frames);
        out.u32(max_side);
        out.f64(self.timeout);
        out.optional(self.decoders.as_deref(), |out, names| {
            out.u64(names.len() as u64);
            for name in names {
                out.text(name);
            }
        });
        match &self.work {
            Work::Render(render) => {
                out.u8(RENDER);
                render.write(&mut out);
            }
            Work::Placeholder(kind) => {
                out.u8(PLACEHOLDER);
                out.optional(kind.as_deref(), Writer::text);
            }
            Work::Probe => out.u8(PROBE),
        }
        let Writer(mut message) = out;
        let length = u32::try_from(message.len().saturating_sub(PREFIX))
            .map_err(|_| InvalidMessage::TooLong)?;
        if let Some(prefix) = message.first_chunk_mut() {
            *prefix = length.to_le_bytes();
        }
        Ok(message)
    }

    /// Decodes a job whose length prefix has been removed.
    ///
    /// # Errors
    /// The bytes are not a job.
    pub fn decode(message: &'a [u8]) -> Result<Self, InvalidMessage> {
        let from = &mut Reader(message);
        let path = from.optional(Reader::bytes)?;
        let job = Self {
            path: path.map(|path| Path::new(OsStr::from_bytes(path)).into()),
            start: from.optional(Reader::u64)?,
            limits: Limits {
                max_memory: from.u64()?,
                max_pixels: from.optional(Reader::u64)?,
                max_bytes: from.u64()?,
                max_frames: from.u32()?,
                max_side: from.u32()?,
            },
            timeout: from.f64()?,
            decoders: from.optional(|from| {
                (0..from.u64()?).map(|_| Ok(from.text()?.into())).collect::<Result<_, _>>()
            })?,
            work: match from.u8()? {
                RENDER => Work::Render(Box::new(Render::read(from)?)),
                PLACEHOLDER => {
                    Work::Placeholder(from.optional(|from| Ok(from.text()?.to_owned()))?)
                }
                PROBE => Work::Probe,
                _ => return Err(InvalidMessage::Kind),
            },
        };
        if from.0.is_empty() { Ok(job) } else { Err(InvalidMessage::TooLong) }
    }
}

impl<'a> Render<'a> {
    fn write(&self, out: &mut Writer) {
        out.text(&self.spec.to_string());
        out.text(self.format.name());
        let Qualities { jpeg, webp, avif, target } = self.qualities;
        out.0.extend([jpeg, webp, avif, target]);
        out.flag(self.progressive.0);
        out.text(&self.subsampling.to_string());
        out.optional(self.avif_speed, |out, speed| out.u8(speed.number()));
        out.optional(self.watermark, |out, SentWatermark { place, content }| {
            out.u8(place);
            out.optional(content, |out, (source, placement)| {
                let Placement { gravity, offset, scale, opacity, tiled } = placement;
                out.bytes(source);
                out.text(&Gravity::Compass(gravity).to_string());
                for value in [offset.0, offset.1, scale, opacity] {
                    out.f64(value);
                }
                out.flag(tiled);
            });
        });
    }

    fn read(from: &mut Reader<'a>) -> Result<Self, InvalidMessage> {
        let spec = Spec::parse(from.text()?).map_err(|_| InvalidMessage::Value)?;
        let format = OutputFormat::from_name(from.text()?).ok_or(InvalidMessage::Value)?;
        let [jpeg, webp, avif, target] = from.array()?;
        Ok(Self {
            spec,
            format,
            qualities: Qualities { jpeg, webp, avif, target },
            progressive: Progressive(from.flag()?),
            subsampling: Subsampling::from_name(from.text()?).ok_or(InvalidMessage::Value)?,
            avif_speed: from
                .optional(|from| AvifSpeed::new(from.u8()?).ok_or(InvalidMessage::Value))?,
            watermark: from.optional(|from| {
                let place = from.u8()?;
                let content = from.optional(|from| {
                    let source = from.bytes()?;
                    let Some(Gravity::Compass(gravity)) = Gravity::parse(from.text()?) else {
                        return Err(InvalidMessage::Value);
                    };
                    let offset = (from.f64()?, from.f64()?);
                    let (scale, opacity, tiled) = (from.f64()?, from.f64()?, from.flag()?);
                    Ok((source, Placement { gravity, offset, scale, opacity, tiled }))
                })?;
                Ok(SentWatermark { place, content })
            })?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thumbnail::spec::Compass;

    fn jobs() -> [Job<'static>; 4] {
        let placement = Placement {
            gravity: Compass::NE,
            offset: (-0.25, 0.5),
            scale: 0.125,
            opacity: 0.75,
            tiled: true,
        };
        let render = Render {
            spec: Spec::parse("300x-,cover,g-0.3-0.7,rot-90,bg-ff0000,wm-logo,dpr-2,q-80").unwrap(),
            format: OutputFormat::Avif,
            qualities: Qualities { jpeg: 1, webp: 2, avif: 3, target: 4 },
            progressive: Progressive(true),
            subsampling: Subsampling::from_name("422").unwrap(),
            avif_speed: AvifSpeed::new(5),
            watermark: Some(SentWatermark { place: 3, content: Some((b"image", placement)) }),
        };
        let known = Some(SentWatermark { place: 3, content: None });
        let whole = Job {
            path: Some(OsStr::from_bytes(b"/a/\xff.jpg").into()),
            start: None,
            limits: Limits { max_pixels: Some(7), ..Limits::default() },
            timeout: 2.5,
            decoders: Some(vec!["pdf".into(), "vidéo".into()]),
            work: Work::Render(Box::new(Render { watermark: known, ..render.clone() })),
        };
        let start = Job {
            path: None,
            start: Some(9),
            limits: Limits::default(),
            timeout: 0.0,
            decoders: None,
            work: Work::Render(Box::new(render)),
        };
        let placeholder = Job { work: Work::Placeholder(Some("palette".into())), ..start.clone() };
        let probe = Job { work: Work::Probe, ..start.clone() };
        [whole, start, placeholder, probe]
    }

    #[test]
    fn a_job_arrives_as_it_was_sent() {
        for job in jobs() {
            let message = job.encode().unwrap();
            let (prefix, content) = message.split_first_chunk().unwrap();
            assert_eq!(Job::length(*prefix), content.len());
            assert_eq!(Job::decode(content).unwrap(), job);
        }
    }

    #[test]
    fn a_part_of_a_job_is_not_a_job() {
        for job in jobs() {
            let message = job.encode().unwrap();
            for end in PREFIX..message.len() {
                assert!(Job::decode(&message[PREFIX..end]).is_err());
            }
            let long = [&message[PREFIX..], b"\0"].concat();
            assert_eq!(Job::decode(&long), Err(InvalidMessage::TooLong));
        }
    }
}
