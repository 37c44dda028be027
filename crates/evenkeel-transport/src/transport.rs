use std::pin::Pin;
use std::sync::Arc;

use evenkeel_error::Error;

use crate::{Request, Response, StreamBodies};

/// A boxed future, as object-safe traits return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends one attempt and reports exactly what happened to it.
///
/// An implementation never retries, never waits before sending, and never follows a redirect: each
/// of these has one owner, and it is not here. Any response head is an `Ok`, whatever its status;
/// an `Err` means that there was none, and says by its [`Delivery`](evenkeel_error::Delivery)
/// whether the request left.
///
/// Cancellation: dropping the future, or the body of the response, gives up the attempt and releases
/// its connection at once.
pub trait Transport: Send + Sync {
    /// Sends `request` and resolves when the response head has arrived.
    ///
    /// # Errors
    ///
    /// `connection` and `timed_out` (connect, head), each with its delivery; `invalid_config` for a
    /// request that this transport cannot send at all.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>>;

    /// Whether it sends what is in [`Request::stream`]. Nothing is there for one that does not: what
    /// is read as it is sent is then refused before it gets here.
    fn stream_bodies(&self) -> StreamBodies {
        StreamBodies::Unsupported
    }
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        (**self).send(request)
    }

    fn stream_bodies(&self) -> StreamBodies {
        (**self).stream_bodies()
    }
}
