use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use evenkeel_error::Error;
use futures_core::Stream;

/// How much of a body there was for a reader with a limit.
#[derive(Debug)]
#[non_exhaustive]
pub enum Filled {
    /// All of it was read.
    Whole,
    /// The limit was reached; there may be more. A body of exactly that size is not told from a longer
    /// one: give a limit of one more where that matters.
    Full,
    /// It was cut: what had arrived is there.
    Cut(Error),
}

/// The bytes of a response as they arrive, decompressed where the transport does that.
///
/// Ends with `None` only where the body is whole as HTTP frames it; a body that is cut ends with an
/// error of kind `interrupted`. Whether what came is whole as a message is not for HTTP to say.
pub struct Body {
    source: Source,
}

enum Source {
    Stream(Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>),
    /// Boxed by reqwest already.
    #[cfg(feature = "reqwest")]
    Reqwest(crate::reqwest_adapter::Chunks),
}

impl Body {
    /// The most that is read of an error body: what a server has to say fits many times. 64 KiB.
    pub const ERROR_LIMIT: usize = 64 * 1024;

    /// The most that is read of a reply in one piece: twice the largest request. 64 MiB.
    pub const REPLY_LIMIT: usize = 64 * 1024 * 1024;

    /// A body from any stream of chunks.
    pub fn from_stream(stream: impl Stream<Item = Result<Bytes, Error>> + Send + 'static) -> Self {
        Self {
            source: Source::Stream(Box::pin(stream)),
        }
    }

    #[cfg(feature = "reqwest")]
    pub(crate) fn from_chunks(chunks: crate::reqwest_adapter::Chunks) -> Self {
        Self {
            source: Source::Reqwest(chunks),
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

    /// Reads into `bytes` until the end, the fault, or until `bytes` holds `limit` bytes, and then waits
    /// for nothing more. Never more than that is kept, whatever the other side sends or decompression
    /// makes of it.
    ///
    /// Cancellation: what has been read is in `bytes`; dropping the future loses nothing.
    pub async fn fill(&mut self, bytes: &mut BytesMut, limit: usize) -> Filled {
        while bytes.len() < limit {
            match self.chunk().await {
                None => return Filled::Whole,
                Some(Err(error)) => return Filled::Cut(error),
                Some(Ok(chunk)) => {
                    let room = limit.saturating_sub(bytes.len());
                    bytes.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                }
            }
        }
        Filled::Full
    }

    /// The next chunk, for hand-written futures.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        match &mut self.source {
            Source::Stream(stream) => stream.as_mut().poll_next(cx),
            #[cfg(feature = "reqwest")]
            Source::Reqwest(chunks) => Pin::new(chunks).poll_next(cx),
        }
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::Waker;

    use super::*;

    struct Pieces(VecDeque<Result<Bytes, Error>>);

    impl Stream for Pieces {
        type Item = Result<Bytes, Error>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.pop_front())
        }
    }

    fn fill(pieces: Vec<Result<Bytes, Error>>, limit: usize) -> (BytesMut, Filled) {
        let mut body = Body::from_stream(Pieces(pieces.into()));
        let mut bytes = BytesMut::new();
        let mut context = Context::from_waker(Waker::noop());
        let filled = {
            let future = std::pin::pin!(body.fill(&mut bytes, limit));
            match future.poll(&mut context) {
                Poll::Ready(filled) => filled,
                Poll::Pending => panic!("nothing here waits"),
            }
        };
        (bytes, filled)
    }

    #[test]
    fn a_body_is_read_to_its_end_its_limit_or_its_fault_and_no_further() {
        let piece = || Ok(Bytes::from_static(b"12345"));
        let (bytes, filled) = fill(vec![piece(), piece()], 11);
        assert!(matches!(filled, Filled::Whole) && bytes.len() == 10);
        let (bytes, filled) = fill(vec![piece(), piece()], 10);
        assert!(matches!(filled, Filled::Full) && bytes.len() == 10);
        let (bytes, filled) = fill(vec![piece()], 0);
        assert!(matches!(filled, Filled::Full) && bytes.is_empty());
        let (bytes, filled) = fill(vec![piece(), piece()], 7);
        assert!(matches!(filled, Filled::Full) && bytes == "1234512");
        let (bytes, filled) = fill(vec![piece(), Err(Error::interrupted()), piece()], 10);
        assert!(matches!(filled, Filled::Cut(_)) && bytes == "12345");
    }

    #[test]
    fn a_peer_that_stalls_where_the_limit_is_reached_is_not_waited_for() {
        struct Stalls(Option<Bytes>);
        impl Stream for Stalls {
            type Item = Result<Bytes, Error>;

            fn poll_next(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Self::Item>> {
                self.0
                    .take()
                    .map_or(Poll::Pending, |bytes| Poll::Ready(Some(Ok(bytes))))
            }
        }
        let mut body = Body::from_stream(Stalls(Some(Bytes::from_static(b"12345"))));
        let mut bytes = BytesMut::new();
        let mut context = Context::from_waker(Waker::noop());
        let future = std::pin::pin!(body.fill(&mut bytes, 5));
        let polled = future.poll(&mut context);
        assert!(matches!(polled, Poll::Ready(Filled::Full)));
    }
}
