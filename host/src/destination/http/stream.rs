//! A connection, plain or with TLS, that a receiver cannot flood.
//!
//! hyper bounds the head of an answer and we bound its body, but a receiver may also send interim answers (1xx) for
//! ever, which hyper skips one by one. So what it sends without having been asked again is counted.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::client::TlsStream;

/// Bytes that a receiver may send between two of our writes over HTTP/2. Twice what its flow control allows all answers of
/// a connection together, so that an honest receiver never comes near.
const MAX_UNASKED_H2: usize = 2 * 1024 * 1024;

/// The same for HTTP/1, where there is one answer, of which we read a head of 64 KiB and as much of the body. Interim
/// answers are small, and skipping two megabytes of them takes a processor several milliseconds.
const MAX_UNASKED: usize = 256 * 1024;

/// Others have their turn each time that so many bytes were read: hyper reads for as long as there is something, and a
/// receiver that always has something would keep the thread.
const TURN: usize = 16 * 1024;

/// A connection that is read from with a limit.
pub(super) struct Stream {
    io: Io,
    /// Bytes read since the last write.
    unasked: usize,
    max_unasked: usize,
    /// Bytes read since others had their turn.
    turn: usize,
    /// Among the destination's connections. Given back after the socket is closed, as which it stands last.
    _place: OwnedSemaphorePermit,
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// One whose answers have bodies of at most `answer` bytes, or of a receiver's usual size.
    pub(super) fn plain(stream: TcpStream, place: OwnedSemaphorePermit, answer: usize) -> Self {
        let max_unasked = MAX_UNASKED.saturating_add(answer);
        Stream { io: Io::Plain(stream), unasked: 0, max_unasked, turn: 0, _place: place }
    }

    pub(super) fn tls(stream: TlsStream<TcpStream>, place: OwnedSemaphorePermit, answer: usize) -> Self {
        // Over HTTP/2 whoever reads a long answer says so time and again.
        let max_unasked = if is_h2(&stream) { MAX_UNASKED_H2 } else { MAX_UNASKED.saturating_add(answer) };
        Stream { io: Io::Tls(Box::new(stream)), unasked: 0, max_unasked, turn: 0, _place: place }
    }
}

fn is_h2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(b"h2")
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        match &self.io {
            Io::Tls(stream) if is_h2(stream) => connected.negotiated_h2(),
            _ => connected,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if stream.turn >= TURN {
            stream.turn = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        ready!(match &mut stream.io {
            Io::Plain(io) => Pin::new(io).poll_read(context, buffer),
            Io::Tls(io) => Pin::new(io).poll_read(context, buffer),
        })?;
        let read = buffer.filled().len() - before;
        stream.unasked += read;
        stream.turn += read;
        if stream.unasked > stream.max_unasked {
            return Poll::Ready(Err(io::Error::other("the receiver sends without end")));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        stream.unasked = 0;
        match &mut stream.io {
            Io::Plain(io) => Pin::new(io).poll_write(context, data),
            Io::Tls(io) => Pin::new(io).poll_write(context, data),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Plain(io) => Pin::new(io).poll_flush(context),
            Io::Tls(io) => Pin::new(io).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Plain(io) => Pin::new(io).poll_shutdown(context),
            Io::Tls(io) => Pin::new(io).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        stream.unasked = 0;
        match &mut stream.io {
            Io::Plain(io) => Pin::new(io).poll_write_vectored(context, data),
            Io::Tls(io) => Pin::new(io).poll_write_vectored(context, data),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(io) => io.is_write_vectored(),
            Io::Tls(io) => io.is_write_vectored(),
        }
    }
}
