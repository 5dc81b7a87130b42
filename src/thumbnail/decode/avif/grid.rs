//! Images that are stored as a grid of tiles (HEIF, 6.6.2.3.2).

use zenavif_parse::AvifParser;

use super::super::decoder::{Completeness, DecodeRequest};
use super::av1::Stream;
use super::format::corrupt;
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind, Size};

/// The layout of the tiles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    rows: u32,
    columns: u32,
    /// The size of the whole image.
    pub(super) size: Size,
}

impl Grid {
    /// The layout of the primary image, if it is a grid.
    pub(super) fn read(file: &AvifParser<'_>) -> Result<Option<Self>, ThumbnailError> {
        if file.grid_config().is_none() {
            return Ok(None);
        }
        let data = file.primary_data().map_err(corrupt)?;
        let [0, flags, rows, columns, ref rest @ ..] = *data else {
            return Err(corrupt("its grid has an unknown version"));
        };
        let (width, height) = match *rest {
            [w3, w2, w1, w0, h3, h2, h1, h0, ..] if flags & 1 == 1 => {
                (u32::from_be_bytes([w3, w2, w1, w0]), u32::from_be_bytes([h3, h2, h1, h0]))
            }
            [w1, w0, h1, h0, ..] if flags & 1 == 0 => {
                (u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into())
            }
            _ => return Err(corrupt("its grid has no size")),
        };
        let (rows, columns) = (u32::from(rows) + 1, u32::from(columns) + 1);
        Ok(Some(Self { rows, columns, size: Size { width, height } }))
    }

    /// Decodes the tiles into one picture, in colour or as luma only. Missing or damaged tiles
    /// leave gaps.
    ///
    /// # Errors
    /// [`ThumbnailError::Timeout`], or the error of the first tile if no tile can be decoded.
    pub(super) fn decode(
        &self,
        file: &AvifParser<'_>,
        kind: PixelKind,
        request: DecodeRequest<'_>,
    ) -> Result<(Picture, Completeness), ThumbnailError> {
        let &Self { rows, columns, size: Size { width, height } } = self;
        let mut canvas = None;
        let mut missing = None;
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        for (index, place) in places.enumerate() {
            request.check_time()?;
            let drawn = self.tile(file, index, kind).and_then(|tile| {
                let canvas = canvas.get_or_insert_with(|| Canvas::new(self.size, &tile));
                canvas.draw(&tile, place)
            });
            missing = missing.or(drawn.err());
        }
        let Some(Canvas { tile, data, .. }) = canvas else {
            return Err(missing.unwrap_or_else(|| corrupt("its grid has no tile")));
        };
        let covers = tile.width * columns >= width && tile.height * rows >= height;
        let is_whole = missing.is_none() && covers;
        Ok((Picture { width, height, kind, data }, Completeness::whole_if(is_whole)))
    }

    fn tile(
        &self,
        file: &AvifParser<'_>,
        index: usize,
        kind: PixelKind,
    ) -> Result<Picture, ThumbnailError> {
        let &Self { rows, columns, size: Size { width, height } } = self;
        // Only the last tile of a row or column may extend beyond the image.
        let largest = Size {
            width: width.div_ceil((columns - 1).max(1)),
            height: height.div_ceil((rows - 1).max(1)),
        };
        let data = file.tile_data(index).map_err(corrupt)?;
        let planes = Stream::new(largest)?.next(&data, file.color_info())?;
        match kind {
            PixelKind::Luma => planes.luma(planes.size()),
            _ => Ok(planes.to_picture(planes.size())?.into_color()),
        }
    }
}

/// The picture that the tiles fill.
struct Canvas {
    /// The number of bytes in a row.
    stride: usize,
    /// The size of the tiles, which is the same for all of them (HEIF, 6.6.2.3.1).
    tile: Size,
    data: Vec<u8>,
}

impl Canvas {
    /// Creates a gray or transparent picture of this size, to be filled with tiles like this one.
    fn new(Size { width, height }: Size, tile: &Picture) -> Self {
        let stride = width as usize * tile.kind.bytes();
        let missing = if tile.kind == PixelKind::Luma { 0 } else { 128 };
        Self { stride, tile: tile.size(), data: vec![missing; stride * height as usize] }
    }

    /// Draws the tile in this row and column.
    fn draw(&mut self, tile: &Picture, (row, column): (u32, u32)) -> Result<(), ThumbnailError> {
        if tile.size() != self.tile {
            return Err(corrupt("its tiles differ in size"));
        }
        let (left, top) = (column as usize * tile.stride(), (row * tile.height) as usize);
        let lines = self.data.chunks_exact_mut(self.stride.max(1)).skip(top);
        for (line, part) in lines.zip(tile.data.chunks_exact(tile.stride().max(1))) {
            if let Some(rest) = line.get_mut(left..) {
                rest.iter_mut().zip(part).for_each(|(to, &from)| *to = from);
            }
        }
        Ok(())
    }
}

/// Decodes the opacity of a grid from a file whose primary image is the opacity. The opacity is
/// either a grid, too, or a single image.
pub(super) fn alpha(
    file: &AvifParser<'_>,
    size: Size,
    request: DecodeRequest<'_>,
) -> Result<(Picture, Completeness), ThumbnailError> {
    match Grid::read(file)? {
        Some(grid) if grid.size == size => grid.decode(file, PixelKind::Luma, request),
        Some(_) => Err(corrupt("its opacity has a different size")),
        None => {
            let data = file.primary_data().map_err(corrupt)?;
            let alpha = Stream::new(size)?.next(&data, None)?.luma(size)?;
            Ok((alpha, Completeness::Whole))
        }
    }
}
