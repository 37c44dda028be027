//! A generated message, whole or as the events of a stream.

use crate::answer::{Answer, Stop};
use crate::block::{Block, Room, Writer, quoted};
use crate::dice::Dice;
use crate::ids;
use crate::request::MessagesRequest;
use crate::sse::{SseEvent, Tally};

/// `message_start` of a message without content; the API counts one output token then.
pub(crate) fn begun(id: &str, model: &str, input_tokens: u64) -> String {
    let usage = usage(input_tokens, 1, 0);
    format!(
        r#"{{"model":{},"id":{},"type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{usage}}}"#,
        quoted(model),
        quoted(id)
    )
}

fn usage(input_tokens: u64, output_tokens: u64, searches: u32) -> String {
    let searches = match searches {
        0 => String::new(),
        _ => format!(
            r#","server_tool_use":{{"web_search_requests":{searches},"web_fetch_requests":0}}"#
        ),
    };
    format!(
        r#"{{"input_tokens":{input_tokens},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0}},"output_tokens":{output_tokens},"service_tier":"standard"{searches}}}"#
    )
}

/// `message_start` and `ping`.
const EVENTS_BEFORE_BLOCKS: usize = 2;

/// A message as generated for one request.
#[derive(Debug)]
pub(crate) struct Message {
    id: String,
    model: String,
    blocks: Vec<Block>,
    stop: Stop,
    input_tokens: u64,
    searches: u32,
}

impl Message {
    /// Answers `request`, as far as `max_tokens` allows.
    pub(crate) fn compose(answer: &Answer, request: &MessagesRequest, dice: &mut Dice) -> Self {
        let id = ids::message_id(dice);
        let mut writer = Writer::new(request, dice);
        for part in &answer.parts {
            writer.write(part);
        }
        let Writer {
            blocks,
            room,
            searches,
            calls,
            ..
        } = writer;
        let by_itself = |reason: &str| Stop::Reason(reason.to_owned());
        let stop = match (room, &answer.stop, calls) {
            (Room::Exhausted, _, _) => by_itself("max_tokens"),
            (Room::Left, Some(stop), _) => stop.clone(),
            (Room::Left, None, 0) => by_itself("end_turn"),
            (Room::Left, None, _) => by_itself("tool_use"),
        };
        Self {
            id,
            model: request.model.clone(),
            blocks,
            stop,
            input_tokens: request.input_tokens,
            searches,
        }
    }

    pub(crate) fn output_tokens(&self) -> u64 {
        self.output_tokens_of(usize::MAX)
    }

    /// How many output tokens are in the first events of its stream.
    pub(crate) fn output_tokens_of(&self, events: usize) -> u64 {
        let per_event = self.blocks.iter().flat_map(|block| {
            let deltas = block.deltas.iter().map(|delta| delta.tokens);
            std::iter::once(0).chain(deltas).chain([0])
        });
        per_event
            .take(events.saturating_sub(EVENTS_BEFORE_BLOCKS))
            .sum()
    }

    /// As the body of a plain reply.
    pub(crate) fn json(&self) -> String {
        let blocks: Vec<_> = self
            .blocks
            .iter()
            .map(|block| block.whole.as_str())
            .collect();
        format!(
            r#"{{"model":{},"id":{},"type":"message","role":"assistant","content":[{}],{},"usage":{}}}"#,
            quoted(&self.model),
            quoted(&self.id),
            blocks.join(","),
            stopped(&self.stop),
            usage(self.input_tokens, self.output_tokens(), self.searches)
        )
    }

    /// As a stream: start, ping, the blocks in pieces, delta with the final usage, stop.
    pub(crate) fn events(&self) -> Vec<SseEvent> {
        let mut events = vec![
            SseEvent::message_starts(&begun(&self.id, &self.model, self.input_tokens)),
            SseEvent::ping(),
        ];
        for (index, block) in (0..).zip(&self.blocks) {
            events.push(SseEvent::block_start(index, &block.start));
            let deltas = block.deltas.iter();
            events.extend(deltas.map(|delta| SseEvent::block_delta(index, &delta.json)));
            events.push(SseEvent::block_stop(index));
        }
        let usage = Tally {
            input_tokens: Some(self.input_tokens),
            output_tokens: self.output_tokens(),
            searches: self.searches,
        };
        events.push(SseEvent::message_ends(&stopped(&self.stop), &usage));
        events.push(SseEvent::message_stop());
        events
    }
}

/// The fields that say why a message stops.
pub(crate) fn stopped(stop: &Stop) -> String {
    match stop {
        Stop::Reason(reason) => format!(r#""stop_reason":{},"stop_sequence":null"#, quoted(reason)),
        Stop::Sequence(sequence) => format!(
            r#""stop_reason":"stop_sequence","stop_sequence":{}"#,
            quoted(sequence)
        ),
        Stop::Refusal {
            category,
            explanation,
        } => format!(
            r#""stop_reason":"refusal","stop_sequence":null,"stop_details":{{"type":"refusal","category":{},"explanation":{}}}"#,
            quoted(category),
            quoted(explanation)
        ),
    }
}

#[cfg(test)]
mod tests;
