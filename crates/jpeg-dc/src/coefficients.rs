//! The coefficients of a component, and the samples computed from them.

use crate::ac::{self, AcScan, Group, LANES};
use crate::corner::{self, Transformed};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::frame::Component;
use crate::idct_2x2;
use crate::image::{Plane, pixel};
use crate::marker::Quantisation;
use crate::options::Scale;
use crate::variance::Weights;

/// The coefficients of a component of a progressive frame.
#[derive(Debug, Default)]
pub(crate) struct Coefficients {
    /// The DC coefficient of each block, in rows that include the blocks that fill up the last MCU.
    pub(crate) dc: Vec<i16>,
    /// The scans of the AC coefficients.
    pub(crate) ac: Vec<AcScan>,
    pub(crate) quantisation: Option<Quantisation>,
}

impl Coefficients {
    /// Writes the samples at 1/8 of the size to a plane.
    pub(crate) fn write(
        &mut self,
        plane: &mut Plane,
        component: &Component,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let quantisation = self.quantisation.ok_or(UNKNOWN)?;
        if self.ac.is_empty() {
            plane.data = self.dc.iter().map(|&dc| pixel(dc.into(), quantisation[0])).collect();
            return Ok(());
        }
        let across = component.padded.0;
        let mut quads = vec![[0; 4]; self.dc.len()];
        let dc = &self.dc;
        ac::read(&mut self.ac, component.blocks, deadline, |(row, index), group| {
            let start = row * across + index * LANES;
            let blocks = quads.iter_mut().zip(dc).skip(start).zip(group.nonzero).enumerate();
            for (lane, ((quad, &dc), nonzero)) in blocks {
                *quad = idct_2x2::samples(dc, &group.values, lane, nonzero, &quantisation);
            }
        })?;
        plane.data = idct_2x2::plane(&quads, across);
        Ok(())
    }

    /// Returns the samples of a plane of this size at this scale. If `variances` is not empty, the
    /// function writes the variance of each block to it.
    pub(crate) fn samples(
        mut self,
        scale: Scale,
        component: &Component,
        size: (usize, usize),
        variances: &mut [u16],
        deadline: Deadline,
    ) -> Result<Vec<u8>, Error> {
        let quantisation = self.quantisation.ok_or(UNKNOWN)?;
        let weights = Weights::new(&quantisation, scale);
        let across = component.padded.0;
        let is_measured = !variances.is_empty();
        let mut measure = |group: &Group, (row, index): (usize, usize)| {
            let blocks = variances.get_mut(row * across + index * LANES..).unwrap_or_default();
            if !blocks.is_empty() {
                let of_blocks = weights.of_blocks(&group.values);
                blocks.iter_mut().zip(of_blocks).for_each(|(place, variance)| *place = variance);
            }
        };
        if scale == Scale::Eighth {
            let pixel = |&dc: &i16| pixel(dc.into(), quantisation[0]);
            if is_measured {
                ac::read(&mut self.ac, component.blocks, deadline, |place, group| {
                    measure(group, place);
                })?;
            }
            let rows = self.dc.chunks(component.padded.0.max(1)).take(size.1);
            return Ok(rows.flat_map(|row| row.iter().take(size.0).map(pixel)).collect());
        }
        match scale {
            Scale::Full => self.reduced::<8, 65>(component, size, measure, deadline),
            Scale::SevenEighths => self.reduced::<7, 50>(component, size, measure, deadline),
            Scale::ThreeQuarters => self.reduced::<6, 37>(component, size, measure, deadline),
            Scale::FiveEighths => self.reduced::<5, 26>(component, size, measure, deadline),
            Scale::Half => self.reduced::<4, 17>(component, size, measure, deadline),
            Scale::ThreeEighths => self.reduced::<3, 10>(component, size, measure, deadline),
            _ => self.reduced::<2, 5>(component, size, measure, deadline),
        }
    }

    fn reduced<const N: usize, const M: usize>(
        &mut self,
        component: &Component,
        size: (usize, usize),
        mut measure: impl FnMut(&Group, (usize, usize)),
        deadline: Deadline,
    ) -> Result<Vec<u8>, Error>
    where
        [f32; N]: Transformed,
    {
        let transform = corner::Transform::<N>::new(&self.quantisation.ok_or(UNKNOWN)?);
        let places = corner::places(u8::try_from(N).unwrap_or_default());
        let mut between = [[[0.0; LANES]; N]; N];
        self.transformed(N, component, size, deadline, |group, place, rows| {
            transform.write_group::<M>(group, &places, &mut between, place.1, rows, size.0);
            measure(group, place);
        })
    }

    /// The samples of the plane: `side` x `side` for each block. `write` receives a group of
    /// blocks, its row and its position in the row, and the rows of the plane, starting with the
    /// first row of the group.
    fn transformed(
        &mut self,
        side: usize,
        component: &Component,
        (width, height): (usize, usize),
        deadline: Deadline,
        mut write: impl FnMut(&Group, (usize, usize), &mut [u8]),
    ) -> Result<Vec<u8>, Error> {
        let mut plane = vec![0; width * height];
        let dc = &self.dc;
        ac::read(&mut self.ac, component.blocks, deadline, |(row, index), group| {
            let dc = dc.iter().skip(row * component.padded.0 + index * LANES);
            let [first, ..] = &mut group.values;
            first.iter_mut().zip(dc).for_each(|(first, &dc)| *first = dc);
            write(group, (row, index), plane.get_mut(row * side * width..).unwrap_or_default());
        })?;
        Ok(plane)
    }
}

const UNKNOWN: Error = Error::Malformed("a component has no scan");
