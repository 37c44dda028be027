//! What reqwest's errors prove, by the types in their chain and never by their text.

use std::error::Error as StdError;
use std::time::Duration;

use evenkeel_error::{Delivery, Error, Facts, Phase};
use http::{Method, Uri};
use hyper_util::client::legacy;

use super::Inner;
use super::causes::causes;
#[cfg(feature = "rustls-no-provider")]
use super::certificate;
use super::proxy::Via;

/// What a server can make of a request whose body never came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadAlone {
    /// Nothing: the rest is missing, or there is nothing to be done twice.
    Harmless,
    /// All that was asked: a cancel or a delete has no body.
    MayAct,
}

impl HeadAlone {
    pub(super) fn of(method: &Method, body: &[u8]) -> Self {
        if body.is_empty() && !method.is_safe() {
            Self::MayAct
        } else {
            Self::Harmless
        }
    }
}

/// What is known of the request that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) head_alone: HeadAlone,
    /// How far it may have got.
    pub(super) phase: Phase,
}

/// The failure of an attempt that got no response head.
///
/// What proves that nothing was sent, in hyper 1.12, hyper-util 0.1.21 and h2 0.4.20:
///
/// - `is_connect`, or an error of hyper-util's client that names no connection: it had none to write on,
///   or one that ended before it was ready.
/// - `hyper::Error::is_canceled`: hyper hands the request back, having written none of it.
/// - `REFUSED_STREAM` from the peer: not processed (RFC 9113 §8.7).
/// - `GOAWAY` from the peer, as the error *of a stream*: h2 gives it to streams above the peer's
///   last-stream-id and to those that were not opened yet. One at or below it goes on, and ends with
///   an I/O error if the connection is lost; so such a stream is never mistaken for an unprocessed
///   one. The wire suite holds us to both.
///   One race is beyond what types can tell: a graceful `GOAWAY` that comes on another thread between
///   hyper's queueing of a stream and its next look at the connection, a few instructions later.
///   hyper then drops the body of a stream whose head the peer may have seen; so a request that is
///   [nothing but its head](HeadAlone::MayAct) is not taken for unprocessed.
pub(super) fn before_the_head(
    error: reqwest::Error,
    inner: &Inner,
    sent: Sent,
    elapsed: Duration,
) -> Error {
    let target = error.url().and_then(|url| url.as_str().parse::<Uri>().ok());
    let place = Place {
        host: target.as_ref().and_then(Uri::host).unwrap_or("the server"),
        port: target.as_ref().and_then(port),
        proxy: target
            .as_ref()
            .and_then(|target| inner.proxies.on_the_way_to(target)),
    };
    // The URL holds ids, and in a careless base URL more than that.
    let error = error.without_url();
    let unwritten = is_unwritten(&error);
    let fault = if error.is_builder() {
        Error::invalid_config("request", "cannot be sent as it is")
    } else if let Some(untrusted) = untrusted(&error, &place, inner, unwritten) {
        untrusted
    } else if unwritten {
        place.unreached(&error, inner.connect_limit.unwrap_or(elapsed))
    } else if let Some(handed_back) = handed_back(&error, sent.head_alone) {
        handed_back
    } else if is_own_timeout(&error) {
        Error::timed_out(sent.phase, elapsed)
    } else {
        lost(&place, inner)
    };
    fault.with_source(error)
}

/// The failure of a body that was cut.
pub(super) fn after_the_head(error: reqwest::Error, facts: &Facts) -> Error {
    Error::interrupted()
        .with_facts(facts.clone())
        .with_source(error.without_url())
}

/// Who was not reached.
struct Place<'a> {
    host: &'a str,
    port: Option<u16>,
    proxy: Option<Via>,
}

/// The port that is connected to, whether the URL has it or not.
fn port(target: &Uri) -> Option<u16> {
    let usual = match target.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    };
    target.port_u16().or(usual)
}

impl Place<'_> {
    fn unreached(&self, error: &reqwest::Error, limit: Duration) -> Error {
        if let Some(proxy) = &self.proxy
            && let Err(unspoken) = proxy.is_spoken()
        {
            return unspoken;
        }
        if error.is_timeout() {
            let timed_out = Error::timed_out(Phase::Connect, limit);
            return match &self.proxy {
                Some(proxy) => {
                    timed_out.with_message_naming_hosts(format!("through the proxy {proxy}"))
                }
                None => timed_out,
            };
        }
        let host = self.host;
        let address = match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let message = match &self.proxy {
            Some(proxy) => format!("cannot reach {address} through the proxy {proxy}"),
            None if error.is_dns() => format!("cannot resolve the name {host}"),
            None => format!("cannot connect to {address}"),
        };
        Error::connection(Delivery::NotSent).with_message_naming_hosts(message)
    }
}

/// Whether there was no connection that the request could have been written on. hyper-util notes the
/// connection in every error that it makes after it has one which is ready.
fn is_unwritten(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<legacy::Error>())
        .any(|cause| cause.is_connect() || cause.connect_info().is_none())
}

/// The failure of a request that was handed back on a standing connection before any of it was
/// processed. At once is a time to resend for who is asked to go elsewhere, and not for who is told
/// that it sends too much, or met a fault.
fn handed_back(error: &reqwest::Error, head_alone: HeadAlone) -> Option<Error> {
    causes(error).find_map(|cause| {
        if let Some(cause) = cause.downcast_ref::<hyper::Error>() {
            return cause.is_canceled().then(Error::returned_unsent);
        }
        let cause = cause.downcast_ref::<h2::Error>()?;
        if !cause.is_remote() {
            return None;
        }
        let refused = cause.reason() == Some(h2::Reason::REFUSED_STREAM);
        if !cause.is_go_away() {
            return refused.then(Error::returned_unsent);
        }
        if head_alone == HeadAlone::MayAct {
            return None;
        }
        let in_peace = cause.reason() == Some(h2::Reason::NO_ERROR) || refused;
        Some(if in_peace {
            Error::returned_unsent()
        } else {
            Error::connection(Delivery::NotSent)
        })
    })
}

/// Whether a limit in a team's own reqwest settings ended it, and not the peer or the system: those
/// come as errors of hyper's.
fn is_own_timeout(error: &reqwest::Error) -> bool {
    let below = |cause: &(dyn StdError + 'static)| {
        cause.is::<hyper::Error>() || cause.is::<std::io::Error>() || cause.is::<h2::Error>()
    };
    error.is_timeout() && !causes(error).any(below)
}

/// Whose certificate is at fault, and what that proves: in the handshake that nothing was sent, on a
/// standing connection nothing. An alert may come at any time: of TLS 1.3 even the refusal of our
/// certificate comes after our side of the handshake, and the request, have left.
#[cfg(feature = "rustls-no-provider")]
fn untrusted(
    error: &reqwest::Error,
    place: &Place<'_>,
    inner: &Inner,
    unwritten: bool,
) -> Option<Error> {
    let found = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
    let over_http2 = causes(error)
        .filter_map(|cause| cause.downcast_ref())
        .find_map(certificate::alert_over_http2);
    let tls = found.or(over_http2.as_ref())?;
    // The handshake with a target is the last step of connecting, and its error the source of
    // hyper-util's; that of a proxy has an error of the tunnel between.
    let with_the_target = causes(error)
        .filter_map(|cause| cause.downcast_ref::<legacy::Error>())
        .filter_map(StdError::source)
        .any(|source| source.is::<std::io::Error>() || source.is::<hyper::Error>());
    let proxy = place.proxy.as_ref().filter(|proxy| proxy.is_tls());
    let who = match proxy {
        Some(proxy) if !with_the_target => format!("the proxy {proxy}"),
        _ => place.host.to_owned(),
    };
    certificate::verdict(tls, &who, inner.roots.as_ref(), unwritten)
}

/// A connection that was lost after the request had been handed to it.
#[cfg(feature = "rustls-no-provider")]
fn lost(place: &Place<'_>, inner: &Inner) -> Error {
    let lost = Error::connection(Delivery::Unknown);
    match inner
        .asked
        .as_ref()
        .and_then(|asked| asked.hint(place.host))
    {
        Some(hint) => lost.with_message_naming_hosts(hint),
        None => lost,
    }
}

#[cfg(not(feature = "rustls-no-provider"))]
fn lost(_: &Place<'_>, _: &Inner) -> Error {
    Error::connection(Delivery::Unknown)
}

#[cfg(not(feature = "rustls-no-provider"))]
fn untrusted(_: &reqwest::Error, _: &Place<'_>, _: &Inner, _: bool) -> Option<Error> {
    None
}
