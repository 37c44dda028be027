use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use evenkeel_error::{Error, Facts, Phase};
use futures_core::Stream;
use http_body::Body as _;

use crate::{Body, BoxFuture, Request, Response, Transport, clock};

mod fault;

/// A [`Transport`] on reqwest.
///
/// Cheap to clone; clones share the connections. Redirects and reqwest's own retries are off:
/// neither may send a key and a prompt where the caller did not. A proxy from the environment
/// (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) is used for https alone: through it goes what is encrypted.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    /// For https.
    secure: reqwest::Client,
    /// For http, which goes to this machine unless the caller said otherwise: never by a proxy, who
    /// would read key and prompt.
    direct: reqwest::Client,
    connect_limit: Duration,
}

/// Makes a [`ReqwestTransport`]; nothing is checked before [`build`](Self::build).
#[derive(Clone, Debug)]
#[must_use]
pub struct ReqwestTransportBuilder {
    connect_limit: Duration,
    pool_idle: Duration,
    user_agent: String,
}

impl ReqwestTransport {
    /// How long connecting may take, DNS and TLS included: long enough for two lost packets on a
    /// bad line, as in the official SDKs.
    pub const CONNECT_LIMIT: Duration = Duration::from_secs(5);

    /// How long an unused connection is kept: below the idle limits of common load balancers (60 s),
    /// so that a request seldom meets a connection that the other side is about to close.
    pub const POOL_IDLE: Duration = Duration::from_secs(50);

    /// How often a silent connection is asked whether it is alive, so that a peer that vanished
    /// without a word is noticed, and routers in between keep the way open.
    pub const KEEP_ALIVE: Duration = Duration::from_secs(30);

    /// Whether requests of this scheme can be sent with the features that are built in.
    ///
    /// # Errors
    ///
    /// `invalid_config` for https without a TLS feature, and for anything but http and https.
    pub fn check_scheme(scheme: &str) -> Result<(), Error> {
        match scheme {
            "http" => Ok(()),
            "https" if cfg!(feature = "rustls") => Ok(()),
            "https" => Err(Error::invalid_config(
                "base_url",
                "is https, but no TLS is built in: enable the feature `rustls`",
            )),
            _ => Err(Error::invalid_config("base_url", "must be http or https")),
        }
    }

    /// Everything at its default.
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder {
            connect_limit: Self::CONNECT_LIMIT,
            pool_idle: Self::POOL_IDLE,
            user_agent: concat!("evenkeel/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl ReqwestTransportBuilder {
    /// How long connecting may take, DNS and TLS included: above zero. Default 5 s.
    pub fn connect_limit(mut self, limit: Duration) -> Self {
        self.connect_limit = limit;
        self
    }

    /// How long an unused connection is kept. Default 50 s; zero keeps none.
    pub fn pool_idle(mut self, limit: Duration) -> Self {
        self.pool_idle = limit;
        self
    }

    /// The `user-agent`. Default `evenkeel/` and the version.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Divides every limit by `divisor`: for demonstrations and tests.
    pub fn time_divided_by(mut self, divisor: NonZeroU32) -> Self {
        self.connect_limit /= divisor.get();
        self.pool_idle /= divisor.get();
        self
    }

    /// Checks every field and makes the client.
    ///
    /// # Errors
    ///
    /// `invalid_config` for a connect limit of zero, a user agent that no header can hold, or a TLS
    /// set-up that fails (no root certificates).
    pub fn build(self) -> Result<ReqwestTransport, Error> {
        if self.connect_limit.is_zero() {
            return Err(Error::invalid_config(
                "connect_limit",
                "must be longer than zero",
            ));
        }
        if http::HeaderValue::from_str(&self.user_agent).is_err() {
            return Err(Error::invalid_config(
                "user_agent",
                "must be one line of visible ASCII",
            ));
        }
        let client = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| {
                Error::invalid_config("tls", "could not be set up").with_source(error.without_url())
            })
        };
        Ok(ReqwestTransport {
            secure: client(self.settings())?,
            direct: client(self.settings().no_proxy())?,
            connect_limit: self.connect_limit,
        })
    }

    fn settings(&self) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .user_agent(self.user_agent.as_str())
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(self.connect_limit)
            .pool_idle_timeout(self.pool_idle)
            .tcp_keepalive(ReqwestTransport::KEEP_ALIVE)
            .http2_keep_alive_interval(ReqwestTransport::KEEP_ALIVE)
            .http2_keep_alive_timeout(ReqwestTransport::KEEP_ALIVE)
    }
}

impl Transport for ReqwestTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        Box::pin(async move {
            let head_limit = request.head_limit;
            let client = match request.uri.scheme_str() {
                Some("https") => &self.secure,
                _ => &self.direct,
            };
            let request = outgoing(request)?;
            let response = match clock::within(head_limit, client.execute(request)).await {
                None => return Err(Error::timed_out(Phase::Head, head_limit)),
                Some(Err(error)) => return Err(fault::before_the_head(error, self.connect_limit)),
                Some(Ok(response)) => response,
            };
            let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
            let facts = Facts::read(parts.status.as_u16(), &parts.headers, clock::wall());
            let body = Body::from_stream(Chunks {
                body,
                facts: facts.clone(),
            });
            Ok(Response::new(facts, parts.headers, body))
        })
    }
}

fn outgoing(request: Request) -> Result<reqwest::Request, Error> {
    let mut outgoing = http::Request::new(request.body);
    *outgoing.method_mut() = request.method;
    *outgoing.uri_mut() = request.uri;
    *outgoing.headers_mut() = request.headers;
    outgoing.try_into().map_err(|error: reqwest::Error| {
        Error::invalid_config("base_url", "is not a URL that can be sent to")
            .with_source(error.without_url())
    })
}

/// Frames of reqwest's body as chunks, its errors as ours.
struct Chunks {
    body: reqwest::Body,
    facts: Facts,
}

impl Stream for Chunks {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => {
                    return Poll::Ready(Some(Err(fault::after_the_head(error, &self.facts))));
                }
                Some(Ok(frame)) => frame,
            };
            // Trailers carry nothing that we read.
            if let Ok(data) = frame.into_data()
                && !data.is_empty()
            {
                return Poll::Ready(Some(Ok(data)));
            }
        }
    }
}
