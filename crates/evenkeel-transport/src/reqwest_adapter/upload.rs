//! Bodies on their way out, and how far they have got.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use evenkeel_error::Error;
use futures_core::Stream;
use http_body::{Frame, SizeHint};

use crate::BodyReader;
use crate::clock::Progress;

/// What goes out in one piece. hyper takes a piece when it has room for it (about 400 KiB are buffered
/// on HTTP/1.1), so that pieces of this size show how an upload gets on, at 512 polls for the
/// largest request there is. A body that fits in one piece is buffered at once: there is nothing to
/// watch.
pub(super) const PIECE: usize = 64 * 1024;

/// A body that is handed over piece by piece, with a note of when.
#[derive(Debug)]
pub(super) struct Upload {
    rest: Bytes,
    progress: Arc<Progress>,
}

impl Upload {
    pub(super) fn new(body: Bytes, progress: Arc<Progress>) -> Self {
        Self {
            rest: body,
            progress,
        }
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        self.progress.mark();
        let size = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(size)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

/// A body that is read as it is sent, with a note of when.
#[derive(Debug)]
pub(super) struct Streaming {
    body: BodyReader,
    progress: Arc<Progress>,
}

impl Streaming {
    pub(super) fn new(body: BodyReader, progress: Arc<Progress>) -> Self {
        Self { body, progress }
    }
}

impl http_body::Body for Streaming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let chunk = ready!(Pin::new(&mut self.body).poll_next(cx));
        self.progress.mark();
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .length()
            .map(SizeHint::with_exact)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use http_body::Body as _;

    use super::*;

    #[tokio::test]
    async fn a_body_comes_out_whole_in_pieces_and_its_length_is_known() {
        let body: Bytes = (0..=255_u8).cycle().take(PIECE * 2 + 7).collect();
        let mut upload = Upload::new(body.clone(), Arc::new(Progress::start()));
        assert_eq!(upload.size_hint().exact(), Some(body.len() as u64));
        let mut context = Context::from_waker(Waker::noop());
        let mut whole = Vec::new();
        let mut pieces = 0;
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut upload).poll_frame(&mut context) {
            whole.extend_from_slice(&frame.into_data().unwrap());
            pieces += 1;
        }
        assert!(upload.is_end_stream());
        assert_eq!((whole == body, pieces), (true, 3));
    }
}
