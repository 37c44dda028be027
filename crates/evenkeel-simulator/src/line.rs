//! One connection's socket, with the power to stop in the middle of a write.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use hyper::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::meter::{Fault, Meter};

/// The end that the script has for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    /// How long the connection lies still before.
    pub(crate) pause: Duration,
    /// How many requests came over the connection before the one whose reply it is.
    pub(crate) before: u64,
}

/// Shared by the socket, the replies sent over it and the task that serves it.
#[derive(Debug)]
pub(crate) struct Control {
    connection: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    armed: Option<(Meter, Strike)>,
    struck: Option<Strike>,
    requests: u64,
    http2: bool,
    watcher: Option<Waker>,
    last_words: Bytes,
}

impl Control {
    /// For the connection with this number.
    pub(crate) fn new(connection: u64) -> Self {
        Self {
            connection,
            state: Mutex::default(),
        }
    }

    /// The number of the connection.
    pub(crate) fn connection(&self) -> u64 {
        self.connection
    }

    /// Counts a request; returns how many came before it.
    pub(crate) fn count(&self, version: Version) -> u64 {
        let mut state = self.lock();
        state.http2 = version == Version::HTTP_2;
        state.requests += 1;
        state.requests - 1
    }

    pub(crate) fn is_http2(&self) -> bool {
        self.lock().http2
    }

    /// Wakes this when a strike falls.
    pub(crate) fn watch(&self, waker: &Waker) {
        let mut state = self.lock();
        if !state
            .watcher
            .as_ref()
            .is_some_and(|old| old.will_wake(waker))
        {
            state.watcher = Some(waker.clone());
        }
    }

    /// Arms the cut for the response whose head is written next.
    pub(crate) fn arm(&self, meter: Meter, strike: Strike) {
        self.lock().armed = Some((meter, strike));
    }

    /// Ends the connection now.
    pub(crate) fn strike(&self, strike: Strike) {
        let mut state = self.lock();
        state.struck = Some(strike);
        if let Some(watcher) = state.watcher.take() {
            watcher.wake();
        }
    }

    /// The same after these bytes, whatever they are.
    pub(crate) fn strike_after(&self, last_words: Bytes, strike: Strike) {
        self.lock().last_words = last_words;
        self.strike(strike);
    }

    /// What is still to be sent after a strike.
    pub(crate) fn last_words(&self) -> Bytes {
        self.lock().last_words.clone()
    }

    /// The strike, once its place has been reached.
    pub(crate) fn struck(&self) -> Option<Strike> {
        self.lock().struck
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket that writes up to the cut and then nothing more.
#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    control: Arc<Control>,
}

impl Line {
    pub(crate) fn new(stream: TcpStream, control: Arc<Control>) -> Self {
        Self { stream, control }
    }

    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let line = &mut *self;
        let mut state = line.control.lock();
        let allowed = match (&state.struck, &state.armed) {
            // Never woken: whoever polls this sees the strike and drops the connection.
            (Some(_), _) => return Poll::Pending,
            (None, Some((meter, _))) => meter.allowance(bytes),
            (None, None) => bytes.len(),
        };
        let bytes = bytes.get(..allowed).unwrap_or(bytes);
        let written = match Pin::new(&mut line.stream).poll_write(cx, bytes) {
            Poll::Ready(Ok(written)) => written,
            other => return other,
        };
        let State { armed, struck, .. } = &mut *state;
        if let Some((meter, strike)) = armed {
            meter.advance(bytes.get(..written).unwrap_or(bytes));
            if meter.is_spent() {
                *struck = Some(*strike);
            }
        }
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let at_risk = {
            let state = self.control.lock();
            state.armed.is_some() || state.struck.is_some()
        };
        if at_risk {
            let first = slices.iter().find(|slice| !slice.is_empty());
            return self.poll_write(cx, first.map_or(&[], |slice| slice));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.control.struck().is_some() {
            // How it ends is up to the script, and never woken as in a write.
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
