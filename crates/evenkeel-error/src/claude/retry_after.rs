//! How long the server asks to wait.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

use super::date;

/// A longer wait is a mistake of somebody's and no hint.
const ABSURD: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Reads `retry-after-ms`, or else `retry-after`, whichever first holds a usable value.
///
/// `now` is the response's own `Date`, or the time of arrival where it has none: read against the
/// server's clock, a date does no harm to a program whose clock is wrong.
pub(super) fn read(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let values = |name| {
        headers
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok())
    };
    values("retry-after-ms")
        .find_map(milliseconds)
        .or_else(|| values("retry-after").find_map(|text| seconds_or_date(text, now)))
}

/// `retry-after` (RFC 9110 §10.2.3), with the fractions that the official SDKs also accept.
fn seconds_or_date(text: &str, now: SystemTime) -> Option<Duration> {
    match text.trim().parse() {
        Ok(number) => seconds(number),
        Err(_) => plausible(date::http_date(text)?.duration_since(now).ok()?),
    }
}

/// `retry-after-ms`, which the official SDKs prefer to `retry-after`.
fn milliseconds(text: &str) -> Option<Duration> {
    seconds(text.trim().parse::<f64>().ok()? / 1_000.0)
}

/// A wait in seconds, whole or not, if it is one: not negative, not absurd, not infinite.
pub(super) fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok().and_then(plausible)
}

fn plausible(wait: Duration) -> Option<Duration> {
    (wait <= ABSURD).then_some(wait)
}
