//! Status, headers and body of a reply before pauses and cuts.

use std::time::Duration;

use bytes::Bytes;

use crate::answer::Answer;
use crate::calendar::http_date;
use crate::dice::Dice;
use crate::distortion::Distortion;
use crate::envelope::{Envelope, status_of};
use crate::flaw::Soundness;
use crate::gate::Bill;
use crate::ids;
use crate::message::Message;
use crate::pieces::Pieces;
use crate::plan::Circumstances;
use crate::reply::{ErrorEvent, Reply, What};
use crate::request::Form;
use crate::sse::SseEvent;
use crate::usage::Tier;

const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";
const HTML: &str = "text/html; charset=UTF-8";

/// Everything that is said, not yet when.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) request_id: Option<String>,
    pub(crate) pieces: Pieces,
    /// None if nothing was generated.
    pub(crate) output_tokens: Option<u64>,
    pub(crate) remarks: Remarks,
    pub(crate) soundness: Soundness,
}

/// What a reply tells a client to do, for the verdict on what it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Remarks {
    /// How long to wait.
    pub(crate) retry_after: Option<Duration>,
    /// Whether the same request can ever succeed.
    pub(crate) advice: Advice,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Nothing is wrong, or it may be better next time.
    #[default]
    Open,
    /// The same request will fail again.
    Hopeless,
}

impl Content {
    pub(crate) fn of(
        reply: &Reply,
        given: &Circumstances<'_>,
        limits: impl FnOnce(Bill) -> Vec<(String, String)>,
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
            // Who is not known has neither.
            if said.status != 401 {
                for (whose, id) in [
                    ("anthropic-organization-id", given.organization),
                    ("anthropic-workspace-id", given.workspace),
                ] {
                    headers.push((whose.to_owned(), id.to_owned()));
                }
            }
            headers.extend(limits(said.bill(given)));
        }
        overlay(&mut headers, said.headers);
        overlay(
            &mut headers,
            reply.retry_after.map(retry_after).unwrap_or_default(),
        );
        overlay(&mut headers, reply.headers.clone());
        let told = header(&headers, "x-should-retry");
        let advice = match (told.as_deref(), said.status) {
            (Some("true"), _) => Advice::Open,
            (Some("false"), _) | (None, 400..=407 | 413 | 422) => Advice::Hopeless,
            _ if matches!(reply.what, What::Shortage(shortage) if shortage.is_lasting()) => {
                Advice::Hopeless
            }
            _ => Advice::Open,
        };
        // Of other requests it is not known what a good reply would be.
        let soundness = match (given.request, said.status) {
            (Some(_), 200..=299) => Soundness::of(reply, &said.pieces),
            _ => Soundness::default(),
        };
        Self {
            soundness,
            status: said.status,
            request_id: header(&headers, "request-id"),
            remarks: Remarks {
                retry_after: hint(&headers),
                advice,
            },
            headers,
            pieces: said.pieces,
            output_tokens: said.output_tokens,
        }
    }
}

/// What one kind of reply says.
struct Said {
    status: u16,
    content_type: Option<&'static str>,
    headers: Vec<(String, String)>,
    pieces: Pieces,
    output_tokens: Option<u64>,
}

impl Said {
    fn of(reply: &Reply, given: &Circumstances<'_>, id: &str, dice: &mut Dice) -> Self {
        let form = given.request.map_or(Form::Plain, |request| request.form);
        let distortion = reply.distortion;
        match (&reply.what, &reply.error_event) {
            (What::Answer(_), Some(error)) if form == Form::Plain => {
                let status = status_of(&error.error_type);
                Self::error(status, &error.error_type, &error.message, None, id)
            }
            (What::Answer(answer), error) => {
                let mut answer = answer.clone();
                answer.stop = reply.stop.clone().or(answer.stop);
                Self::message(&answer, error.as_ref(), distortion, given, id, dice)
            }
            (What::Events(events), error) => {
                Self::stream(events.clone(), error.as_ref(), distortion, id)
            }
            (
                What::Error {
                    status,
                    error_type,
                    message,
                    code,
                },
                _,
            ) => Self::error(*status, error_type, message, code.as_deref(), id),
            (What::Shortage(shortage), _) => {
                let refused = shortage.refused(given, reply.retry_after);
                let (kind, code) = (refused.error_type, refused.code);
                let mut said = Self::error(shortage.status(), kind, &refused.message, code, id);
                said.headers = refused.headers;
                said
            }
            (What::Redirect { status, to }, _) => {
                let to = to.clone().or_else(|| given.trap.clone());
                let mut said = Self::whole(*status, None, Bytes::new());
                said.headers = vec![("location".to_owned(), to.unwrap_or_default())];
                said
            }
            (What::Raw { status, body }, _) => Self::whole(*status, None, body.clone()),
            (What::Gateway { status }, _) => {
                let page = format!(
                    "<!DOCTYPE html>\n<html><head><title>api.anthropic.com | {status}</title></head>\n\
                     <body><center><h1>{status}</h1></center><hr><center>cloudflare</center></body></html>\n"
                );
                Self::whole(*status, Some(HTML), page.into())
            }
            (What::Hangup(_) | What::Verbatim(_) | What::Scripted, _) => {
                Self::whole(200, None, Bytes::new())
            }
        }
    }

    fn message(
        answer: &Answer,
        error: Option<&ErrorEvent>,
        distortion: Distortion,
        given: &Circumstances<'_>,
        id: &str,
        dice: &mut Dice,
    ) -> Self {
        let Some(request) = given.request else {
            return Self::whole(200, None, Bytes::new());
        };
        let message = Message::compose(answer, request, given.input, dice);
        let mut said = match request.form {
            Form::Plain => {
                let json = message.json(Tier::Standard).into_bytes();
                let json = distortion.of_json(&json).unwrap_or(json);
                Self::whole(200, Some(JSON), json.into())
            }
            Form::Stream => Self::stream(message.events(), error, distortion, id),
        };
        let tokens = error.map_or(message.output_tokens(), |error| {
            message.output_tokens_of(error.after)
        });
        said.output_tokens = Some(tokens);
        said
    }

    fn stream(
        events: Vec<SseEvent>,
        error: Option<&ErrorEvent>,
        distortion: Distortion,
        id: &str,
    ) -> Self {
        let mut events = distortion.extended(events);
        if let Some(error) = error {
            events.truncate(error.after);
            let envelope = Envelope::new(&error.error_type, &error.message, None).request_id(id);
            events.push(SseEvent::new("error", &envelope.json()));
        }
        let events = distortion.changed(events);
        let pieces = events.into_iter().map(SseEvent::into_bytes).collect();
        let mut said = Self::whole(200, Some(EVENT_STREAM), Bytes::new());
        said.pieces = Pieces::Stream(pieces);
        said
    }

    fn bill(&self, given: &Circumstances<'_>) -> Bill {
        Bill {
            status: self.status,
            generated: self.output_tokens.map(|tokens| (given.input, tokens)),
        }
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
            output_tokens: None,
        }
    }
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

/// How long the headers say to wait.
fn hint(headers: &[(String, String)]) -> Option<Duration> {
    let number = |name: &str| header(headers, name)?.trim().parse::<u64>().ok();
    number("retry-after-ms")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))
}
