//! Estimates the work of drawing an SVG before it is drawn.

use raster::Size;
use resvg::tiny_skia::{Point, Transform};
use resvg::usvg::filter::{Filter, Kind};
use resvg::usvg::{ClipPath, Group, ImageKind, Mask, Node, Paint, Path, Pattern, Tree};

use super::super::super::limits::Limits;
use crate::error::ThumbnailError;

/// The maximum number of pixels to process. Processing them takes about a second. A large thumbnail
/// may take longer. A pixel of a layer, a gradient or a filter counts as several pixels.
const MOST_PIXELS: f64 = 6e7;
const MOST_PASSES: f64 = 40.0;

/// The maximum number of pairs of path edges that are in the same row of pixels. The renderer sorts
/// the edges in each row, so the time for a path grows with the square of their number.
const MOST_PAIRS: f64 = 1e8;

/// The area of a layer with filters may be 25 times the area of the image.
const LAYER: f64 = 25.0;

/// The number of pixels that take as much work as one point of a path.
const POINT: f64 = 20.0;

/// The maximum number of dashes of one path, which is the renderer's own limit.
const MOST_DASHES: f64 = 1e6;

/// Checks that an image can be drawn at this size.
///
/// # Errors
/// [`ThumbnailError::TooLarge`].
pub(super) fn check(tree: &Tree, size: Size, limits: &Limits) -> Result<(), ThumbnailError> {
    let root = super::draw::root_transform(tree, size);
    let image = f64::from(size.width) * f64::from(size.height);
    let rows = vec![(0, 0); size.height as usize + 1];
    let mut work = Work { image, limits, pixels: image, pairs: 0.0, memory: image, rows };
    work.group(tree.root(), root)
}

struct Work<'a> {
    /// The number of pixels of the image.
    image: f64,
    limits: &'a Limits,
    /// The number of pixels to process so far.
    pixels: f64,
    /// The number of pairs of edges so far.
    pairs: f64,
    /// The numbers of edges that begin and end in each row of pixels.
    rows: Vec<(u32, u32)>,
    /// The number of pixels in memory while the current element is drawn.
    memory: f64,
}

impl Work<'_> {
    fn add(&mut self, pixels: f64) -> Result<(), ThumbnailError> {
        self.pixels += pixels;
        let most = MOST_PIXELS + MOST_PASSES * self.image;
        if self.pixels <= most {
            return Ok(());
        }
        Err(too_large("pixels of shapes, layers and filters", self.pixels, most))
    }

    /// Checks elements that are drawn on a layer of their own.
    fn on_layer(
        &mut self,
        pixels: f64,
        inside: impl FnOnce(&mut Self) -> Result<(), ThumbnailError>,
    ) -> Result<(), ThumbnailError> {
        self.add(3.0 * pixels)?;
        self.memory += pixels;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
        let bytes = (self.memory * 4.0) as u64;
        self.limits.check_memory("bytes of layers", bytes)?;
        inside(self)?;
        self.memory -= pixels;
        Ok(())
    }

    fn nodes(&mut self, group: &Group, transform: Transform) -> Result<(), ThumbnailError> {
        for node in group.children() {
            match node {
                Node::Group(group) => self.group(group, transform)?,
                Node::Path(path) => self.path(path, transform)?,
                Node::Text(text) => self.group(text.flattened(), transform)?,
                Node::Image(image) => match image.kind() {
                    ImageKind::SVG(tree) => {
                        self.on_layer(self.image, |work| work.group(tree.root(), transform))?;
                    }
                    ImageKind::JPEG(_)
                    | ImageKind::PNG(_)
                    | ImageKind::GIF(_)
                    | ImageKind::WEBP(_) => {
                        let size = image.size();
                        let pixels = f64::from(size.width()) * f64::from(size.height());
                        self.on_layer(pixels, |work| work.add(work.image))?;
                    }
                },
            }
        }
        Ok(())
    }

    fn group(&mut self, group: &Group, transform: Transform) -> Result<(), ThumbnailError> {
        let transform = transform.pre_concat(group.transform());
        if !group.should_isolate() {
            return self.nodes(group, transform);
        }
        let bounds = group.layer_bounding_box().to_rect();
        let area = area(bounds.width(), bounds.height(), transform).min(LAYER * self.image);
        self.on_layer(area, |work| {
            work.nodes(group, transform)?;
            for filter in group.filters() {
                work.filter(filter, area, transform)?;
            }
            if let Some(clip) = group.clip_path() {
                work.clip(clip, area, transform)?;
            }
            if let Some(mask) = group.mask() {
                work.mask(mask, area, transform)?;
            }
            Ok(())
        })
    }

    fn clip(
        &mut self,
        clip: &ClipPath,
        area: f64,
        transform: Transform,
    ) -> Result<(), ThumbnailError> {
        self.on_layer(area, |work| {
            work.group(clip.root(), transform.pre_concat(clip.transform()))?;
            match clip.clip_path() {
                Some(clip) => work.clip(clip, area, transform),
                None => Ok(()),
            }
        })
    }

    fn mask(&mut self, mask: &Mask, area: f64, transform: Transform) -> Result<(), ThumbnailError> {
        self.on_layer(2.0 * area, |work| {
            work.group(mask.root(), transform)?;
            match mask.mask() {
                Some(mask) => work.mask(mask, area, transform),
                None => Ok(()),
            }
        })
    }

    fn filter(
        &mut self,
        filter: &Filter,
        area: f64,
        transform: Transform,
    ) -> Result<(), ThumbnailError> {
        // Every primitive keeps its result, since a later one may refer to it.
        let kept = area * (count(filter.primitives()) + 4.0);
        self.on_layer(kept, |work| {
            for primitive in filter.primitives() {
                let passes = match primitive.kind() {
                    Kind::Turbulence(noise) => 7.0 * f64::from(noise.num_octaves()),
                    Kind::ConvolveMatrix(convolution) => count(convolution.matrix().data()),
                    Kind::Morphology(morphology) => {
                        let across = f64::from(morphology.radius_x().get());
                        let down = f64::from(morphology.radius_y().get());
                        // The radii are in the units of the element.
                        (scale(transform) * across * down).max(4.0)
                    }
                    Kind::Image(image) => {
                        work.group(image.root(), transform)?;
                        2.0
                    }
                    Kind::DiffuseLighting(_) | Kind::SpecularLighting(_) => 8.0,
                    Kind::GaussianBlur(_) | Kind::DropShadow(_) | Kind::Blend(_) => 15.0,
                    Kind::Merge(merge) => 3.0 * count(merge.inputs()),
                    _ => 5.0,
                };
                work.add(area * passes)?;
            }
            Ok(())
        })
    }

    fn path(&mut self, path: &Path, transform: Transform) -> Result<(), ThumbnailError> {
        let bounds = path.stroke_bounding_box();
        let area = area(bounds.width(), bounds.height(), transform).min(self.image);
        let mut points = count(path.data().points());
        let pairs = self.pairs_of(path, transform);
        if let Some(stroke) = path.stroke() {
            let own = points;
            if let Some(dashes) = stroke.dasharray() {
                points += dashes_of(path, dashes);
            }
            self.paint(stroke.paint(), transform, area)?;
            self.add(area + 4.0 * points * POINT)?;
            // Both sides of a line and its ends are edges.
            self.add_pairs(3.0 * pairs * points / own.max(1.0))?;
        }
        if let Some(fill) = path.fill() {
            self.paint(fill.paint(), transform, area)?;
            self.add(area + points * POINT)?;
            self.add_pairs(pairs)?;
        }
        Ok(())
    }

    fn add_pairs(&mut self, pairs: f64) -> Result<(), ThumbnailError> {
        self.pairs += pairs;
        if self.pairs <= MOST_PAIRS {
            return Ok(());
        }
        Err(too_large("pairs of lines in the same row", self.pairs, MOST_PAIRS))
    }

    /// The number of pairs of edges of a path that are in the same row of pixels.
    fn pairs_of(&mut self, path: &Path, transform: Transform) -> f64 {
        self.rows.fill((0, 0));
        let Transform { ky, sy, ty, .. } = transform;
        let row = |point: &Point| ky * point.x + sy * point.y + ty;
        let last = count(&self.rows) - 1.0;
        for pair in path.data().points().windows(2) {
            let [from, to] = pair else { continue };
            let (from, to) = (f64::from(row(from)), f64::from(row(to)));
            let (top, bottom) = (from.min(to), from.max(to));
            // The renderer leaves out edges above and below the image.
            if bottom < 0.0 || top > last {
                continue;
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            let (top, bottom) = (top.max(0.0) as usize, bottom.min(last) as usize);
            if let Some((starts, _)) = self.rows.get_mut(top) {
                *starts += 1;
            }
            if let Some((_, ends)) = self.rows.get_mut(bottom) {
                *ends += 1;
            }
        }
        let (mut active, mut pairs) = (0.0, 0.0);
        for &(starts, ends) in &self.rows {
            let starts = f64::from(starts);
            active += starts;
            pairs += starts * active;
            active -= f64::from(ends);
        }
        pairs
    }

    fn paint(
        &mut self,
        paint: &Paint,
        transform: Transform,
        area: f64,
    ) -> Result<(), ThumbnailError> {
        match paint {
            Paint::Color(_) => Ok(()),
            Paint::LinearGradient(_) | Paint::RadialGradient(_) => self.add(4.0 * area),
            Paint::Pattern(pattern) => {
                self.add(5.0 * area)?;
                self.pattern(pattern, transform)
            }
        }
    }

    fn pattern(&mut self, pattern: &Pattern, transform: Transform) -> Result<(), ThumbnailError> {
        let transform = transform.pre_concat(pattern.transform());
        let (across, down) = transform.get_scale();
        let rect = pattern.rect();
        let tile = f64::from(rect.width() * across) * f64::from(rect.height() * down);
        // A tile is drawn again for each shape that it fills.
        let tile = if tile.is_finite() { tile } else { f64::MAX };
        self.on_layer(tile, |work| work.nodes(pattern.root(), Transform::from_scale(across, down)))
    }
}

/// The number of dashes of a path.
fn dashes_of(path: &Path, dashes: &[f32]) -> f64 {
    let period: f64 = dashes.iter().copied().map(f64::from).sum();
    let points = path.data().points();
    let steps = points.windows(2).filter_map(|pair| match pair {
        [from, to] => Some(f64::from(from.distance(*to))),
        _ => None,
    });
    let length: f64 = steps.sum();
    let dashes = length / period * count(dashes);
    if dashes.is_finite() { dashes.min(MOST_DASHES) } else { MOST_DASHES }
}

fn count<T>(items: &[T]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let count = items.len() as f64;
    count
}

/// The factor by which a transform enlarges an area.
fn scale(transform: Transform) -> f64 {
    let Transform { sx, kx, ky, sy, .. } = transform;
    (f64::from(sx) * f64::from(sy) - f64::from(kx) * f64::from(ky)).abs()
}

/// The area of a rectangle in pixels.
fn area(width: f32, height: f32, transform: Transform) -> f64 {
    // A narrow rectangle that is turned still takes the pixels along its diagonal.
    let (across, down) = transform.get_scale();
    let (width, height) = (f64::from(width * across) + 4.0, f64::from(height * down) + 4.0);
    let turned = if transform.has_skew() { width.max(height).powi(2) } else { width * height };
    if turned.is_finite() { turned } else { f64::MAX }
}

fn too_large(what: &'static str, found: f64, limit: f64) -> ThumbnailError {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they saturate")]
    let (found, limit) = (found as u64, limit as u64);
    ThumbnailError::TooLarge { what, found, limit }
}
