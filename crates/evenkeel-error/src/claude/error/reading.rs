use std::time::{Duration, SystemTime};

use crate::claude::classify::advice_on_request;
use crate::claude::tables;
use crate::claude::{Detail, Error, Facts, FieldPath, Report};
use crate::{Category, Delivery, ErrorKind, Recovery};

/// Reading it.
impl Error {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Who has to act.
    #[must_use]
    pub fn category(&self) -> Category {
        self.inner.kind.category()
    }

    /// The stable `snake_case` name of the kind.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.inner.kind.label()
    }

    /// What may help.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.inner.recovery
    }

    /// Whether the request left.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.inner.delivery
    }

    /// The data of the failure.
    #[must_use]
    pub fn detail(&self) -> &Detail {
        &self.inner.detail
    }

    /// What the response head said; `None` when there was none.
    #[must_use]
    pub fn facts(&self) -> Option<&Facts> {
        self.inner.facts.as_ref()
    }

    /// The HTTP status; 200 for an error inside a stream.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.inner.facts.as_ref().map(Facts::status)
    }

    /// The server's own name for it (`error.type`), verbatim. A name of more than 128 bytes, or of
    /// other signs than names have, is none.
    #[must_use]
    pub fn error_type(&self) -> Option<&str> {
        self.inner.said.error_type.as_deref()
    }

    /// The server's `error.details.error_code`, verbatim, as [`error_type`](Self::error_type).
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.inner.said.code.as_deref()
    }

    /// The server's message, or ours: scrubbed, at most 1 KiB. Of a page it is the title. It may
    /// run over several lines, and may quote the request.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.inner.said.message.as_deref()
    }

    /// The beginning of the server's body, scrubbed, at most 2 KiB. It may quote the request.
    #[must_use]
    pub fn body(&self) -> Option<&str> {
        self.inner.said.body.as_deref()
    }

    /// The request id, from the header or else from the body.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        let head = self.inner.facts.as_ref().and_then(Facts::request_id);
        head.or(self.inner.said.request_id.as_deref())
    }

    /// Cloudflare's ray id, to quote when there is no request id; from the header or else from the
    /// body.
    #[must_use]
    pub fn cf_ray(&self) -> Option<&str> {
        let head = self.inner.facts.as_ref().and_then(Facts::cf_ray);
        head.or(self.inner.said.cf_ray.as_deref())
    }

    /// The place in the request that the server names, wherever the detail has it.
    #[must_use]
    pub fn path(&self) -> Option<&FieldPath> {
        match &self.inner.detail {
            Detail::Field { path } => Some(path),
            Detail::TooLarge { path, .. } => path.as_ref(),
            Detail::Images { paths, .. } => paths.first(),
            _ => None,
        }
    }

    /// How long the other side asked to wait, counted from the arrival of its answer.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.recovery.wait().or_else(|| {
            // A limit that the server does not want retried by a machine still lifts then.
            let facts = self.inner.facts.as_ref()?;
            (self.inner.kind == ErrorKind::RateLimited).then(|| facts.retry_after())?
        })
    }

    /// The wall time before which sending again is known to fail: the arrival of the answer and
    /// the wait that it asked for, or the date on which a spend cap resets. `None` where neither is
    /// known.
    #[must_use]
    pub fn retry_at(&self) -> Option<SystemTime> {
        if let Detail::SpendCap {
            resumes: Some(date),
        } = self.inner.detail
        {
            return Some(date);
        }
        let seen = self
            .inner
            .seen_at
            .or(self.inner.facts.as_ref().map(Facts::received));
        seen?.checked_add(self.retry_after()?)
    }

    /// Since when the credential is known to be refused, where that is why nothing was sent.
    #[must_use]
    pub fn refused_since(&self) -> Option<SystemTime> {
        self.inner.refused_since
    }

    /// Whether sending the same request again can help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.inner.recovery.is_retryable()
    }

    /// What a person should check, and where; specific to the kind and the server's code.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        let inner = &*self.inner;
        let on_request = || match (inner.kind, &inner.said.message) {
            (ErrorKind::InvalidRequest, Some(message)) => advice_on_request(message),
            _ => None,
        };
        let specific = inner.advice.or_else(on_request);
        specific.unwrap_or(tables::advice(inner.kind))
    }

    /// The whole story on several lines: the chain of causes, the advice, and at most 2 KiB of the
    /// scrubbed body.
    #[must_use]
    pub fn report(&self) -> Report<'_> {
        Report::new(self)
    }
}
