use std::borrow::Cow;
use std::error::Error as StdError;
use std::time::{Duration, SystemTime};

use super::classify::{self, Place};
use super::scrub::{scrub, scrub_but_addresses};
use super::tables;
use super::{Detail, Facts, Limit, Phase};
use crate::{Delivery, ErrorKind, Hint, InvalidConfig, Recoverable, Recovery};

mod latched;
mod reading;

/// The longest message that is kept, in bytes.
pub(super) const LONGEST_MESSAGE: usize = 1024;

/// One failure of one attempt, whatever place it came from. One word wide.
///
/// Nothing it prints by itself holds a URL, a header, a body, a prompt or a key: `Display` is one
/// line, `Debug` has the same facts. [`report`](Self::report) and [`message`](Self::message) show
/// the server's own words, scrubbed.
///
/// ```
/// use evenkeel_error::{Error, ErrorKind, Facts, Recovery};
/// use http::HeaderMap;
/// use std::time::SystemTime;
///
/// let body = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
/// let facts = Facts::read(529, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
/// let error = Error::from_response(&facts, body);
/// assert_eq!(error.kind(), ErrorKind::Overloaded);
/// assert_eq!(error.recovery(), Recovery::BackOffLong);
/// assert_eq!(error.to_string(), "overloaded: status 529, type overloaded_error");
/// ```
pub struct Error {
    pub(super) inner: Box<Inner>,
}

pub(super) struct Inner {
    pub(super) kind: ErrorKind,
    pub(super) recovery: Recovery,
    pub(super) delivery: Delivery,
    pub(super) repeats: Option<u32>,
    pub(super) detail: Detail,
    /// Where the kind's own is not specific enough.
    pub(super) advice: Option<&'static str>,
    pub(super) facts: Option<Facts>,
    pub(super) seen_at: Option<SystemTime>,
    pub(super) refused_since: Option<SystemTime>,
    pub(super) said: Said,
    pub(super) source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What was said about it, scrubbed and bounded: by the server, or, without a body, by us.
#[derive(Clone, Default)]
pub(super) struct Said {
    pub(super) error_type: Option<Cow<'static, str>>,
    pub(super) code: Option<Cow<'static, str>>,
    pub(super) message: Option<Box<str>>,
    /// The message is ours, and fit for the one line.
    pub(super) ours: bool,
    /// Where the headers had none.
    pub(super) request_id: Option<Box<str>>,
    /// Where the headers had none.
    pub(super) cf_ray: Option<Box<str>>,
    pub(super) body: Option<Box<str>>,
}

/// Making one, for transports, clients and tests. The wire makes its own: [`Error::from_response`]
/// and [`Error::from_event`].
impl Error {
    pub(super) fn new(kind: ErrorKind, recovery: Recovery, delivery: Delivery) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                recovery,
                delivery,
                repeats: None,
                detail: Detail::None,
                advice: None,
                facts: None,
                seen_at: None,
                refused_since: None,
                said: Said::default(),
                source: None,
            }),
        }
    }

    /// Classifies a response that is not a success, from its head and its body.
    ///
    /// Total: any status and any bytes give an error, in linear time. At most 64 KiB of the body
    /// are read and at most 2 KiB kept, without keys, tokens and client addresses. What is trusted
    /// first is `error.details.error_code`, then known messages, then `error.type`, then the
    /// status (the API's documentation, errors page).
    #[must_use]
    pub fn from_response(facts: &Facts, body: &[u8]) -> Self {
        classify::classify(facts, body, Place::Response)
    }

    /// Classifies the data of an `error` event inside a stream whose head is `facts`.
    ///
    /// The error keeps the status of the head (200) and the type that the event names; a type that
    /// is unknown is a `server_error`. Bounds as for [`from_response`](Self::from_response). The
    /// API's documentation, streaming page.
    #[must_use]
    pub fn from_event(facts: &Facts, data: &[u8]) -> Self {
        classify::classify(facts, data, Place::Event)
    }

    /// DNS, TCP or TLS failed ([`Delivery::NotSent`]), or the connection was lost before the
    /// response head ([`Delivery::Unknown`]).
    #[must_use]
    pub fn connection(delivery: Delivery) -> Self {
        Self::new(ErrorKind::Connection, Recovery::BackOff, delivery)
    }

    /// The request was handed back unsent on a standing connection: it may go out again at once.
    #[must_use]
    pub fn returned_unsent() -> Self {
        Self::new(ErrorKind::Connection, Recovery::Now, Delivery::NotSent)
    }

    /// The other side's certificate, or ours, is not accepted. No retry changes that. Said in the
    /// handshake, it proves that nothing was sent ([`Delivery::NotSent`]); said later, nothing
    /// ([`Delivery::Unknown`]).
    #[must_use]
    pub fn untrusted(delivery: Delivery) -> Self {
        let mut error = Self::new(ErrorKind::Connection, Recovery::Never, delivery);
        error.inner.advice = Some(tables::UNTRUSTED);
        error
    }

    /// A limit of our own passed while waiting for `phase`.
    #[must_use]
    pub fn timed_out(phase: Phase, limit: Duration) -> Self {
        let delivery = match phase {
            Phase::Connect | Phase::Refresh => Delivery::NotSent,
            Phase::Head => Delivery::Unknown,
            Phase::FirstEvent | Phase::ByteSilence | Phase::Progress => Delivery::Answered,
        };
        Self::new(ErrorKind::TimedOut, Recovery::BackOff, delivery)
            .with_detail(Detail::TimedOut { phase, limit })
    }

    /// The body or stream was cut after the head, or ended before a stop reason.
    #[must_use]
    pub fn interrupted() -> Self {
        Self::new(
            ErrorKind::Interrupted,
            Recovery::BackOff,
            Delivery::Answered,
        )
    }

    /// The answer is not what was asked for. `message` says what is wrong with it, in a few words
    /// of ours and without any of its content.
    #[must_use]
    pub fn protocol(message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::Protocol, Recovery::BackOff, Delivery::Answered);
        error.inner.repeats = Some(1);
        error.with_message(message)
    }

    /// A limit that the server named to another call holds for this one too; nothing was sent. Come
    /// back after `wait`.
    #[must_use]
    pub fn rate_limited(wait: Duration) -> Self {
        let recovery = Recovery::After {
            wait,
            hint: Hint::Limit,
        };
        Self::new(ErrorKind::RateLimited, recovery, Delivery::NotSent)
            .with_detail(Detail::RateLimit(Limit::Unknown))
    }

    /// The breaker refuses; come back after `wait`. `by` is the kind of fault that opened it.
    #[must_use]
    pub fn circuit_open(wait: Duration, by: ErrorKind) -> Self {
        let recovery = Recovery::After {
            wait,
            hint: Hint::Limit,
        };
        Self::new(ErrorKind::CircuitOpen, recovery, Delivery::NotSent)
            .with_detail(Detail::Opened { by })
    }

    /// The caller's deadline came before anything had failed.
    #[must_use]
    pub fn deadline_exceeded(delivery: Delivery) -> Self {
        Self::new(ErrorKind::DeadlineExceeded, Recovery::Never, delivery)
    }

    /// The caller's configuration breaks a rule. `rule` continues a sentence that begins with
    /// `field`; neither may hold a secret.
    #[must_use]
    pub fn invalid_config(field: &str, rule: &str) -> Self {
        Self::new(ErrorKind::InvalidConfig, Recovery::Never, Delivery::NotSent)
            .with_message(format!("{field} {rule}"))
    }

    /// Sets the data of the failure.
    #[must_use]
    pub fn with_detail(mut self, detail: Detail) -> Self {
        self.inner.detail = detail;
        self
    }

    /// Adds what the response head said.
    #[must_use]
    pub fn with_facts(mut self, facts: Facts) -> Self {
        self.inner.facts = Some(facts);
        self
    }

    /// Replaces what is known of whether the request left: for a fault of ours that came when some of
    /// it was on its way.
    #[must_use]
    pub fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.inner.delivery = delivery;
        self
    }

    /// Replaces what may help.
    #[must_use]
    pub fn with_recovery(mut self, recovery: Recovery) -> Self {
        self.inner.recovery = recovery;
        self
    }

    /// Replaces the message by a line of our own words, which hold nothing of a request or a
    /// reply. Keys, tokens and addresses are taken out all the same.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.inner.said.message = Some(scrub(&message.into(), LONGEST_MESSAGE));
        self.inner.said.ours = true;
        self
    }

    /// As [`with_message`](Self::with_message), for words that name hosts which the caller has
    /// configured: these stay, though they be written as addresses. Keys and tokens are taken out.
    #[must_use]
    pub fn with_message_naming_hosts(mut self, message: impl Into<String>) -> Self {
        self.inner.said.message = Some(scrub_but_addresses(&message.into(), LONGEST_MESSAGE));
        self.inner.said.ours = true;
        self
    }

    /// Keeps the beginning of what arrived, for [`body`](Self::body) and [`report`](Self::report):
    /// at most 2 KiB, without keys, tokens and client addresses. It may quote a reply.
    #[must_use]
    pub fn with_body(mut self, body: &[u8]) -> Self {
        self.inner.said.body = Some(scrub(&super::body::text(body), classify::LONGEST_BODY));
        self
    }

    /// Adds the wall time at which the failure was seen, where no response head says it:
    /// [`retry_at`](Self::retry_at) counts from it.
    #[must_use]
    pub fn with_seen_at(mut self, at: SystemTime) -> Self {
        self.inner.seen_at = Some(at);
        self
    }

    /// Adds the cause, for [`source`](StdError::source). Its type is not part of our promise.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }
}

impl Recoverable for Error {
    fn recovery(&self) -> Recovery {
        self.inner.recovery
    }

    fn delivery(&self) -> Delivery {
        self.inner.delivery
    }

    fn repeats(&self) -> Option<u32> {
        self.inner.repeats
    }

    fn kind(&self) -> Option<ErrorKind> {
        Some(self.inner.kind)
    }

    /// The server waited for the request, not the caller for the reply.
    fn blames_caller(&self) -> bool {
        self.inner.kind == ErrorKind::ServerTimeout && matches!(self.status(), Some(400 | 408))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.inner.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}

impl From<InvalidConfig> for Error {
    fn from(invalid: InvalidConfig) -> Self {
        Self::invalid_config(invalid.field(), invalid.rule())
    }
}
