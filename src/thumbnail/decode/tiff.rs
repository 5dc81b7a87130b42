//! Decodes the first page of a TIFF with the `tiff` crate.

use raster::{Frame, Tiff, TiffError};

use super::super::color::Profile;
use super::super::exif;
use super::super::format::{OutputFormat, SourceFormat};
use super::super::header::Header;
use super::super::notice::Notice;
use super::super::xmp;
use super::decoder::{Completeness, DecodeRequest, Decoder, Sink, Source};
use crate::error::ThumbnailError;

const FORMAT: SourceFormat =
    SourceFormat::new("tiff", OutputFormat::Jpeg).or_if_transparent(OutputFormat::Png);

pub(super) const DECODER: Decoder = Decoder { format: FORMAT, sniff, open };

fn sniff(source: &[u8]) -> bool {
    matches!(source, [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..])
}

struct TiffSource<'a> {
    header: Header,
    icc: Option<Vec<u8>>,
    source: &'a [u8],
    file: Tiff<'a>,
}

fn failed(error: TiffError) -> ThumbnailError {
    match error {
        TiffError::Unsupported => ThumbnailError::UnsupportedFeature {
            feature: "TIFF with these samples or this compression",
        },
        TiffError::Stopped => ThumbnailError::Timeout,
        error @ TiffError::Corrupt(_) => ThumbnailError::corrupt(FORMAT, error),
    }
}

fn open(source: &[u8]) -> Result<Box<dyn Source + '_>, ThumbnailError> {
    let mut file = Tiff::new(source).map_err(failed)?;
    let icc = file.icc_profile();
    let header = Header {
        has_alpha: file.has_alpha(),
        has_icc: icc.is_some(),
        ..Header::still(FORMAT, file.size())
    };
    // EXIF uses the tags of TIFF, so the EXIF parser can parse TIFF too.
    let orientation = exif::orientation(source)
        .or_else(|| file.xmp().and_then(|data| xmp::orientation(&data)))
        .unwrap_or(1);
    let header = header.oriented(orientation);
    Ok(Box::new(TiffSource { header, icc, source, file }))
}

impl Source for TiffSource<'_> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn profile(&mut self) -> Option<Profile> {
        self.icc.clone().map(Profile::Icc)
    }

    fn notice(&mut self) -> Notice {
        let (iptc, xmp) = (self.file.iptc(), self.file.xmp());
        Notice::read(Some(self.source), iptc.as_deref(), xmp.as_deref())
    }

    fn frames(
        self: Box<Self>,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        let goes_on = || request.check_time().is_ok();
        let (picture, is_whole) = self.file.decode(&goes_on).map_err(failed)?;
        sink(Frame { picture, delay: 0 }.into())?;
        Ok(Completeness::whole_if(is_whole))
    }
}
