//! Draws horizontal and vertical lines. `resvg` draws them as part of a drawing, but not on their
//! own, because their shape without the stroke is empty.

use resvg::tiny_skia::{
    Color, FilterQuality, GradientStop, LinearGradient, Paint, Pattern, Pixmap, RadialGradient,
    Shader, SpreadMode, Transform,
};
use resvg::usvg::{self, BaseGradient, Opacity, Path};

/// A picture of a pattern, which is repeated in both directions.
pub(super) struct Tile {
    pub(super) picture: Pixmap,
    /// The transform from the pixels of the picture to the units of the line.
    pub(super) transform: Transform,
}

/// Draws the stroke of a line. `tile` is that of the stroke's pattern.
pub(super) fn draw(path: &Path, tile: Option<&Tile>, transform: Transform, pixmap: &mut Pixmap) {
    let Some(stroke) = path.stroke().filter(|_| path.is_visible()) else { return };
    let Some(shader) = shader(stroke.paint(), tile, stroke.opacity()) else { return };
    let anti_alias = path.rendering_mode().use_shape_antialiasing();
    let paint = Paint { shader, anti_alias, ..Paint::default() };
    pixmap.stroke_path(path.data(), &paint, &stroke.to_tiny_skia(), transform, None);
}

fn shader<'a>(paint: &usvg::Paint, tile: Option<&'a Tile>, opacity: Opacity) -> Option<Shader<'a>> {
    match paint {
        usvg::Paint::Color(color) => Some(Shader::SolidColor(of(*color, opacity))),
        usvg::Paint::LinearGradient(gradient) => {
            let [start, end] =
                [(gradient.x1(), gradient.y1()), (gradient.x2(), gradient.y2())].map(Into::into);
            let (stops, mode) = (stops(gradient, opacity), mode(gradient));
            LinearGradient::new(start, end, stops, mode, gradient.transform())
        }
        usvg::Paint::RadialGradient(gradient) => {
            let [focus, center] =
                [(gradient.fx(), gradient.fy()), (gradient.cx(), gradient.cy())].map(Into::into);
            let (inner, outer) = (gradient.fr().get(), gradient.r().get());
            let (stops, mode) = (stops(gradient, opacity), mode(gradient));
            RadialGradient::new(focus, inner, center, outer, stops, mode, gradient.transform())
        }
        usvg::Paint::Pattern(_) => tile.map(|Tile { picture, transform }| {
            let quality = FilterQuality::Bicubic;
            let opacity = opacity.get();
            Pattern::new(picture.as_ref(), SpreadMode::Repeat, quality, opacity, *transform)
        }),
    }
}

fn of(color: usvg::Color, opacity: Opacity) -> Color {
    Color::from_rgba8(color.red, color.green, color.blue, opacity.to_u8())
}

fn stops(gradient: &BaseGradient, opacity: Opacity) -> Vec<GradientStop> {
    let stop = |stop: &usvg::Stop| {
        GradientStop::new(stop.offset().get(), of(stop.color(), stop.opacity() * opacity))
    };
    gradient.stops().iter().map(stop).collect()
}

fn mode(gradient: &BaseGradient) -> SpreadMode {
    match gradient.spread_method() {
        usvg::SpreadMethod::Pad => SpreadMode::Pad,
        usvg::SpreadMethod::Reflect => SpreadMode::Reflect,
        usvg::SpreadMethod::Repeat => SpreadMode::Repeat,
    }
}
