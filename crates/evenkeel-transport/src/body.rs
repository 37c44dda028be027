use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use evenkeel_error::Error;
use futures_core::Stream;

/// The bytes of a response as they arrive.
///
/// Ends with `None` only where the body is whole as HTTP frames it; a body that is cut ends with an
/// error of kind `interrupted`. Whether what came is whole as a message is not for HTTP to say.
pub struct Body {
    stream: Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>,
}

impl Body {
    /// A body from any stream of chunks.
    pub fn from_stream(stream: impl Stream<Item = Result<Bytes, Error>> + Send + 'static) -> Self {
        Self {
            stream: Box::pin(stream),
        }
    }

    /// A body of one chunk.
    #[must_use]
    pub fn from_bytes(bytes: Bytes) -> Self {
        Self::from_stream(Once(Some(bytes)))
    }

    /// The next chunk; `None` at the end.
    ///
    /// Cancellation: dropping the future loses nothing, the chunk comes with the next call.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// The next chunk, for hand-written futures.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        self.stream.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

struct Once(Option<Bytes>);

impl Stream for Once {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}
