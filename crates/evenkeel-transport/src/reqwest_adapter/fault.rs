//! What reqwest's errors prove, by the types in their chain and never by their text.

use std::error::Error as StdError;
use std::time::Duration;

use evenkeel_error::{Delivery, Error, Facts, Phase};

/// The failure of an attempt that got no response head.
pub(super) fn before_the_head(error: reqwest::Error, connect_limit: Duration) -> Error {
    // The URL holds ids, and in a careless base URL more than that.
    let error = error.without_url();
    let fault = if error.is_builder() {
        Error::invalid_config("request", "cannot be sent as it is")
    } else if is_untrusted(&error) {
        Error::untrusted()
    } else if error.is_connect() && error.is_timeout() {
        Error::timed_out(Phase::Connect, connect_limit)
    } else if error.is_connect() {
        Error::connection(Delivery::NotSent)
    } else if is_returned_unsent(&error) {
        Error::returned_unsent()
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

fn chain<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let first: &'a (dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |&error| error.source())
}

/// Whether the request was handed back on a standing connection before any of it was processed:
/// hyper gave up on it before writing a byte, or the HTTP/2 peer refused the stream (RFC 9113 §8.7).
fn is_returned_unsent(error: &reqwest::Error) -> bool {
    chain(error).any(|cause| {
        if let Some(cause) = cause.downcast_ref::<hyper::Error>() {
            return cause.is_canceled();
        }
        cause.downcast_ref::<h2::Error>().is_some_and(|cause| {
            cause.is_remote() && cause.reason() == Some(h2::Reason::REFUSED_STREAM)
        })
    })
}

#[cfg(feature = "rustls")]
fn is_untrusted(error: &reqwest::Error) -> bool {
    chain(error).any(|cause| {
        // An `io::Error` hides what it wraps from the chain of sources.
        let wrapped = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        let tls = match wrapped {
            Some(inner) => inner.downcast_ref::<rustls::Error>(),
            None => cause.downcast_ref::<rustls::Error>(),
        };
        matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
    })
}

#[cfg(not(feature = "rustls"))]
fn is_untrusted(_: &reqwest::Error) -> bool {
    false
}
