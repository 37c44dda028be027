//! A body that is read as it is sent, on its way out.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use evenkeel_error::Error;
use futures_core::Stream;
use http_body::{Frame, SizeHint};

use super::upload::Unwanted;
use crate::BodyReader;
use crate::clock::Progress;

/// What the connection, which reads it, and the call, which may end first, share of it.
#[derive(Debug)]
pub(super) struct Source {
    progress: Progress,
    /// Taken out when the call is over: the connection may hold its body for longer, while a server
    /// does not read.
    reader: Mutex<Option<BodyReader>>,
    /// Who waits for the next chunk.
    waiting: Mutex<Option<Waker>>,
}

impl Source {
    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The call is over: nobody waits for the source any more, and nobody asks it.
    pub(super) fn end(&self) {
        self.progress.end();
        self.discard();
        let waiting = self.waiting.lock();
        let waiting = waiting.unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Drops the reader, unless it is being asked: who asks it drops it then.
    fn discard(&self) {
        let reader = match self.reader.try_lock() {
            Ok(mut reader) => reader.take(),
            Err(TryLockError::Poisoned(reader)) => reader.into_inner().take(),
            Err(TryLockError::WouldBlock) => None,
        };
        drop(reader);
    }

    fn wait(&self, cx: &Context<'_>) {
        let waiting = self.waiting.lock();
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let is_same = |waker: &Waker| waker.will_wake(cx.waker());
        if !waiting.as_ref().is_some_and(is_same) {
            let before = waiting.replace(cx.waker().clone());
            drop(waiting);
            drop(before);
        }
    }

    /// `None` where there is nothing left to ask.
    fn poll_chunk(&self, cx: &mut Context<'_>) -> Option<Poll<Option<Chunk>>> {
        let reader = self.reader.lock();
        let mut reader = reader.unwrap_or_else(PoisonError::into_inner);
        let reader = reader.as_mut()?;
        Some(Pin::new(reader).poll_next(cx))
    }
}

type Chunk = Result<Bytes, Error>;

/// A body that is read as it is sent, with a note of when.
#[derive(Debug)]
pub(super) struct Streaming {
    source: Arc<Source>,
    length: Option<u64>,
}

impl Streaming {
    pub(super) fn new(reader: BodyReader) -> (Self, Arc<Source>) {
        let length = reader.length();
        let source = Arc::new(Source {
            progress: Progress::start(),
            reader: Mutex::new(Some(reader)),
            waiting: Mutex::new(None),
        });
        let streaming = Self {
            source: Arc::clone(&source),
            length,
        };
        (streaming, source)
    }
}

impl http_body::Body for Streaming {
    type Data = Bytes;
    type Error = Unwanted;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unwanted>>> {
        let source = &self.source;
        // Before the look at whether it is over: who ends it looks for a waker afterwards.
        source.wait(cx);
        let polled = if source.progress.begin() {
            source.poll_chunk(cx)
        } else {
            None
        };
        // It may have ended while the source was asked.
        if polled.is_none() || !source.progress.begin() {
            source.discard();
            return Poll::Ready(Some(Err(Unwanted::new())));
        }
        let Some(Poll::Ready(chunk)) = polled else {
            return Poll::Pending;
        };
        source.progress.mark();
        Poll::Ready(chunk.map(|chunk| match chunk {
            Ok(bytes) => Ok(Frame::data(bytes)),
            // What was wrong with the source its `BodyFault` keeps.
            Err(_) => Err(Unwanted::new()),
        }))
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map(SizeHint::with_exact).unwrap_or_default()
    }
}

/// The connection lets go of it.
impl Drop for Streaming {
    fn drop(&mut self) {
        self.source.discard();
    }
}
