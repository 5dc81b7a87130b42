//! Images that a plug-in decodes; see the Python package `xaccel.decoders`.

use std::fs::File;
use std::os::fd::IntoRawFd;
use std::time::Instant;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use super::arguments::Arguments;
use super::failure::exception;
use super::result::ImageInfo;
use crate::error::ThumbnailError;
use crate::thumbnail::decode::{DecodedImage, Layout, SNIFFED};
use crate::thumbnail::partial::SourceFile;
use crate::thumbnail::size_to_decode;
use raster::Size;

/// An image that a plug-in has accepted.
pub(super) struct Plugin<'a, 'py> {
    /// The start of error messages, which names the source.
    label: String,
    arguments: &'a Arguments,
    deadline: Option<Instant>,
    /// The `OpenImage` object in Python.
    image: Bound<'py, PyAny>,
}

/// The result of a plug-in, as Rust values.
#[derive(FromPyObject)]
struct Decoded {
    buffer: PyBackedBytes,
    width: u32,
    height: u32,
    layout: String,
    orientation: u16,
    icc: Option<PyBackedBytes>,
    code_points: Option<(u8, u8)>,
}

impl<'a, 'py> Plugin<'a, 'py> {
    /// Find an enabled plug-in for a file, or return `None` if there is none.
    pub(super) fn open(
        py: Python<'py>,
        file: File,
        label: String,
        arguments: &'a Arguments,
        deadline: Option<Instant>,
    ) -> PyResult<Option<Self>> {
        let open = py.import("xaccel.decoders._opening")?.getattr("open_image")?;
        let copy = file.try_clone()?;
        let limits = arguments.limits.until(deadline);
        let head = match SourceFile::from_file(copy, &limits.core())? {
            Ok(mut file) => PyBytes::new(py, file.head(SNIFFED)?),
            Err(error) => return Err(exception(&label, &error)),
        };
        let decoders = arguments.decoders.clone();
        let image = open.call1((file.into_raw_fd(), head, &label, limits, decoders))?;
        Ok((!image.is_none()).then_some(Self { label, arguments, deadline, image }))
    }

    /// The properties of the image.
    pub(super) fn info(&self, page: u32) -> PyResult<Bound<'py, ImageInfo>> {
        Ok(self.image.call_method1("probe", (page,))?.cast_into()?)
    }

    /// Decode the image for a thumbnail, and call `work` with it, detached from the interpreter.
    pub(super) fn process<T: Send>(
        &self,
        py: Python<'_>,
        work: impl Fn(&DecodedImage<'_>) -> PyResult<T> + Sync,
    ) -> PyResult<T> {
        let page = self.arguments.page();
        let first = self.info(1)?;
        let pages = first.get().pages();
        let info = if page > 1 && page <= pages { self.info(page)? } else { first };
        let full = info.get().size();
        let at = self.arguments.at().filter(|_| info.get().is_film());
        let Size { width, height } = self
            .arguments
            .with_options(self.deadline, false, |options| size_to_decode(full, pages, options))
            .map_err(|error| exception(&self.label, &error))?;
        let invalid = |problem: String| exception(&self.label, &ThumbnailError::Internal(problem));
        let decoded: Decoded = self
            .image
            .call_method1("decode", ((width, height), page, at))?
            .extract()
            .map_err(|error| invalid(format!("the decoder's result is invalid: {error}")))?;
        let layout = Layout::from_name(&decoded.layout).ok_or_else(|| {
            let (names, found) = (Layout::ALL.map(Layout::name).join(", "), &decoded.layout);
            invalid(format!("the decoder's layout must be one of {names}, not {found:?}"))
        })?;
        let size = Size { width: decoded.width, height: decoded.height };
        let image = || -> Result<DecodedImage<'_>, ThumbnailError> {
            DecodedImage::new(size, layout, &decoded.buffer)?
                .oriented(decoded.orientation)
                .with_profile(decoded.icc.as_deref(), decoded.code_points)
                .of_source(full, pages)
        };
        let label = &self.label;
        py.detach(|| work(&image().map_err(|error| exception(label, &error))?))
    }
}

impl Drop for Plugin<'_, '_> {
    fn drop(&mut self) {
        // An error while closing has no effect on the result.
        let _ = self.image.call_method0("close");
    }
}
