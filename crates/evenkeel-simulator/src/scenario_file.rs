//! Scenario files: TOML in, replies out, and errors for people who write TOML, not Rust.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::num::NonZeroU16;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use crate::reply::{Cut, ErrorEvent, Point, Reply};
use crate::scenario::{KeyRule, Scenario, check_reply};
use crate::sse::SseEvent;

/// A scenario that cannot be: what, where, and what is allowed, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError {
    line: Option<usize>,
    fault: String,
}

impl ScenarioError {
    pub(crate) fn new(line: Option<usize>, fault: String) -> Self {
        Self { line, fault }
    }

    /// The line in the file, from 1, where it is known.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.fault)
    }
}

impl Error for ScenarioError {}

/// Reads a scenario file.
pub(crate) fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    let file: File = toml::from_str(text).map_err(|fault| {
        let line = fault.span().map(|span| line_of(text, span.start));
        let said: Vec<_> = fault.message().split_whitespace().collect();
        ScenarioError::new(line, said.join(" "))
    })?;
    let mut replies = Vec::new();
    for table in file.reply {
        let line = line_of(text, table.span().start);
        let table = table.into_inner();
        let times = table.times.map_or(1, NonZeroU16::get);
        let reply = table
            .reply()
            .and_then(|reply| check_reply(&reply).map(|()| reply));
        let reply = reply.map_err(|fault| ScenarioError::new(Some(line), fault))?;
        replies.extend(std::iter::repeat_n(reply, times.into()));
    }
    if replies.is_empty() {
        let fault = "a scenario needs at least one [[reply]]".to_owned();
        return Err(ScenarioError::new(None, fault));
    }
    let scenario = Scenario::script(replies);
    Ok(match file.key {
        KeyRule::Optional => scenario,
        KeyRule::Required => scenario.key_required(),
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    key: KeyRule,
    #[serde(default)]
    reply: Vec<Spanned<ReplyTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyTable {
    message: Option<String>,
    error: Option<ErrorTable>,
    raw: Option<RawTable>,
    gateway: Option<u16>,
    events: Option<Vec<EventTable>>,
    close: Option<CloseWord>,
    times: Option<NonZeroU16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    retry_after: Option<Length>,
    pause_before_head: Option<Length>,
    #[serde(default)]
    pauses: Vec<PauseTable>,
    error_event: Option<ErrorEventTable>,
    cut: Option<CutTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorTable {
    status: u16,
    r#type: String,
    message: String,
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    status: u16,
    #[serde(default)]
    body: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventTable {
    event: String,
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum CloseWord {
    Close,
    Reset,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PauseTable {
    after_events: Option<usize>,
    after_bytes: Option<u64>,
    r#for: Length,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorEventTable {
    after_events: usize,
    r#type: String,
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CutTable {
    after_events: Option<usize>,
    after_bytes: Option<u64>,
    how: CutWord,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum CutWord {
    Clean,
    Reset,
    MidChunk,
}

impl ReplyTable {
    fn reply(self) -> Result<Reply, String> {
        let kinds = [
            self.message.map(Reply::message),
            self.error.map(ErrorTable::reply),
            self.raw.map(|raw| Reply::raw(raw.status).body(raw.body)),
            self.gateway.map(Reply::html_gateway),
            self.events
                .map(|events| Reply::events(events.iter().map(EventTable::event).collect())),
            self.close.map(|word| match word {
                CloseWord::Close => Reply::close_without_reply(),
                CloseWord::Reset => Reply::reset_without_reply(),
            }),
        ];
        let mut kinds = kinds.into_iter().flatten();
        let (Some(mut reply), None) = (kinds.next(), kinds.next()) else {
            return Err(
                "a reply is exactly one of message, error, raw, gateway, events, close".into(),
            );
        };
        reply.headers = self.headers.into_iter().collect();
        reply.retry_after = self.retry_after.map(|length| length.0);
        reply.head_pause = self
            .pause_before_head
            .map_or(Duration::ZERO, |length| length.0);
        for pause in self.pauses {
            let point = point("a pause", pause.after_events, pause.after_bytes)?;
            reply.pauses.push((point, pause.r#for.0));
        }
        reply.error_event = self.error_event.map(|error| ErrorEvent {
            after: error.after_events,
            error_type: error.r#type,
            message: error.message,
        });
        if let Some(cut) = self.cut {
            let how = match cut.how {
                CutWord::Clean => Cut::Clean,
                CutWord::Reset => Cut::Reset,
                CutWord::MidChunk => Cut::MidChunk,
            };
            reply.cut = Some((point("a cut", cut.after_events, cut.after_bytes)?, how));
        }
        Ok(reply)
    }
}

impl ErrorTable {
    fn reply(self) -> Reply {
        let reply = Reply::error(self.status, self.r#type, self.message);
        match self.code {
            Some(code) => reply.error_code(code),
            None => reply,
        }
    }
}

impl EventTable {
    fn event(&self) -> SseEvent {
        SseEvent::new(&self.event, &self.data)
    }
}

fn point(what: &str, events: Option<usize>, bytes: Option<u64>) -> Result<Point, String> {
    match (events, bytes) {
        (Some(events), None) => Ok(Point::Events(events)),
        (None, Some(bytes)) => Ok(Point::Bytes(bytes)),
        _ => Err(format!(
            "{what} has exactly one of after_events, after_bytes"
        )),
    }
}

/// A length of time: a number and its unit.
struct Length(Duration);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        length(&text).map(Self).ok_or_else(|| {
            let form = "a number and a unit: \"200ms\", \"1.5s\", \"3m\", \"3h\"";
            de::Error::custom(format!(
                "\"{}\" is not a length of time; write {form}",
                text.escape_debug()
            ))
        })
    }
}

fn length(text: &str) -> Option<Duration> {
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return None,
    };
    let number: f64 = number.trim_end().parse().ok()?;
    Duration::try_from_secs_f64(number * seconds).ok()
}

#[cfg(test)]
mod tests;
