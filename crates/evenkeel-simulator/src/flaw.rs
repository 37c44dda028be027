//! What makes a reply with a good status a failure, and from which byte on it is none. Pure.

use serde::Serialize;
use serde_json::Value;

use crate::pieces::Pieces;
use crate::reply::{Reply, What};

/// What is wrong with the body of a reply whose status is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Flaw {
    /// There is no body.
    Empty,
    /// The body is not a message: a page of a proxy, for one.
    NotAMessage,
    /// The JSON of an event, or of the message, is broken.
    MalformedJson,
    /// The stream has an `error` event before its stop reason.
    ErrorEvent,
    /// The stream ends without a stop reason.
    Unfinished,
}

impl Flaw {
    /// `in a 200 …`.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Self::Empty => "with an empty body",
            Self::NotAMessage => "that is not a message",
            Self::MalformedJson => "with broken JSON",
            Self::ErrorEvent => "with an error in its stream",
            Self::Unfinished => "without a stop reason",
        }
    }
}

/// What is known of a body, each with the byte at which it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Soundness {
    pub(crate) flaw: Option<(Flaw, u64)>,
    /// The stop reason is there: whatever fails after it, the message is whole.
    pub(crate) settled: Option<u64>,
}

impl Soundness {
    /// Of the body of a reply to a Messages request.
    pub(crate) fn of(reply: &Reply, pieces: &Pieces) -> Self {
        let generated = matches!(reply.what, What::Answer(_));
        let spoilt = reply.distortion.malformed.is_some() || reply.error_event.is_some();
        match pieces {
            // Sound by construction, so that most replies are not read again.
            Pieces::Whole(_) if generated && !spoilt => Self::default(),
            Pieces::Stream(_) if generated && !spoilt => Self {
                flaw: None,
                settled: pieces.stop_reason(),
            },
            Pieces::Whole(body) => Self::of_body(body),
            Pieces::Stream(events) => Self::of_stream(&events.concat()),
        }
    }

    /// What of it is known once `end` bytes have come.
    pub(crate) fn within(self, end: u64) -> Self {
        Self {
            flaw: self.flaw.filter(|(_, place)| *place <= end),
            settled: self.settled.filter(|place| *place <= end),
        }
    }

    fn of_body(body: &[u8]) -> Self {
        let flaw = if body.trim_ascii().is_empty() {
            Flaw::Empty
        } else if [&b"event:"[..], b"data:"]
            .iter()
            .any(|start| body.starts_with(start))
        {
            return Self::of_stream(body);
        } else {
            match serde_json::from_slice::<Value>(body) {
                Ok(message) if message.get("content").is_some_and(Value::is_array) => {
                    return Self::default();
                }
                Err(_) if body.starts_with(b"{") => Flaw::MalformedJson,
                Ok(_) | Err(_) => Flaw::NotAMessage,
            }
        };
        Self {
            flaw: Some((flaw, body.len() as u64)),
            settled: None,
        }
    }

    fn of_stream(stream: &[u8]) -> Self {
        let mut place = 0;
        for block in blocks(stream) {
            place += block.len() as u64;
            match Event::of(block) {
                Event::Broken => return Self::flawed(Flaw::MalformedJson, place),
                Event::Error => return Self::flawed(Flaw::ErrorEvent, place),
                Event::StopReason => {
                    return Self {
                        flaw: None,
                        settled: Some(place),
                    };
                }
                Event::Other => {}
            }
        }
        let flaw = if stream.is_empty() {
            Flaw::Empty
        } else {
            Flaw::Unfinished
        };
        Self::flawed(flaw, place)
    }

    fn flawed(flaw: Flaw, place: u64) -> Self {
        Self {
            flaw: Some((flaw, place)),
            settled: None,
        }
    }
}

/// As far as it decides whether a stream is sound.
enum Event {
    Broken,
    Error,
    StopReason,
    Other,
}

impl Event {
    fn of(block: &[u8]) -> Self {
        let (mut name, mut data) = (String::new(), String::new());
        let text = String::from_utf8_lossy(block);
        for line in text.split(['\n', '\r']) {
            if let Some(rest) = line.strip_prefix("event:") {
                rest.trim().clone_into(&mut name);
            } else if let Some(rest) = line.strip_prefix("data:") {
                data.push_str(rest);
            }
        }
        let known = matches!(
            name.as_str(),
            "error" | "message_start" | "message_delta" | "message_stop"
        ) || name.starts_with("content_block_");
        let Ok(data) = serde_json::from_str::<Value>(&data) else {
            // What no client reads may be anything.
            return if known { Self::Broken } else { Self::Other };
        };
        match data.get("type").and_then(Value::as_str) {
            Some("error") => Self::Error,
            Some("message_delta")
                if data.get("delta").is_some_and(|delta| {
                    delta.get("stop_reason").is_some_and(Value::is_string)
                }) =>
            {
                Self::StopReason
            }
            _ => Self::Other,
        }
    }
}

/// Events with the blank line that ends each, whatever the lines end in; the last may have none.
fn blocks(mut stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    const ENDS: [&[u8]; 3] = [b"\n\n", b"\r\n\r\n", b"\r\r"];
    std::iter::from_fn(move || {
        if stream.is_empty() {
            return None;
        }
        let end = (1..=stream.len())
            .find(|end| {
                let so_far = stream.get(..*end).unwrap_or_default();
                ENDS.iter().any(|blank| so_far.ends_with(blank))
            })
            .unwrap_or(stream.len());
        let (block, rest) = stream.split_at(end);
        stream = rest;
        Some(block)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_judged_by_what_comes_before_its_stop_reason() {
        let stop = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n";
        let error = "event: error\ndata: {\"type\":\"error\"}\n\n";
        let ping = "event: ping\ndata: {}\n\n";
        let strange = "event: unheard_of\ndata: not JSON\n\n";
        let broken = "event: message_start\ndata: {\"type\n\n";
        let length = |parts: &[&str]| parts.iter().map(|part| part.len() as u64).sum::<u64>();
        for (stream, flaw, settled) in [
            (vec![ping, stop, error], None, Some(length(&[ping, stop]))),
            (
                vec![ping, error, stop],
                Some((Flaw::ErrorEvent, length(&[ping, error]))),
                None,
            ),
            (
                vec![broken, stop],
                Some((Flaw::MalformedJson, length(&[broken]))),
                None,
            ),
            (vec![strange, stop], None, Some(length(&[strange, stop]))),
            (vec![ping], Some((Flaw::Unfinished, length(&[ping]))), None),
            (vec![], Some((Flaw::Empty, 0)), None),
        ] {
            let text = stream.concat();
            let expected = Soundness { flaw, settled };
            assert_eq!(Soundness::of_stream(text.as_bytes()), expected, "{text}");
            let crlf = text.replace('\n', "\r\n");
            let judged = Soundness::of_stream(crlf.as_bytes());
            assert_eq!(
                judged.flaw.map(|(flaw, _)| flaw),
                flaw.map(|(flaw, _)| flaw),
                "{crlf}"
            );
        }
    }

    #[test]
    fn a_body_is_sound_if_it_is_a_message() {
        for (body, flaw) in [
            ("", Some(Flaw::Empty)),
            (" \n", Some(Flaw::Empty)),
            ("<html>", Some(Flaw::NotAMessage)),
            ("{\"content\":[]", Some(Flaw::MalformedJson)),
            ("{\"type\":\"error\"}", Some(Flaw::NotAMessage)),
            ("{\"content\":[]}", None),
        ] {
            let judged = Soundness::of_body(body.as_bytes()).flaw;
            assert_eq!(judged.map(|(flaw, _)| flaw), flaw, "{body}");
        }
    }
}
