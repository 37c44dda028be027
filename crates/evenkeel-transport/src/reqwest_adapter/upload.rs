//! Bodies on their way out, and how far they have got.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use evenkeel_error::Phase;
use http_body::{Frame, SizeHint};

use super::source::{Source, Streaming};
use crate::BodyReader;
use crate::clock::Progress;

/// What goes out in one piece. hyper takes a piece when it has room for it (about 400 KiB are buffered
/// on HTTP/1.1), so that pieces of this size show how an upload gets on, at 512 polls for the
/// largest request there is. A body that fits in one piece is buffered at once: there is nothing to
/// watch.
pub(super) const PIECE: usize = 64 * 1024;

/// What is watched of an upload.
///
/// It is kept for as long as the call wants anything: who drops it ends what is left of the upload.
pub(super) enum Watch {
    /// Nothing: it goes out at once.
    Nothing,
    /// Whether it has begun.
    Start(Arc<Progress>),
    /// That, and each of its pieces.
    Pieces(Arc<Progress>),
    /// The same, of a body that is read as it is sent.
    Source(Arc<Source>),
}

impl Watch {
    /// `body`, watched for whether it has begun.
    pub(super) fn start_of(body: Bytes) -> (reqwest::Body, Self) {
        let (body, progress) = watched(body);
        (body, Self::Start(progress))
    }

    /// `body`, watched for how it gets on.
    pub(super) fn pieces_of(body: Bytes) -> (reqwest::Body, Self) {
        let (body, progress) = watched(body);
        (body, Self::Pieces(progress))
    }

    /// A body that is read as it is sent, watched for how it gets on.
    pub(super) fn source(body: BodyReader) -> (reqwest::Body, Self) {
        let (upload, source) = Streaming::new(body);
        (reqwest::Body::wrap(upload), Self::Source(source))
    }

    /// What starts the clock anew.
    pub(super) fn progress(&self) -> Option<&Progress> {
        match self {
            Self::Pieces(progress) => Some(progress),
            Self::Source(source) => Some(source.progress()),
            Self::Nothing | Self::Start(_) => None,
        }
    }

    /// How far it has got; if to the connection at most, it now never gets further.
    pub(super) fn give_up(&self) -> Phase {
        let progress = match self {
            Self::Nothing => return Phase::Head,
            Self::Start(progress) | Self::Pieces(progress) => progress,
            Self::Source(source) => source.progress(),
        };
        if progress.give_up() {
            Phase::Connect
        } else {
            Phase::Head
        }
    }
}

/// hyper writes on after an answer, for as long as the other side reads: to a server that has said no it
/// would send all the rest beside the next attempt, and ask a source for it. An error in the body ends that:
/// the connection is closed over HTTP/1.1, the stream reset over HTTP/2.
impl Drop for Watch {
    fn drop(&mut self) {
        match self {
            Self::Nothing => {}
            Self::Start(progress) | Self::Pieces(progress) => progress.end(),
            Self::Source(source) => source.end(),
        }
    }
}

fn watched(body: Bytes) -> (reqwest::Body, Arc<Progress>) {
    let progress = Arc::new(Progress::start());
    let upload = Upload::new(body, Arc::clone(&progress));
    (reqwest::Body::wrap(upload), progress)
}

/// A body that is handed over piece by piece, with a note of when.
///
/// It has begun when its first piece is taken; an empty body is not watched. Over HTTP/1.1 the head goes out with that
/// piece; over HTTP/2 it waits until the peer allows a stream more, and the piece is taken then. So of a
/// request whose body was given up before, no byte of its body leaves, and its head does in a race of
/// instructions at most, followed by the end of the connection or a reset: nothing to act on.
///
/// It never waits, so hyper finds what became of it when it asks for the next piece.
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

/// How much is left: it is the prompt.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("left", &self.rest.len())
            .finish_non_exhaustive()
    }
}

/// The rest of a body is not wanted: the attempt was given up before it began, its call is over, or its
/// source failed.
#[derive(Debug)]
pub(super) struct Unwanted {
    /// hyper looks for it, and resets a stream of HTTP/2 with it.
    reason: h2::Error,
}

impl Unwanted {
    pub(super) fn new() -> Self {
        Self {
            reason: h2::Reason::CANCEL.into(),
        }
    }
}

impl fmt::Display for Unwanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rest of the body is not wanted")
    }
}

impl StdError for Unwanted {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.reason)
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = Unwanted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unwanted>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if !self.progress.begin() {
            return Poll::Ready(Some(Err(Unwanted::new())));
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

    #[test]
    fn a_body_that_was_given_up_before_it_was_asked_for_yields_nothing() {
        let mut context = Context::from_waker(Waker::noop());
        let body = Bytes::from_static(b"prompt");
        let progress = Arc::new(Progress::start());
        let mut upload = Upload::new(body.clone(), Arc::clone(&progress));
        assert!(!format!("{upload:?}").contains("prompt"));
        assert!(progress.give_up(), "nobody has asked");
        assert!(
            !upload.is_end_stream(),
            "or the head would go out as a whole request"
        );
        let polled = Pin::new(&mut upload).poll_frame(&mut context);
        assert!(matches!(polled, Poll::Ready(Some(Err(Unwanted { .. })))));

        let progress = Arc::new(Progress::start());
        let mut upload = Upload::new(body, Arc::clone(&progress));
        let polled = Pin::new(&mut upload).poll_frame(&mut context);
        assert!(matches!(polled, Poll::Ready(Some(Ok(_)))));
        assert!(!progress.give_up(), "the head may be out");
    }

    #[test]
    fn a_body_of_which_the_head_was_asked_for_and_no_piece_taken_can_be_given_up() {
        let progress = Arc::new(Progress::start());
        let mut upload = Upload::new(Bytes::from_static(b"prompt"), Arc::clone(&progress));
        assert!(!upload.is_end_stream());
        assert!(progress.give_up(), "it waits for a stream of HTTP/2");
        let mut context = Context::from_waker(Waker::noop());
        let polled = Pin::new(&mut upload).poll_frame(&mut context);
        assert!(matches!(polled, Poll::Ready(Some(Err(Unwanted { .. })))));
    }

    #[test]
    fn what_is_left_of_a_body_is_not_wanted_once_its_call_is_over() {
        let mut context = Context::from_waker(Waker::noop());
        let (progress, body) = (Arc::new(Progress::start()), vec![0; PIECE + 1]);
        let mut upload = Upload::new(body.into(), Arc::clone(&progress));
        let first = Pin::new(&mut upload).poll_frame(&mut context);
        assert!(matches!(first, Poll::Ready(Some(Ok(_)))));
        progress.end();
        let rest = Pin::new(&mut upload).poll_frame(&mut context);
        let Poll::Ready(Some(Err(unwanted))) = rest else {
            panic!("it goes on");
        };
        let cause = unwanted.source().unwrap().downcast_ref::<h2::Error>();
        assert_eq!(cause.unwrap().reason(), Some(h2::Reason::CANCEL));

        // All of it was taken: that it ended is true.
        let progress = Arc::new(Progress::start());
        let mut upload = Upload::new(Bytes::from_static(b"x"), Arc::clone(&progress));
        let all = Pin::new(&mut upload).poll_frame(&mut context);
        assert!(matches!(all, Poll::Ready(Some(Ok(_)))));
        progress.end();
        assert!(upload.is_end_stream());
    }
}
