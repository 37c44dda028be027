//! Any data under any event's name: no panic; what is read and written back reads the same; the
//! borrowed form says the same as the owned one.
#![no_main]

use std::time::SystemTime;

use bytes::Bytes;
use evenkeel_error::Facts;
use evenkeel_messages::{Decoder, StreamEvent};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 8] = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "ping",
    "",
];

fn decoder(bytes: &[u8]) -> Decoder {
    let facts = Facts::read(200, &http::HeaderMap::new(), SystemTime::UNIX_EPOCH);
    let mut decoder = Decoder::new(facts);
    decoder.feed(Bytes::copy_from_slice(bytes));
    decoder
}

fn json(event: &StreamEvent) -> Option<String> {
    serde_json::to_string(event).ok()
}

fuzz_target!(|input: (u8, &str)| {
    let (name, data) = input;
    let name = NAMES[usize::from(name) % NAMES.len()];
    // A comment first: a body that begins with a brace would be one whole message.
    let stream = format!(":\nevent: {name}\ndata: {data}\n\n");
    let owned = decoder(stream.as_bytes()).next_event();
    let mut second = decoder(stream.as_bytes());
    let borrowed = second
        .next_ref()
        .map(|event| event.map(|event| event.into_owned()));
    match (owned, borrowed) {
        (Some(Ok(event)), Some(Ok(same))) => {
            let written = json(&event);
            assert_eq!(written, json(&same));
            if !matches!(event, StreamEvent::Error(_)) && written.is_some() {
                let again = decoder(&[b":\n", event.to_frame().as_ref()].concat()).next_event();
                let again = again.expect("an event").expect("well formed");
                assert_eq!(written, json(&again));
            }
        }
        (Some(Err(_)), Some(Err(_))) | (None, None) => {}
        (owned, borrowed) => panic!("{owned:?} {borrowed:?}"),
    }
});
