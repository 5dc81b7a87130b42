//! The border of an image: the pixels around its content that have the colour of its upper left
//! corner.

use std::ops::Range;

use super::decode::{DecodeRequest, Tiles};
use super::options::RenderOptions;
use super::orient::Transform;
use super::spec::Tolerance;
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind, Size};

/// A part of a picture in pixels, with at least one pixel. `right` and `bottom` are exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) right: usize,
    pub(super) bottom: usize,
}

impl Area {
    pub(super) const fn all(Size { width, height }: Size) -> Self {
        Self { left: 0, top: 0, right: width as usize, bottom: height as usize }
    }

    /// The smallest area that contains both areas.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    pub(super) fn size(self) -> Size {
        let side = |start, end: usize| u32::try_from(end.saturating_sub(start)).unwrap_or(u32::MAX);
        Size { width: side(self.left, self.right), height: side(self.top, self.bottom) }
    }
}

/// The part of a picture within the border. The border has the colour `corner`. Returns `None` if
/// all pixels belong to the border.
pub(super) fn content(
    picture: &Picture,
    corner: &[u8],
    tolerance: Tolerance,
    options: &RenderOptions<'_>,
) -> Result<Option<Area>, ThumbnailError> {
    let Tolerance(most) = tolerance;
    match picture.kind {
        PixelKind::Luma => {
            within::<1>(picture, corner, options, |one, other| is_near(*one, *other, most))
        }
        PixelKind::Rgb => {
            within::<3>(picture, corner, options, |one, other| is_near(*one, *other, most))
        }
        PixelKind::Cmyk => {
            within::<4>(picture, corner, options, |one, other| is_near(*one, *other, most))
        }
        // Transparent pixels of any colour look the same.
        PixelKind::Rgba => within::<4>(picture, corner, options, |one, other| {
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

/// The smallest area that contains every pixel that differs from `corner`. Each pixel has `N` bytes.
fn within<const N: usize>(
    picture: &Picture,
    corner: &[u8],
    options: &RenderOptions<'_>,
    is_like: impl Fn(&[u8; N], &[u8; N]) -> bool,
) -> Result<Option<Area>, ThumbnailError> {
    let (pixels, _) = picture.data.as_chunks::<N>();
    let width = picture.width as usize;
    let Some(corner) = corner.first_chunk::<N>() else { return Ok(None) };
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

/// The pixel that a transform moves to the upper left.
pub(super) fn corner(picture: &Picture, upright: Transform) -> Option<&[u8]> {
    let (right, bottom) = upright.stored_corner();
    let row = if bottom { picture.height.saturating_sub(1) } else { 0 };
    let column = if right { picture.width.saturating_sub(1) } else { 0 };
    let index = row as usize * picture.width as usize + column as usize;
    picture.data.chunks_exact(picture.kind.bytes()).nth(index)
}

/// Finds the part of an image within its border, without decoding the whole image. The mean colours
/// of the tiles show which tiles certainly differ from the border. The exact edges lie at the edges
/// of the area that contains these tiles, or outside it. Only the tiles there are decoded. Returns
/// `None` if the mean colours don't show the content, or if tiles can't be decoded.
pub(super) fn content_of_tiles(
    tiles: &dyn Tiles,
    image: Size,
    upright: Transform,
    tolerance: Tolerance,
    (request, options): (DecodeRequest<'_>, &RenderOptions<'_>),
) -> Result<Option<Area>, ThumbnailError> {
    let (across, down) = tiles.count();
    let (right, bottom) = upright.stored_corner();
    let at = |is_last: bool, count: usize| if is_last { count.saturating_sub(1) } else { 0 };
    let (column, row) = (at(right, across), at(bottom, down));
    let Some(differing) = tiles.differing((column, row), certain(tolerance)) else {
        return Ok(None);
    };
    let Some(certain) = bounds(&differing, across) else { return Ok(None) };
    let strips = Strips { tiles, image, tolerance, request, options };
    // Samples of chroma are interpolated across the edges of tiles.
    let near = |index: usize| index.saturating_sub(1)..index + 2;
    let Some(decoded) = tiles.picture(near(column), near(row), request)? else { return Ok(None) };
    let Some(corner) = corner(&decoded, upright) else { return Ok(None) };
    let found = |strip: Option<Area>, edge: fn(Area) -> usize| strip.map(edge);
    let all = Area::all(image);
    let rows = strips.content(0..across, 0..certain.top + 1, corner)?;
    let Some(top) = found(rows, |area| area.top) else { return Ok(None) };
    let rows = strips.content(0..across, certain.bottom - 1..down, corner)?;
    let Some(bottom) = found(rows, |area| area.bottom) else { return Ok(None) };
    let (_, height) = tiles.tile();
    let between = top / height.max(1)..bottom.div_ceil(height.max(1));
    let columns = strips.content(0..certain.left + 1, between.clone(), corner)?;
    let Some(left) = found(columns, |area| area.left) else { return Ok(None) };
    let columns = strips.content(certain.right - 1..across, between, corner)?;
    let Some(right) = found(columns, |area| area.right) else { return Ok(None) };
    Ok(Some(Area { left, top, right: right.min(all.right), bottom: bottom.min(all.bottom) }))
}

/// If the means of two tiles differ by more than this number, one of the tiles has content. The
/// number is much larger than the tolerance, because it applies to means of luma and chroma instead
/// of pixels.
fn certain(Tolerance(most): Tolerance) -> u16 {
    2 * u16::from(most) + 4
}

/// The smallest area, in tiles, that contains all differing tiles.
fn bounds(differing: &[bool], across: usize) -> Option<Area> {
    let mut found: Option<Area> = None;
    for (y, row) in differing.chunks(across.max(1)).enumerate() {
        let first = row.iter().position(|&differs| differs);
        let last = row.iter().rposition(|&differs| differs);
        if let (Some(left), Some(last)) = (first, last) {
            let row = Area { left, top: y, right: last + 1, bottom: y + 1 };
            found = Some(found.map_or(row, |found| found.with(row)));
        }
    }
    found
}

/// Parts of an image.
struct Strips<'a> {
    tiles: &'a dyn Tiles,
    image: Size,
    tolerance: Tolerance,
    request: DecodeRequest<'a>,
    options: &'a RenderOptions<'a>,
}

impl Strips<'_> {
    /// The area of the content in some tiles, in pixels of the image.
    fn content(
        &self,
        columns: Range<usize>,
        rows: Range<usize>,
        corner: &[u8],
    ) -> Result<Option<Area>, ThumbnailError> {
        // The neighbours are decoded, too, because chroma is interpolated across the edges.
        let wider = |range: &Range<usize>| range.start.saturating_sub(1)..range.end + 1;
        let (tile_width, tile_height) = self.tiles.tile();
        let (wide, high) = (wider(&columns), wider(&rows));
        let (x, y) = (wide.start * tile_width, high.start * tile_height);
        let Some(picture) = self.tiles.picture(wide, high, self.request)? else {
            return Ok(None);
        };
        let inner = |range: &Range<usize>, tile: usize, start: usize, full: u32| {
            range.start * tile - start..(range.end * tile).min(full as usize) - start
        };
        let (across, down) = (
            inner(&columns, tile_width, x, self.image.width),
            inner(&rows, tile_height, y, self.image.height),
        );
        let area =
            Area { left: across.start, top: down.start, right: across.end, bottom: down.end };
        let picture = cut(picture, area);
        let found = content(&picture, corner, self.tolerance, self.options)?;
        let (x, y) = (x + across.start, y + down.start);
        Ok(found.map(|area| Area {
            left: area.left + x,
            top: area.top + y,
            right: area.right + x,
            bottom: area.bottom + y,
        }))
    }
}

/// Cuts out a part of a picture. The part is clipped to the picture.
pub(super) fn cut(picture: Picture, area: Area) -> Picture {
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
