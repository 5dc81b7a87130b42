//! `trim`: cuts off the border of a source. The border has the colour of the source's upper left
//! corner.
//!
//! The edges of the border are known only after the source has been decoded at full size. If the
//! codec shrinks images while it decodes them, the part within the border is shrunk in the same way
//! afterwards. The result is another source, so that all other steps work on this part.

use super::color::Profile;
use super::crop::Geometry;
use super::decode::{self, Completeness, DecodeRequest, Input, Sink, Source};
use super::header::Header;
use super::notice::Notice;
use super::options::RenderOptions;
use super::orient::Transform;
use super::spec::Tolerance;
use super::still;
use crate::error::ThumbnailError;
use raster::{Frame, Picture, PixelKind, Size};

/// Decode a source, and return it without its border. An animation is decoded a second time to
/// obtain its frames, so that they are not all in memory at the same time. The same border is cut
/// off from all frames.
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
    let small = DecodeRequest { size: Size { width: 1, height: 1 }, ..request };
    let is_shrunk =
        !header.is_scalable && source.decoded_pixels(small) < source.decoded_pixels(request);
    let mut inside: Option<Area> = None;
    let mut still = None;
    let completeness = source.frames(request, &mut |frame| {
        options.check_time()?;
        let picture = frame.pixels.into_picture()?;
        if let Some(found) = content(&picture, header.transform, tolerance, options)? {
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
        TrimmedPixels::Animation(..) => area.size(),
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

/// The size at which a scalable source is drawn: enough pixels for the thumbnail if the border
/// takes up to three quarters of each side.
fn scaled(header: &Header, options: &RenderOptions<'_>) -> Result<Size, ThumbnailError> {
    let Size { width, height } = Geometry::of(header, options.spec)?.decoded_size();
    let factor = (MAX_TRIMMED / width.max(height)).clamp(1, 4);
    Ok(Size { width: factor * width, height: factor * height })
}

/// The longer side of a scalable source that is drawn larger than the thumbnail.
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
    /// A source to decode, and the part of each frame to pass on.
    Animation(Box<dyn Source + 'a>, Area),
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

/// A part of a picture in pixels, with at least one pixel. `right` and `bottom` are exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Area {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Area {
    const fn all(Size { width, height }: Size) -> Self {
        Self { left: 0, top: 0, right: width as usize, bottom: height as usize }
    }

    /// The smallest area that contains both areas.
    fn with(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    fn size(self) -> Size {
        let side = |start, end: usize| u32::try_from(end.saturating_sub(start)).unwrap_or(u32::MAX);
        Size { width: side(self.left, self.right), height: side(self.top, self.bottom) }
    }
}

/// The part of a picture within the border; `None` if all pixels belong to the border.
fn content(
    picture: &Picture,
    upright: Transform,
    tolerance: Tolerance,
    options: &RenderOptions<'_>,
) -> Result<Option<Area>, ThumbnailError> {
    let Tolerance(most) = tolerance;
    match picture.kind {
        PixelKind::Luma => {
            within::<1>(picture, upright, options, |one, other| is_near(*one, *other, most))
        }
        PixelKind::Rgb => {
            within::<3>(picture, upright, options, |one, other| is_near(*one, *other, most))
        }
        PixelKind::Cmyk => {
            within::<4>(picture, upright, options, |one, other| is_near(*one, *other, most))
        }
        // Transparent pixels of any colour look the same.
        PixelKind::Rgba => within::<4>(picture, upright, options, |one, other| {
            is_near(premultiplied(*one), premultiplied(*other), most)
        }),
    }
}

fn is_near<const N: usize>(one: [u8; N], other: [u8; N], most: u8) -> bool {
    one.iter().zip(&other).all(|(one, other)| one.abs_diff(*other) <= most)
}

fn premultiplied([red, green, blue, alpha]: [u8; 4]) -> [u8; 4] {
    let weighed = |sample: u8| {
        u8::try_from((u16::from(sample) * u16::from(alpha) + 127) / 255).unwrap_or(255)
    };
    [weighed(red), weighed(green), weighed(blue), alpha]
}

/// The smallest area that contains every pixel that differs from the corner pixel. Each pixel has
/// `N` bytes.
fn within<const N: usize>(
    picture: &Picture,
    upright: Transform,
    options: &RenderOptions<'_>,
    is_like: impl Fn(&[u8; N], &[u8; N]) -> bool,
) -> Result<Option<Area>, ThumbnailError> {
    let (pixels, _) = picture.data.as_chunks::<N>();
    let width = picture.width as usize;
    let (right, bottom) = upright.stored_corner();
    let row = if bottom { (picture.height as usize).saturating_sub(1) * width } else { 0 };
    let column = if right { width.saturating_sub(1) } else { 0 };
    let Some(corner) = pixels.get(row + column) else { return Ok(None) };
    let is_inside = |pixel: &[u8; N]| !is_like(pixel, corner);
    let mut found: Option<Area> = None;
    for (y, row) in pixels.chunks_exact(width.max(1)).enumerate() {
        options.check_time()?;
        let (left, right) = found.map_or((width, 0), |area| (area.left, area.right));
        // Pixels between the edges found so far can't change these edges.
        let first = row.iter().take(left).position(is_inside);
        let last = row.iter().skip(right).rposition(is_inside).map(|x| right + x);
        let has_content = first.is_some()
            || last.is_some()
            || row.get(left..right).is_some_and(|row| row.iter().any(is_inside));
        if has_content {
            let area = found.get_or_insert(Area { left, top: y, right, bottom: y });
            area.left = first.unwrap_or(left);
            area.right = last.map_or(right, |x| x + 1);
            area.bottom = y + 1;
        }
    }
    Ok(found)
}

/// Cut out a part of a picture. The part is clipped to the picture.
fn cut(picture: Picture, area: Area) -> Picture {
    let all = Area::all(picture.size());
    let Area { left, top, right, bottom } = Area {
        left: area.left.min(all.right.saturating_sub(1)),
        top: area.top.min(all.bottom.saturating_sub(1)),
        right: area.right.min(all.right),
        bottom: area.bottom.min(all.bottom),
    };
    let area = Area { left, top, right, bottom };
    if area == all {
        return picture;
    }
    let bytes = picture.kind.bytes();
    let Size { width, height } = area.size();
    let rows = picture.data.chunks_exact(picture.stride().max(1)).skip(top).take(height as usize);
    let rows: Vec<&[u8]> =
        rows.map(|row| row.get(left * bytes..right * bytes).unwrap_or_default()).collect();
    Picture { width, height, kind: picture.kind, data: rows.concat() }
}
