use std::fmt;
use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use evenkeel_error::{Delivery, Error, Facts, Phase};
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Uri};

use self::fault::{HeadAlone, Sent};
use self::upload::Watch;
use crate::clock::{self, Started};
use crate::{
    Body, BodyFault, BodyReader, BoxFuture, Request, Response, StreamBodies, StreamBody, Transport,
};

mod builder;
mod causes;
#[cfg(feature = "rustls-no-provider")]
mod certificate;
mod chunks;
mod fault;
mod http_versions;
mod making;
#[cfg(feature = "native-tls")]
mod native;
mod proxy;
#[cfg(feature = "rustls-no-provider")]
mod root_store;
#[cfg(feature = "rustls-no-provider")]
mod rustls_set_up;
mod source;
mod team;
#[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
mod trust;
mod upload;
mod urls;

pub(crate) use chunks::Chunks;

pub use builder::ReqwestTransportBuilder;
pub use http_versions::HttpVersions;
#[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
#[cfg_attr(
    docsrs,
    doc(cfg(any(feature = "rustls-no-provider", feature = "native-tls")))
)]
pub use trust::{Roots, TlsBackend};

/// A [`Transport`] on reqwest.
///
/// Cheap to clone; clones share the connections. Redirects and reqwest's own retries are off:
/// neither may send a key and a prompt where the caller did not. A proxy from the environment
/// (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) is used for https alone: through it goes what is encrypted.
///
/// One resend is left below: hyper-util sends a request again that it could not begin to write, on
/// another connection. Nothing of it had left, so it is no second attempt.
#[derive(Clone)]
pub struct ReqwestTransport {
    inner: Arc<Inner>,
}

/// What an attempt waited for that was given up before it began, and whose connecting has ended.
const NO_PLACE: &str = "the server allows fewer requests at once on an HTTP/2 connection than there are; send \
     fewer at once, or set http_versions to Http1";

struct Inner {
    /// For https.
    secure: Secure,
    /// For http, which goes to this machine unless the caller said otherwise: never by a proxy, who
    /// would read key and prompt.
    direct: reqwest::Client,
    /// Where it is known.
    connect_limit: Option<Duration>,
    /// Where they are known.
    versions: Option<HttpVersions>,
    proxies: proxy::Proxies,
    urls: urls::Urls,
    /// What certificates are checked against, where it is known.
    #[cfg(feature = "rustls-no-provider")]
    roots: Option<root_store::RootStore>,
    /// Where there is no certificate of ours: whether one was asked for.
    #[cfg(feature = "rustls-no-provider")]
    asked: Option<Arc<certificate::Asked>>,
}

enum Secure {
    Ready(reqwest::Client),
    /// The rule that an https address breaks.
    Without(&'static str),
}

impl ReqwestTransport {
    /// Everything at its default.
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder::default()
    }
}

/// Defaults, each with its reason.
impl ReqwestTransport {
    /// How long connecting may take, DNS and TLS included: long enough for two lost packets on a
    /// bad line, as in the official SDKs.
    pub const CONNECT_LIMIT: Duration = Duration::from_secs(5);

    /// How long an unused connection is kept: below the idle limits of common load balancers (60 s),
    /// so that a request seldom meets a connection that the other side is about to close.
    pub const POOL_IDLE: Duration = Duration::from_secs(50);

    /// How many unused connections are kept for a host, as in the official Python SDK: a burst may
    /// open more, and its sockets are not all kept for the rest of the minute.
    pub const POOL_SIZE: usize = 100;

    /// How long a connection is silent before it is asked for a sign of life (TCP keep-alive,
    /// HTTP/2 pings): a peer that vanished is noticed, and what lies between (NAT, firewalls) does
    /// not forget a connection that waits for a long generation.
    pub const KEEP_ALIVE: Duration = Duration::from_secs(30);

    /// How long the answer to an HTTP/2 ping may take: a server that is only busy answers pings at
    /// once, and one that does not in this time has lost the connection.
    pub const KEEP_ALIVE_LIMIT: Duration = Duration::from_secs(20);
}

impl Transport for ReqwestTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let head_limit = request.head_limit;
        // Begun out here, so that the future, which every attempt allocates, does not keep the
        // request. A source is opened; nothing else is done before it is polled.
        match self.inner.begin(request) {
            Ok((sending, underway)) => Box::pin(self.inner.finish(sending, underway, head_limit)),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn stream_bodies(&self) -> StreamBodies {
        StreamBodies::Supported
    }
}

/// What is known of a request on its way.
struct Underway {
    watch: Watch,
    head_alone: HeadAlone,
    /// Of a body that is read as it is sent.
    body_fault: Option<BodyFault>,
}

impl Inner {
    fn begin(
        &self,
        request: Request,
    ) -> Result<
        (
            impl Future<Output = reqwest::Result<reqwest::Response>> + Send + use<>,
            Underway,
        ),
        Error,
    > {
        let client = match (request.uri.scheme_str(), &self.secure) {
            (Some("https"), Secure::Ready(client)) => client,
            (Some("https"), Secure::Without(rule)) => {
                return Err(Error::invalid_config("base_url", rule));
            }
            _ => &self.direct,
        };
        let source = request.stream.as_ref().map(StreamBody::reader);
        let source = source.transpose()?;
        let head_alone = match &source {
            Some(source) if source.length() != Some(0) => HeadAlone::Harmless,
            Some(_) => HeadAlone::of(&request.method, &[]),
            None => HeadAlone::of(&request.method, &request.body),
        };
        let body_fault = source.as_ref().map(BodyReader::fault);
        let (request, watch) = self.outgoing(request, source)?;
        let underway = Underway {
            watch,
            head_alone,
            body_fault,
        };
        Ok((client.execute(request), underway))
    }

    async fn finish(
        &self,
        sending: impl Future<Output = reqwest::Result<reqwest::Response>>,
        underway: Underway,
        head_limit: Duration,
    ) -> Result<Response, Error> {
        let Underway {
            watch,
            head_alone,
            body_fault,
        } = underway;
        let started = Started::now();
        let sending = pin!(sending);
        let response = match clock::within(head_limit, &started, watch.progress(), sending).await {
            None => return Err(self.out_of_time(watch.give_up(), head_limit)),
            Some(Err(error)) => {
                // A source that failed makes the connection fail: what came first is the reason.
                if let Some(fault) = body_fault.and_then(|fault| fault.take()) {
                    // The source is asked by a connection: its head, and what came before the fault,
                    // may be all that the server waits for.
                    return Err(fault.with_delivery(Delivery::Unknown));
                }
                let sent = Sent {
                    head_alone,
                    phase: watch.give_up(),
                };
                return Err(fault::before_the_head(error, self, sent, started.elapsed()));
            }
            Some(Ok(response)) => response,
        };
        #[cfg(feature = "rustls-no-provider")]
        if let Some(asked) = &self.asked {
            asked.note_answer();
        }
        let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let facts = Facts::read(parts.status.as_u16(), &parts.headers, clock::wall());
        let body = Body::from_chunks(Chunks::new(body, facts.clone(), watch));
        Ok(Response::new(facts, parts.headers, body))
    }

    fn out_of_time(&self, phase: Phase, head_limit: Duration) -> Error {
        if phase == Phase::Connect && self.connects_within(head_limit) {
            // Connecting would have met its own limit, so it is the head's that has run out.
            return Error::timed_out(Phase::Head, head_limit)
                .with_delivery(Delivery::NotSent)
                .with_message(NO_PLACE);
        }
        Error::timed_out(phase, head_limit)
    }

    /// Whether connecting ends by itself before `limit` does.
    fn connects_within(&self, limit: Duration) -> bool {
        self.connect_limit.is_some_and(|connect| connect < limit)
    }

    /// Whether a request may wait for a place on a connection that others use.
    fn may_share(&self, uri: &Uri) -> bool {
        match self.versions {
            None | Some(HttpVersions::Http2) => true,
            Some(HttpVersions::Http1) => false,
            Some(HttpVersions::Negotiated) => uri.scheme_str() == Some("https"),
        }
    }

    /// The request as reqwest takes it, and what watches it where there is something to see.
    fn outgoing(
        &self,
        request: Request,
        source: Option<BodyReader>,
    ) -> Result<(reqwest::Request, Watch), Error> {
        let has_source = source
            .as_ref()
            .is_some_and(|source| source.length() != Some(0));
        let is_empty = request.body.is_empty() && !has_source;
        let has_content = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
        let mut outgoing = reqwest::Request::new(request.method, self.urls.of(&request.uri)?);
        *outgoing.headers_mut() = request.headers;
        if is_empty && has_content {
            // hyper leaves it out, and a proxy may then answer 411 (RFC 9110 §8.6).
            let none = HeaderValue::from_static("0");
            outgoing.headers_mut().insert(CONTENT_LENGTH, none);
        }
        // It is written as soon as there is a connection; and where connecting has the shorter limit, its
        // own error comes first.
        let never_waits = self.connects_within(request.head_limit) && !self.may_share(&request.uri);
        let (body, watch) = match source {
            // hyper writes all there is of it without asking, as of a request without a body.
            Some(source) if source.length() == Some(0) => (Bytes::new().into(), Watch::Nothing),
            Some(source) => Watch::source(source),
            None if request.body.len() > upload::PIECE => Watch::pieces_of(request.body),
            // Of a request without a body hyper writes all there is without asking for one.
            None if never_waits || is_empty => (request.body.into(), Watch::Nothing),
            None => Watch::start_of(request.body),
        };
        *outgoing.body_mut() = Some(body);
        Ok((outgoing, watch))
    }
}

/// Which kinds of address work; no header, no proxy, no client of reqwest's, which print more.
impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let https = match &self.inner.secure {
            Secure::Ready(_) => "ready",
            Secure::Without(_) => "none",
        };
        f.debug_struct("ReqwestTransport")
            .field("https", &https)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
