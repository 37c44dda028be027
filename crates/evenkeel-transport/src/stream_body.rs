use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use evenkeel_error::Error;
use futures_core::Stream;

use self::shelf::{Item, Kind, Polled, Shelf};

mod shelf;

/// A request body that is read as it is sent: from a file, a socket, whatever should not be in memory
/// at once.
///
/// One of a stream can be sent once, since what has been read is gone; one that can be opened again
/// is sent again from its beginning. Clones are the same body, so a [`Request`](crate::Request) can be
/// cloned for an attempt, and [`state`](Self::state) says afterwards whether another can be made.
///
/// The source is asked with no lock held: it may look at its own body, and drop it. A source that
/// panics has failed, and nothing beside its own attempt with it.
#[derive(Clone)]
pub struct StreamBody {
    inner: Arc<Inner>,
}

struct Inner {
    /// Opens it again, where that can be done.
    open: Option<Open>,
    shelf: Shelf,
    length: Option<u64>,
}

type Open = Box<dyn Fn() -> Chunks + Send + Sync>;

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Whether a [`StreamBody`] can still be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyState {
    /// Nothing was taken out of it, or it can be opened again.
    Ready,
    /// Some of it is gone.
    Spent,
}

/// Whether a [`Transport`](crate::Transport) sends [`StreamBody`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
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
    /// chunks of HTTP. Of a length of zero the source is not asked.
    pub fn once<S, E>(chunks: S, length: Option<u64>) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    {
        Self::new(Shelf::of(boxed(chunks)), None, length)
    }

    /// A body that `open` opens for each attempt, from its beginning. Attempts may begin on several
    /// threads at once. `length` as for [`once`](Self::once).
    pub fn repeatable<S, E>(
        open: impl Fn() -> S + Send + Sync + 'static,
        length: Option<u64>,
    ) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    {
        let open: Open = Box::new(move || boxed(open()));
        Self::new(Shelf::empty(), Some(open), length)
    }

    fn new(shelf: Shelf, open: Option<Open>, length: Option<u64>) -> Self {
        let inner = Inner {
            open,
            shelf,
            length,
        };
        Self {
            inner: Arc::new(inner),
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
        self.inner.shelf.state()
    }

    /// How many bytes were taken out of it, by all attempts together: while it grows, an upload gets
    /// on.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.inner.shelf.taken()
    }

    /// Begins to read it, for one attempt: what an earlier reader does not have yet, it never gets.
    ///
    /// # Errors
    ///
    /// `invalid_config` when it can be sent once and some of it is gone, and when opening it panics.
    pub fn reader(&self) -> Result<BodyReader, Error> {
        let generation = match &self.inner.open {
            Some(open) => {
                let opened = shelf::contained(open).ok_or_else(|| {
                    Error::invalid_config("body", "could not be opened: its source panicked")
                })?;
                self.inner.shelf.replace(opened)
            }
            None => self.inner.shelf.pass_on().ok_or_else(|| {
                Error::invalid_config(
                    "body",
                    "was read as it was sent, and cannot be sent again: give one that is in \
                     memory, or that can be opened again",
                )
            })?,
        };
        Ok(BodyReader {
            inner: Arc::clone(&self.inner),
            generation,
            given: 0,
            last: None,
            fault: BodyFault::default(),
        })
    }
}

impl Inner {
    fn kind(&self) -> Kind {
        match self.open {
            Some(_) => Kind::Repeatable,
            None => Kind::Once,
        }
    }
}

/// The chunks of a [`StreamBody`], for one attempt. An error is `invalid_config`: the source failed,
/// or does not have the length that it was given, or a later attempt reads it. The request must then
/// not be brought to its end; [`fault`](Self::fault) says more.
pub struct BodyReader {
    inner: Arc<Inner>,
    generation: u64,
    /// Bytes read.
    given: u64,
    /// The last chunk that its length allows, kept until it is certain that none comes after it: a
    /// connection that has all the bytes it was promised asks for no more, and would send a part as
    /// the whole.
    last: Option<Bytes>,
    fault: BodyFault,
}

impl BodyReader {
    /// How many bytes there are in all, where that is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.inner.length
    }

    /// What will be wrong with the source, as far as this attempt is concerned: kept by whoever hands
    /// the reader on, and asked once sending has failed.
    #[must_use]
    pub fn fault(&self) -> BodyFault {
        self.fault.clone()
    }

    /// What to hand on of an item, or what is wrong with it.
    fn check(&mut self, item: Item) -> Result<Next, Error> {
        let length = self.inner.length;
        match item {
            Item::Chunk(chunk) if chunk.is_empty() => Ok(Next::Yield),
            Item::Chunk(chunk) => {
                self.given = self.given.saturating_add(chunk.len() as u64);
                match length {
                    Some(length) if self.given > length => {
                        let rule = "has more bytes than its length says";
                        Err(Error::invalid_config("body", rule))
                    }
                    Some(length) if self.given == length => {
                        self.last = Some(chunk);
                        Ok(Next::Ask)
                    }
                    _ => Ok(Next::Chunk(chunk)),
                }
            }
            Item::End => {
                if length.is_none_or(|length| self.given == length) {
                    return Ok(self.last.take().map_or(Next::End, Next::Chunk));
                }
                let rule = "has fewer bytes than its length says";
                Err(Error::invalid_config("body", rule))
            }
            Item::Failed(error) => {
                let rule = "could not be read: its source failed";
                Err(Error::invalid_config("body", rule).with_source(error))
            }
            Item::Panicked => {
                let rule = "could not be read: its source panicked";
                Err(Error::invalid_config("body", rule))
            }
        }
    }

    fn fail(&self, fault: Error) -> Poll<Option<Result<Bytes, Error>>> {
        let told = fault.retold();
        self.fault.keep(fault);
        Poll::Ready(Some(Err(told)))
    }
}

impl Stream for BodyReader {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let kind = self.inner.kind();
        loop {
            let item = match ready!(self.inner.shelf.poll_next(self.generation, kind, cx)) {
                Polled::Item(item) => item,
                Polled::Ended => return Poll::Ready(None),
                Polled::Superseded => {
                    let rule = "is read by a later attempt";
                    return self.fail(Error::invalid_config("body", rule));
                }
            };
            match self.check(item) {
                Ok(Next::Chunk(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                Ok(Next::Ask) => {}
                Ok(Next::Yield) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(Next::End) => return Poll::Ready(None),
                Err(fault) => {
                    self.inner.shelf.close(self.generation);
                    return self.fail(fault);
                }
            }
        }
    }
}

/// What is left of a source that nobody can read goes at once, and not with the last clone of its body.
impl Drop for BodyReader {
    fn drop(&mut self) {
        self.inner.shelf.leave(self.generation, self.inner.kind());
    }
}

/// What follows an item.
enum Next {
    Chunk(Bytes),
    /// The source is to be asked again first.
    Ask,
    /// So it is, once others had their turn: nothing came, and nothing may come for ever.
    Yield,
    End,
}

/// Whether the source of a body was at fault, of one attempt: its [`BodyReader`] knows, and has been
/// handed to the connection by then.
#[derive(Clone, Debug, Default)]
pub struct BodyFault {
    fault: Arc<Mutex<Option<Error>>>,
}

impl BodyFault {
    /// What was wrong with it, with its cause, if that is why sending failed; once.
    #[must_use]
    pub fn take(&self) -> Option<Error> {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.take()
    }

    /// The first fault stays: what comes later follows from it.
    fn keep(&self, fault: Error) {
        let mut kept = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert(fault);
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
mod tests;
