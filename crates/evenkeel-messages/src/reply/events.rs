use super::{Message, StreamEvent, Usage};
use crate::{Delta, Extra, MessageDelta, MessageHead, ReplyDetails};

pub(super) fn of(message: Message) -> Vec<StreamEvent> {
    let extra = Extra::default;
    let mut details = message.details;
    let conclusion = ReplyDetails {
        stop_details: details.stop_details.take(),
        ..ReplyDetails::default()
    };
    let mut events = vec![StreamEvent::MessageStart(Box::new(MessageHead {
        id: message.id,
        model: message.model,
        role: message.role,
        usage: message.usage,
        details,
        extra: extra(),
    }))];
    let mut unmerged = message.unmerged.into_iter().peekable();
    for (index, block) in (0..).zip(message.content) {
        events.push(StreamEvent::ContentBlockStart {
            index,
            block: Box::new(block),
            extra: extra(),
        });
        while let Some(found) = unmerged.next_if(|delta| delta.index == index) {
            events.push(StreamEvent::ContentBlockDelta {
                index,
                delta: Delta::Unknown(found.delta),
                extra: extra(),
            });
        }
        events.push(StreamEvent::ContentBlockStop {
            index,
            extra: extra(),
        });
    }
    events.push(StreamEvent::MessageDelta(Box::new(MessageDelta {
        stop_reason: message.stop_reason,
        stop_sequence: message.stop_sequence,
        usage: Usage::default(),
        details: conclusion,
        outer: ReplyDetails::default(),
    })));
    events.push(StreamEvent::MessageStop { extra: extra() });
    events
}
