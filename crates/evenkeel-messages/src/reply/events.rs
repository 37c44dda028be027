use super::{Message, StreamEvent, Usage};
use crate::{Extra, MessageDelta, MessageHead};

pub(super) fn of(message: Message) -> Vec<StreamEvent> {
    let mut events = vec![StreamEvent::MessageStart(Box::new(MessageHead {
        id: message.id,
        model: message.model,
        role: message.role,
        usage: message.usage,
        extra: message.extra,
    }))];
    for (index, block) in (0..).zip(message.content) {
        events.push(StreamEvent::ContentBlockStart { index, block });
        events.push(StreamEvent::ContentBlockStop { index });
    }
    events.push(StreamEvent::MessageDelta(Box::new(MessageDelta {
        stop_reason: message.stop_reason,
        stop_sequence: message.stop_sequence,
        usage: Usage::default(),
        extra: Extra::default(),
    })));
    events.push(StreamEvent::MessageStop);
    events
}
