//! Transports from tower's services, and tower's layers around a transport.
//!
//! A [`ServiceTransport`] makes a transport of a service. [`ClientBuilder::wrap`] puts a layer around
//! whatever sends the attempts of a client: each passes it, retries included, with the credential on.
//!
//! ```
//! use bytes::Bytes;
//! use evenkeel::Client;
//! use evenkeel::tower::{AttemptService, ServiceTransport};
//! use tower::{Layer, Service, layer::layer_fn, service_fn};
//!
//! # #[derive(Debug)] struct Down;
//! # impl std::fmt::Display for Down {
//! #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("down") }
//! # }
//! # impl std::error::Error for Down {}
//! // Any service over http requests, whatever its body is, if it can be made from bytes.
//! let service = service_fn(|request: http::Request<Bytes>| async move {
//!     Err::<http::Response<String>, _>(Down) // hyper, axum, a mesh, a test
//! });
//! // A layer that adds a header to each attempt.
//! let tagged = layer_fn(|inner: AttemptService| {
//!     service_fn(move |mut request: http::Request<Bytes>| {
//!         request.headers_mut().insert("x-team", http::HeaderValue::from_static("search"));
//!         inner.clone().call(request)
//!     })
//! });
//! let client = Client::with_transport(ServiceTransport::new(service)).wrap(tagged).build()?;
//! # Ok::<(), evenkeel::Error>(())
//! ```
//!
//! **Failures.** An `evenkeel_error::Error`, given as it is or found among the sources of another, is
//! taken at its word: so a service says whether the request left, and what helps. Any other is a
//! `connection` whose delivery is unknown; not sent, where it comes from `poll_ready`.
//!
//! **Readiness** is waited for: a service that has no room holds the attempt back, within its limits.
//! What a service waits for is not seen by the retry policy, so layers that retry or follow redirects
//! belong above the client, not in it.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ::tower::{Layer, Service};
use bytes::{Buf, Bytes};
use evenkeel_error::{Delivery, Error, Facts, Phase};
use evenkeel_transport::{Body, BoxFuture, Request, Response, StreamBodies, StreamBody, Transport};
use futures_core::Stream;
use http_body::{Body as HttpBody, Frame};

use crate::ClientBuilder;
use crate::clock::Clock;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A transport that sends by a tower service, of which each attempt takes a clone. The clone is made
/// with a lock held, for services that are not `Sync`: it must not wait, nor call the client.
///
/// `B` is the body that the service takes; any that can be made from [`Bytes`]. The limit on the
/// response head counts from the start of the attempt, readiness and upload included.
pub struct ServiceTransport<S, B = Bytes> {
    service: Mutex<S>,
    head: HeadClock,
    /// A service takes bodies that are there; what is at the end of the layers may take others.
    streams: StreamBodies,
    body: PhantomData<fn() -> B>,
}

/// Who limits the wait for the response head.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HeadClock {
    Here,
    /// The transport at the end of the layers.
    Within,
}

impl<S, B> ServiceTransport<S, B> {
    /// A transport that sends by clones of `service`.
    pub fn new(service: S) -> Self {
        Self {
            service: Mutex::new(service),
            head: HeadClock::Here,
            streams: StreamBodies::Unsupported,
            body: PhantomData,
        }
    }
}

impl<S, B, R> Transport for ServiceTransport<S, B>
where
    S: Service<http::Request<B>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: From<Bytes> + Send,
    R: HttpBody + Send + 'static,
    R::Data: Send,
    R::Error: Into<BoxError>,
{
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let service = self.service.lock();
        let mut service = service.unwrap_or_else(PoisonError::into_inner).clone();
        let limit = (self.head == HeadClock::Here).then_some(request.head_limit);
        Box::pin(async move {
            let clock = Clock::start();
            let begun = clock.now();
            let timed_out = |phase| Error::timed_out(phase, limit.unwrap_or_default());
            let ready = Clock::within(limit, poll_fn(|cx| service.poll_ready(cx))).await;
            ready
                .ok_or_else(|| timed_out(Phase::Connect))?
                .map_err(|error| fault(error.into(), Error::connection(Delivery::NotSent)))?;
            let left = limit.map(|limit| limit.saturating_sub(clock.now().since(begun)));
            let answer = Clock::within(left, service.call(to_http(request))).await;
            let response = answer
                .ok_or_else(|| timed_out(Phase::Head))?
                .map_err(|error| fault(error.into(), Error::connection(Delivery::Unknown)))?;
            Ok(from_http(response))
        })
    }

    fn stream_bodies(&self) -> StreamBodies {
        self.streams
    }
}

impl<S, B> fmt::Debug for ServiceTransport<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceTransport").finish_non_exhaustive()
    }
}

/// What a service says if it says it in our words, and `otherwise` if not; with its chain of causes.
fn fault(error: BoxError, otherwise: Error) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(ours) => return *ours,
        Err(error) => error,
    };
    let mut cause = error.source();
    while let Some(source) = cause {
        if let Some(ours) = source.downcast_ref::<Error>() {
            return ours.retold().with_source(error);
        }
        cause = source.source();
    }
    otherwise.with_source(error)
}

/// What a request holds that an `http` request does not, beside it on its way through the layers.
#[derive(Clone)]
struct Beside {
    head_limit: Duration,
    stream: Option<StreamBody>,
}

fn to_http<B: From<Bytes>>(request: Request) -> http::Request<B> {
    let beside = Beside {
        head_limit: request.head_limit,
        stream: request.stream,
    };
    let mut http = http::Request::new(B::from(request.body));
    *http.method_mut() = request.method;
    *http.uri_mut() = request.uri;
    *http.headers_mut() = request.headers;
    http.extensions_mut().insert(beside);
    http
}

fn from_http<R>(response: http::Response<R>) -> Response
where
    R: HttpBody + Send + 'static,
    R::Data: Send,
    R::Error: Into<BoxError>,
{
    let (head, body) = response.into_parts();
    let facts = Facts::read(head.status.as_u16(), &head.headers, Clock::wall());
    Response::new(
        facts,
        head.headers,
        Body::from_stream(Chunks(Box::pin(body))),
    )
}

/// The data of a body.
struct Chunks<R>(Pin<Box<R>>);

impl<R> Stream for Chunks<R>
where
    R: HttpBody,
    R::Error: Into<BoxError>,
{
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(self.0.as_mut().poll_frame(cx)) {
                None => None,
                Some(Err(error)) => Some(Err(fault(error.into(), Error::interrupted()))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(mut data) => Some(Ok(data.copy_to_bytes(data.remaining()))),
                    // Trailers say nothing that is asked for.
                    Err(_) => continue,
                },
            });
        }
    }
}

/// Sends one attempt: the innermost service of the layers around a client's transport.
#[derive(Clone)]
pub struct AttemptService {
    transport: Arc<dyn Transport>,
}

impl Service<http::Request<Bytes>> for AttemptService {
    type Response = http::Response<AttemptBody>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Self::Response, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, http: http::Request<Bytes>) -> Self::Future {
        let transport = Arc::clone(&self.transport);
        let (head, body) = http.into_parts();
        let mut request = Request::new(head.method, head.uri);
        request.headers = head.headers;
        request.body = body;
        let beside = head.extensions.get::<Beside>();
        if let Some(beside) = beside {
            request.head_limit = beside.head_limit;
            request.stream.clone_from(&beside.stream);
        }
        // What it held would be missing, and an upload be empty.
        let is_lost = beside.is_none() && transport.stream_bodies() == StreamBodies::Supported;
        Box::pin(async move {
            if is_lost && request.body.is_empty() && !request.method.is_safe() {
                let rule = "must keep the extensions of the requests that pass it";
                return Err(Error::invalid_config("wrap", rule));
            }
            let response = transport.send(request).await?;
            let status = http::StatusCode::from_u16(response.facts.status()).map_err(|error| {
                Error::protocol("the status is none that HTTP has").with_source(error)
            })?;
            let mut http = http::Response::new(AttemptBody(response.body));
            *http.status_mut() = status;
            *http.headers_mut() = response.headers;
            Ok(http)
        })
    }
}

impl fmt::Debug for AttemptService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptService").finish_non_exhaustive()
    }
}

/// The body of a response on its way out through the layers. Dropping it ends the attempt.
#[derive(Debug)]
pub struct AttemptBody(Body);

impl HttpBody for AttemptBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let chunk = ready!(self.0.poll_chunk(cx));
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }
}

/// A layer, ready to be put around a transport.
pub(crate) type Wrap = Box<dyn FnOnce(Box<dyn Transport>) -> Box<dyn Transport> + Send>;

impl ClientBuilder {
    /// Puts a layer around whatever sends the attempts: each passes it. May be given several times;
    /// the last one is the outermost. See [`tower`](crate::tower) for what it sees and what its
    /// failures are.
    ///
    /// Requests carry the credential, in a header that is marked as sensitive.
    #[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
    pub fn wrap<L, R>(mut self, layer: L) -> Self
    where
        L: Layer<AttemptService> + Send + 'static,
        L::Service: Service<http::Request<Bytes>, Response = http::Response<R>>,
        L::Service: Clone + Send + 'static,
        <L::Service as Service<http::Request<Bytes>>>::Future: Send,
        <L::Service as Service<http::Request<Bytes>>>::Error: Into<BoxError>,
        R: HttpBody + Send + 'static,
        R::Data: Send,
        R::Error: Into<BoxError>,
    {
        self.layers.push(Box::new(move |inner| {
            let transport: Arc<dyn Transport> = Arc::from(inner);
            let streams = transport.stream_bodies();
            let mut outer = ServiceTransport::new(layer.layer(AttemptService { transport }));
            outer.head = HeadClock::Within;
            outer.streams = streams;
            Box::new(outer)
        }));
        self
    }
}
