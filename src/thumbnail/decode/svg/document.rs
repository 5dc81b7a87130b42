//! Checks an SVG document before it is expanded, because entities, references and nesting could
//! turn a small file into a huge one.
//!
//! An element counts each time that another element refers to it, because the renderer repeats it.
//! This is true of the targets of `use`, and of patterns, masks, clip paths and filters.

use std::collections::{HashMap, HashSet};

use memchr::memmem;
use resvg::usvg::roxmltree::{Document as Xml, Node, NodeId, ParsingOptions};
use svgtypes::{PathParser, PathSegment};

use super::file::{FORMAT, corrupt};
use crate::error::ThumbnailError;

/// The maximum number of elements, including those that references repeat. Text and the data of
/// paths count as well; see [`weight`].
const MOST_ELEMENTS: u64 = 200_000;

/// The maximum depth of elements, including those that references repeat.
const MOST_DEPTH: u32 = 200;

/// The maximum number of bytes that entities expand to.
const MOST_ENTITIES: u64 = 4 * 1024 * 1024;

/// The maximum total number of bytes of style sheets that are compared with elements.
const MOST_MATCHES: u64 = 250_000_000;

/// The maximum number of letters of one text. The time to lay them out grows with the square of
/// their number.
const MOST_LETTERS: u64 = 5_000;

/// The maximum number of letters of one text multiplied by the number of its parts.
const MOST_PARTS: u64 = 200_000;

/// The maximum number of letters on a path multiplied by the number of bytes of the path.
const MOST_ON_PATH: u64 = 50_000_000;

/// The maximum number of circular references, multiplied by the number of elements. For each
/// circular reference, the renderer searches the document again.
const MOST_CYCLES: u64 = 20_000_000;

/// The largest coordinate of a path with arcs. The renderer splits an arc into more curves the
/// larger it is, and the time for this grows with the square of their number.
const MOST_WITH_ARCS: u64 = 10_000_000;

/// A parsed and bounded document.
pub(super) struct Document<'a> {
    pub(super) xml: Xml<'a>,
    pub(super) has_text: bool,
    pub(super) has_images: bool,
}

impl<'a> Document<'a> {
    /// # Errors
    /// [`ThumbnailError::Corrupt`], [`ThumbnailError::UnsupportedFeature`],
    /// [`ThumbnailError::TooLarge`].
    pub(super) fn parse(text: &'a str) -> Result<Self, ThumbnailError> {
        check_entities(text.as_bytes())?;
        let options = ParsingOptions {
            allow_dtd: true,
            // There is white space between the elements.
            nodes_limit: u32::try_from(3 * MOST_ELEMENTS).unwrap_or(u32::MAX),
            ..ParsingOptions::default()
        };
        let xml = Xml::parse_with_options(text, options).map_err(corrupt)?;
        if !is(xml.root_element(), "svg") {
            return Err(ThumbnailError::corrupt(FORMAT, "its first element is not svg"));
        }
        check_elements(&xml)?;
        let contains = |name| xml.descendants().any(|node| is(node, name));
        let has_text = contains("text");
        let has_images = contains("image") || contains("feImage");
        Ok(Self { xml, has_text, has_images })
    }
}

/// Checks that entities do not refer to each other, and do not expand to too many bytes. Drawing
/// programs use entities for the names of namespaces.
fn check_entities(text: &[u8]) -> Result<(), ThumbnailError> {
    let mut longest = 0;
    for start in memmem::find_iter(text, b"<!ENTITY") {
        let declared = text.get(start..).unwrap_or_default();
        // The value is quoted, and may contain the other kind of quote and `>`.
        let quote = declared.iter().position(|byte| matches!(byte, b'"' | b'\'')).unwrap_or(0);
        let value = declared.get(quote..).unwrap_or_default();
        let end = value.iter().skip(1).position(|byte| value.first() == Some(byte));
        let value = value.get(..end.map_or(value.len(), |end| end + 1)).unwrap_or_default();
        if value.contains(&b'&') || value.contains(&b'<') {
            let feature = "SVG with an entity that contains markup or refers to another entity";
            return Err(ThumbnailError::UnsupportedFeature { feature });
        }
        longest = longest.max(value.len() as u64);
    }
    let references = memchr::memchr_iter(b'&', text).count() as u64;
    at_most("bytes of entities", longest.saturating_mul(references), MOST_ENTITIES)
}

fn check_elements(xml: &Xml<'_>) -> Result<(), ThumbnailError> {
    let mut counter = Counter::default();
    let mut styles = Vec::new();
    let (mut elements, mut classes, mut attributes) = (0, 0, 0);
    for node in xml.descendants().filter(Node::is_element) {
        if is(node, "style") {
            for text in node.children().filter_map(|child| child.text()) {
                styles.push(text);
                counter.in_styles.extend(referenced(text));
            }
        }
        elements += 1;
        if let Some(path) = node.attribute("d") {
            check_arcs(path)?;
        }
        classes += length(node, "class") + length(node, "id");
        attributes += node.attributes().map(|each| each.value().len() as u64).sum::<u64>();
        if let Some(id) = node.attribute("id") {
            counter.targets.entry(id).or_insert(node);
        }
    }
    let (expanded, height) = counter.subtree(xml.root_element(), 0)?;
    at_most("elements", expanded, MOST_ELEMENTS)?;
    at_most("circular references", counter.cycles.saturating_mul(elements), MOST_CYCLES)?;
    let bytes: u64 = styles.iter().map(|style| style.len() as u64).sum();
    at_most("bytes of styles for all elements", bytes.saturating_mul(expanded), MOST_MATCHES)?;
    let compares_all = styles.iter().any(|style| style.contains('['));
    let compared = expanded.saturating_add(if compares_all { attributes } else { classes } / 8);
    let searched: u64 = styles.iter().flat_map(|style| searches(style, height)).sum();
    let searched = searched.saturating_mul(compared);
    at_most("selectors for all elements", searched, MOST_MATCHES / 4)?;
    // Each point of a path may be drawn with a marker. A point takes at least two characters, and
    // 32 characters count as an element, which therefore has at most 16 points. The parts of a
    // group inherit its markers.
    let mut markers = 0_u64;
    for node in xml.descendants().filter(Node::is_element) {
        for target in counter.targets_of(node).into_iter().filter(|&target| is(target, "marker")) {
            let ((inside, _), (size, _)) = (counter.subtree(node, 0)?, counter.subtree(target, 0)?);
            markers = markers.saturating_add(inside.saturating_mul(16).saturating_mul(size));
        }
        at_most("elements of markers", markers, 5 * MOST_ELEMENTS)?;
    }
    xml.descendants().filter(|&node| is(node, "text")).try_for_each(|text| counter.check_text(text))
}

/// Checks the coordinates of a path with arcs.
fn check_arcs(path: &str) -> Result<(), ThumbnailError> {
    let is_arc = |segment: &PathSegment| matches!(segment, PathSegment::EllipticalArc { .. });
    let segments = || PathParser::from(path).map_while(Result::ok);
    if !path.contains(['a', 'A']) || !segments().any(|segment| is_arc(&segment)) {
        return Ok(());
    }
    let largest =
        segments().flat_map(coordinates).fold(0.0, |most: f64, each| most.max(each.abs()));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    at_most("units in a path with arcs", largest as u64, MOST_WITH_ARCS)
}

/// The coordinates and radii of a segment; missing ones are 0.
const fn coordinates(segment: PathSegment) -> [f64; 6] {
    match segment {
        PathSegment::MoveTo { x, y, .. }
        | PathSegment::LineTo { x, y, .. }
        | PathSegment::SmoothQuadratic { x, y, .. } => [x, y, 0.0, 0.0, 0.0, 0.0],
        PathSegment::HorizontalLineTo { x, .. } => [x, 0.0, 0.0, 0.0, 0.0, 0.0],
        PathSegment::VerticalLineTo { y, .. } => [0.0, y, 0.0, 0.0, 0.0, 0.0],
        PathSegment::CurveTo { x1, y1, x2, y2, x, y, .. } => [x1, y1, x2, y2, x, y],
        PathSegment::SmoothCurveTo { x2, y2, x, y, .. } => [x2, y2, x, y, 0.0, 0.0],
        PathSegment::Quadratic { x1, y1, x, y, .. } => [x1, y1, x, y, 0.0, 0.0],
        PathSegment::EllipticalArc { rx, ry, x, y, .. } => [rx, ry, x, y, 0.0, 0.0],
        PathSegment::ClosePath { .. } => [0.0; 6],
    }
}

/// The number of ancestors with which each selector of a style sheet may be compared.
fn searches(style: &str, height: u32) -> impl Iterator<Item = u64> {
    let lists = style.split('}').filter_map(|rule| rule.split('{').next());
    lists.flat_map(|list| list.split(',')).map(move |selector| {
        let parts = selector.split_whitespace().count().saturating_sub(1);
        u64::from(height.max(2)).saturating_pow(u32::try_from(parts).unwrap_or(u32::MAX))
    })
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.tag_name().name() == name
}

/// The number of bytes in an attribute.
fn length(node: Node<'_, '_>, name: &str) -> u64 {
    node.attribute(name).map_or(0, str::len) as u64
}

/// The number of elements that a node counts as. Each letter is a path of its own.
fn weight(node: Node<'_, '_>) -> u64 {
    let is_hidden = is(node, "style") || is(node, "script");
    let drawn = if is_hidden { 0 } else { letters(node) };
    let attributes: u64 = node.attributes().map(|each| each.value().len() as u64).sum();
    1 + 10 * drawn + attributes / 32
}

/// The number of letters that an element contains directly.
fn letters(node: Node<'_, '_>) -> u64 {
    let text = node.children().filter_map(|child| child.is_text().then(|| child.text())?);
    text.map(|text| text.trim().len() as u64).sum()
}

/// The identifiers in CSS references such as `url(#id)`.
fn referenced(text: &str) -> impl Iterator<Item = &str> {
    text.split("url(").skip(1).filter_map(|rest| {
        let link = rest.split(')').next()?;
        link.trim_matches(|each: char| each.is_whitespace() || matches!(each, '"' | '\''))
            .strip_prefix('#')
    })
}

/// Counts elements, including those that references repeat.
#[derive(Default)]
struct Counter<'a, 'input> {
    targets: HashMap<&'a str, Node<'a, 'input>>,
    /// The identifiers in style sheets. Any element may refer to these identifiers.
    in_styles: HashSet<&'a str>,
    /// The weight and the height of each subtree, or `None` while the subtree is being counted.
    counted: HashMap<NodeId, Option<(u64, u32)>>,
    /// The number of circular references: an element refers to itself or to an element that
    /// contains it.
    cycles: u64,
}

impl<'a, 'input> Counter<'a, 'input> {
    /// Returns the weight and the height of a subtree.
    fn subtree(
        &mut self,
        node: Node<'a, 'input>,
        depth: u32,
    ) -> Result<(u64, u32), ThumbnailError> {
        match self.counted.get(&node.id()) {
            Some(Some(known)) => return Ok(*known),
            // The renderer ignores a reference to an element that contains the reference.
            Some(None) => {
                self.cycles += 1;
                return Ok((0, 0));
            }
            None => {}
        }
        at_most("nested elements", u64::from(depth), u64::from(MOST_DEPTH))?;
        self.counted.insert(node.id(), None);
        let (mut total, mut height) = (weight(node), 0);
        let targets = self.targets_of(node);
        for child in node.children().filter(Node::is_element).chain(targets) {
            let (inside, below) = self.subtree(child, depth + 1)?;
            total = total.saturating_add(inside);
            height = height.max(below + 1);
        }
        at_most("nested elements", u64::from(height), u64::from(MOST_DEPTH))?;
        self.counted.insert(node.id(), Some((total, height)));
        Ok((total, height))
    }

    /// Checks a text whose parts are laid out together.
    fn check_text(&self, text: Node<'a, 'input>) -> Result<(), ThumbnailError> {
        let parts = text.descendants().filter(Node::is_element);
        let (mut count, mut drawn) = (0, 0);
        for part in parts {
            let inside: u64 = part.descendants().map(letters).sum();
            let referenced = |target: &Node<'_, '_>| length(*target, "d");
            let path: u64 = if is(part, "textPath") {
                self.targets_of(part).iter().map(referenced).sum()
            } else {
                // `tref` repeats the text of another element.
                drawn += self
                    .targets_of(part)
                    .iter()
                    .flat_map(Node::descendants)
                    .map(letters)
                    .sum::<u64>();
                0
            };
            at_most("letters on a path", inside.saturating_mul(path), MOST_ON_PATH)?;
            count += 1;
            drawn += letters(part);
        }
        at_most("letters of a text", drawn, MOST_LETTERS)?;
        at_most("letters for the parts of a text", drawn.saturating_mul(count), MOST_PARTS)
    }

    /// The elements that an element refers to, by attributes such as `href` and `fill`, or by
    /// a style.
    fn targets_of(&self, node: Node<'a, 'input>) -> Vec<Node<'a, 'input>> {
        let mut found = Vec::new();
        for attribute in node.attributes() {
            let value = attribute.value();
            if attribute.name() == "href" {
                found.extend(value.trim().strip_prefix('#').and_then(|id| id.split(' ').next()));
            }
            found.extend(referenced(value));
        }
        if !is(node, "style") {
            found.extend(&self.in_styles);
        }
        found.iter().filter_map(|id| self.targets.get(id).copied()).collect()
    }
}

fn at_most(what: &'static str, found: u64, limit: u64) -> Result<(), ThumbnailError> {
    if found <= limit { Ok(()) } else { Err(ThumbnailError::TooLarge { what, found, limit }) }
}
