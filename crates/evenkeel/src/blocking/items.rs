use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use futures_core::Stream;

use super::Runtime;

/// What a stream yields, one after the other; [`Iterator::next`] blocks until there is an item.
///
/// Dropping it does what dropping the stream does.
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Items<S> {
    stream: S,
    runtime: Arc<Runtime>,
}

impl<S> Items<S> {
    pub(super) fn new(stream: S, runtime: &Arc<Runtime>) -> Self {
        Self {
            stream,
            runtime: Arc::clone(runtime),
        }
    }
}

impl<S: Stream + Unpin> Iterator for Items<S> {
    type Item = S::Item;

    fn next(&mut self) -> Option<S::Item> {
        let stream = &mut self.stream;
        self.runtime
            .block_on(poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)))
    }
}

impl<S: fmt::Debug> fmt::Debug for Items<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Items").field(&self.stream).finish()
    }
}
