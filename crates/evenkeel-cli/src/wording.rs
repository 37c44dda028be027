//! What programs call by a label, in words for people. The JSON report keeps the labels.

use std::error::Error as _;
use std::time::{Duration, SystemTime};

use evenkeel::error::{Category, Delivery, Error, Recoverable as _, Recovery};
use evenkeel::event::{Circuit, Trigger, WaitReason};
use evenkeel::messages::StopReason;
use humantime::{format_duration, format_rfc3339_seconds};

use crate::terminal;

/// A wait with what it is for.
pub(crate) fn wait(reason: WaitReason, wait: Duration) -> String {
    let span = span(wait);
    match reason {
        WaitReason::Backoff => format!("waiting {span}"),
        WaitReason::Hint => format!("waiting {span}, as the server asks"),
        WaitReason::SharedLimit => format!("waiting {span}, as the server asked before"),
        WaitReason::Circuit => format!("waiting {span}, until the circuit lets a call pass"),
        WaitReason::Budget => format!("waiting {span} for the retry budget"),
        other => format!("waiting {span} ({})", other.label()),
    }
}

/// Who is asked instead, and why.
pub(crate) fn fallback(model: &str, trigger: Trigger) -> String {
    let why = match trigger {
        Trigger::CircuitOpen => "the circuit is open",
        Trigger::Overloaded => "there was no capacity twice",
        Trigger::Silence => "the reply did not begin",
        Trigger::Refusal => "the model refused",
        other => other.label(),
    };
    format!("{why}, asking {}", terminal::plain(model))
}

/// A time as people say it: seconds while they mean something, hours where they do not.
pub(crate) fn span(time: Duration) -> String {
    if time < Duration::from_secs(120) {
        return format!("{:.1} s", time.as_secs_f64());
    }
    format_duration(Duration::from_secs(time.as_secs())).to_string()
}

/// What a reader of the text alone would not know of how a reply ended.
pub(crate) fn ending(reason: &StopReason) -> Option<String> {
    let told = match reason {
        StopReason::EndTurn | StopReason::StopSequence => return None,
        StopReason::MaxTokens => "the reply is cut at its limit: raise max-tokens for more",
        StopReason::ToolUse => {
            "the model asks for a tool to be run, which this command does not do"
        }
        StopReason::Refusal => "refused: what was printed of the reply is not to be used",
        StopReason::ModelContextWindowExceeded => "the reply is cut: the model's context is full",
        other => {
            return Some(format!(
                "the reply ended with the reason {}",
                other.as_str()
            ));
        }
    };
    Some(told.to_owned())
}

pub(crate) fn circuit(state: Circuit) -> &'static str {
    match state {
        Circuit::Closed => "closed",
        Circuit::Open => "open",
        Circuit::HalfOpen => "half open",
        Circuit::Recovering => "recovering",
        other => other.label(),
    }
}

pub(crate) fn category(category: Category) -> &'static str {
    match category {
        Category::RateLimit => "rate limit",
        Category::Authentication => "account and key",
        Category::InvalidRequest => "the request",
        Category::Server => "the server, or the way to it",
        Category::Local => "configuration",
    }
}

/// What is said of a failure beyond its line: the server's words as such, and ours where the line has
/// none of them.
pub(crate) fn said(error: &Error, server: &str) -> Option<String> {
    let message = terminal::plain(error.message()?);
    let is_told = error.to_string().contains(&message);
    (!is_told).then(|| match error.status() {
        Some(_) => format!("{server}: {message}"),
        None => message,
    })
}

/// What lies at the bottom of a failure: the operating system's words, mostly, on one line.
pub(crate) fn cause(error: &Error) -> Option<String> {
    let first = error.source()?;
    let causes = std::iter::successors(Some(first), |&cause| cause.source());
    // A chain that does not end is a loop.
    let last = causes.take(16).last()?;
    Some(terminal::plain(&last.to_string()))
}

/// Whether sending the same request again can help, and when.
pub(crate) fn retry(error: &Error) -> String {
    let once = match error.repeats() {
        Some(1) => ", once",
        _ => "",
    };
    match (error.recovery(), error.retry_at()) {
        (Recovery::After { wait, .. }, _) => {
            format!("yes{once}, {} after the answer", format_duration(wait))
        }
        (Recovery::Now, _) => "at once, because it came back unsent".to_owned(),
        (Recovery::BackOff, _) => format!("yes{once}, after a short wait that grows"),
        (Recovery::BackOffLong, _) => format!("yes{once}, after a long wait that grows"),
        (_, Some(moment)) => format!("no use before {}", utc(moment)),
        (Recovery::Refresh, None) => "only with a fresh token".to_owned(),
        (_, None) => "no".to_owned(),
    }
}

pub(crate) fn delivery(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::NotSent => "no, proven",
        Delivery::Unknown => "perhaps",
        Delivery::Answered => "yes",
    }
}

/// A moment as people write it.
pub(crate) fn utc(moment: SystemTime) -> String {
    let moment = format_rfc3339_seconds(moment).to_string();
    moment.replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_put_in_the_mouth_of_a_server_only_where_one_spoke_and_none_are_said_twice() {
        use evenkeel::error::{Facts, Phase};

        let told = |error: &Error| said(error, "the server said");
        let unreached = Error::connection(Delivery::NotSent);
        assert_eq!(told(&unreached.with_message("cannot connect to x:1")), None);
        let late = Error::timed_out(Phase::Connect, Duration::from_secs(1));
        let late = told(&late.with_message("through the proxy x:1"));
        assert_eq!(late.as_deref(), Some("through the proxy x:1"));
        let facts = Facts::read(400, &http::HeaderMap::new(), SystemTime::UNIX_EPOCH);
        let body = br#"{"error":{"type":"invalid_request_error","message":"No.\nReally."}}"#;
        let refused = told(&Error::from_response(&facts, body));
        assert_eq!(refused.as_deref(), Some("the server said: No. Really."));
    }

    #[test]
    fn hours_are_not_counted_in_seconds() {
        for (milliseconds, words) in [(0, "0.0 s"), (119_900, "119.9 s"), (10_801_400, "3h 1s")] {
            assert_eq!(span(Duration::from_millis(milliseconds)), words);
        }
    }

    #[test]
    fn a_moment_is_a_date_and_a_time_of_day() {
        assert_eq!(utc(SystemTime::UNIX_EPOCH), "1970-01-01 00:00:00 UTC");
    }
}
