//! Any events in any order, cut anywhere: no panic; a message only with a stop reason; no tool call
//! that is not whole; a message that is read again is the same.
#![no_main]

use std::time::SystemTime;

use bytes::Bytes;
use evenkeel_error::Facts;
use evenkeel_messages::{
    Accumulator, ContentBlock, Decoder, End, Message, MessageRequest, Released, ResumePolicy,
    Strictness, Verdict, resume,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let facts = Facts::read(200, &http::HeaderMap::new(), SystemTime::UNIX_EPOCH);
    let Some((first, stream)) = bytes.split_first() else {
        return;
    };
    let strict = first % 2 == 0;
    let strictness = if strict {
        Strictness::Strict
    } else {
        Strictness::Relaxed
    };
    let mut decoder = Decoder::new(facts.clone());
    let mut accumulator = Accumulator::new(facts.clone()).strictness(strictness);
    let mut released = Released::nothing();
    let mut end = End::Eof;
    decoder.feed(Bytes::copy_from_slice(stream));
    while let Some(event) = decoder.next_event() {
        match event {
            Ok(event) => {
                released.release(&event);
                accumulator.push(&event);
            }
            Err(error) => end = End::Failed(error),
        }
    }
    let partial = accumulator.partial();
    let request = MessageRequest::new("claude-sonnet-4-5", 9).user("Go");
    for policy in [
        ResumePolicy::Stop,
        ResumePolicy::Restart,
        ResumePolicy::Continue,
    ] {
        let _ = resume(&request, &partial, &released, policy);
    }
    let verdict = accumulator.end(end);
    let _ = format!("{verdict:?}");
    let (Verdict::Complete(message) | Verdict::CompleteWithoutStop(message)) = verdict else {
        return;
    };
    assert!(!strict || message.stop_reason.is_some());
    for block in &message.content {
        if let ContentBlock::ToolUse(call) = block {
            assert!(call.input.get().starts_with('{'));
        }
    }
    if message.stop_reason.is_some() && message.unfinished_tools().is_empty() {
        let stored = serde_json::to_vec(&message).expect("JSON");
        let read = Message::from_json(&stored, &facts).expect("a message");
        assert_eq!(read.text(), message.text());
    }
});
