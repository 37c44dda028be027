use std::time::SystemTime;

use super::date;

/// One rate limit as the response headers state it.
///
/// Each part is `None` where its header is missing or unreadable. From the API's documentation,
/// rate limits page: `anthropic-ratelimit-*`, `anthropic-priority-*`, `anthropic-fast-*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many requests or tokens the window allows.
    pub limit: Option<u64>,
    /// How many are left. Token counts are rounded to the nearest thousand by the server.
    pub remaining: Option<u64>,
    /// When the limit is full again, by the server's clock. Some capacity is back earlier: the
    /// bucket fills continuously, so this is no hint of when to send again.
    pub reset: Option<SystemTime>,
}

/// The rate limits in force, as a response states them: successes carry them too.
///
/// A limit is `None` where none of its headers is there.
///
/// ```
/// use evenkeel_error::Facts;
/// use http::HeaderMap;
/// use std::time::SystemTime;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("anthropic-ratelimit-requests-remaining", "42".parse()?);
/// let facts = Facts::read(200, &headers, SystemTime::UNIX_EPOCH);
/// let requests = facts.rate_limits().and_then(|limits| limits.requests);
/// assert_eq!(requests.and_then(|limit| limit.remaining), Some(42));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimits {
    /// `anthropic-ratelimit-requests-*`: requests per minute.
    pub requests: Option<RateLimit>,
    /// `anthropic-ratelimit-tokens-*`: the most restrictive token limit in force, a workspace's
    /// for example; otherwise input and output together.
    pub tokens: Option<RateLimit>,
    /// `anthropic-ratelimit-input-tokens-*`: input tokens per minute, cache reads not counted.
    pub input_tokens: Option<RateLimit>,
    /// `anthropic-ratelimit-output-tokens-*`: output tokens per minute.
    pub output_tokens: Option<RateLimit>,
    /// `anthropic-priority-input-tokens-*`: Priority Tier only.
    pub priority_input_tokens: Option<RateLimit>,
    /// `anthropic-priority-output-tokens-*`: Priority Tier only.
    pub priority_output_tokens: Option<RateLimit>,
    /// `anthropic-fast-input-tokens-*`: fast mode only.
    pub fast_input_tokens: Option<RateLimit>,
    /// `anthropic-fast-output-tokens-*`: fast mode only.
    pub fast_output_tokens: Option<RateLimit>,
}

impl RateLimits {
    /// What the names of all of its headers begin with.
    pub(super) const FAMILIES: [&str; 3] = [
        "anthropic-ratelimit-",
        "anthropic-priority-",
        "anthropic-fast-",
    ];

    /// Takes in one header; others, and values that cannot be read, leave it as it is. Of a header
    /// sent twice the first readable value counts.
    pub(super) fn take(&mut self, name: &str, value: &str) {
        let Some((family, part)) = name.rsplit_once('-') else {
            return;
        };
        let Some(slot) = self.slot(family) else {
            return;
        };
        let Some(part) = Part::read(part, value) else {
            return;
        };
        part.put(slot.get_or_insert_default());
    }

    fn slot(&mut self, family: &str) -> Option<&mut Option<RateLimit>> {
        Some(match family {
            "anthropic-ratelimit-requests" => &mut self.requests,
            "anthropic-ratelimit-tokens" => &mut self.tokens,
            "anthropic-ratelimit-input-tokens" => &mut self.input_tokens,
            "anthropic-ratelimit-output-tokens" => &mut self.output_tokens,
            "anthropic-priority-input-tokens" => &mut self.priority_input_tokens,
            "anthropic-priority-output-tokens" => &mut self.priority_output_tokens,
            "anthropic-fast-input-tokens" => &mut self.fast_input_tokens,
            "anthropic-fast-output-tokens" => &mut self.fast_output_tokens,
            _ => return None,
        })
    }

    /// Whether the headers of fast mode were there.
    pub(super) fn fast(&self) -> bool {
        self.fast_input_tokens.is_some() || self.fast_output_tokens.is_some()
    }
}

enum Part {
    Limit(u64),
    Remaining(u64),
    Reset(SystemTime),
}

impl Part {
    fn read(part: &str, value: &str) -> Option<Self> {
        match part {
            "limit" => value.trim().parse().ok().map(Self::Limit),
            "remaining" => value.trim().parse().ok().map(Self::Remaining),
            "reset" => date::rfc3339(value).map(Self::Reset),
            _ => None,
        }
    }

    fn put(self, limit: &mut RateLimit) {
        match self {
            Self::Limit(value) => _ = limit.limit.get_or_insert(value),
            Self::Remaining(value) => _ = limit.remaining.get_or_insert(value),
            Self::Reset(value) => _ = limit.reset.get_or_insert(value),
        }
    }
}
