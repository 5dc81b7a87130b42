//! The worker's end of its connection to the app.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::cmsg_space;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::messages::{Job, PREFIX, Reply};

/// The number of bytes that stay allocated for jobs. Only jobs with a new watermark need more.
const KEPT: usize = 16 * 1024;

/// A stream socket, over which jobs arrive and replies are sent.
pub struct Connection {
    socket: File,
    buffer: Vec<u8>,
}

impl Connection {
    /// Uses a socket, which must be in blocking mode.
    #[must_use]
    pub const fn new(socket: File) -> Self {
        Self { socket, buffer: Vec::new() }
    }

    /// Waits for the next job. Returns the bytes for [`Job::decode`] and the descriptor of the
    /// image. The descriptor is missing if the process has reached its limit on open descriptors.
    /// Returns `None` if the app has closed the connection.
    ///
    /// # Errors
    /// The connection fails.
    pub fn receive(&mut self) -> io::Result<Option<(&[u8], Option<OwnedFd>)>> {
        self.buffer.truncate(KEPT);
        self.buffer.shrink_to(KEPT);
        self.buffer.resize(KEPT, 0);
        let (received, descriptor) = self.receive_start()?;
        if received == 0 {
            return Ok(None);
        }
        let mut start = received;
        if start < PREFIX {
            self.read(start, PREFIX)?;
            start = PREFIX;
        }
        let prefix = self.buffer.first_chunk().ok_or(ErrorKind::InvalidData)?;
        let end = PREFIX.saturating_add(Job::length(*prefix));
        self.read(start, end)?;
        let job = self.buffer.get(PREFIX..end).ok_or(ErrorKind::InvalidData)?;
        Ok(Some((job, descriptor)))
    }

    fn receive_start(&mut self) -> io::Result<(usize, Option<OwnedFd>)> {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let buffer = &mut [IoSliceMut::new(&mut self.buffer)];
        let received = loop {
            match recvmsg(&self.socket, buffer, &mut control, RecvFlags::CMSG_CLOEXEC) {
                Err(rustix::io::Errno::INTR) => {}
                result => break result?,
            }
        };
        let descriptor = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        Ok((received.bytes, descriptor))
    }

    /// Reads the bytes of the buffer between these positions, if they have not arrived yet.
    fn read(&mut self, start: usize, end: usize) -> io::Result<()> {
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        match self.buffer.get_mut(start..end) {
            Some(missing) => self.socket.read_exact(missing),
            None => Ok(()),
        }
    }

    /// Sends a reply.
    ///
    /// # Errors
    /// The connection fails, or the reply is too long.
    pub fn send(&mut self, reply: &Reply<'_>) -> io::Result<()> {
        let head = reply.head().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        let mut parts = &mut [IoSlice::new(&head), IoSlice::new(reply.body())][..];
        // Empty parts are removed.
        IoSlice::advance_slices(&mut parts, 0);
        while !parts.is_empty() {
            match self.socket.write_vectored(parts) {
                Ok(written) => IoSlice::advance_slices(&mut parts, written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

    use super::super::messages::{ErrorKind, ReplyReader, Work};
    use super::*;
    use crate::thumbnail::Durations;
    use crate::thumbnail::format::OutputFormat;
    use crate::thumbnail::limits::Limits;

    fn pair() -> (UnixStream, Connection) {
        let (app, worker) = UnixStream::pair().unwrap();
        (app, Connection::new(File::from(OwnedFd::from(worker))))
    }

    fn job(length: usize) -> Vec<u8> {
        let kind = Some("a".repeat(length));
        let limits = Limits::default();
        let work = Work::Placeholder(kind);
        Job { path: None, start: None, limits, timeout: 1.0, decoders: None, work }
            .encode()
            .unwrap()
    }

    fn send(app: &UnixStream, message: &[u8], file: &File) -> usize {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors = [file.as_fd()];
        assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
        sendmsg(app, &[IoSlice::new(message)], &mut control, SendFlags::empty()).unwrap()
    }

    #[test]
    fn jobs_of_all_lengths_arrive_with_their_descriptors() {
        let (mut app, mut worker) = pair();
        for (length, first) in [(5, 100), (5, 1), (KEPT, 300), (500_000, 400), (5, 6)] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(b"image").unwrap();
            let message = job(length);
            thread::scope(|scope| {
                scope.spawn(|| {
                    let sent = send(&app, &message[..first.min(message.len())], &file);
                    (&app).write_all(&message[sent..]).unwrap();
                });
                let (content, descriptor) = worker.receive().unwrap().unwrap();
                assert_eq!(content, &message[PREFIX..]);
                assert_eq!(File::from(descriptor.unwrap()).metadata().unwrap().len(), 5);
            });
        }
        app.flush().unwrap();
        drop(app);
        assert!(worker.receive().unwrap().is_none());
    }

    #[test]
    fn a_job_arrives_without_a_descriptor() {
        let (mut app, mut worker) = pair();
        app.write_all(&job(1)).unwrap();
        assert!(worker.receive().unwrap().unwrap().1.is_none());
    }

    #[test]
    fn replies_of_all_lengths_arrive() {
        let (mut app, mut worker) = pair();
        for length in [0, 5, 1_000_000] {
            let data = vec![7; length];
            let format = OutputFormat::Jpeg;
            let durations = Durations::default();
            let (data, is_complete) = (data.as_slice(), false);
            let reply =
                Reply::Thumbnail { data, width: 1, height: 2, format, is_complete, durations };
            thread::scope(|scope| {
                scope.spawn(|| worker.send(&reply).unwrap());
                let (mut reader, mut piece) = (ReplyReader::default(), vec![0; 10_000]);
                loop {
                    let received = app.read(&mut piece).unwrap();
                    if let Some(arrived) = reader.read(&piece[..received]).unwrap() {
                        assert_eq!(arrived, reply);
                        break;
                    }
                }
            });
        }
        let message = "a".repeat(5000);
        assert!(worker.send(&Reply::Error(ErrorKind::ThumbnailError, &message)).is_err());
    }
}
