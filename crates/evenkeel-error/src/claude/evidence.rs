//! The data of a failure, out of what the server said.

use super::envelope::{Details, Envelope};
use super::limits::RateLimits;
use super::scrub::{is_clean, scrub};
use super::{Detail, Facts, FieldPath, Limit, date};
use crate::ErrorKind;

/// The longest URL or name that is kept.
const LONGEST: usize = 256;

/// Collects the detail of one kind. `message` is scrubbed and bounded already.
pub(super) fn collect(
    kind: ErrorKind,
    facts: &Facts,
    envelope: &Envelope<'_>,
    message: Option<&str>,
) -> Detail {
    let text = message.unwrap_or_default();
    let code = envelope.code.as_deref();
    match kind {
        ErrorKind::RateLimited => Detail::RateLimit(limit(code, text, facts.rate_limits())),
        ErrorKind::QuotaExhausted => Detail::SpendCap {
            resumes: date::stated(text),
        },
        ErrorKind::PromptTooLong => {
            let mut numbers = numbers(text);
            Detail::PromptTooLong {
                actual: numbers.next().flatten(),
                maximum: numbers.next().flatten(),
            }
        }
        ErrorKind::RequestTooLarge => too_large(text).unwrap_or(Detail::TooLarge {
            bytes: None,
            maximum: None,
            path: None,
        }),
        ErrorKind::InvalidRequest if envelope.is_api() => invalid(code, text, &envelope.details),
        _ => links(&envelope.details).unwrap_or(Detail::None),
    }
}

fn limit(code: Option<&str>, text: &str, limits: Option<&RateLimits>) -> Limit {
    let says = |words: &str| holds(text, words);
    let spent = |of: fn(&RateLimits) -> Option<super::RateLimit>| {
        limits.and_then(of).and_then(|limit| limit.remaining) == Some(0)
    };
    if code == Some("ramp_limit_exceeded") || says("acceleration") || says("ramp limit") {
        Limit::Ramp
    } else if says("concurrent") {
        Limit::Concurrency
    } else if says("fast mode") || says("fast-mode") {
        Limit::FastMode
    } else if says("input tokens per minute") {
        Limit::InputTokens
    } else if says("output tokens per minute") {
        Limit::OutputTokens
    } else if says("requests per minute") {
        Limit::Requests
    } else if limits.is_some_and(RateLimits::fast) {
        Limit::FastMode
    } else if spent(|limits| limits.requests) {
        Limit::Requests
    } else if spent(|limits| limits.input_tokens) {
        Limit::InputTokens
    } else if spent(|limits| limits.output_tokens) {
        Limit::OutputTokens
    } else {
        Limit::Unknown
    }
}

fn invalid(code: Option<&str>, text: &str, details: &Details<'_>) -> Detail {
    match code {
        Some("image_dimensions_too_large") => Detail::Images {
            paths: details
                .paths
                .iter()
                .filter_map(|path| place(path))
                .collect(),
            max_side_pixels: details.max_side_pixels.and_then(pixels),
        },
        Some("thread_unsupported_request") => Detail::Unsupported {
            features: details
                .unsupported
                .iter()
                .map(|name| scrub(name, LONGEST))
                .collect(),
        },
        _ => None
            .or_else(|| links(details))
            .or_else(|| context_overflow(text))
            .or_else(|| too_large(text))
            .or_else(|| FieldPath::named_by(text).map(|path| Detail::Field { path }))
            .unwrap_or(Detail::None),
    }
}

fn links(details: &Details<'_>) -> Option<Detail> {
    let url = |url: Option<&str>| {
        let fit = |url: &&str| url.starts_with("https://") && url.len() <= LONGEST && is_clean(url);
        url.filter(fit).map(Box::from)
    };
    let appeal = url(details.appeal_url.as_deref());
    let docs = url(details.docs_url.as_deref());
    (appeal.is_some() || docs.is_some()).then_some(Detail::Links { appeal, docs })
}

/// `input length and max_tokens exceed context limit: A + B > C`.
fn context_overflow(text: &str) -> Option<Detail> {
    let (_, sum) = text.split_once("exceed context limit:")?;
    let mut numbers = numbers(sum);
    Some(Detail::ContextOverflow {
        input: numbers.next()??,
        max_tokens: numbers.next()??,
        maximum: numbers.next()??,
    })
}

/// `… maximum: N bytes > M bytes`.
fn too_large(text: &str) -> Option<Detail> {
    let (before, after) = text.split_once(" bytes > ")?;
    Some(Detail::TooLarge {
        bytes: numbers(before).last().flatten(),
        maximum: numbers(after).next().flatten(),
        path: FieldPath::named_by(text),
    })
}

/// A path as the details list it.
fn place(text: &str) -> Option<FieldPath> {
    let fit = text.len() <= LONGEST && is_clean(text);
    fit.then(|| FieldPath::parse(text)).flatten()
}

/// The whole numbers in a text, in order; `None` for one that is larger than we count. Commas between
/// digits group them.
fn numbers(text: &str) -> impl Iterator<Item = Option<u64>> {
    text.split(|sign: char| !sign.is_ascii_digit() && sign != ',')
        .map(|group| group.trim_matches(','))
        .filter(|group| !group.is_empty())
        .map(|group| group.replace(',', "").parse().ok())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float to integer cast saturates, and the range is checked"
)]
fn pixels(number: f64) -> Option<u32> {
    (1.0..=f64::from(u32::MAX))
        .contains(&number)
        .then_some(number as u32)
}

/// Whether a text holds these words, whatever their case. `words` are ASCII in lower case.
pub(super) fn holds(text: &str, words: &str) -> bool {
    let (text, words) = (text.as_bytes(), words.as_bytes());
    let first = words.first().copied().unwrap_or_default();
    let starts = text.iter().enumerate();
    let mut starts = starts.filter(|(_, byte)| byte.to_ascii_lowercase() == first);
    starts.any(|(at, _)| {
        let part = text.get(at..at + words.len());
        part.is_some_and(|part| part.eq_ignore_ascii_case(words))
    })
}
