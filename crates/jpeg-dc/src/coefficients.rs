//! The coefficients of a component, and the samples computed from them.

use crate::ac::{self, AcScan, Group, LANES};
use crate::corner::{self, Transformed};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::frame::Component;
use crate::idct;
use crate::idct_2x2;
use crate::image::{Plane, pixel};
use crate::marker::Quantisation;
use crate::options::Scale;

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

    /// Returns the samples of a plane of this size at this scale.
    pub(crate) fn samples(
        mut self,
        scale: Scale,
        component: &Component,
        size: (usize, usize),
        deadline: Deadline,
    ) -> Result<Vec<u8>, Error> {
        let quantisation = self.quantisation.ok_or(UNKNOWN)?;
        if scale == Scale::Full {
            let transform = idct::Transform::new(&quantisation);
            return self.transformed(8, component, size, deadline, |group, index, rows| {
                transform.write(group, index, rows, size.0);
            });
        }
        if scale == Scale::Eighth {
            let pixel = |&dc: &i16| pixel(dc.into(), quantisation[0]);
            let rows = self.dc.chunks(component.padded.0.max(1)).take(size.1);
            return Ok(rows.flat_map(|row| row.iter().take(size.0).map(pixel)).collect());
        }
        match scale {
            Scale::FiveEighths => self.reduced::<5, 26>(component, size, &quantisation, deadline),
            Scale::Half => self.reduced::<4, 17>(component, size, &quantisation, deadline),
            Scale::ThreeEighths => self.reduced::<3, 10>(component, size, &quantisation, deadline),
            _ => self.reduced::<2, 5>(component, size, &quantisation, deadline),
        }
    }

    fn reduced<const N: usize, const M: usize>(
        &mut self,
        component: &Component,
        size: (usize, usize),
        quantisation: &Quantisation,
        deadline: Deadline,
    ) -> Result<Vec<u8>, Error>
    where
        [f32; N]: Transformed,
    {
        let transform = corner::Transform::<N>::new(quantisation);
        let places = corner::places(u8::try_from(N).unwrap_or_default());
        self.transformed(N, component, size, deadline, |group, index, rows| {
            transform.write_group::<M>(group, &places, index, rows, size.0);
        })
    }

    /// The samples of the plane: `side` x `side` for each block. `write` receives a group of
    /// blocks, its position in the row, and the rows of the plane, starting with the first row of
    /// the group.
    fn transformed(
        &mut self,
        side: usize,
        component: &Component,
        (width, height): (usize, usize),
        deadline: Deadline,
        write: impl Fn(&Group, usize, &mut [u8]),
    ) -> Result<Vec<u8>, Error> {
        let mut plane = vec![0; width * height];
        let dc = &self.dc;
        ac::read(&mut self.ac, component.blocks, deadline, |(row, index), group| {
            let dc = dc.iter().skip(row * component.padded.0 + index * LANES);
            let [first, ..] = &mut group.values;
            first.iter_mut().zip(dc).for_each(|(first, &dc)| *first = dc);
            write(group, index, plane.get_mut(row * side * width..).unwrap_or_default());
        })?;
        Ok(plane)
    }
}

const UNKNOWN: Error = Error::Malformed("a component has no scan");
