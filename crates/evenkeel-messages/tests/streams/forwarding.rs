//! Events that are handed on: borrowed, written back, read again.

use bytes::Bytes;
use evenkeel_messages::{Accumulator, Decoder, End, EventRef, StreamEvent};

use crate::support::{FIXTURES, drive, facts, frame, message};

fn events(stream: &str) -> Vec<StreamEvent> {
    let mut decoder = Decoder::new(facts());
    decoder.feed(Bytes::copy_from_slice(stream.as_bytes()));
    std::iter::from_fn(|| decoder.next_event())
        .map(|event| event.expect("well formed"))
        .collect()
}

fn data(event: &StreamEvent) -> serde_json::Value {
    serde_json::to_value(event).expect("JSON")
}

/// As a `null` counts as absent where it says nothing.
fn without_nulls(value: &mut serde_json::Value) {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
        object.values_mut().for_each(without_nulls);
    }
}

#[test]
fn borrowed_events_make_the_same_message_and_the_same_events() {
    for (name, stream) in FIXTURES {
        let mut decoder = Decoder::new(facts());
        let mut accumulator = Accumulator::new(facts());
        let mut owned = events(stream).into_iter();
        for chunk in stream.as_bytes().chunks(7) {
            decoder.feed(Bytes::copy_from_slice(chunk));
            while let Some(event) = decoder.next_ref() {
                let event = event.expect("well formed");
                accumulator.push_ref(&event);
                let same = owned.next().expect("as many");
                assert_eq!(event.name(), same.name(), "{name}");
                assert_eq!(event.text(), same.text(), "{name}");
                assert_eq!(event.carries_content(), same.carries_content(), "{name}");
                assert_eq!(
                    format!("{:?}", event.into_owned()),
                    format!("{same:?}"),
                    "{name}"
                );
            }
        }
        let borrowed = accumulator.end(End::Eof).into_result().expect("complete");
        assert_eq!(borrowed, message(stream), "{name}");
    }
}

#[test]
fn the_frequent_event_borrows_and_says_where_it_stood() {
    let (_, text) = FIXTURES[0];
    let mut decoder = Decoder::new(facts());
    decoder.feed(Bytes::copy_from_slice(text.as_bytes()));
    let mut borrowed = 0;
    while let Some(event) = decoder.next_ref() {
        let event = event.expect("well formed");
        let frame = event.frame();
        let at = usize::try_from(frame.offset).expect("small");
        assert!(text[at..].contains(frame.data));
        borrowed += usize::from(matches!(event, EventRef::ContentBlockDelta { .. }));
    }
    assert!(borrowed > 0);
}

#[test]
fn every_event_written_back_says_what_it_said() {
    for (name, stream) in FIXTURES {
        let written: Vec<u8> = events(stream)
            .iter()
            .flat_map(|event| event.to_frame().to_vec())
            .collect();
        let written = String::from_utf8(written).expect("UTF-8");
        assert_eq!(message(&written), message(stream), "{name}");
        for (before, after) in events(stream).iter().zip(events(&written)) {
            assert_eq!(data(before), data(&after), "{name}");
        }
        let frames = stream
            .split("\n\n")
            .filter_map(|frame| frame.split_once("data: "));
        for ((_, came), event) in frames.zip(events(stream)) {
            let mut came = serde_json::from_str(came).expect("JSON");
            let mut went = data(&event);
            without_nulls(&mut came);
            without_nulls(&mut went);
            assert_eq!(went, came, "{name}");
        }
    }
}

#[test]
fn fields_that_nobody_knows_stay_in_every_event() {
    let odd = r#"{ "b":1.0e+2 ,"é":"\u00e9" }"#;
    let rows = [
        format!(
            r#"{{"type":"message_start","message":{{"id":"m","content":[],"x":{odd}}},"y":{odd}}}"#
        ),
        format!(
            r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"text","text":"","x":{odd}}},"y":{odd}}}"#
        ),
        format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"a","x":{odd}}},"y":{odd}}}"#
        ),
        format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"thinking_delta","thinking":"","estimated_tokens":5,"x":{odd}}}}}"#
        ),
        format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"new_delta","x":{odd}}},"y":{odd}}}"#
        ),
        format!(r#"{{"type":"content_block_stop","index":0,"y":{odd}}}"#),
        format!(
            r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn","x":{odd}}},"usage":{{"z":{odd}}},"y":{odd}}}"#
        ),
        format!(r#"{{"type":"message_stop","amazon-bedrock-invocationMetrics":{odd}}}"#),
        format!(r#"{{"type":"ping","y":{odd}}}"#),
        format!(r#"{{"type":"new_event","y":{odd}}}"#),
    ];
    for row in rows {
        let event = events(&format!("data: {row}\n\n")).pop().expect("an event");
        let written = serde_json::to_string(&event).expect("JSON");
        assert_eq!(
            written.matches(odd).count(),
            row.matches(odd).count(),
            "{written}"
        );
    }
}

#[test]
fn deltas_that_nobody_knows_are_kept_beside_the_message() {
    let (_, stream) = FIXTURES[5];
    let message = message(stream);
    let kinds: Vec<_> = message
        .unmerged_deltas()
        .iter()
        .map(|delta| (delta.index, delta.delta.kind.as_str()))
        .collect();
    assert_eq!(kinds, [(0, "hologram_delta"), (3, "sparkle_delta")]);
    let cut = stream.find("content_block_glow").expect("there");
    let (accumulator, _) = drive([&stream.as_bytes()[..cut]]);
    assert_eq!(accumulator.message_so_far().unmerged_deltas().len(), 1);
}

#[test]
fn a_field_of_the_wrong_type_is_not_written_twice() {
    let stream = [
        frame(
            "message_start",
            r#"{"type":"message_start","message":{"id":"m","content":null,"usage":null}}"#,
        ),
        frame(
            "message_delta",
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":7},"usage":[]}"#,
        ),
    ];
    for event in events(&stream.concat()) {
        let written = serde_json::to_string(&event).expect("JSON");
        for name in ["\"content\"", "\"usage\"", "\"stop_sequence\""] {
            assert!(written.matches(name).count() <= 1, "{written}");
        }
    }
}
