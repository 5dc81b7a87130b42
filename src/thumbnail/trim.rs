//! `trim`: cuts off the border of a source. The border has the colour of the source's upper left
//! corner.
//!
//! The edges of the border are known only after the source has been decoded at full size. If the
//! codec shrinks images while it decodes them, the part within the border is shrunk in the same way
//! afterwards. If the source consists of tiles, only some of them are decoded to find the edges.
//! The result is another source, so that all other steps work on this part.

use super::border::{Area, content, content_of_tiles, corner, cut};
use super::color::Profile;
use super::crop::{Geometry, Window};
use super::decode::{
    self, Completeness, ComponentStrips, Components, DecodeRequest, Input, Sink, Source,
};
use super::header::Header;
use super::notice::Notice;
use super::options::RenderOptions;
use super::spec::Tolerance;
use super::still;
use crate::error::ThumbnailError;
use raster::{Frame, Picture, Size};

/// Decodes a source, and returns it without its border. An animation is decoded a second time to
/// obtain its frames, so that not all of them are in memory at the same time. The same border is
/// cut off from all frames.
///
/// # Errors
/// See [`render`](super::render).
pub(super) fn open<'a>(
    input: Input<'a>,
    options: &RenderOptions<'_>,
    tolerance: Tolerance,
) -> Result<Box<dyn Source + 'a>, ThumbnailError> {
    let mut source = still::open(input, options)?;
    let (header, profile) = (*source.header(), source.profile());
    let notice = if options.spec.keep_copyright { source.notice() } else { Notice::default() };
    options.check_page(&header)?;
    let frames = options.frames_of(&header);
    let request = DecodeRequest {
        size: if header.is_scalable { scaled(&header, options)? } else { FULL },
        linear_size: None,
        half_chroma: false,
        max_frames: options.max_frames(&header),
        is_partial: options.is_partial,
        limits: options.limits,
        expired: options.expired,
    };
    options.limits.check_source(source.decoded_pixels(request), source.pixel_bytes(), frames)?;
    if frames == 1
        && let Some(tiles) = source.tiles(request)?
    {
        let parts = (request, options);
        let area =
            content_of_tiles(tiles.as_ref(), header.size, header.transform, tolerance, parts)?;
        drop(tiles);
        if let Some(area) = area {
            let header = Header { size: area.size(), ..header };
            let pixels = TrimmedPixels::Part(source, area);
            return Ok(Box::new(Trimmed { header, profile, notice, pixels }));
        }
    }
    let small = DecodeRequest { size: Size { width: 1, height: 1 }, ..request };
    let is_shrunk =
        !header.is_scalable && source.decoded_pixels(small) < source.decoded_pixels(request);
    let mut inside: Option<Area> = None;
    let mut still = None;
    let completeness = source.frames(request, &mut |frame| {
        options.check_time()?;
        let picture = frame.pixels.into_picture()?;
        let found = match corner(&picture, header.transform) {
            Some(corner) => content(&picture, corner, tolerance, options)?,
            None => None,
        };
        if let Some(found) = found {
            inside = Some(inside.map_or(found, |inside| inside.with(found)));
        }
        still = (frames == 1).then_some(picture);
        Ok(())
    })?;
    let drawn = still.as_ref().map_or(header.size, Picture::size);
    let area = inside.unwrap_or_else(|| Area::all(drawn));
    let pixels = match still {
        Some(picture) => TrimmedPixels::Still(cut(picture, area), completeness, is_shrunk),
        None => TrimmedPixels::Animation(decode::open(input, options.limits)?, area),
    };
    let size = match &pixels {
        TrimmedPixels::Still(picture, ..) => picture.size(),
        TrimmedPixels::Animation(..) | TrimmedPixels::Part(..) => area.size(),
    };
    Ok(Box::new(Trimmed {
        header: Header { size, is_scalable: false, ..header },
        profile,
        notice,
        pixels,
    }))
}

/// Requests the full size, so that codecs do not shrink the picture.
const FULL: Size = Size { width: u32::MAX, height: u32::MAX };

/// The size at which a scalable source is drawn. It has enough pixels for the thumbnail even if the
/// border takes up three quarters of each side.
fn scaled(header: &Header, options: &RenderOptions<'_>) -> Result<Size, ThumbnailError> {
    let Size { width, height } = Geometry::of(header, options.spec)?.decoded_size();
    let factor = (MAX_TRIMMED / width.max(height)).clamp(1, 4);
    Ok(Size { width: factor * width, height: factor * height })
}

/// If a scalable source is drawn larger than the thumbnail needs, this is the maximum length of its
/// longer side, in pixels.
const MAX_TRIMMED: u32 = 2048;

/// A source without its border.
struct Trimmed<'a> {
    header: Header,
    profile: Option<Profile>,
    notice: Notice,
    pixels: TrimmedPixels<'a>,
}

enum TrimmedPixels<'a> {
    /// The decoded picture, and whether to shrink it to the size in the request.
    Still(Picture, Completeness, bool),
    /// A source with a single frame, and the part of the frame to pass on.
    Part(Box<dyn Source + 'a>, Area),
    /// A source to decode, and the part of each frame to pass on.
    Animation(Box<dyn Source + 'a>, Area),
}

/// The request for a whole image, given the request for a part of it.
fn of_whole(request: DecodeRequest<'_>, full: Size, area: Area) -> DecodeRequest<'_> {
    let part = area.size();
    let enlarged = |wanted: u32, full: u32, part: u32| {
        let side = u64::from(wanted) * u64::from(full);
        u32::try_from(side.div_ceil(part.max(1).into())).unwrap_or(u32::MAX)
    };
    let size = Size {
        width: enlarged(request.size.width, full.width, part.width),
        height: enlarged(request.size.height, full.height, part.height),
    };
    DecodeRequest { size, ..request }
}

/// The area as fractions of the image.
fn window(Area { left, top, right, bottom }: Area, full: Size) -> Window {
    let fraction = |pixels: usize, full: u32| {
        f64::from(u32::try_from(pixels).unwrap_or(u32::MAX)) / f64::from(full)
    };
    Window {
        left: fraction(left, full.width),
        top: fraction(top, full.height),
        width: fraction(right - left, full.width),
        height: fraction(bottom - top, full.height),
    }
}

impl<'s> Trimmed<'s> {
    /// The source, the request for the whole image, and the part to show. Returns `None` if the
    /// pixels are decoded already, or if the source is animated.
    fn part<'a, 'r>(
        &'a mut self,
        request: DecodeRequest<'r>,
    ) -> Option<(&'a mut (dyn Source + 's), DecodeRequest<'r>, Window)> {
        let TrimmedPixels::Part(source, area) = &mut self.pixels else { return None };
        let full = source.header().size;
        Some((source.as_mut(), of_whole(request, full, *area), window(*area, full)))
    }
}

impl Source for Trimmed<'_> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn profile(&mut self) -> Option<Profile> {
        self.profile.take()
    }

    fn notice(&mut self) -> Notice {
        std::mem::take(&mut self.notice)
    }

    fn has_components(&self) -> bool {
        matches!(&self.pixels, TrimmedPixels::Part(source, _) if source.has_components())
    }

    fn components(
        &mut self,
        request: DecodeRequest<'_>,
    ) -> Result<Option<Components>, ThumbnailError> {
        let Some((source, request, shown)) = self.part(request) else { return Ok(None) };
        Ok(source.components(request)?.map(|components| components.part(shown)))
    }

    fn component_strips<'a>(
        &'a mut self,
        request: DecodeRequest<'a>,
    ) -> Option<ComponentStrips<'a>> {
        let (source, request, shown) = self.part(request)?;
        Some(source.component_strips(request)?.part(shown))
    }

    fn luma_strips<'a>(&'a mut self, request: DecodeRequest<'a>) -> Option<ComponentStrips<'a, 1>> {
        let (source, request, shown) = self.part(request)?;
        Some(source.luma_strips(request)?.part(shown))
    }

    fn frames(
        self: Box<Self>,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        match self.pixels {
            TrimmedPixels::Still(picture, completeness, is_shrunk) => {
                let picture =
                    if is_shrunk { raster::shrink(picture, request.size) } else { picture };
                sink(Frame { picture, delay: 0 }.into())?;
                Ok(completeness)
            }
            TrimmedPixels::Part(source, area) => {
                let full =
                    DecodeRequest { size: FULL, linear_size: None, half_chroma: false, ..request };
                source.frames(full, &mut |frame| {
                    let picture = cut(frame.pixels.into_picture()?, area);
                    let picture = raster::shrink(picture, request.size);
                    sink(Frame { picture, delay: frame.delay }.into())
                })
            }
            TrimmedPixels::Animation(source, area) => {
                let request = DecodeRequest { size: FULL, linear_size: None, ..request };
                source.frames(request, &mut |frame| {
                    let picture = cut(frame.pixels.into_picture()?, area);
                    sink(Frame { picture, delay: frame.delay }.into())
                })
            }
        }
    }
}
