//! Status, headers and body of a reply before pauses and cuts.

use std::time::Duration;

use bytes::Bytes;

use crate::calendar::{first_of_next_month, http_date, rfc3339_rounded_up};
use crate::dice::Dice;
use crate::envelope::{Envelope, status_of};
use crate::ids;
use crate::message::Message;
use crate::pieces::Pieces;
use crate::plan::Circumstances;
use crate::reply::{ErrorEvent, Reply, What};
use crate::request::Form;
use crate::sse::SseEvent;

const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";
const HTML: &str = "text/html; charset=UTF-8";
/// What a scripted 429 says the limit is.
const SCRIPTED_LIMIT: u32 = 50;

/// Everything that is said, not yet when.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) request_id: Option<String>,
    pub(crate) pieces: Pieces,
}

impl Content {
    pub(crate) fn of(
        reply: &Reply,
        given: &Circumstances<'_>,
        limits: impl FnOnce(u64) -> Vec<(String, String)>,
    ) -> Self {
        let mut dice = Dice::new(given.seed, given.number);
        let request_id = ids::request_id(&mut dice);
        let said = Said::of(reply, given, &request_id, &mut dice);
        let from_edge = matches!(reply.what, What::Gateway { .. });

        let mut headers = vec![("date".to_owned(), http_date(given.wall))];
        if let Some(kind) = said.content_type {
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        if said.content_type == Some(EVENT_STREAM) {
            headers.push(("cache-control".to_owned(), "no-cache".to_owned()));
        }
        if from_edge {
            headers.push(("server".to_owned(), "cloudflare".to_owned()));
            headers.push(("cf-ray".to_owned(), ids::ray_id(&mut dice)));
        } else {
            headers.push(("request-id".to_owned(), request_id.clone()));
            let organization = given.organization.to_owned();
            headers.push(("anthropic-organization-id".to_owned(), organization));
            headers.extend(limits(said.output_tokens));
        }
        overlay(&mut headers, said.headers);
        overlay(
            &mut headers,
            reply.retry_after.map(retry_after).unwrap_or_default(),
        );
        overlay(&mut headers, reply.headers.clone());
        Self {
            status: said.status,
            request_id: header(&headers, "request-id"),
            headers,
            pieces: said.pieces,
        }
    }
}

/// What one kind of reply says.
struct Said {
    status: u16,
    content_type: Option<&'static str>,
    headers: Vec<(String, String)>,
    pieces: Pieces,
    output_tokens: u64,
}

impl Said {
    fn of(reply: &Reply, given: &Circumstances<'_>, id: &str, dice: &mut Dice) -> Self {
        let form = given.request.map_or(Form::Plain, |request| request.form);
        match (&reply.what, &reply.error_event) {
            (What::Message(_), Some(error)) if form == Form::Plain => {
                let status = status_of(&error.error_type);
                Self::error(status, &error.error_type, &error.message, None, id)
            }
            (What::Message(text), error) => Self::message(text, error.as_ref(), given, id, dice),
            (What::Events(events), error) => Self::stream(events.clone(), error.as_ref(), id),
            (
                What::Error {
                    status,
                    error_type,
                    message,
                    code,
                },
                _,
            ) => Self::error(*status, error_type, message, code.as_deref(), id),
            (What::RateLimited, _) => {
                let limit = format!("{SCRIPTED_LIMIT} requests per minute");
                let message = over_the_limit(&limit, given);
                let mut said = Self::error(429, "rate_limit_error", &message, None, id);
                let reset = reply.retry_after.unwrap_or_default();
                said.headers = vec![
                    (
                        "anthropic-ratelimit-requests-limit".into(),
                        SCRIPTED_LIMIT.to_string(),
                    ),
                    ("anthropic-ratelimit-requests-remaining".into(), "0".into()),
                    (
                        "anthropic-ratelimit-requests-reset".into(),
                        rfc3339_rounded_up(given.wall, reset),
                    ),
                ];
                said
            }
            (What::SpendCap, _) => {
                let message = format!(
                    "You have reached your API usage limits. You will regain access on {} at 00:00 UTC.",
                    first_of_next_month(given.wall)
                );
                let code = Some("enforced_spend_limit_reached");
                Self::error(429, "rate_limit_error", &message, code, id)
            }
            (What::Raw { status, body }, _) => Self::whole(*status, None, body.clone()),
            (What::Gateway { status }, _) => {
                let page = format!(
                    "<!DOCTYPE html>\n<html><head><title>api.anthropic.com | {status}</title></head>\n\
                     <body><center><h1>{status}</h1></center><hr><center>cloudflare</center></body></html>\n"
                );
                Self::whole(*status, Some(HTML), page.into())
            }
            (What::Hangup(_), _) => Self::whole(200, None, Bytes::new()),
        }
    }

    fn message(
        text: &str,
        error: Option<&ErrorEvent>,
        given: &Circumstances<'_>,
        id: &str,
        dice: &mut Dice,
    ) -> Self {
        let Some(request) = given.request else {
            return Self::whole(200, None, Bytes::new());
        };
        let message = Message::compose(text, request, dice);
        let mut said = match request.form {
            Form::Plain => Self::whole(200, Some(JSON), message.json().into()),
            Form::Stream => Self::stream(message.events(), error, id),
        };
        said.output_tokens = error.map_or(message.output_tokens(), |error| {
            message.output_tokens_of(error.after)
        });
        said
    }

    fn stream(mut events: Vec<SseEvent>, error: Option<&ErrorEvent>, id: &str) -> Self {
        if let Some(error) = error {
            events.truncate(error.after);
            let envelope = Envelope::new(&error.error_type, &error.message, None).request_id(id);
            events.push(SseEvent::new("error", &envelope.json()));
        }
        let pieces = events.into_iter().map(SseEvent::into_bytes).collect();
        let mut said = Self::whole(200, Some(EVENT_STREAM), Bytes::new());
        said.pieces = Pieces::Stream(pieces);
        said
    }

    fn error(status: u16, kind: &str, message: &str, code: Option<&str>, id: &str) -> Self {
        let body = Envelope::new(kind, message, code).request_id(id).json();
        Self::whole(status, Some(JSON), body.into())
    }

    fn whole(status: u16, content_type: Option<&'static str>, body: Bytes) -> Self {
        let pieces = Pieces::Whole(body);
        Self {
            status,
            content_type,
            headers: Vec::new(),
            pieces,
            output_tokens: 0,
        }
    }
}

/// The API's sentence for a request over a limit.
pub(crate) fn over_the_limit(limit: &str, given: &Circumstances<'_>) -> String {
    let model = given
        .request
        .map_or("unknown", |request| request.model.as_str());
    format!(
        "This request would exceed your organization's rate limit of {limit} (org: {}, model: {model}).",
        given.organization
    )
}

fn retry_after(wait: Duration) -> Vec<(String, String)> {
    let up = |length: u128, unit: u128| length.div_ceil(unit).to_string();
    let nanos = wait.as_nanos();
    let mut headers = vec![("retry-after".to_owned(), up(nanos, 1_000_000_000))];
    if wait.subsec_nanos() > 0 {
        headers.push(("retry-after-ms".to_owned(), up(nanos, 1_000_000)));
    }
    headers
}

/// Puts `over` in place of what has the same names.
fn overlay(headers: &mut Vec<(String, String)>, over: Vec<(String, String)>) {
    headers.retain(|(name, _)| {
        !over
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
    });
    headers.extend(over);
}

fn header(headers: &[(String, String)], name: &str) -> Option<String> {
    headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.clone())
}
