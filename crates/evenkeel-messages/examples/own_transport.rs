//! Drives the stream from a transport written by hand. Run: `cargo run --example own_transport`.
#![allow(clippy::print_stdout, reason = "an example shows something")]

use std::{error::Error, io, time::SystemTime};

use bytes::Bytes;
use evenkeel_error::{Delivery, Facts};
use evenkeel_messages::{Accumulator, Decoder, End, MessageRequest, StreamEvent, Streaming};

/// Sends the body, answers with chunks; yours has a socket.
fn send(_body: Bytes) -> impl Iterator<Item = io::Result<Bytes>> {
    let reply = include_bytes!("../tests/streams/fixtures/text.sse");
    reply.chunks(100).map(|chunk| Ok(Bytes::from_static(chunk)))
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let request = MessageRequest::new("claude-sonnet-5-5", 1024).user("Hello");
    let head = Facts::read(200, &http::HeaderMap::new(), SystemTime::UNIX_EPOCH);
    let mut decoder = Decoder::new(head.clone());
    let mut accumulator = Accumulator::new(head);
    let mut end = End::Eof;
    'body: for chunk in send(request.to_body(Streaming::On)?) {
        match chunk {
            Ok(chunk) => decoder.feed(chunk),
            Err(_) => end = End::Cut(evenkeel_error::Error::connection(Delivery::Unknown)),
        }
        while let Some(event) = decoder.next_event() {
            match event {
                Ok(StreamEvent::Error(error)) | Err(error) => {
                    end = End::Failed(error);
                    break 'body;
                }
                Ok(event) => accumulator.push(&event),
            }
        }
    }
    println!("{}", accumulator.end(end).into_result()?.text());
    Ok(())
}
