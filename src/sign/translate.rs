//! Helpers for the translations of a spec.
//!
//! A spec's gravity refers to the image as the visitor sees it, and its crop refers to the upright
//! source. On other servers, they may refer to the image at a different stage of processing. A
//! point is a pair of fractions.

use crate::error::DialectError;
use crate::thumbnail::{
    format::OutputFormat,
    spec::{Fit, Flip, FormatOption, Hundredths, Rgb, Rotation, Spec},
};

/// The format to request. If it is `None`, a server keeps the format of the source, or negotiates
/// the format if its configuration says so.
pub(super) fn format(spec: &Spec, source: &str) -> Option<OutputFormat> {
    match spec.format {
        Some(FormatOption::Auto) => None,
        Some(FormatOption::Fixed(format)) => Some(format),
        None => OutputFormat::from_file_name(source).is_none().then_some(OutputFormat::Jpeg),
    }
}

/// The background to request. By default, it is white if the thumbnail is a JPEG that may need a
/// background.
pub(super) fn background(spec: &Spec, source: &str) -> Option<Rgb> {
    const JPEG: OutputFormat = OutputFormat::Jpeg;
    let needs_white = spec.output_format(source) == FormatOption::Fixed(JPEG)
        && (spec.fit == Fit::Pad || OutputFormat::from_file_name(source) != Some(JPEG));
    spec.background.or(needs_white.then_some(Rgb::WHITE))
}

/// Rejects the JPEG encoder's options, because the server's URLs can't express them.
pub(super) const fn refuse_jpeg_options(
    spec: &Spec,
    server: &'static str,
    reason: &'static str,
) -> Result<(), DialectError> {
    let option = match (spec.progressive, spec.subsampling) {
        (Some(_), _) => "progressive",
        (None, Some(_)) => "ss",
        (None, None) => return Ok(()),
    };
    Err(DialectError::Inexpressible { server, option, reason })
}

/// Converts a length from pixels of the box to pixels of the thumbnail.
pub(super) fn scaled(spec: &Spec, pixels: f64) -> f64 {
    (pixels * spec.dpr.map_or(1.0, Hundredths::to_f64)).round().max(1.0)
}

/// Whether the rotation swaps width and height.
pub(super) const fn is_sideways(spec: &Spec) -> bool {
    matches!(spec.rotate, Rotation::Deg90 | Rotation::Deg270)
}

/// Converts a point in the upright source to its position in the rotated image.
pub(super) fn to_turned(spec: &Spec, (x, y): (f64, f64)) -> (f64, f64) {
    mirrored(
        spec,
        match spec.rotate {
            Rotation::Deg0 => (x, y),
            Rotation::Deg90 => (1.0 - y, x),
            Rotation::Deg180 => (1.0 - x, 1.0 - y),
            Rotation::Deg270 => (y, 1.0 - x),
        },
    )
}

/// Converts a point in the rotated image to its position in the upright source.
pub(super) fn to_source(spec: &Spec, point: (f64, f64)) -> (f64, f64) {
    let (x, y) = mirrored(spec, point);
    match spec.rotate {
        Rotation::Deg0 => (x, y),
        Rotation::Deg90 => (y, 1.0 - x),
        Rotation::Deg180 => (1.0 - x, 1.0 - y),
        Rotation::Deg270 => (1.0 - y, x),
    }
}

fn mirrored(spec: &Spec, (x, y): (f64, f64)) -> (f64, f64) {
    match spec.flip {
        None => (x, y),
        Some(Flip::Horizontal) => (1.0 - x, y),
        Some(Flip::Vertical) => (x, 1.0 - y),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_a_corner() {
        // The upper left corner of the source, after each rotation.
        for (text, turned) in [
            ("9x9", (0.0, 0.0)),
            ("9x9,rot-90", (1.0, 0.0)),
            ("9x9,rot-180", (1.0, 1.0)),
            ("9x9,rot-270", (0.0, 1.0)),
            ("9x9,flip-h", (1.0, 0.0)),
            ("9x9,rot-90,flip-h", (0.0, 0.0)),
            ("9x9,rot-90,flip-v", (1.0, 1.0)),
        ] {
            let spec = Spec::parse(text).unwrap();
            assert_eq!(to_turned(&spec, (0.0, 0.0)), turned, "{text}");
            assert_eq!(to_source(&spec, turned), (0.0, 0.0), "{text}");
            for point in [(0.25, 0.75), (0.5, 0.0), (1.0, 0.125)] {
                assert_eq!(to_source(&spec, to_turned(&spec, point)), point, "{text}");
            }
        }
    }
}
