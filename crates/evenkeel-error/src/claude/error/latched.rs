use std::time::SystemTime;

use super::{Error, Inner};
use crate::{Delivery, Recovery};

/// Failures that one call met and another is told of.
impl Error {
    /// The same failure, for another call that it holds for as well; without its
    /// [`source`](std::error::Error::source), which stays with the call that met it.
    #[must_use]
    pub fn retold(&self) -> Self {
        let inner = &*self.inner;
        Self {
            inner: Box::new(Inner {
                kind: inner.kind,
                recovery: inner.recovery,
                delivery: inner.delivery,
                repeats: inner.repeats,
                detail: inner.detail.clone(),
                advice: inner.advice,
                facts: inner.facts.clone(),
                seen_at: inner.seen_at,
                refused_since: inner.refused_since,
                said: inner.said.clone(),
                source: None,
            }),
        }
    }

    /// What a call fails with whose credential is known to be refused, `since` then: of the kind
    /// and with the words of the refusal that this is, but not sent, and so without a status.
    #[must_use]
    pub fn latched(&self, since: SystemTime) -> Self {
        let mut error = self.retold();
        // The ids of the refusal are what the server's support asks for.
        error.inner.said.request_id = self.request_id().map(Into::into);
        error.inner.said.cf_ray = self.cf_ray().map(Into::into);
        error.inner.facts = None;
        error.inner.recovery = Recovery::Never;
        error.inner.delivery = Delivery::NotSent;
        error.inner.repeats = None;
        error.inner.refused_since = Some(since);
        error
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;

    use super::*;
    use crate::{ErrorKind, Facts};

    fn refusal() -> Error {
        let mut headers = HeaderMap::new();
        headers.insert("request-id", "req_1".parse().unwrap());
        let facts = Facts::read(401, &headers, SystemTime::UNIX_EPOCH);
        let body = br#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#;
        Error::from_response(&facts, body)
    }

    #[test]
    fn a_latched_failure_says_since_when_and_that_nothing_was_sent() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let error = refusal().latched(since);
        assert_eq!(error.kind(), ErrorKind::Authentication);
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert_eq!((error.status(), error.refused_since()), (None, Some(since)));
        assert_eq!(
            error.to_string(),
            "authentication: type authentication_error, not sent, refused since \
             2027-01-15T08:00:00Z, request id req_1"
        );
    }

    #[test]
    fn a_failure_that_is_told_again_says_the_same() {
        let error = refusal();
        let again = error.retold();
        assert_eq!(error.to_string(), again.to_string());
        assert_eq!(format!("{error:?}"), format!("{again:?}"));
        assert_eq!(error.message(), again.message());
    }
}
