//! What is wrong with a body before it is sent. Pure: events in, events out.

use crate::sse::SseEvent;

/// How the lines of a stream end. The API ends them with a line feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LineEnd {
    /// `\r\n`.
    CrLf,
    /// `\r` alone, which the standard of server-sent events allows.
    Cr,
}

/// Everything that can be wrong with the content of a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Distortion {
    pub(crate) line_end: Option<LineEnd>,
    pub(crate) malformed: Option<usize>,
    pub(crate) strangers: bool,
    pub(crate) huge: Option<usize>,
}

impl Distortion {
    pub(crate) fn over(self, base: Self) -> Self {
        Self {
            line_end: self.line_end.or(base.line_end),
            malformed: self.malformed.or(base.malformed),
            strangers: self.strangers || base.strangers,
            huge: self.huge.or(base.huge),
        }
    }

    /// Of a stream: what is added to it, before positions are counted.
    pub(crate) fn extended(self, events: Vec<SseEvent>) -> Vec<SseEvent> {
        if !self.strangers && self.huge.is_none() {
            return events;
        }
        let mut extended = Vec::with_capacity(events.len() + 6);
        if self.strangers {
            extended.push(SseEvent::new(
                "unheard_of",
                r#"{"type":"unheard_of","news":[1,null]}"#,
            ));
        }
        let last_block = events
            .iter()
            .rposition(|event| name(event.bytes()) == b"content_block_stop");
        let first_delta = events
            .iter()
            .position(|event| name(event.bytes()) == b"content_block_delta");
        for (place, event) in events.into_iter().enumerate() {
            if Some(place) == first_delta {
                if self.strangers {
                    extended.push(SseEvent::block_delta(
                        0,
                        r#"{"type":"unheard_of_delta","glow":"dim"}"#,
                    ));
                }
                extended.extend(self.huge.map(huge));
            }
            extended.push(event);
            if Some(place) == last_block && self.strangers {
                // Far from any index that a real block has.
                let index = 900;
                extended.push(SseEvent::block_start(
                    index,
                    r#"{"type":"unheard_of_block","glow":""}"#,
                ));
                extended.push(SseEvent::block_delta(
                    index,
                    r#"{"type":"unheard_of_delta","glow":"dim"}"#,
                ));
                extended.push(SseEvent::block_stop(index));
            }
        }
        extended
    }

    /// Of a stream: what changes in its events.
    pub(crate) fn changed(self, mut events: Vec<SseEvent>) -> Vec<SseEvent> {
        if let Some(event) = self.malformed.and_then(|place| events.get_mut(place)) {
            *event = broken(event);
        }
        match self.line_end {
            None => events,
            Some(line_end) => events.iter().map(|event| ended(event, line_end)).collect(),
        }
    }

    /// Of one event that is added later: its lines end as those of the others do.
    pub(crate) fn ended(self, event: SseEvent) -> SseEvent {
        match self.line_end {
            None => event,
            Some(line_end) => ended(&event, line_end),
        }
    }

    /// Of a body of JSON.
    pub(crate) fn of_json(self, body: &[u8]) -> Option<Vec<u8>> {
        let most = body.len().saturating_sub(1);
        self.malformed
            .map(|_| body.get(..most).unwrap_or(body).to_vec())
    }
}

/// The name of an event.
pub(crate) fn name(event: &[u8]) -> &[u8] {
    let line = event.split(|byte| *byte == b'\n' || *byte == b'\r').next();
    line.and_then(|line| line.strip_prefix(b"event: "))
        .unwrap_or_default()
}

fn huge(bytes: usize) -> SseEvent {
    let empty = SseEvent::text_delta(0, "");
    // The text ends before `"}}` and two line ends.
    let (start, end) = empty
        .bytes()
        .split_at(empty.bytes().len().saturating_sub(5));
    let mut whole = Vec::with_capacity(bytes.max(empty.bytes().len()));
    whole.extend_from_slice(start);
    whole.resize(bytes.saturating_sub(end.len()).max(start.len()), b'x');
    whole.extend_from_slice(end);
    SseEvent::verbatim(whole)
}

/// Without the last byte of its data.
fn broken(event: &SseEvent) -> SseEvent {
    let text = String::from_utf8_lossy(event.bytes());
    let whole = text.trim_end_matches('\n');
    let mut letters = whole.chars();
    letters.next_back();
    SseEvent::verbatim(format!("{}\n\n", letters.as_str()))
}

fn ended(event: &SseEvent, line_end: LineEnd) -> SseEvent {
    let end: &[u8] = match line_end {
        LineEnd::CrLf => b"\r\n",
        LineEnd::Cr => b"\r",
    };
    let mut bytes = Vec::with_capacity(event.bytes().len() + 4);
    for byte in event.bytes() {
        match byte {
            b'\n' => bytes.extend_from_slice(end),
            other => bytes.push(*other),
        }
    }
    SseEvent::verbatim(bytes)
}

/// The data of an event as the API writes it; none for what has another form.
pub(crate) fn text_of(event: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(event).ok()?;
    let data = text.lines().find_map(|line| line.strip_prefix("data: "))?;
    let data: serde_json::Value = serde_json::from_str(data).ok()?;
    let delta = data.get("delta")?;
    Some(delta.get("text")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(events: &[SseEvent]) -> String {
        events
            .iter()
            .map(|event| String::from_utf8_lossy(event.bytes()).into_owned())
            .collect()
    }

    fn stream() -> Vec<SseEvent> {
        vec![
            SseEvent::message_start("m"),
            SseEvent::text_start(0),
            SseEvent::text_delta(0, "a"),
            SseEvent::block_stop(0),
            SseEvent::message_stop(),
        ]
    }

    #[test]
    fn lines_end_as_they_are_told() {
        let distortion = Distortion {
            line_end: Some(LineEnd::Cr),
            ..Distortion::default()
        };
        assert_eq!(
            text(&distortion.changed(vec![SseEvent::ping()])),
            "event: ping\rdata: {\"type\": \"ping\"}\r\r"
        );
        let distortion = Distortion {
            line_end: Some(LineEnd::CrLf),
            ..Distortion::default()
        };
        assert_eq!(
            text(&distortion.changed(vec![SseEvent::ping()])),
            "event: ping\r\ndata: {\"type\": \"ping\"}\r\n\r\n"
        );
    }

    #[test]
    fn a_broken_event_is_an_event_and_not_json() {
        let distortion = Distortion {
            malformed: Some(0),
            ..Distortion::default()
        };
        assert_eq!(
            text(&distortion.changed(vec![SseEvent::ping()])),
            "event: ping\ndata: {\"type\": \"ping\"\n\n"
        );
        assert_eq!(distortion.of_json(b"{}"), Some(b"{".to_vec()));
    }

    #[test]
    fn strangers_come_before_between_and_after() {
        let distortion = Distortion {
            strangers: true,
            ..Distortion::default()
        };
        let events = distortion.extended(stream());
        let names: Vec<_> = events
            .iter()
            .map(|event| String::from_utf8_lossy(name(event.bytes())).into_owned())
            .collect();
        assert_eq!(names[0], "unheard_of");
        assert_eq!(events.len(), stream().len() + 5);
        assert!(text(&events).contains("unheard_of_block"), "{names:?}");
    }

    #[test]
    fn a_huge_event_has_the_size_it_was_given() {
        let distortion = Distortion {
            huge: Some(70_000),
            ..Distortion::default()
        };
        let largest = distortion
            .extended(stream())
            .iter()
            .map(|event| event.bytes().len())
            .max();
        assert_eq!(largest, Some(70_000));
        let text = text_of(huge(500).bytes()).unwrap();
        assert!(
            text.len() > 300 && text.bytes().all(|letter| letter == b'x'),
            "{text}"
        );
    }

    #[test]
    fn the_text_of_a_delta_is_read_back() {
        assert_eq!(
            text_of(SseEvent::text_delta(0, "a\nb").bytes()).as_deref(),
            Some("a\nb")
        );
        assert_eq!(text_of(SseEvent::ping().bytes()), None);
    }
}
