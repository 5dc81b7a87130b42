//! Renders SVG and SVGZ with `resvg`, at the size of the thumbnail.
//!
//! An SVG file is a program for a renderer, so its elements and the work of drawing them are
//! counted before anything is drawn. Scripts, animations, and references to other files are
//! ignored.

mod document;
mod draw;
mod embedded;
mod file;
mod fonts;
mod line;
#[cfg(test)]
mod tests;
mod work;

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

use flate2::read::GzDecoder;
use raster::{Frame, Picture, PixelKind, Size};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{self, ImageHrefResolver, Options};

use super::super::header::Header;
use super::super::limits::Limits;
use super::decoder::{Completeness, DecodeRequest, Decoder, Sink, Source};
use crate::error::ThumbnailError;
use document::Document;
use file::{BOM, FORMAT, GZIP, corrupt, is_svg};
pub use fonts::Fonts;

pub(super) const DECODER: Decoder = Decoder { format: FORMAT, sniff, open };

/// The maximum length of the text of an SVG file in bytes, after decompression.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// Whether the file is compressed, or its first element is `svg`.
fn sniff(source: &[u8]) -> bool {
    source.starts_with(&GZIP) || is_svg(source)
}

struct Svg<'a> {
    header: Header,
    text: Cow<'a, str>,
    /// The drawing without the images in it and, before `set_fonts`, without text.
    tree: usvg::Tree,
    fonts: Arc<Database>,
    has_images: bool,
}

fn open(source: &[u8]) -> Result<Box<dyn Source + '_>, ThumbnailError> {
    Ok(Box::new(Svg::open(source)?))
}

/// Returns the text of an SVG file.
///
/// # Errors
/// [`ThumbnailError::TooLarge`], or [`ThumbnailError::Unsupported`] if a compressed file is not
/// SVG.
fn decompressed(source: &[u8]) -> Result<Cow<'_, [u8]>, ThumbnailError> {
    let source = if source.starts_with(&GZIP) {
        let mut text = Vec::new();
        GzDecoder::new(source).take(MOST_BYTES + 1).read_to_end(&mut text).map_err(corrupt)?;
        if !is_svg(&text) {
            return Err(ThumbnailError::Unsupported);
        }
        Cow::Owned(text)
    } else {
        Cow::Borrowed(source)
    };
    let found = source.len() as u64;
    if found > MOST_BYTES {
        let what = "bytes of SVG";
        return Err(ThumbnailError::TooLarge { what, found, limit: MOST_BYTES });
    }
    Ok(source)
}

/// Returns the number of pixels for a length in CSS pixels, at least 1.
fn whole(length: f32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    let pixels = length.round() as u32;
    pixels.max(1)
}

impl Source for Svg<'_> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn set_fonts(&mut self, fonts: &Fonts) -> Result<(), ThumbnailError> {
        let document = Document::parse(&self.text)?;
        if document.has_text {
            self.fonts = fonts.database();
            self.tree = tree(&document, &self.fonts, embedded::none())?;
            // Without a size of its own, the image is as large as its elements.
            self.header.size = size(&self.tree);
        }
        Ok(())
    }

    fn decoded_pixels(&self, request: DecodeRequest) -> u64 {
        self.size(request).pixels()
    }

    fn frames(
        self: Box<Self>,
        request: DecodeRequest<'_>,
        sink: Sink<'_>,
    ) -> Result<Completeness, ThumbnailError> {
        let size = self.size(request);
        let picture = self.draw(size, request.limits, request.expired)?;
        sink(Frame { picture, delay: 0 }.into())?;
        Ok(Completeness::Whole)
    }
}

impl<'a> Svg<'a> {
    fn open(source: &'a [u8]) -> Result<Self, ThumbnailError> {
        let text = text(decompressed(source)?)?;
        let document = Document::parse(&text)?;
        let fonts = Arc::default();
        let tree = tree(&document, &fonts, embedded::none())?;
        let has_images = document.has_images;
        let header =
            Header { has_alpha: true, is_scalable: true, ..Header::still(FORMAT, size(&tree)) };
        Ok(Self { header, text, tree, fonts, has_images })
    }

    /// The size at which the image is drawn.
    fn size(&self, request: DecodeRequest) -> Size {
        // If a caller wants all pixels, the image is drawn at the file's own size.
        if request.size.width == u32::MAX { self.header.size } else { request.size }
    }

    fn draw(
        mut self,
        size: Size,
        limits: &Limits,
        expired: &dyn Fn() -> bool,
    ) -> Result<Picture, ThumbnailError> {
        work::check(&self.tree, size, limits)?;
        if self.has_images {
            let budget = embedded::Budget::new(limits);
            let document = Document::parse(&self.text)?;
            self.tree = tree(&document, &self.fonts, embedded::resolver(&budget))?;
            work::check(&self.tree, size, limits)?;
        }
        let data = draw::draw(&self.tree, size, expired)?;
        let Size { width, height } = size;
        Ok(Picture { width, height, kind: PixelKind::Rgba, data })
    }
}

/// The size of a drawing in whole pixels.
fn size(tree: &usvg::Tree) -> Size {
    let size = tree.size();
    Size { width: whole(size.width()), height: whole(size.height()) }
}

fn tree(
    document: &Document<'_>,
    fonts: &Arc<Database>,
    images: ImageHrefResolver<'_>,
) -> Result<usvg::Tree, ThumbnailError> {
    let options =
        Options { fontdb: Arc::clone(fonts), image_href_resolver: images, ..Options::default() };
    usvg::Tree::from_xmltree(&document.xml, &options).map_err(corrupt)
}

/// Returns the content of an uncompressed file as text.
fn text(source: Cow<'_, [u8]>) -> Result<Cow<'_, str>, ThumbnailError> {
    let not_utf_8 = ThumbnailError::UnsupportedFeature { feature: "SVG that is not UTF-8" };
    match source {
        Cow::Borrowed(source) => {
            let source = source.strip_prefix(&BOM).unwrap_or(source);
            std::str::from_utf8(source).map(Cow::Borrowed).map_err(|_| not_utf_8)
        }
        Cow::Owned(mut source) => {
            if source.starts_with(&BOM) {
                source.drain(..BOM.len());
            }
            String::from_utf8(source).map(Cow::Owned).map_err(|_| not_utf_8)
        }
    }
}
