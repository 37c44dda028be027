use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use futures_core::Stream;

use super::Runtime;
use crate::Error;

/// What a stream yields, one after the other; [`Iterator::next`] blocks until there is an item.
///
/// Dropping it does what dropping the stream does. On a thread that cannot wait
/// ([`blocking`](crate::blocking), "Threads") it yields that error, and ends.
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Items<S> {
    stream: S,
    runtime: Arc<Runtime>,
    /// It was asked where it cannot wait.
    refused: bool,
}

impl<S> Items<S> {
    pub(super) fn new(stream: S, runtime: &Arc<Runtime>) -> Self {
        Self {
            stream,
            runtime: Arc::clone(runtime),
            refused: false,
        }
    }
}

impl<S, T, E> Iterator for Items<S>
where
    S: Stream<Item = Result<T, E>> + Unpin,
    E: From<Error>,
{
    type Item = Result<T, E>;

    fn next(&mut self) -> Option<Result<T, E>> {
        let stream = &mut self.stream;
        let next = poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx));
        self.runtime.next(next, &mut self.refused)
    }
}

impl<S: fmt::Debug> fmt::Debug for Items<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Items").field(&self.stream).finish()
    }
}
