use bytes::Bytes;
use evenkeel_error::{Delivery, Error, ErrorKind};
use evenkeel_messages::{Accumulator, ContentBlock, Decoder, End, Message, Partial, Verdict};

use crate::support::{FIXTURES, drive, facts, message};

/// Where in `stream` the frame that holds `mark` ends: from there on its event counts.
fn end_of(stream: &str, mark: &str) -> usize {
    let at = stream.find(mark).expect("the mark is there");
    at + stream[at..].find("\n\n").expect("a frame ends") + 2
}

fn expected(stream: &str, cut: usize) -> &'static str {
    if cut < end_of(stream, "event: message_start") {
        "empty"
    } else if cut < end_of(stream, "event: message_delta") {
        "truncated"
    } else if cut < end_of(stream, "event: message_stop") {
        "complete_without_stop"
    } else {
        "complete"
    }
}

/// Nothing in the partial is more, or other, than what the whole reply has.
fn assert_part_of(partial: &Partial, whole: &Message, place: &str) {
    assert!(whole.text().starts_with(&partial.text()), "{place}");
    let calls = partial.content().iter().filter(|block| {
        matches!(
            block,
            ContentBlock::ToolUse(_) | ContentBlock::ServerToolUse(_)
        ) || block.kind().ends_with("tool_use")
    });
    for call in calls {
        assert!(
            whole.content.contains(call),
            "a call that is not whole: {place}"
        );
    }
    for block in partial.content().iter().rev().skip(1) {
        assert!(
            whole.content.contains(block),
            "only the last block may be cut: {place}"
        );
    }
}

#[test]
fn every_reply_cut_at_every_byte_has_the_right_verdict() {
    for (name, stream) in FIXTURES {
        let whole = message(stream);
        for cut in 0..=stream.len() {
            let (accumulator, end) = drive([&stream.as_bytes()[..cut]]);
            let verdict = accumulator.end(end);
            let place = format!("{name} cut at {cut}");
            assert_eq!(verdict.label(), expected(stream, cut), "{place}");
            match verdict {
                Verdict::Complete(message) | Verdict::CompleteWithoutStop(message) => {
                    assert_eq!(message, whole, "{place}");
                }
                Verdict::Truncated(incomplete) => {
                    assert_eq!(incomplete.error.kind(), ErrorKind::Interrupted, "{place}");
                    assert_eq!(incomplete.error.delivery(), Delivery::Answered, "{place}");
                    assert_eq!(incomplete.partial.stop_reason(), None, "{place}");
                    assert_eq!(incomplete.usage(), incomplete.partial.usage());
                    let open = incomplete.at.open_block.is_some();
                    let blocks = incomplete.partial.content().len();
                    let all_whole = (0..blocks).all(|place| incomplete.partial.is_whole(place));
                    let calls = incomplete.partial.unfinished_tools().len();
                    assert!(open || (all_whole && calls <= 1), "{place}");
                    assert_part_of(&incomplete.partial, &whole, &place);
                }
                Verdict::Empty(incomplete) => {
                    assert_eq!(incomplete.error.kind(), ErrorKind::Protocol, "{place}");
                    assert!(incomplete.partial.is_empty(), "{place}");
                }
                Verdict::Failed(_) => panic!("{place}"),
            }
        }
    }
}

#[test]
fn a_transport_fault_at_every_byte_keeps_its_error_unless_the_reply_was_complete() {
    for (name, stream) in FIXTURES {
        // Byte by byte, the verdict asked for at each: what a prefix in one piece gives is the same
        // (`any_chunking_gives_the_same_message`).
        let mut decoder = Decoder::new(facts());
        let mut accumulator = Accumulator::new(facts());
        for cut in 0..=stream.len() {
            if let Some(last) = cut.checked_sub(1) {
                decoder.feed(Bytes::copy_from_slice(&stream.as_bytes()[last..cut]));
                if let Some(event) = decoder.next_event() {
                    accumulator.push(&event.expect("well formed"));
                }
            }
            let cut_off = End::Cut(Error::connection(Delivery::Unknown));
            let verdict = accumulator.clone().end(cut_off);
            assert_eq!(
                verdict.label(),
                expected(stream, cut),
                "{name} cut at {cut}"
            );
            if let Err(incomplete) = verdict.into_result() {
                assert_eq!(incomplete.error.kind(), ErrorKind::Connection);
            }
        }
    }
}

#[test]
fn an_error_event_after_every_event_fails_the_reply_unless_it_was_complete() {
    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    for (name, stream) in FIXTURES {
        let mut before = String::new();
        for next in stream.split_inclusive("\n\n") {
            before.push_str(next);
            let (accumulator, end) = drive([format!("{before}{error}").as_bytes()]);
            assert!(matches!(end, End::Failed(_)), "{name}");
            let verdict = accumulator.end(end);
            match expected(stream, before.len()) {
                "empty" | "truncated" => assert_eq!(verdict.label(), "failed", "{name}"),
                complete => assert_eq!(verdict.label(), complete, "{name}"),
            }
        }
    }
}

#[test]
fn a_partial_says_whose_reply_it_was_and_what_it_cost() {
    let (name, stream) = FIXTURES[1];
    let cut = stream
        .find("ich\\\"")
        .expect("inside the second piece of input");
    let (accumulator, end) = drive([&stream.as_bytes()[..cut]]);
    let incomplete = accumulator.end(end).into_result().expect_err(name);
    let partial = &incomplete.partial;
    assert_eq!(partial.id(), Some("msg_01XFDUDYJgAACzvnptvVoYEL"));
    assert_eq!(partial.model(), Some("claude-sonnet-5-5"));
    assert_eq!(partial.usage().input_tokens, Some(25));
    assert_eq!(partial.text(), "Let me look.");
    assert_eq!(partial.content().len(), 1);
    let [tool] = partial.unfinished_tools() else {
        panic!("one unfinished call")
    };
    assert_eq!(
        (tool.id(), tool.name(), tool.kind()),
        ("toolu_01", "weather", "tool_use")
    );
    assert_eq!(tool.input_so_far(), "{\"city\": \"Zür");
}
