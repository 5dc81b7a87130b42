//! Resize a part of a picture to the size of the thumbnail.

use std::borrow::Cow;
use std::iter;

use raster::{Area, Filter, Picture, PixelKind, Size, StripResizer};

use super::Job;
use super::crop::Window;
use super::decode::{Component, Pixels, Rows};
use crate::error::ThumbnailError;

/// Whether the samples are averaged as they are, as browsers and most programs do it, or as
/// the light that they stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Light {
    /// As they are, with the gamma of sRGB.
    #[default]
    Encoded,
    /// Made linear before, and encoded again after.
    Linear,
}

/// Resize a part of a picture, a strip at a time where its rows come one by one.
///
/// # Errors
/// The source is damaged, or the time is over. [`ThumbnailError::Internal`], which none of the sizes
/// of a plan can cause.
pub fn resize(
    pixels: Pixels<'_>,
    window: Window,
    size: Size,
    job: &Job<'_>,
) -> Result<Picture, ThumbnailError> {
    let from = pixels.size();
    let area = area(from, window);
    let is_whole = area.width >= f64::from(from.width) && area.height >= f64::from(from.height);
    if size == from && is_whole {
        return pixels.into_picture();
    }
    match (job.light, pixels) {
        (Light::Encoded, Pixels::Rows(rows)) => resize_rows(rows, area, size, job),
        (light, pixels) => {
            let picture = pixels.into_picture()?;
            // Inks are no light.
            if light == Light::Linear && picture.kind != PixelKind::Cmyk {
                return Ok(raster::resize_linear(picture, area, size)?);
            }
            Ok(raster::resize(&picture, area, size, Filter::Lanczos3)?)
        }
    }
}

fn resize_rows(
    Rows { size: from, kind, read }: Rows<'_>,
    area: Area,
    size: Size,
    job: &Job<'_>,
) -> Result<Picture, ThumbnailError> {
    let mut strips = StripResizer::new(from, kind, area, size);
    while let Some(room) = strips.room() {
        job.check_time()?;
        read(room)?;
        strips.advance()?;
    }
    Ok(strips.finish())
}

/// Resize a part of one component of a picture of this size, where a sample of the result is to
/// cover so many pixels both ways. If the last one goes beyond the picture's edge, so does the part.
///
/// # Errors
/// [`ThumbnailError::Internal`], which none of the sizes of a plan can cause.
pub fn resize_component(
    component: &Component<'_>,
    picture: Size,
    window: Window,
    size: Size,
    covers: u32,
) -> Result<Picture, ThumbnailError> {
    let area = area(picture, window);
    let (from, (across, down)) = (component.size, component.covers);
    let along = |start: f64, length: f64, covered: u32, side: u32| {
        let to = side.div_ceil(covers);
        let scale = length / f64::from(side) / f64::from(covered);
        (start / f64::from(covered), f64::from(to * covers) * scale, to)
    };
    let (left, width, columns) = along(area.left, area.width, across, size.width);
    let (top, height, rows) = along(area.top, area.height, down, size.height);
    let extended = Size {
        width: from.width.max(whole(left + width)),
        height: from.height.max(whole(top + height)),
    };
    let samples = extend(component.samples, from, extended);
    let width = width.min(f64::from(extended.width) - left);
    let height = height.min(f64::from(extended.height) - top);
    let area = Area { left, top, width, height };
    Ok(raster::resize_samples(&samples, extended, area, Size { width: columns, height: rows })?)
}

/// The whole number of samples that so many are a part of, or are but for rounding.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a side of a picture")]
fn whole(length: f64) -> u32 {
    const ROUNDING: f64 = 1e-6;
    (length - ROUNDING).ceil() as u32
}

/// A plane with its last column and row repeated.
fn extend(samples: &[u8], from: Size, to: Size) -> Cow<'_, [u8]> {
    if from == to {
        return Cow::Borrowed(samples);
    }
    let (width, more) = (from.width as usize, (to.width - from.width) as usize);
    let mut extended = Vec::with_capacity(to.width as usize * to.height as usize);
    for row in samples.chunks_exact(width.max(1)) {
        extended.extend_from_slice(row);
        extended.extend(row.last().iter().flat_map(|&&last| iter::repeat_n(last, more)));
    }
    let last = extended.len().saturating_sub(to.width as usize);
    for _ in from.height..to.height {
        extended.extend_from_within(last..last + to.width as usize);
    }
    Cow::Owned(extended)
}

/// A small copy of a part of a picture, for looking at its colours only.
///
/// # Errors
/// [`ThumbnailError::Internal`], which none of the sizes of a plan can cause.
pub fn shrunk_copy(
    picture: &Picture,
    window: Window,
    size: Size,
) -> Result<Picture, ThumbnailError> {
    Ok(raster::resize(picture, area(picture.size(), window), size, Filter::Box)?)
}

/// A size between full and needed at which a decoder may shrink by means of its own, without
/// a loss that can be seen after the final resize.
#[must_use]
pub fn roomy(full: Size, needed: Size) -> Size {
    let side = |full: u32, needed: u32| needed.saturating_mul(2).min(full);
    Size { width: side(full.width, needed.width), height: side(full.height, needed.height) }
}

fn area(size: Size, window: Window) -> Area {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let left = (window.left * width).clamp(0.0, width);
    let top = (window.top * height).clamp(0.0, height);
    Area {
        left,
        top,
        width: (window.width * width).min(width - left),
        height: (window.height * height).min(height - top),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::thumbnail::format::OutputFormat;
    use crate::thumbnail::limits::Limits;
    use crate::thumbnail::spec::Spec;

    #[test]
    fn no_row_is_decoded_after_the_time_is_over() {
        let from = Size { width: 1000, height: 3000 };
        let read = Cell::new(0);
        let job = Job {
            spec: &Spec::default(),
            format: OutputFormat::Png,
            quality: 80,
            style: crate::thumbnail::encode::Style::default(),
            light: Light::Encoded,
            limits: &Limits::default(),
            is_start: false,
            expired: &|| read.get() >= 1_000_000,
        };
        let mut count = |rows: &mut [u8]| {
            read.set(read.get() + rows.len());
            Ok(())
        };
        let rows = Rows { size: from, kind: PixelKind::Luma, read: &mut count };
        let window = Window { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };
        let size = Size { width: 100, height: 300 };
        let resized = resize(Pixels::Rows(rows), window, size, &job);
        assert_eq!(resized, Err(ThumbnailError::Timeout));
        assert!((1_000_000..2_000_000).contains(&read.get()), "{}", read.get());
    }
}
