//! Pictures that are stored as a grid of tiles (HEIF, 6.6.2.3.2).

use zenavif_parse::AvifParser;

use super::super::decoder::DecodeRequest;
use super::av1::Stream;
use super::format::corrupt;
use crate::error::ThumbnailError;
use raster::{Picture, PixelKind, Size};

/// The layout of the tiles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    rows: u32,
    columns: u32,
    /// The size of the whole picture.
    pub(super) size: Size,
}

impl Grid {
    /// The layout of the primary picture, if it is a grid.
    pub(super) fn read(file: &AvifParser<'_>) -> Result<Option<Self>, ThumbnailError> {
        if file.grid_config().is_none() {
            return Ok(None);
        }
        let data = file.primary_data().map_err(corrupt)?;
        let [0, flags, rows, columns, ref rest @ ..] = *data else {
            return Err(corrupt("its grid is of an unknown version"));
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

    /// Decode the tiles into one picture, either in colour or only the luma.
    pub(super) fn decode(
        &self,
        file: &AvifParser<'_>,
        kind: PixelKind,
        request: DecodeRequest<'_>,
    ) -> Result<Picture, ThumbnailError> {
        let &Self { rows, columns, size: Size { width, height } } = self;
        // Only the last tile of a row or column may extend beyond the picture.
        let largest = Size {
            width: width.div_ceil((columns - 1).max(1)),
            height: height.div_ceil((rows - 1).max(1)),
        };
        let stride = width as usize * kind.bytes();
        let mut data = vec![0; stride * height as usize];
        let mut index = 0;
        let mut top = 0;
        for _ in 0..rows {
            let mut left = 0;
            let mut tallest = 0;
            for _ in 0..columns {
                request.check_time()?;
                let tile = file.tile_data(index).map_err(corrupt)?;
                index += 1;
                let planes = Stream::new(largest)?.next(&tile, file.color_info())?;
                let tile = match kind {
                    PixelKind::Luma => planes.luma(planes.size())?,
                    _ => planes.to_picture(planes.size())?.into_color(),
                };
                let lines = data.chunks_exact_mut(stride.max(1)).skip(top);
                for (row, line) in lines.zip(tile.data.chunks_exact(tile.stride().max(1))) {
                    if let Some(rest) = row.get_mut(left..) {
                        rest.iter_mut().zip(line).for_each(|(to, &from)| *to = from);
                    }
                }
                left += tile.stride();
                tallest = tallest.max(tile.height as usize);
            }
            top += tallest;
        }
        Ok(Picture { width, height, kind, data })
    }
}

/// The opacity of a grid, from a file whose primary picture it is: a grid too, or a single picture.
pub(super) fn alpha(
    file: &AvifParser<'_>,
    size: Size,
    request: DecodeRequest<'_>,
) -> Result<Picture, ThumbnailError> {
    match Grid::read(file)? {
        Some(grid) if grid.size == size => grid.decode(file, PixelKind::Luma, request),
        Some(_) => Err(corrupt("its opacity is of another size")),
        None => {
            let data = file.primary_data().map_err(corrupt)?;
            Stream::new(size)?.next(&data, None)?.luma(size)
        }
    }
}
