use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue};

use super::limits::RateLimits;
use super::{date, retry_after, scrub};

/// The longest identifier or media type that is kept; the API's own are under forty bytes.
const LONGEST: usize = 128;

/// What a response's status line and headers say, read once and kept with every outcome.
///
/// Cloning is cheap: the clones share what was read.
///
/// ```
/// use evenkeel_error::Facts;
/// use http::HeaderMap;
/// use std::time::{Duration, SystemTime};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("request-id", "req_011CSHoEeqs5C35K2UUqR7Fy".parse()?);
/// headers.insert("retry-after", "20".parse()?);
/// let facts = Facts::read(429, &headers, SystemTime::UNIX_EPOCH);
/// assert_eq!(facts.request_id(), Some("req_011CSHoEeqs5C35K2UUqR7Fy"));
/// assert_eq!(facts.retry_after(), Some(Duration::from_secs(20)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Facts {
    read: Arc<Read>,
}

#[derive(Debug)]
struct Read {
    status: u16,
    received: SystemTime,
    date: Option<SystemTime>,
    request_id: Option<Text>,
    cf_ray: Option<Text>,
    organization_id: Option<Text>,
    workspace_id: Option<Text>,
    amzn_request_id: Option<Text>,
    content_type: Option<Text>,
    server: Option<Text>,
    should_retry: Option<bool>,
    retry_after: Option<Duration>,
    rate_limits: Option<Box<RateLimits>>,
}

impl Facts {
    /// Reads a response head. `received` is the wall time at which it arrived.
    ///
    /// Total: any status and any header bytes are fine. A value that is not what its header
    /// promises (an id that is not plain ASCII or holds a secret, a number that is none) is as if
    /// it were not there. Takes time linear in the size of the headers.
    #[must_use]
    pub fn read(status: u16, headers: &HeaderMap, received: SystemTime) -> Self {
        let mut read = Read {
            status,
            received,
            date: None,
            request_id: None,
            cf_ray: None,
            organization_id: None,
            workspace_id: None,
            amzn_request_id: None,
            content_type: None,
            server: None,
            should_retry: None,
            retry_after: None,
            rate_limits: None,
        };
        let mut hinted = Hinted::No;
        for (name, value) in headers {
            match name.as_str() {
                // Most responses have none, and looking for it by name costs more than this.
                "retry-after" | "retry-after-ms" => hinted = Hinted::Maybe,
                name => read.take(name, value),
            }
        }
        read.rate_limits
            .take_if(|limits| **limits == RateLimits::default());
        if hinted == Hinted::Maybe {
            read.retry_after = retry_after::read(headers, read.date.unwrap_or(received));
        }
        Self {
            read: Arc::new(read),
        }
    }

    /// The head for one of the many answers that a body holds, such as the results of a batch: status
    /// and times, and nothing of the request that fetched them all: not its id, hint or limits.
    #[must_use]
    pub fn for_item(&self) -> Self {
        let mut item = Self::read(self.status(), &HeaderMap::new(), self.received());
        if let Some(read) = Arc::get_mut(&mut item.read) {
            read.date = self.date();
        }
        item
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.read.status
    }

    /// The wall time at which the head arrived.
    #[must_use]
    pub fn received(&self) -> SystemTime {
        self.read.received
    }

    /// The response's own `Date` (RFC 9110 §6.6.1), by the server's clock, in whole seconds.
    #[must_use]
    pub fn date(&self) -> Option<SystemTime> {
        self.read.date
    }

    /// The `request-id`, which Anthropic's support asks for.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.read.request_id.as_ref().map(Text::as_str)
    }

    /// `cf-ray`, the network edge's id: what to quote when the edge answered and there is no
    /// request id.
    #[must_use]
    pub fn cf_ray(&self) -> Option<&str> {
        self.read.cf_ray.as_ref().map(Text::as_str)
    }

    /// `anthropic-organization-id`: whose call this was.
    #[must_use]
    pub fn organization_id(&self) -> Option<&str> {
        self.read.organization_id.as_ref().map(Text::as_str)
    }

    /// `anthropic-workspace-id`; absent where authentication failed.
    #[must_use]
    pub fn workspace_id(&self) -> Option<&str> {
        self.read.workspace_id.as_ref().map(Text::as_str)
    }

    /// `x-amzn-requestid`, which Claude Platform on AWS adds.
    #[must_use]
    pub fn amzn_request_id(&self) -> Option<&str> {
        self.read.amzn_request_id.as_ref().map(Text::as_str)
    }

    /// `content-type`, parameters included, at most 128 bytes of it.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.read.content_type.as_ref().map(Text::as_str)
    }

    /// `server`: who answered. `cloudflare` also stands on answers of the API itself.
    #[must_use]
    pub fn server(&self) -> Option<&str> {
        self.read.server.as_ref().map(Text::as_str)
    }

    /// `x-should-retry`: the server's own word on whether to send the request again.
    #[must_use]
    pub fn should_retry(&self) -> Option<bool> {
        self.read.should_retry
    }

    /// The server's wait hint, from `retry-after-ms` or `retry-after`, counted from the arrival of
    /// the response.
    ///
    /// Seconds may be whole or fractional; a date is read against [`date`](Self::date), so a wrong
    /// local clock does no harm. Zero is a hint of zero. A value that is negative, infinite, over a
    /// year or unreadable is no hint. RFC 9110 §10.2.3; `retry-after-ms` as the official SDKs do.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.read.retry_after
    }

    /// The rate limits in force; `None` where no such header was there. Successes have them too.
    #[must_use]
    pub fn rate_limits(&self) -> Option<&RateLimits> {
        self.read.rate_limits.as_deref()
    }
}

/// Whether a head may hold a hint of when to come back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hinted {
    No,
    Maybe,
}

impl Read {
    fn take(&mut self, name: &str, value: &HeaderValue) {
        match name {
            "date" => first(&mut self.date, value, |text, _| date::http_date(text)),
            "request-id" => first(&mut self.request_id, value, Text::identifier),
            "cf-ray" => first(&mut self.cf_ray, value, Text::identifier),
            "x-amzn-requestid" => first(&mut self.amzn_request_id, value, Text::identifier),
            "content-type" => first(&mut self.content_type, value, Text::short),
            "server" => first(&mut self.server, value, Text::short),
            "x-should-retry" => first(&mut self.should_retry, value, |text, _| yes_or_no(text)),
            "anthropic-organization-id" => {
                first(&mut self.organization_id, value, Text::identifier);
            }
            "anthropic-workspace-id" => first(&mut self.workspace_id, value, Text::identifier),
            _ if RateLimits::FAMILIES
                .iter()
                .any(|family| name.starts_with(family)) =>
            {
                if let Ok(text) = value.to_str() {
                    self.rate_limits.get_or_insert_default().take(name, text);
                }
            }
            _ => {}
        }
    }
}

/// Reads the first usable value of a header; one that is no text is none.
fn first<T>(
    slot: &mut Option<T>,
    value: &HeaderValue,
    read: impl FnOnce(&str, &HeaderValue) -> Option<T>,
) {
    if slot.is_none()
        && let Ok(text) = value.to_str()
    {
        *slot = read(text, value);
    }
}

/// What a header says and anybody may read: the header's own bytes, shared, where nothing had to be
/// taken out. Every response has several, and most are never asked for.
struct Text(HeaderValue);

impl Text {
    fn identifier(text: &str, value: &HeaderValue) -> Option<Self> {
        if text.trim().len() == text.len() {
            return is_identifier(text).then(|| Self(value.clone()));
        }
        Self::of(&identifier(text)?)
    }

    fn short(text: &str, value: &HeaderValue) -> Option<Self> {
        let whole = text.trim().len() == text.len() && text.len() <= LONGEST;
        if whole && scrub::is_clean(text) {
            return (!text.is_empty()).then(|| Self(value.clone()));
        }
        Self::of(&short(text)?)
    }

    fn of(text: &str) -> Option<Self> {
        HeaderValue::from_str(text).ok().map(Self)
    }

    /// It was text when it was taken.
    fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// A name that may be printed anywhere: short, plain, and nothing that a scrubber would take out.
pub(super) fn identifier(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    is_identifier(text).then(|| text.into())
}

fn is_identifier(text: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    // Of letters, digits and `_` alone nothing is made that a scrubber looks for: keys have a `-`,
    // tokens and addresses a `.` or a `:`.
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let fit = !text.is_empty() && text.len() <= LONGEST;
    fit && (text.bytes().all(is_harmless) || (text.bytes().all(plain) && scrub::is_clean(text)))
}

fn short(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    (!text.is_empty()).then(|| scrub::scrub(text, LONGEST))
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read.fmt(f)
    }
}
