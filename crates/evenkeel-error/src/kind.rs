use core::fmt;

use crate::Category;

macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident, $label:literal, $category:ident;)+) => {
        /// What went wrong: for people, logs and metrics.
        ///
        /// Fieldless and `Copy`; the data of a failure is in its detail. Machines decide by
        /// [`Recovery`](crate::Recovery) and [`Delivery`](crate::Delivery) instead, so a kind that
        /// a later version adds never changes a policy.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])+ $kind,)+
        }

        impl ErrorKind {
            /// Every kind this version knows, in the order in which they are documented.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// The stable `snake_case` name, for metrics, logs and the command line.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$kind => $label,)+
                }
            }

            /// Who has to act on it.
            #[must_use]
            pub const fn category(self) -> Category {
                match self {
                    $(Self::$kind => Category::$category,)+
                }
            }
        }
    };
}

kinds! {
    /// 429 or `rate_limit_error`: too many requests or tokens for this minute.
    RateLimited, "rate_limited", RateLimit;
    /// A spend cap is reached, at whatever status it was said. Waiting minutes does not help.
    QuotaExhausted, "quota_exhausted", Authentication;
    /// Payment: 402, `billing_error`, or a credit balance that is too low.
    Billing, "billing", Authentication;
    /// 401: the key or token is missing, wrong, revoked or expired.
    Authentication, "authentication", Authentication;
    /// 403: the account may not use this, or the network edge refuses us.
    PermissionDenied, "permission_denied", Authentication;
    /// 400, 422 and other 4xx without a row of their own: the request as such.
    InvalidRequest, "invalid_request", InvalidRequest;
    /// The input alone is longer than the model's context.
    PromptTooLong, "prompt_too_long", InvalidRequest;
    /// 413: more bytes than the endpoint takes.
    RequestTooLarge, "request_too_large", InvalidRequest;
    /// 404: wrong path, unknown or retired model, unknown id.
    NotFound, "not_found", InvalidRequest;
    /// 409, 412: the state of the resource is not what the request assumes.
    Conflict, "conflict", InvalidRequest;
    /// 529, or `overloaded_error` at any status or inside a stream: no capacity for anybody.
    Overloaded, "overloaded", Server;
    /// 500, 503, `api_error`, and other 5xx.
    ServerError, "server_error", Server;
    /// 502, 520–526, and other 5xx with a gateway's page for a body: the edge answered for the origin.
    BadGateway, "bad_gateway", Server;
    /// 504, 408, `timeout_error`: the server gave up waiting.
    ServerTimeout, "server_timeout", Server;
    /// DNS, TCP or TLS failed, or the connection was lost before the response head.
    Connection, "connection", Server;
    /// A limit of our own passed; the detail says which phase.
    TimedOut, "timed_out", Server;
    /// The body or stream was cut after the head, or ended before a stop reason.
    Interrupted, "interrupted", Server;
    /// The answer is not what was asked for: HTML on a 200, malformed JSON, a redirect.
    Protocol, "protocol", Server;
    /// Refused here, by the circuit breaker; nothing was sent.
    CircuitOpen, "circuit_open", Server;
    /// The caller's deadline came before anything had failed.
    DeadlineExceeded, "deadline_exceeded", Server;
    /// The caller's configuration breaks a rule; nothing was sent.
    InvalidConfig, "invalid_config", Local;
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
