use std::time::{Duration, SystemTime};

use super::FieldPath;
use crate::ErrorKind;

/// The data of a failure that its [`ErrorKind`] cannot hold.
///
/// What the server did not say is `None`; nothing here is guessed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Detail {
    /// Nothing beyond the kind.
    None,
    /// `rate_limited`: which limit was hit.
    RateLimit(Limit),
    /// `quota_exhausted`: a spend cap.
    SpendCap {
        /// When access comes back, if the message states it. In UTC, by the server's word.
        resumes: Option<SystemTime>,
    },
    /// `prompt_too_long`: the input alone is over the context.
    PromptTooLong {
        /// Tokens of the input.
        actual: Option<u64>,
        /// Tokens that the model takes.
        maximum: Option<u64>,
    },
    /// `invalid_request`: the input and `max_tokens` together are over the context. Only models
    /// before the 4.5 generation say this.
    ContextOverflow {
        /// Tokens of the input.
        input: u64,
        /// `max_tokens` as it was asked for.
        max_tokens: u64,
        /// Tokens that the model takes.
        maximum: u64,
    },
    /// `request_too_large`, or a part of a request that is: how many bytes.
    TooLarge {
        /// Bytes that were sent.
        bytes: Option<u64>,
        /// Bytes that are taken.
        maximum: Option<u64>,
        /// The part that is too large, where it is a part.
        path: Option<FieldPath>,
    },
    /// `invalid_request` with the code `image_dimensions_too_large`: scale these images down, and
    /// the same request goes through.
    Images {
        /// Where each image over the limit is, in the order of the request.
        paths: Vec<FieldPath>,
        /// The longest side that this request may hold, in pixels.
        max_side_pixels: Option<u32>,
    },
    /// `invalid_request`: the place that the server's message names.
    Field {
        /// The place.
        path: FieldPath,
    },
    /// `invalid_request` with the code `thread_unsupported_request`: what a thread cannot do.
    Unsupported {
        /// The server's names for it, such as `cache_control`; unknown ones verbatim.
        features: Vec<Box<str>>,
    },
    /// Where the server sends a person: on hold, for example, with a way to appeal.
    Links {
        /// Where the organization can appeal.
        appeal: Option<Box<str>>,
        /// Where this is documented.
        docs: Option<Box<str>>,
    },
    /// `timed_out`: which of our limits passed, and how long it was.
    TimedOut {
        /// What was being waited for.
        phase: Phase,
        /// The limit that passed.
        limit: Duration,
    },
    /// `circuit_open`: the kind of fault that opened the breaker.
    Opened {
        /// The fault that opened it.
        by: ErrorKind,
    },
}

/// Which rate limit a 429 is about (the API's documentation, rate limits page).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// Requests per minute.
    Requests,
    /// Input tokens per minute.
    InputTokens,
    /// Output tokens per minute.
    OutputTokens,
    /// The load grew too fast: the acceleration limit.
    Ramp,
    /// The limits of fast mode.
    FastMode,
    /// Connections at the same time.
    Concurrency,
    /// The server did not say.
    Unknown,
}

impl Limit {
    /// The stable `snake_case` name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::Ramp => "ramp",
            Self::FastMode => "fast_mode",
            Self::Concurrency => "concurrency",
            Self::Unknown => "unknown",
        }
    }
}

/// What was being waited for when a limit of our own passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// A connection: DNS, TCP and TLS.
    Connect,
    /// The response head.
    Head,
    /// The first event of a stream, or the first byte of a body.
    FirstEvent,
    /// Any byte, pings included.
    ByteSilence,
    /// An event that carries content.
    Progress,
    /// A fresh credential: nothing of the request had been sent.
    Refresh,
}

impl Phase {
    /// The stable `snake_case` name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Head => "head",
            Self::FirstEvent => "first_event",
            Self::ByteSilence => "byte_silence",
            Self::Progress => "progress",
            Self::Refresh => "refresh",
        }
    }
}
