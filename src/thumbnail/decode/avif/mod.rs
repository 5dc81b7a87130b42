//! Decodes AVIF: the container with `zenavif-parse`, and the frames with [`av1`].
//!
//! The luma and chroma planes are resized to the same size before they are converted to red, green
//! and blue. If a thumbnail is much smaller than its source, this size is smaller too, so most
//! pixels are never converted. If the planes are those of a JPEG or WebP, thumbnails in these
//! formats need no conversion.

mod av1;
mod format;
mod grid;
mod isobmff;
mod planes;

use zenavif_parse::{AV1Metadata, AnimationInfo, AvifParser, ColorInformation, DecodeConfig};

use super::super::color::Profile;
use super::super::header::Header;
use super::super::notice::Notice;
use super::super::orient::Transform;
use super::components::Components;
use super::decoder::{Completeness, DecodeRequest, Decoder, Sink, Source};
use super::headroom::with_headroom;
use crate::error::ThumbnailError;
use av1::Stream;
use format::{FORMAT, corrupt};
use grid::Grid;
use planes::Planes;
use raster::{Frame, Picture, PixelKind, Size};

/// Opens the primary image of an AVIF, or a whole sequence. The opacity of a grid may also be a
/// grid, but individual tiles can't have their own opacity.
pub(super) const DECODER: Decoder = Decoder { format: FORMAT, sniff, open };

fn sniff(source: &[u8]) -> bool {
    matches!(source, [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..])
}

struct Avif<'a> {
    source: &'a [u8],
    file: AvifParser<'a>,
    header: Header,
    kind: Kind,
    /// The decoded planes of a still image, if they can't be [`Components`].
    planes: Option<Planes>,
}

/// How the image is stored.
#[derive(Clone, Copy)]
enum Kind {
    Still,
    Grid(Grid),
    Sequence,
}

fn parse(source: &[u8]) -> Result<AvifParser<'_>, ThumbnailError> {
    isobmff::check(source)?;
    // The parser borrows the source's own bytes; these limits apply to its copies.
    let config = DecodeConfig::default()
        .with_peak_memory_limit(64 * 1024 * 1024)
        .with_max_animation_frames(isobmff::MAX_SAMPLES)
        .with_max_grid_tiles(256)
        .lenient(true);
    let stop = &zenavif_parse::Unstoppable;
    let cut_off = isobmff::with_data_cut_off(source);
    let without_items = isobmff::without_items(cut_off.as_deref().unwrap_or(source));
    match without_items.or(cut_off) {
        Some(source) => AvifParser::from_owned_with_config(source, &config, stop),
        None => AvifParser::from_bytes_with_config(source, &config, stop),
    }
    .map_err(corrupt)
}

/// Returns the sequence, if the file's major brand is the brand for sequences. Browsers use the
/// same rule.
fn sequence(file: &AvifParser<'_>, source: &[u8]) -> Option<AnimationInfo> {
    let is_sequence = file.major_brand() == b"avis";
    let info = file.animation_info().filter(|info| is_sequence && info.frame_count > 0)?;
    let has_alpha = info.has_alpha && !isobmff::has_other_auxiliary(source);
    Some(AnimationInfo { has_alpha, ..info })
}

fn open(source: &[u8]) -> Result<Box<dyn Source + '_>, ThumbnailError> {
    let file = parse(source)?;
    let sequence = sequence(&file, source);
    let (kind, size) = if sequence.is_some() {
        let first = file.frame(0).map_err(corrupt)?;
        let metadata = AV1Metadata::parse_av1_bitstream(&first.data).map_err(corrupt)?;
        (Kind::Sequence, frame_size(&metadata))
    } else if let Some(grid) = Grid::read(&file)? {
        (Kind::Grid(grid), grid.size)
    } else {
        (Kind::Still, frame_size(&file.primary_metadata().map_err(corrupt)?))
    };
    let transform = transform(&file);
    let header = Header {
        orientation: transform.to_exif(),
        transform,
        frames: sequence.map_or(1, |info| u32::try_from(info.frame_count).unwrap_or(u32::MAX)),
        plays: sequence.map_or(1, |info| u16::try_from(info.loop_count).unwrap_or(u16::MAX)),
        has_alpha: sequence.map_or(file.alpha_data().is_some(), |info| info.has_alpha),
        has_icc: matches!(file.color_info(), Some(ColorInformation::IccProfile(_))),
        ..Header::still(FORMAT, size)
    };
    Ok(Box::new(Avif { source, file, header, kind, planes: None }))
}

fn frame_size(metadata: &AV1Metadata) -> Size {
    Size { width: metadata.max_frame_width.get(), height: metadata.max_frame_height.get() }
}

/// The rotation and mirroring specified by the container. EXIF is ignored here (HEIF, 6.5.10,
/// 6.5.12).
fn transform(file: &AvifParser<'_>) -> Transform {
    let turn = Transform::from_exif(match file.rotation().map_or(0, |rotation| rotation.angle) {
        90 => 8,
        180 => 3,
        270 => 6,
        _ => 1,
    });
    turn.then(Transform::from_exif(match file.mirror().map(|mirror| mirror.axis) {
        Some(0) => 4,
        Some(1) => 2,
        _ => 1,
    }))
}

impl Source for Avif<'_> {
    fn header(&self) -> &Header {
        &self.header
    }

    /// libaom's planes stay in memory until the pixels are converted.
    fn pixel_bytes(&self) -> u64 {
        if self.header.has_alpha { 6 } else { 5 }
    }

    fn profile(&mut self) -> Option<Profile> {
        match self.file.color_info()? {
            ColorInformation::IccProfile(icc) => Some(Profile::Icc(icc.clone())),
            ColorInformation::Nclx { color_primaries, transfer_characteristics, .. } => {
                Some(Profile::CodePoints {
                    primaries: u8::try_from(*color_primaries).ok()?,
                    transfer: u8::try_from(*transfer_characteristics).ok()?,
                })
            }
        }
    }

    fn notice(&mut self) -> Notice {
        let (exif, xmp) = (self.file.exif(), self.file.xmp());
        let (exif, xmp) = (exif.and_then(Result::ok), xmp.and_then(Result::ok));
        Notice::read(exif.as_deref(), None, xmp.as_deref())
    }

    fn has_components(&self) -> bool {
        matches!(self.kind, Kind::Still) && !self.header.has_alpha && self.planes.is_none()
    }

    fn components(
        &mut self,
        request: DecodeRequest<'_>,
    ) -> Result<Option<Components>, ThumbnailError> {
        if !self.has_components() {
            return Ok(None);
        }
        let planes = self.still(request)?;
        if planes.size() == self.header.size && planes.are_components() {
            return Ok(planes.into_components());
        }
        self.planes = Some(planes);
        Ok(None)
    }

    fn frames(
        mut self: Box<Self>,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        let size = with_headroom(self.header.size, request.size);
        let (picture, completeness) = match self.kind {
            Kind::Sequence => return self.play(size, request, sink),
            Kind::Grid(grid) => self.grid(grid, request)?,
            Kind::Still => (self.still_picture(size, request)?, Completeness::Whole),
        };
        sink(Frame { picture, delay: 0 }.into())?;
        Ok(completeness)
    }
}

impl Avif<'_> {
    /// Decodes the colours of a still image.
    fn still(&self, request: DecodeRequest<'_>) -> Result<Planes, ThumbnailError> {
        let Self { file, header, .. } = self;
        request.check_time()?;
        let data = file.primary_data().map_err(corrupt)?;
        Stream::new(header.size)?.next(&data, file.color_info())
    }

    fn still_picture(
        &mut self,
        size: Size,
        request: DecodeRequest<'_>,
    ) -> Result<Picture, ThumbnailError> {
        let planes = match self.planes.take() {
            Some(planes) => planes,
            None => self.still(request)?,
        };
        let picture = planes.to_picture(size)?;
        let Self { file, header, .. } = self;
        let Some(alpha) = file.alpha_data() else { return Ok(picture) };
        request.check_time()?;
        let data = alpha.map_err(corrupt)?;
        let alpha = Stream::new(header.size)?.next(&data, None)?.luma(size)?;
        Ok(with_alpha(picture, &alpha, file.premultiplied_alpha()))
    }

    fn grid(
        &self,
        grid: Grid,
        request: DecodeRequest<'_>,
    ) -> Result<(Picture, Completeness), ThumbnailError> {
        let Self { source, file, header, .. } = self;
        let (picture, colors) = grid.decode(file, PixelKind::Rgb, request)?;
        let Some(source) = isobmff::with_alpha_as_primary(source) else {
            return Ok((picture, colors));
        };
        let (alpha, opacities) = grid::alpha(&parse(&source)?, header.size, request)?;
        let picture = with_alpha(picture, &alpha, file.premultiplied_alpha());
        let is_whole = [colors, opacities] == [Completeness::Whole; 2];
        Ok((picture, Completeness::whole_if(is_whole)))
    }

    /// Passes the frames of a sequence to the sink. Each frame may depend on the previous ones.
    fn play(
        &self,
        size: Size,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        let Self { file, header, .. } = self;
        let (mut colors, mut opacities) = (Stream::new(header.size)?, Stream::new(header.size)?);
        for index in 0..header.frames.min(request.max_frames) as usize {
            request.check_time()?;
            let mut next = || {
                let frame = file.frame(index).map_err(corrupt)?;
                let picture = colors.next(&frame.data, file.color_info())?.to_picture(size)?;
                let picture = match frame.alpha_data.filter(|_| header.has_alpha) {
                    Some(data) => {
                        let alpha = opacities.next(&data, None)?.luma(size)?;
                        with_alpha(picture, &alpha, file.premultiplied_alpha())
                    }
                    None => picture,
                };
                Ok(Frame { picture, delay: frame.duration_ms })
            };
            match next() {
                Ok(frame) => sink(frame.into())?,
                Err(error) if index == 0 => return Err(error),
                // The frames before the damaged one can be shown.
                Err(_) => return Ok(Completeness::Part),
            }
        }
        Ok(Completeness::Whole)
    }
}

fn with_alpha(picture: Picture, alpha: &Picture, premultiplied: bool) -> Picture {
    let mut picture = picture.into_rgba();
    let (pixels, _) = picture.data.as_chunks_mut::<4>();
    for (pixel, &alpha) in pixels.iter_mut().zip(&alpha.data) {
        let [red, green, blue, _] = *pixel;
        let plain = |sample: u8| match (premultiplied, alpha) {
            (true, 1..) => {
                let sample = u16::from(sample) * 255 / u16::from(alpha);
                u8::try_from(sample).unwrap_or(255)
            }
            _ => sample,
        };
        *pixel = [plain(red), plain(green), plain(blue), alpha];
    }
    picture
}
