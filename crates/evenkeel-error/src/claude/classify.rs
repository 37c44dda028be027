//! What an answer means: the order of trust.
//!
//! 1. `error.details.error_code`;
//! 2. a message that a row of the taxonomy names;
//! 3. `error.type`, where the generic ones yield to a status that has a row of its own;
//! 4. the status, which is all there is where the type is unknown.

use std::borrow::Cow;
use std::time::Duration;

use super::body::{self, Form};
use super::envelope::Envelope;
use super::error::{LONGEST_MESSAGE, Said};
use super::evidence::{self, holds};
use super::facts::identifier;
use super::scrub::scrub;
use super::tables::{self, CODES, Code, FRAGMENTS, PREFIXES, Prefix, TYPES, Type};
use super::{Detail, Error, Facts};
use crate::{Delivery, ErrorKind, Hint, Recovery};

/// The longest beginning of a body that is kept, in bytes.
pub(super) const LONGEST_BODY: usize = 2 * 1024;

/// The longest line that is kept for a message of somebody who is not the API, in bytes.
const LONGEST_LINE: usize = 256;

/// Where an error stood.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the body of a response.
    Response,
    /// In an event of a stream that has begun.
    Event,
}

/// Makes one typed error of whatever arrived.
pub(super) fn classify(facts: &Facts, bytes: &[u8], place: Place) -> Error {
    let text = body::text(bytes);
    let paired;
    let mended;
    let mut envelope = Envelope::default();
    if text.starts_with('{') {
        envelope = Envelope::read(&text);
        if envelope.broken && text.contains("\\u") {
            // Half a pair of surrogates: a message that was cut by its length in UTF-16.
            paired = body::paired(&text);
            envelope = Envelope::read(&paired);
        }
        if envelope.cut && envelope.message.is_none() {
            // Half a type or a code would be another one; half a message still says something.
            mended = body::mended(&text);
            envelope.message = Envelope::read(&mended).message;
        }
    }
    let form = body::form(&text, &envelope, facts.content_type());
    let known = envelope.error_type.as_deref().and_then(find_type);
    let code = envelope.code.as_deref().and_then(find_code);
    let said = Said {
        error_type: verbatim(
            envelope.error_type.as_deref(),
            known.map(|known| known.name),
        ),
        code: verbatim(envelope.code.as_deref(), code.map(|code| code.name)),
        request_id: unless(facts.request_id(), envelope.request_id.as_deref()),
        cf_ray: unless(facts.cf_ray(), envelope.problem.ray_id.as_deref()),
        ..words(&text, form, &envelope)
    };
    let message = said.message.as_deref();

    let says_error = place == Place::Event || envelope.enclosed;
    let base = by_type_or_status(facts.status(), form, says_error, known);
    let prefix = message.and_then(|message| find_prefix(message, base));
    let kind = code
        .map(|code| code.kind)
        .or(prefix.map(|prefix| prefix.kind))
        .unwrap_or(base);

    let detail = evidence::collect(kind, facts, &envelope, message);
    let advice = code
        .map(|code| code.advice)
        .or(prefix.and_then(|prefix| prefix.advice))
        .or_else(|| specific_advice(kind, form, &detail));
    let helps = code
        .and_then(|code| code.recovery)
        .unwrap_or(tables::recovery(kind));
    let (recovery, repeats) = recovery(kind, helps, facts, envelope.problem.retry_after);

    let mut error = Error::new(kind, recovery, delivery(kind, form)).with_facts(facts.clone());
    error.inner.repeats = repeats;
    error.inner.detail = detail;
    error.inner.advice = advice;
    error.inner.said = said;
    error
}

fn find_code(name: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.name == name)
}

fn find_type(name: &str) -> Option<&'static Type> {
    TYPES.iter().find(|known| known.name == name)
}

fn find_prefix(message: &str, base: ErrorKind) -> Option<&'static Prefix> {
    let message = message.trim_start();
    PREFIXES.iter().find(|prefix| {
        let start = message.get(..prefix.starts.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.starts))
            && (prefix.holds.is_empty() || holds(message, prefix.holds))
            && (prefix.within.is_empty() || prefix.within.contains(&base))
    })
}

fn by_type_or_status(status: u16, form: Form, says_error: bool, known: Option<&Type>) -> ErrorKind {
    let row = tables::by_row(status, form);
    match known {
        // A redirect is no answer of the API's, whatever stands in its body.
        _ if (300..400).contains(&status) => ErrorKind::Protocol,
        Some(known) if !known.generic || row.is_none() => known.kind,
        // The server says that it is an error, whatever the status was.
        _ if says_error && status < 300 => ErrorKind::ServerError,
        _ => row.unwrap_or_else(|| tables::by_class(status)),
    }
}

/// A gateway cannot say whether the API has processed the request.
fn delivery(kind: ErrorKind, form: Form) -> Delivery {
    match kind {
        ErrorKind::BadGateway => Delivery::Unknown,
        ErrorKind::ServerTimeout if form != Form::Api => Delivery::Unknown,
        _ => Delivery::Answered,
    }
}

/// What helps, once the server has had its say.
fn recovery(
    kind: ErrorKind,
    helps: Recovery,
    facts: &Facts,
    in_body: Option<Duration>,
) -> (Recovery, Option<u32>) {
    let redirect = (300..400).contains(&facts.status());
    let protocol = kind == ErrorKind::Protocol;
    // What only a person can change is not tried again whatever the header says.
    let person = matches!(
        kind,
        ErrorKind::QuotaExhausted | ErrorKind::Billing | ErrorKind::Authentication
    );
    let (helps, repeats) = match facts.should_retry() {
        _ if redirect => return (Recovery::Never, protocol.then_some(1)),
        Some(false) => (Recovery::Never, None),
        Some(true) if helps == Recovery::Never && !person => (Recovery::BackOff, Some(2)),
        _ => (helps, protocol.then_some(1)),
    };
    match (helps.pace(), facts.retry_after().or(in_body)) {
        (Some(_), Some(wait)) if kind == ErrorKind::RateLimited => (
            Recovery::After {
                wait,
                hint: Hint::Limit,
            },
            repeats,
        ),
        (Some(pace), Some(wait)) => (
            Recovery::After {
                wait,
                hint: Hint::Trouble(pace),
            },
            repeats,
        ),
        _ => (helps, repeats),
    }
}

fn specific_advice(kind: ErrorKind, form: Form, detail: &Detail) -> Option<&'static str> {
    match detail {
        _ if kind == ErrorKind::PermissionDenied && form == Form::Html => Some(tables::CHALLENGED),
        Detail::RateLimit(limit) => tables::limit_advice(*limit),
        _ => None,
    }
}

/// What a message about a request tells to do. Looked up only where somebody asks.
pub(super) fn advice_on_request(message: &str) -> Option<&'static str> {
    let fragment = FRAGMENTS.iter().find(|(part, _)| holds(message, part));
    fragment.map(|&(_, advice)| advice)
}

/// Keeps the message and the body, without secrets and within bounds.
fn words(text: &str, form: Form, envelope: &Envelope<'_>) -> Said {
    let problem = &envelope.problem;
    let (message, longest) = match form {
        Form::Empty => return Said::default(),
        Form::Api => (envelope.message.as_deref(), LONGEST_MESSAGE),
        Form::Problem => (
            problem.detail.as_deref().or(problem.title.as_deref()),
            LONGEST_LINE,
        ),
        Form::Html => (body::title(text), LONGEST_LINE),
        // JSON of another shape is no message, and may be the request.
        Form::Text if text.starts_with(['{', '[']) => (None, LONGEST_LINE),
        Form::Text => (text.lines().next(), LONGEST_LINE),
    };
    Said {
        message: message.map(|message| scrub(message.trim(), longest)),
        body: Some(scrub(text, LONGEST_BODY)),
        ..Said::default()
    }
}

/// An id that the body gives where the headers have none.
fn unless(in_head: Option<&str>, in_body: Option<&str>) -> Option<Box<str>> {
    in_body.filter(|_| in_head.is_none()).and_then(identifier)
}

/// A name of the server's as it stands; known ones need no memory of their own.
fn verbatim(name: Option<&str>, known: Option<&'static str>) -> Option<Cow<'static, str>> {
    let unknown = || identifier(name?).map(|name| Cow::Owned(name.into_string()));
    known.map(Cow::Borrowed).or_else(unknown)
}
