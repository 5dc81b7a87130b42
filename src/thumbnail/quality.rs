//! Chooses the quality: for `q-auto`, by the score of the encoded picture; for `max-bytes`, by the
//! size of the file.

use super::encode::{self, Metadata};
use super::format::OutputFormat;
use super::plan::RenderPlan;
use super::score::{self, Scorer};
use crate::error::ThumbnailError;
use raster::{Frame, Picture, PixelKind};

/// The lowest quality that `max-bytes` uses.
const LOWEST: u8 = 10;

/// The range of qualities for `q-auto`. Above this range, files grow but hardly look better. At all
/// of these qualities, AVIF and WebP store chroma at half the resolution.
const AUTO: (u8, u8) = (30, 94);

/// A quality is good enough if its score differs from the target by less than this number. The next
/// quality would change the size by at most 2 %.
const CLOSE: f64 = 0.7;

/// If two qualities have been tried and are at most this far apart, the search computes the quality
/// between them.
const NARROW: u8 = 4;

/// The number of tries after which the search tries only the middle of the remaining range, because
/// the estimates do not converge.
const ESTIMATES: usize = 5;

/// Encodes the frames at the quality that the plan asks for.
pub(super) fn encode(
    frames: &[Frame],
    metadata: &Metadata,
    plan: &RenderPlan<'_>,
) -> Result<Vec<u8>, ThumbnailError> {
    let encode = |frames: &[Frame], quality| {
        let RenderPlan { options, header, format, style, .. } = *plan;
        let check_time = &|| options.check_time();
        check_time()?;
        encode::encode(frames, header.plays, format, quality, style, metadata, check_time)
    };
    let first = frames.first().zip(plan.target);
    let file = match first {
        None => encode(frames, plan.quality)?,
        Some((Frame { picture, delay }, target)) => {
            // One quality applies to all frames of an animation.
            let whole = in_color(picture);
            let most = score::most(plan.format);
            let scorer = Scorer::new(&whole, most)?;
            // Only JPEG encodes the pixels of a sample as in the whole picture. The encoders of
            // other formats predict blocks from their neighbours.
            let is_jpeg = plan.format == OutputFormat::Jpeg;
            let encoded = score::sample(&whole, if is_jpeg { most } else { score::MOST });
            let still = Frame { picture: encoded.into_owned(), delay: *delay };
            let (quality, file) = nearest(target, plan.format, |quality| {
                let file = encode(std::slice::from_ref(&still), quality)?;
                Ok((scorer.score(&file, plan.options)?, file))
            })?;
            let is_all = frames.len() == 1 && still.picture.size() == picture.size();
            let file = match file.filter(|_| is_all) {
                Some(file) => file,
                None => encode(frames, quality)?,
            };
            return reduce_from(quality, file, plan, |quality| encode(frames, quality));
        }
    };
    reduce(file, plan, |quality| encode(frames, quality))
}

/// Converts the picture to colour, and removes its alpha channel if all pixels are opaque.
fn in_color(picture: &Picture) -> Picture {
    match picture.kind {
        PixelKind::Rgba => picture.clone().without_idle_alpha(),
        _ => picture.clone().into_color(),
    }
}

/// If a file exceeds the plan's `max-bytes`, encodes it again at the best quality at which it fits.
/// At the lowest quality, any size is accepted.
pub(super) fn reduce(
    file: Vec<u8>,
    plan: &RenderPlan<'_>,
    encode: impl FnMut(u8) -> Result<Vec<u8>, ThumbnailError>,
) -> Result<Vec<u8>, ThumbnailError> {
    reduce_from(plan.quality, file, plan, encode)
}

fn reduce_from(
    quality: u8,
    file: Vec<u8>,
    plan: &RenderPlan<'_>,
    encode: impl FnMut(u8) -> Result<Vec<u8>, ThumbnailError>,
) -> Result<Vec<u8>, ThumbnailError> {
    match plan.options.spec.max_bytes.filter(|_| plan.format.is_lossy()) {
        Some(limit) => within(limit.bytes(), quality, file, encode),
        None => Ok(file),
    }
}

/// Returns the file at the best quality at which its size is at most `limit`, up to the quality of
/// the given file. If even the lowest quality exceeds the limit, returns the file at that quality.
fn within(
    limit: usize,
    quality: u8,
    file: Vec<u8>,
    mut encode: impl FnMut(u8) -> Result<Vec<u8>, ThumbnailError>,
) -> Result<Vec<u8>, ThumbnailError> {
    /// The typical growth of the logarithm of the size with each step of quality.
    const GROWTH: f64 = 0.03;
    let logarithm = |size: usize| u32::try_from(size).map_or(f64::MAX, f64::from).max(1.0).ln();
    let limit_logarithm = logarithm(limit);
    let (mut too_large, mut fitting) = ((quality, file), None::<(u8, Vec<u8>)>);
    for number in 1.. {
        let (high, file) = &too_large;
        if file.len() <= limit {
            break;
        }
        let floor = fitting.as_ref().map_or(LOWEST, |(low, _)| low + 1);
        let Some(ceiling) = high.checked_sub(1).filter(|&ceiling| ceiling >= floor) else { break };
        let excess = logarithm(file.len()) - limit_logarithm;
        let slope = fitting.as_ref().map_or(GROWTH, |(low, smaller)| {
            (logarithm(file.len()) - logarithm(smaller.len())) / f64::from(high - low)
        });
        let estimate = f64::from(*high) - excess / slope.max(0.001);
        let guess = next(estimate.floor(), floor, ceiling, number);
        let file = encode(guess)?;
        if file.len() <= limit {
            fitting = Some((guess, file));
        } else {
            too_large = (guess, file);
        }
    }
    let ((_, smallest), fitting) = (too_large, fitting.map(|(_, file)| file));
    Ok(fitting.unwrap_or(smallest))
}

/// Returns the quality whose score is closest to the target. Also returns the file at this quality,
/// if it was encoded. `encode` returns the score and the file for a quality.
///
/// Scoring takes longer than encoding. Near the target, the quality is therefore computed from the
/// previous scores, without another score.
fn nearest(
    target: f64,
    format: OutputFormat,
    mut encode: impl FnMut(u8) -> Result<(f64, Vec<u8>), ThumbnailError>,
) -> Result<(u8, Option<Vec<u8>>), ThumbnailError> {
    let (lowest, highest) = AUTO;
    let wanted = distance(target);
    let (mut below, mut reached) = (None::<(u8, f64)>, None::<(u8, f64)>);
    let mut closest = None::<(f64, u8, Vec<u8>)>;
    let mut estimate = typical_quality(format, wanted);
    for number in 1.. {
        let floor = below.map_or(lowest, |(quality, _)| quality + 1);
        let ceiling = reached.map_or(highest, |(quality, _)| quality - 1);
        if floor > ceiling {
            break;
        }
        let guess = next(estimate, floor, ceiling, number);
        let (score, file) = encode(guess)?;
        let error = (score - target).abs();
        if closest.as_ref().is_none_or(|&(least, ..)| error < least) {
            closest = Some((error, guess, file));
        }
        if error < CLOSE {
            break;
        }
        *(if score >= target { &mut reached } else { &mut below }) = Some((guess, distance(score)));
        // If the first quality missed the target by far, the scores of the picture are not typical.
        let mut is_known = error <= trusted(format) / if number == 1 { 1.0 } else { 2.0 };
        estimate = match (below, reached) {
            (Some((low, far)), Some((high, near))) => {
                is_known |= high - low <= NARROW;
                let part = (far - wanted) / (far - near).max(f64::EPSILON);
                f64::from(low) + part * f64::from(high - low)
            }
            (Some(one), None) | (None, Some(one)) => {
                let (quality, found) = one;
                // The distances of most pictures differ from the typical ones by a constant factor.
                let shift = found - typical_distance(format, quality.into());
                typical_quality(format, wanted - shift)
            }
            (None, None) => estimate,
        };
        if is_known {
            let quality = rounded(estimate, lowest, highest);
            let file = closest.filter(|&(_, tried, _)| tried == quality).map(|(.., file)| file);
            return Ok((quality, file));
        }
    }
    let (_, quality, file) =
        closest.ok_or_else(|| ThumbnailError::Internal("no quality was tried".into()))?;
    Ok((quality, Some(file)))
}

/// The largest error of a score from which the quality for the target can be computed. The computed
/// quality was tested on 60 photographs with sides of 300 and 640 pixels. In at least 96 % of the
/// cases, its score differs from the target by at most 1.5.
const fn trusted(format: OutputFormat) -> f64 {
    match format {
        OutputFormat::Avif => 1.0,
        OutputFormat::WebP => 2.0,
        _ => 3.5,
    }
}

/// The quality to try next: the estimate, or the middle of the range after several estimates.
fn next(estimate: f64, floor: u8, ceiling: u8, number: usize) -> u8 {
    if number > ESTIMATES {
        return floor.midpoint(ceiling);
    }
    rounded(estimate, floor, ceiling)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
fn rounded(estimate: f64, floor: u8, ceiling: u8) -> u8 {
    estimate.round().clamp(floor.into(), ceiling.into()) as u8
}

/// The logarithm of the distance to a perfect score. It falls almost evenly as the quality grows.
fn distance(score: f64) -> f64 {
    (100.0 - score).max(1.0).ln()
}

/// Typical scores: medians of about 60 photographs with sides of 300 and 640 pixels. Each point is a
/// quality and a score. JPEG's quantizers are small integers, so its scores rise in steps.
const fn typical_scores(format: OutputFormat) -> &'static [(f64, f64)] {
    match format {
        OutputFormat::WebP => &[
            (30.0, 56.3),
            (42.0, 62.6),
            (54.0, 67.0),
            (66.0, 70.9),
            (74.0, 73.2),
            (78.0, 75.8),
            (82.0, 78.8),
            (86.0, 81.6),
            (90.0, 84.3),
            (94.0, 87.2),
        ],
        OutputFormat::Avif => &[
            (30.0, 38.5),
            (42.0, 52.9),
            (54.0, 64.5),
            (66.0, 70.6),
            (74.0, 73.3),
            (78.0, 76.1),
            (82.0, 79.6),
            (86.0, 81.6),
            (90.0, 84.5),
            (94.0, 87.7),
        ],
        _ => &[
            (30.0, 54.6),
            (31.0, 56.0),
            (33.0, 57.9),
            (34.0, 58.0),
            (35.0, 59.3),
            (37.0, 60.2),
            (38.0, 61.3),
            (39.0, 61.5),
            (40.0, 62.7),
            (42.0, 63.1),
            (44.0, 64.6),
            (46.0, 64.8),
            (49.0, 66.4),
            (56.0, 68.4),
            (57.0, 69.5),
            (60.0, 70.3),
            (61.0, 71.2),
            (64.0, 71.9),
            (66.0, 73.3),
            (78.0, 78.3),
            (79.0, 79.3),
            (82.0, 80.5),
            (83.0, 81.4),
            (86.0, 82.9),
            (87.0, 83.9),
            (94.0, 88.1),
        ],
    }
}

/// The typical distance at a quality.
fn typical_distance(format: OutputFormat, quality: f64) -> f64 {
    let points = typical_scores(format).iter();
    interpolate(points.map(|&(quality, score)| (quality, distance(score))), quality)
}

/// The quality with a typical distance.
fn typical_quality(format: OutputFormat, wanted: f64) -> f64 {
    let by_distance = typical_scores(format).iter().rev();
    interpolate(by_distance.map(|&(quality, score)| (distance(score), quality)), wanted)
}

/// The value at `x` on the lines that join the points, which are sorted by x. The first and the
/// last line continue beyond the outer points.
fn interpolate(points: impl Iterator<Item = (f64, f64)> + Clone, x: f64) -> f64 {
    let lines = points.clone().zip(points.skip(1));
    let line = lines.clone().find(|&(_, (end, _))| x <= end).or_else(|| lines.last());
    line.map_or(0.0, |((x0, y0), (x1, y1))| y0 + (x - x0) / (x1 - x0) * (y1 - y0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches with scores that are a function of the quality. Returns the qualities that were
    /// tried, and the result.
    fn search(format: OutputFormat, target: f64, score: impl Fn(u8) -> f64) -> (Vec<u8>, u8) {
        let mut tried = Vec::new();
        let (found, file) = nearest(target, format, |quality| {
            tried.push(quality);
            Ok((score(quality), vec![quality]))
        })
        .unwrap();
        assert!(file.is_none_or(|file| file == [found]), "the file has another quality");
        (tried, found)
    }

    const LOSSY: [OutputFormat; 3] = [OutputFormat::Jpeg, OutputFormat::WebP, OutputFormat::Avif];

    #[test]
    fn the_score_is_close_to_the_target() {
        for format in LOSSY {
            let typical = |quality: u8| 100.0 - typical_distance(format, quality.into()).exp();
            for shift in -30..=30 {
                // The scores of a picture rise more or less steeply than typical ones.
                for steepness in [0.7, 1.0, 1.4] {
                    let score = |quality: u8| {
                        let own = (typical(quality) - 70.0) * steepness + f64::from(shift);
                        70.0 + own - f64::from(quality % 2) * 0.1
                    };
                    let (tried, found) = search(format, 70.0, score);
                    assert!(tried.len() <= 11, "{tried:?}");
                    let expected = match () {
                        () if score(AUTO.0) >= 70.0 => score(AUTO.0),
                        () if score(AUTO.1) <= 70.0 => score(AUTO.1),
                        () => 70.0,
                    };
                    let error = (score(found) - expected).abs();
                    let most = 1.5_f64.max(trusted(format) * 0.65);
                    assert!(error <= most, "{format:?} {shift} {steepness}: {error}");
                }
            }
        }
    }

    #[test]
    fn typical_scores_need_one_try() {
        for format in LOSSY {
            for target in [60.0, 70.0, 80.0, 85.0] {
                let score = |quality: u8| 100.0 - typical_distance(format, quality.into()).exp();
                let (tried, found) = search(format, target, score);
                assert_eq!(tried, [found]);
            }
        }
    }

    #[test]
    fn a_score_near_the_target_is_not_checked_again() {
        for format in LOSSY {
            let shifted = |by: f64| {
                move |quality: u8| 100.0 - typical_distance(format, quality.into()).exp() * by
            };
            let part = trusted(format) / 2.0 / 30.0;
            for by in [1.0 - part, 1.0 + part] {
                let (tried, found) = search(format, 70.0, shifted(by));
                assert_eq!(tried.len(), 1);
                assert!((shifted(by)(found) - 70.0).abs() < 0.7);
            }
            assert!(search(format, 70.0, shifted(1.3)).0.len() > 1);
        }
    }

    #[test]
    fn scores_that_do_not_rise_end_the_search() {
        for value in [-100.0, 69.9, 70.0, 90.0, f64::NAN] {
            let (tried, _) = search(OutputFormat::Jpeg, 70.0, |_| value);
            assert!(tried.len() <= 11, "{value}: {tried:?}");
        }
        search(OutputFormat::Jpeg, 70.0, |quality| f64::from(100 - quality));
    }

    /// Reduces a file whose size is a function of its quality. Returns the quality and the number
    /// of tries.
    fn reduced(limit: usize, from: u8, size: impl Fn(u8) -> usize) -> (usize, u8) {
        let (mut tries, made) = (0, |quality| vec![quality; size(quality)]);
        let file = within(limit, from, made(from), |quality| {
            tries += 1;
            Ok(made(quality))
        });
        (tries, *file.unwrap().first().unwrap())
    }

    #[test]
    fn the_best_quality_that_fits_is_found() {
        let size = |quality: u8| usize::from(quality).pow(2) + 100;
        assert_eq!(reduced(10_000, 85, size), (0, 85));
        for limit in (210..7_000).step_by(37) {
            let (tries, found) = reduced(limit, 85, size);
            assert!(size(found) <= limit && size(found + 1) > limit, "{limit}: {found}");
            assert!(tries <= 11, "{limit}: {tries}");
        }
    }

    #[test]
    fn the_lowest_quality_is_used_if_nothing_fits() {
        assert_eq!(reduced(5, 85, |quality| usize::from(quality) + 100).1, LOWEST);
        assert_eq!(reduced(5, 3, |_| 100), (0, 3));
        assert_eq!(reduced(5, LOWEST, |_| 100), (0, LOWEST));
        assert_eq!(reduced(5, 100, |_| 100).1, LOWEST);
    }
}
