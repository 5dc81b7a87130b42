//! `answer_jobs`.

use std::path::PathBuf;

use pyo3::prelude::*;

/// Run the jobs that arrive over a socket until the app closes the connection.
#[pyfunction]
#[pyo3(signature = (connection, fonts, /))]
pub(in super::super) fn answer_jobs(
    py: Python<'_>,
    connection: i32,
    fonts: Option<Vec<PathBuf>>,
) -> PyResult<()> {
    #[cfg(target_os = "linux")]
    return py.detach(|| linux::answer_jobs(connection, fonts.as_ref()));
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (py, connection, fonts);
        let error = crate::error::SandboxError::Unavailable("the sandbox");
        Err(pyo3::exceptions::PyOSError::new_err(error.to_string()))
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io;
    use std::path::PathBuf;
    use std::sync::Arc;

    use pyo3::exceptions::{PyMemoryError, PyOSError, PyRuntimeError};
    use pyo3::prelude::*;
    use rustix::io::Errno;

    use super::super::super::thumbnail::{
        Arguments, ImageSource, Limits, configured_style, measured, placeholder_text, probed,
    };
    use crate::error::InvalidMessage;
    use crate::ffi;
    use crate::sandbox::connection::Connection;
    use crate::sandbox::limit_processor_time;
    use crate::sandbox::messages::{ErrorKind, Job, Render, Reply, SentWatermark, Work};
    use crate::thumbnail::watermark::Watermark;
    use crate::thumbnail::{Durations, Thumbnail, render_in_two_steps};

    /// The result of a job.
    enum Made {
        Thumbnail(Thumbnail, Durations),
        Text(String),
        Info(Vec<u8>),
    }

    pub(super) fn answer_jobs(connection: i32, fonts: Option<&Vec<PathBuf>>) -> PyResult<()> {
        let mut connection = Connection::new(ffi::descriptor::duplicate(connection)?);
        let mut watermarks = Vec::new();
        while let Some((job, descriptor)) = connection.receive()? {
            let invalid = |error: InvalidMessage| PyRuntimeError::new_err(error.to_string());
            let job = Job::decode(job).map_err(invalid)?;
            let made = match descriptor {
                Some(descriptor) => run(job, descriptor.into(), fonts.cloned(), &mut watermarks),
                // An earlier image has used up all descriptors.
                None => Err(io::Error::from(Errno::MFILE).into()),
            };
            match made {
                Ok(Made::Thumbnail(made, durations)) => connection.send(&Reply::Thumbnail {
                    data: &made.data,
                    width: made.width,
                    height: made.height,
                    format: made.format,
                    is_complete: made.is_complete,
                    durations,
                })?,
                Ok(Made::Info(info)) => connection.send(&Reply::Info(&info))?,
                Ok(Made::Text(text)) => connection.send(&Reply::Text(&text))?,
                Err(error) => Python::attach(|py| send_error(&mut connection, py, &error))?,
            }
        }
        Ok(())
    }

    fn run(
        job: Job<'_>,
        file: File,
        fonts: Option<Vec<PathBuf>>,
        watermarks: &mut Vec<Arc<Watermark>>,
    ) -> PyResult<Made> {
        let Job { path, start, limits, timeout, decoders, work } = job;
        limit_processor_time(timeout).map_err(|error| PyOSError::new_err(error.to_string()))?;
        let source = ImageSource::passed(file, path, start)?;
        let limits = Limits::from_core(limits, Some(timeout));
        match work {
            Work::Render(job) => {
                let Render {
                    spec,
                    format,
                    qualities,
                    progressive,
                    subsampling,
                    avif_speed,
                    watermark,
                } = *job;
                let watermark = watermark.map(|sent| received(sent, watermarks)).transpose()?;
                let arguments = Arguments::new(spec, false, Some(&limits))
                    .with_decoders(decoders)
                    .with_fonts(fonts)
                    .with_watermark(watermark)
                    .with_format(
                        format,
                        qualities,
                        configured_style(progressive, subsampling, avif_speed),
                    );
                let (thumbnail, durations) = measured(|encoding| {
                    source.process(&arguments, |input, options| {
                        render_in_two_steps(input, options, encoding)
                    })
                })?;
                Ok(Made::Thumbnail(thumbnail, durations))
            }
            Work::Probe => Python::attach(|py| {
                Ok(Made::Info(
                    probed(py, &source, &limits, decoders, fonts)?.get().message().encode(),
                ))
            }),
            Work::Placeholder(kind) => {
                placeholder_text(&source, kind.as_deref(), &limits, decoders, fonts).map(Made::Text)
            }
        }
    }

    /// Return a kept watermark, or keep a new one.
    fn received(
        sent: SentWatermark<'_>,
        watermarks: &mut Vec<Arc<Watermark>>,
    ) -> PyResult<Arc<Watermark>> {
        let place = usize::from(sent.place);
        if let Some((source, placement)) = sent.content {
            let watermark = Watermark::new(source.into(), placement)
                .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
            let watermark = Arc::new(watermark);
            match watermarks.get_mut(place) {
                Some(old) => *old = Arc::clone(&watermark),
                None => watermarks.push(Arc::clone(&watermark)),
            }
            return Ok(watermark);
        }
        let missing = || PyRuntimeError::new_err(InvalidMessage::Value.to_string());
        watermarks.get(place).cloned().ok_or_else(missing)
    }

    fn send_error(connection: &mut Connection, py: Python<'_>, error: &PyErr) -> PyResult<()> {
        let name = error.get_type(py).name()?.to_string();
        let mut message = error.value(py).str()?.to_string_lossy().into_owned();
        if let Some(kind) = ErrorKind::from_name(&name) {
            return send_message(connection, message, |text| Reply::Error(kind, text));
        }
        if error.is_instance_of::<PyMemoryError>(py) {
            message = "the image needs too much memory".into();
            return send_message(connection, message, |text| {
                Reply::Error(ErrorKind::RenderStopped, text)
            });
        }
        if error.is_instance_of::<PyOSError>(py) {
            let number: Option<u32> = error.value(py).getattr("errno")?.extract()?;
            if number.is_some() {
                message = error.value(py).getattr("strerror")?.str()?.to_string();
            }
            let number = number.unwrap_or_default();
            return send_message(connection, message, |text| Reply::OsError(number, text));
        }
        send_message(connection, format!("{name}: {message}"), |text| {
            Reply::Error(ErrorKind::ThumbnailError, text)
        })
    }

    fn send_message(
        connection: &mut Connection,
        mut message: String,
        reply: impl FnOnce(&str) -> Reply<'_>,
    ) -> PyResult<()> {
        message.truncate(message.floor_char_boundary(Reply::LONGEST_MESSAGE));
        Ok(connection.send(&reply(&message))?)
    }
}
