//! What is left of a body when its request has been answered without it.
//!
//! Whoever is still sending when his stream is reset or his connection closed may lose the answer, and with it the status
//! and `Retry-After`: so the rest is read and dropped first, for a moment and up to a size.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

/// Bytes that are read and dropped at most.
const MAX_DROPPED: usize = 256 * 1024;

/// The same of a body that is too large, whose sender may knock and could as well send several that are not.
const MAX_TOO_LARGE: usize = 16 << 20;

/// How long the rest is waited for at most.
const PATIENCE: Duration = Duration::from_secs(1);

/// A body of which it is known how far it has been read.
pub(super) struct Watched<'a, B> {
    body: Pin<&'a mut B>,
    begun: bool,
    ended: bool,
}

impl<'a, B: Body<Data = Bytes>> Watched<'a, B> {
    pub(super) fn new(body: Pin<&'a mut B>) -> Self {
        Watched { body, begun: false, ended: false }
    }

    /// Reads and drops what is left of a body that is answered so. `asks` is of a sender that waits for leave to send
    /// its body, which it is not given.
    pub(super) async fn drop_rest(mut self, answer: StatusCode, asks: bool) {
        if self.ended || self.body.is_end_stream() || (asks && !self.begun) {
            return;
        }
        let most = match answer {
            StatusCode::PAYLOAD_TOO_LARGE => MAX_TOO_LARGE,
            _ => MAX_DROPPED,
        };
        let dropping = async {
            let mut dropped = 0;
            while let Some(Ok(frame)) = self.frame().await {
                dropped += frame.data_ref().map_or(0, Bytes::len);
                if dropped >= most {
                    return;
                }
            }
        };
        // Who takes longer is answered all the same.
        let _ = tokio::time::timeout(PATIENCE, dropping).await;
    }
}

impl<B: Body<Data = Bytes>> Body for Watched<'_, B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.begun = true;
        let frame = ready!(self.body.as_mut().poll_frame(context));
        self.ended = !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
