//! What reqwest's errors prove, by the types in their chain and never by their text.

use std::error::Error as StdError;
use std::time::Duration;

use evenkeel_error::{Delivery, Error, Facts, Phase};
use http::Uri;

use super::Inner;
use super::causes::causes;
#[cfg(feature = "rustls-no-provider")]
use super::certificate;

/// The failure of an attempt that got no response head.
///
/// What proves that nothing was sent, in hyper 1.12, hyper-util 0.1.21 and h2 0.4.20:
///
/// - `is_connect`: hyper-util had no connection to write on.
/// - `hyper::Error::is_canceled`: hyper hands the request back, having written none of it.
/// - `REFUSED_STREAM` from the peer: not processed (RFC 9113 §8.7).
/// - `GOAWAY` from the peer, as the error *of a stream*: h2 gives it to streams above the peer's
///   last-stream-id and to those that were not opened yet. One at or below it goes on, and ends with
///   an I/O error if the connection is lost; so such a stream is never mistaken for an unprocessed
///   one. The wire suite holds us to both.
///   One race is beyond what types can tell: a graceful `GOAWAY` that comes on another thread between
///   hyper's queueing of a stream and its next look at the connection, a few instructions later.
///   hyper then cancels a stream that the peer may have seen begin.
pub(super) fn before_the_head(error: reqwest::Error, inner: &Inner, elapsed: Duration) -> Error {
    let target = error.url().and_then(|url| url.as_str().parse::<Uri>().ok());
    let place = Place {
        host: target.as_ref().and_then(Uri::host).unwrap_or("the server"),
        proxy: target
            .as_ref()
            .and_then(|target| inner.proxies.on_the_way_to(target)),
    };
    // The URL holds ids, and in a careless base URL more than that.
    let error = error.without_url();
    let fault = if error.is_builder() {
        Error::invalid_config("request", "cannot be sent as it is")
    } else if let Some(untrusted) = untrusted(&error, place.host, inner) {
        untrusted
    } else if error.is_connect() {
        place.unreached(&error, inner.connect_limit.unwrap_or(elapsed))
    } else if is_returned_unsent(&error) {
        Error::returned_unsent()
    } else if is_own_timeout(&error) {
        Error::timed_out(Phase::Head, elapsed)
    } else {
        Error::connection(Delivery::Unknown)
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
    proxy: Option<String>,
}

impl Place<'_> {
    fn unreached(&self, error: &reqwest::Error, limit: Duration) -> Error {
        if error.is_timeout() {
            let timed_out = Error::timed_out(Phase::Connect, limit);
            return match &self.proxy {
                Some(proxy) => timed_out.with_message(format!("through the proxy {proxy}")),
                None => timed_out,
            };
        }
        let host = self.host;
        let message = match &self.proxy {
            Some(proxy) => format!("cannot reach {host} through the proxy {proxy}"),
            None if error.is_dns() => format!("cannot resolve the name {host}"),
            None => format!("cannot connect to {host}"),
        };
        Error::connection(Delivery::NotSent).with_message(message)
    }
}

/// Whether the request was handed back on a standing connection before any of it was processed.
fn is_returned_unsent(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| {
        if let Some(cause) = cause.downcast_ref::<hyper::Error>() {
            return cause.is_canceled();
        }
        cause.downcast_ref::<h2::Error>().is_some_and(|cause| {
            let refused = cause.reason() == Some(h2::Reason::REFUSED_STREAM);
            cause.is_remote() && (refused || cause.is_go_away())
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

#[cfg(feature = "rustls-no-provider")]
fn untrusted(error: &reqwest::Error, host: &str, inner: &Inner) -> Option<Error> {
    let tls = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())?;
    certificate::verdict(tls, host, inner.roots.as_deref())
}

#[cfg(not(feature = "rustls-no-provider"))]
fn untrusted(_: &reqwest::Error, _: &str, _: &Inner) -> Option<Error> {
    None
}
