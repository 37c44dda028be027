//! A generated message, whole or as the events of a stream.

use crate::answer::{Answer, Stop};
use crate::block::{Block, Room, Writer, quoted};
use crate::dice::Dice;
use crate::ids;
use crate::request::MessagesRequest;
use crate::sse::SseEvent;
use crate::usage::{Input, Tier, Usage};

/// A message without content, as in `message_start`; the API counts one output token then, if there
/// is to be any: counts only grow.
pub(crate) fn begun(id: &str, model: &str, usage: Usage) -> String {
    let usage = Usage {
        output_tokens: usage.output_tokens.min(1),
        thinking_tokens: 0,
        searches: 0,
        ..usage
    };
    format!(
        r#"{{"model":{},"id":{},"type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{}}}"#,
        quoted(model),
        quoted(id),
        usage.json(Tier::Standard)
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
    usage: Usage,
}

impl Message {
    /// Answers `request`, as far as `max_tokens` allows.
    pub(crate) fn compose(
        answer: &Answer,
        request: &MessagesRequest,
        input: Input,
        dice: &mut Dice,
    ) -> Self {
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
            thinking_tokens,
            ..
        } = writer;
        let by_itself = |reason: &str| Stop::Reason(reason.to_owned());
        let stop = match (room, &answer.stop, calls) {
            (Room::Exhausted(reason), ..) => by_itself(reason),
            (Room::Stopped(sequence), ..) => Stop::Sequence(sequence),
            (Room::Left, Some(stop), _) => stop.clone(),
            (Room::Left, None, 0) => by_itself("end_turn"),
            (Room::Left, None, _) => by_itself("tool_use"),
        };
        let output_tokens = tokens(&blocks).sum();
        let usage = Usage {
            output_tokens,
            thinking_tokens,
            searches,
            ..Usage::of(request, input)
        };
        Self {
            id,
            model: request.model.clone(),
            blocks,
            stop,
            usage,
        }
    }

    pub(crate) fn output_tokens(&self) -> u64 {
        self.usage.output_tokens
    }

    /// How many output tokens are in the first events of its stream.
    pub(crate) fn output_tokens_of(&self, events: usize) -> u64 {
        let events = events.saturating_sub(EVENTS_BEFORE_BLOCKS);
        tokens(&self.blocks).take(events).sum()
    }

    /// As the body of a plain reply.
    pub(crate) fn json(&self, tier: Tier) -> String {
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
            self.usage.json(tier)
        )
    }

    /// As a stream: start, ping, the blocks in pieces, delta with the final usage, stop.
    pub(crate) fn events(&self) -> Vec<SseEvent> {
        let mut events = vec![
            SseEvent::message_starts(&begun(&self.id, &self.model, self.usage.clone())),
            SseEvent::ping(),
        ];
        for (index, block) in (0..).zip(&self.blocks) {
            events.push(SseEvent::block_start(index, &block.start));
            let deltas = block.deltas.iter();
            events.extend(deltas.map(|delta| SseEvent::block_delta(index, &delta.json)));
            events.push(SseEvent::block_stop(index));
        }
        let stopped = stopped(&self.stop);
        events.push(SseEvent::message_ends(&stopped, &self.usage.delta()));
        events.push(SseEvent::message_stop());
        events
    }
}

/// The output tokens in each event of a stream of these blocks.
fn tokens(blocks: &[Block]) -> impl Iterator<Item = u64> {
    blocks.iter().flat_map(|block| {
        let deltas = block.deltas.iter().map(|delta| delta.tokens);
        std::iter::once(0).chain(deltas).chain([0])
    })
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
