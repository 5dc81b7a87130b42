//! Draws an SVG, and checks the time limit between its elements.

use raster::Size;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Group, Node, Paint, Pattern, Stroke, Tree};

use super::file::FORMAT;
use super::line::{self, Tile};
use crate::error::ThumbnailError;

/// Draws the image at this size. Returns red, green, blue and alpha of each pixel.
///
/// # Errors
/// [`ThumbnailError::TooLarge`], [`ThumbnailError::Timeout`].
pub(super) fn draw(
    tree: &Tree,
    size: Size,
    expired: &dyn Fn() -> bool,
) -> Result<Vec<u8>, ThumbnailError> {
    let mut pixmap = Pixmap::new(size.width, size.height)
        .ok_or_else(|| ThumbnailError::corrupt(FORMAT, "it can't be drawn at this size"))?;
    nodes(tree.root(), root_transform(tree, size), &mut pixmap, expired)?;
    Ok(pixmap.take_demultiplied())
}

/// The transform from the units of the file to pixels.
pub(super) fn root_transform(tree: &Tree, size: Size) -> Transform {
    let own = tree.size();
    #[expect(clippy::cast_precision_loss, reason = "a side of a thumbnail is short")]
    let (width, height) = (size.width as f32, size.height as f32);
    Transform::from_scale(width / own.width(), height / own.height())
        .pre_concat(tree.root().transform())
}

/// Draws the elements of a group. `transform` includes the group's own transform.
fn nodes(
    group: &Group,
    transform: Transform,
    pixmap: &mut Pixmap,
    expired: &dyn Fn() -> bool,
) -> Result<(), ThumbnailError> {
    for node in group.children() {
        if expired() {
            return Err(ThumbnailError::Timeout);
        }
        match node {
            Node::Group(inner) if !inner.should_isolate() => {
                nodes(inner, transform.pre_concat(inner.transform()), pixmap, expired)?;
            }
            Node::Path(path) if node.abs_layer_bounding_box().is_none() => {
                let tile = match path.stroke().map(Stroke::paint) {
                    Some(Paint::Pattern(pattern)) => tile(pattern, transform, expired)?,
                    _ => None,
                };
                line::draw(path, tile.as_ref(), transform, pixmap);
            }
            node => {
                // The renderer moves an element to the corner. This is undone here.
                let Some(corner) = node.abs_layer_bounding_box() else { continue };
                let transform = transform.pre_translate(corner.x(), corner.y());
                let _ = resvg::render_node(node, transform, &mut pixmap.as_mut());
            }
        }
    }
    Ok(())
}

/// Draws a pattern, or returns `None` if its picture would be empty. `transform` is that of the
/// element that it paints.
fn tile(
    pattern: &Pattern,
    transform: Transform,
    expired: &dyn Fn() -> bool,
) -> Result<Option<Tile>, ThumbnailError> {
    let rect = pattern.rect();
    let (across, down) = transform.pre_concat(pattern.transform()).get_scale();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    let pixels = |side: f32, scale: f32| (side * scale).round() as u32;
    let Some(mut picture) = Pixmap::new(pixels(rect.width(), across), pixels(rect.height(), down))
    else {
        return Ok(None);
    };
    nodes(pattern.root(), Transform::from_scale(across, down), &mut picture, expired)?;
    let transform = pattern.transform().pre_translate(rect.x(), rect.y());
    let transform = transform.pre_scale(across.recip(), down.recip());
    Ok(Some(Tile { picture, transform }))
}
