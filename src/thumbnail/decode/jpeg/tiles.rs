//! The tiles of a JPEG.

use std::ops::Range;

use jpeg_dc::Options;
use raster::Picture;
use turbojpeg::ScalingFactor;

use super::super::decoder::{Completeness, DecodeRequest, Tiles};
use super::libjpeg;
use super::native::unless_expired;
use super::segments::FrameHeader;
use crate::error::ThumbnailError;

/// Tiles that libjpeg decodes.
struct JpegTiles {
    tiles: jpeg_dc::Tiles,
    frame: FrameHeader,
}

/// The tiles of a baseline JPEG with one scan; `None` for other files.
pub(super) fn tiles(
    source: &[u8],
    frame: FrameHeader,
    request: DecodeRequest<'_>,
) -> Result<Option<Box<dyn Tiles>>, ThumbnailError> {
    let found = jpeg_dc::Tiles::find(source, &Options::new(), request.expired);
    let found = unless_expired(found)?;
    Ok(found.map(|tiles| Box::new(JpegTiles { tiles, frame }) as Box<dyn Tiles>))
}

impl Tiles for JpegTiles {
    fn tile(&self) -> (usize, usize) {
        self.tiles.tile()
    }

    fn count(&self) -> (usize, usize) {
        self.tiles.count()
    }

    fn differing(&self, tile: (usize, usize), tolerance: u16) -> Option<Vec<bool>> {
        self.tiles.differing(tile, tolerance).ok()
    }

    fn picture(
        &self,
        columns: Range<usize>,
        rows: Range<usize>,
        request: DecodeRequest<'_>,
    ) -> Result<Option<Picture>, ThumbnailError> {
        let Ok(file) = self.tiles.cut(columns, rows) else { return Ok(None) };
        match libjpeg::decode(&file, ScalingFactor::ONE, self.frame, false, request) {
            Ok((picture, Completeness::Whole)) => Ok(Some(picture)),
            Err(ThumbnailError::Timeout) => Err(ThumbnailError::Timeout),
            Ok((_, Completeness::Part)) | Err(_) => Ok(None),
        }
    }
}
