use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use evenkeel_messages::MessageRequest;
use evenkeel_transport::BoxFuture;

use crate::{Error, Messages, Reply};

/// A call for a whole reply, begun when it is first polled.
///
/// Written by hand because a reply is large: an async block would move it twice more on its way to
/// the caller.
pub(crate) struct Creation {
    asked: Option<(Messages, MessageRequest)>,
    /// In a box, so that what a caller moves about, into a task or a box of its own, stays small.
    running: Option<BoxFuture<'static, Result<Reply, Error>>>,
}

impl Creation {
    pub(crate) fn new(calls: Messages, request: MessageRequest) -> Self {
        Self {
            asked: Some((calls, request)),
            running: None,
        }
    }
}

impl Future for Creation {
    type Output = Result<Reply, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some((calls, request)) = self.asked.take() {
            match calls.begin(request) {
                Ok(call) => self.running = Some(Box::pin(call.collect())),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        match &mut self.running {
            // As it comes, into the caller's place for it.
            Some(running) => running.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl fmt::Debug for Creation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Creation").finish_non_exhaustive()
    }
}
