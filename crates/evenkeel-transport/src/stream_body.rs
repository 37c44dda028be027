use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use evenkeel_error::Error;
use futures_core::Stream;

/// A request body that is read as it is sent: from a file, a socket, whatever should not be in memory
/// at once.
///
/// One of a stream can be sent once, since what has been read is gone; one that can be opened again
/// is sent again from its beginning. Clones are the same body, so a [`Request`](crate::Request) can be
/// cloned for an attempt, and [`state`](Self::state) says afterwards whether another can be made.
#[derive(Clone)]
pub struct StreamBody {
    inner: Arc<Inner>,
}

struct Inner {
    source: Mutex<Source>,
    length: Option<u64>,
}

struct Source {
    /// `None` once it has ended.
    chunks: Option<Chunks>,
    /// Opens it again, where that can be done.
    open: Option<Box<dyn Fn() -> Chunks + Send>>,
    /// Bytes taken since it was opened.
    given: u64,
    /// Bytes taken in all.
    taken: u64,
    state: BodyState,
    /// Counts the readers: only the newest reads.
    generation: u64,
    fault: Option<Error>,
}

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Whether a [`StreamBody`] can still be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyState {
    /// Nothing was taken out of it, or it can be opened again.
    Ready,
    /// Some of it is gone.
    Spent,
}

/// Whether a [`Transport`](crate::Transport) sends [`StreamBody`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamBodies {
    /// It sends bodies that are in memory. The default.
    #[default]
    Unsupported,
    /// It sends those too.
    Supported,
}

impl StreamBody {
    /// A body of these chunks, which can be sent once. With a `length` in bytes it is sent under
    /// `content-length`, and a source that has more or less is a fault; without one it is sent in
    /// chunks of HTTP.
    pub fn once<S, E>(chunks: S, length: Option<u64>) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    {
        Self::new(Some(boxed(chunks)), None, length)
    }

    /// A body that `open` opens for each attempt, from its beginning. `length` as for
    /// [`once`](Self::once).
    pub fn repeatable<S, E>(open: impl Fn() -> S + Send + 'static, length: Option<u64>) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    {
        Self::new(None, Some(Box::new(move || boxed(open()))), length)
    }

    fn new(
        chunks: Option<Chunks>,
        open: Option<Box<dyn Fn() -> Chunks + Send>>,
        length: Option<u64>,
    ) -> Self {
        let source = Source {
            chunks,
            open,
            given: 0,
            taken: 0,
            state: BodyState::Ready,
            generation: 0,
            fault: None,
        };
        let source = Mutex::new(source);
        Self {
            inner: Arc::new(Inner { source, length }),
        }
    }

    /// How many bytes it has, where that is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.inner.length
    }

    /// Whether it can still be sent.
    #[must_use]
    pub fn state(&self) -> BodyState {
        self.inner.source().state
    }

    /// How many bytes were taken out of it, by all attempts together: while it grows, an upload gets
    /// on.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.inner.source().taken
    }

    /// Begins to read it, for one attempt: what an earlier reader does not have yet, it never gets.
    ///
    /// # Errors
    ///
    /// `invalid_config` when it can be sent once and some of it is gone.
    pub fn reader(&self) -> Result<BodyReader, Error> {
        let mut source = self.inner.source();
        if source.state == BodyState::Spent {
            return Err(Error::invalid_config(
                "body",
                "was read as it was sent, and cannot be sent again: give one that is in memory, or \
                 that can be opened again",
            ));
        }
        if let Some(open) = &source.open {
            source.chunks = Some(open());
        }
        source.given = 0;
        source.fault = None;
        source.generation += 1;
        Ok(BodyReader {
            inner: Arc::clone(&self.inner),
            generation: source.generation,
        })
    }

    /// What was wrong with the source, with its cause, if that is why sending failed; once.
    #[must_use]
    pub fn take_fault(&self) -> Option<Error> {
        self.inner.source().fault.take()
    }
}

impl Inner {
    fn source(&self) -> MutexGuard<'_, Source> {
        // A source that panicked is asked no more by who saw the panic.
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The chunks of a [`StreamBody`], for one attempt. An error is `invalid_config`: the source failed,
/// or does not have the length that it was given. The request must then not be brought to its end;
/// [`StreamBody::take_fault`] says more.
pub struct BodyReader {
    inner: Arc<Inner>,
    generation: u64,
}

impl BodyReader {
    /// How many bytes there are in all, where that is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.inner.length
    }
}

impl Stream for BodyReader {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let length = self.inner.length;
        let mut source = self.inner.source();
        if source.generation != self.generation {
            let fault = Error::invalid_config("body", "is read by a later attempt");
            return Poll::Ready(Some(Err(fault)));
        }
        let Some(chunks) = &mut source.chunks else {
            return Poll::Ready(None);
        };
        let chunk = ready!(chunks.as_mut().poll_next(cx));
        if source.open.is_none() {
            source.state = BodyState::Spent;
        }
        let fault = match chunk {
            Some(Ok(chunk)) => {
                let size = chunk.len() as u64;
                source.given = source.given.saturating_add(size);
                source.taken = source.taken.saturating_add(size);
                if length.is_none_or(|length| source.given <= length) {
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Error::invalid_config("body", "has more bytes than its length says")
            }
            None => {
                source.chunks = None;
                if length.is_none_or(|length| source.given == length) {
                    return Poll::Ready(None);
                }
                Error::invalid_config("body", "has fewer bytes than its length says")
            }
            Some(Err(error)) => {
                Error::invalid_config("body", "could not be read: its source failed")
                    .with_source(error)
            }
        };
        source.chunks = None;
        let told = fault.retold();
        source.fault = Some(fault);
        Poll::Ready(Some(Err(told)))
    }
}

/// Neither the source nor what it holds.
impl fmt::Debug for StreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamBody")
            .field("length", &self.inner.length)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyReader")
            .field("length", &self.inner.length)
            .finish_non_exhaustive()
    }
}

fn boxed<S, E>(chunks: S) -> Chunks
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Into<BoxError> + 'static,
{
    Box::pin(Boxed(Box::pin(chunks)))
}

/// A stream whose errors are boxed.
struct Boxed<S>(Pin<Box<S>>);

impl<S, E> Stream for Boxed<S>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<BoxError>,
{
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = ready!(self.0.as_mut().poll_next(cx));
        Poll::Ready(chunk.map(|chunk| chunk.map_err(Into::into)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::Waker;

    use evenkeel_error::ErrorKind;

    use super::*;

    struct Pieces(VecDeque<Poll<Result<Bytes, std::io::Error>>>);

    impl Stream for Pieces {
        type Item = Result<Bytes, std::io::Error>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            match self.0.pop_front() {
                None => Poll::Ready(None),
                Some(Poll::Pending) => Poll::Pending,
                Some(Poll::Ready(piece)) => Poll::Ready(Some(piece)),
            }
        }
    }

    fn piece() -> Poll<Result<Bytes, std::io::Error>> {
        Poll::Ready(Ok(Bytes::from_static(b"12345")))
    }

    fn body(
        pieces: impl IntoIterator<Item = Poll<Result<Bytes, std::io::Error>>>,
        length: Option<u64>,
    ) -> StreamBody {
        StreamBody::once(Pieces(pieces.into_iter().collect()), length)
    }

    fn next(reader: &mut BodyReader) -> Poll<Option<Result<Bytes, Error>>> {
        Pin::new(reader).poll_next(&mut Context::from_waker(Waker::noop()))
    }

    fn read(reader: &mut BodyReader) -> Result<usize, Error> {
        let mut size = 0;
        loop {
            match next(reader) {
                Poll::Ready(Some(chunk)) => size += chunk?.len(),
                Poll::Ready(None) => return Ok(size),
                Poll::Pending => panic!("nothing here waits"),
            }
        }
    }

    #[test]
    fn a_body_is_spent_by_its_first_chunk_and_not_by_waiting_for_it() {
        let body = body([Poll::Pending, piece(), piece()], None);
        let mut first = body.reader().unwrap();
        assert!(next(&mut first).is_pending());
        assert_eq!(body.state(), BodyState::Ready);
        let mut second = body.clone().reader().unwrap();
        assert!(matches!(next(&mut first), Poll::Ready(Some(Err(_)))));
        assert!(matches!(next(&mut second), Poll::Ready(Some(Ok(_)))));
        assert_eq!((body.state(), body.taken()), (BodyState::Spent, 5));
        assert_eq!(body.reader().unwrap_err().kind(), ErrorKind::InvalidConfig);
        assert_eq!(read(&mut second).unwrap(), 5, "its reader reads on");
    }

    #[test]
    fn a_body_that_can_be_opened_again_is_read_from_its_beginning_by_the_newest_reader_alone() {
        let open = || Pieces([piece(), piece()].into());
        let body = StreamBody::repeatable(open, Some(10));
        let mut first = body.reader().unwrap();
        assert!(next(&mut first).is_ready());
        let mut second = body.reader().unwrap();
        assert!(
            read(&mut first).is_err(),
            "the connection of before is not served"
        );
        assert_eq!(read(&mut second).unwrap(), 10);
        assert_eq!((body.state(), body.taken()), (BodyState::Ready, 15));
    }

    #[test]
    fn a_source_with_another_length_than_it_was_given_is_at_fault() {
        for (length, fault) in [
            (None, None),
            (Some(10), None),
            (Some(9), Some("body has more bytes than its length says")),
            (Some(11), Some("body has fewer bytes than its length says")),
        ] {
            let body = body([piece(), piece()], length);
            let read = read(&mut body.reader().unwrap());
            assert_eq!(read.as_ref().err().and_then(Error::message), fault);
            assert_eq!(body.take_fault().is_some(), fault.is_some());
            assert!(body.take_fault().is_none());
        }
    }

    #[test]
    fn a_source_that_fails_ends_the_body_and_is_the_cause() {
        let broken = Poll::Ready(Err(std::io::Error::other("disk on fire")));
        let body = body([piece(), broken, piece()], None);
        let mut reader = body.reader().unwrap();
        assert_eq!(
            read(&mut reader).unwrap_err().kind(),
            ErrorKind::InvalidConfig
        );
        let error = body.take_fault().unwrap();
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), "disk on fire");
        assert_eq!(read(&mut reader).unwrap(), 0, "and nothing after it");
    }
}
