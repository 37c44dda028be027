//! HTTP/2 with prior knowledge, frame by frame.

use std::time::Duration;

use evenkeel_simulator::{Cut, Ending, Reply, Scenario, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::{connect, first_entry, soon};

const BODY: &str =
    r#"{"model":"m","max_tokens":99,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

#[derive(Debug)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Headers without compression: each name and value as it is.
fn fields() -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", "/v1/messages"),
        ("anthropic-version", "2026-10-21"),
    ] {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.bytes());
        }
    }
    block
}

async fn opened(simulator: &Simulator) -> TcpStream {
    let mut connection = connect(simulator).await;
    let mut start = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    start.extend(frame(SETTINGS, 0, 0, &[]));
    connection.write_all(&start).await.unwrap();
    connection
}

async fn ask(connection: &mut TcpStream, stream: u32) {
    let mut bytes = frame(HEADERS, 4, stream, &fields());
    bytes.extend(frame(DATA, 1, stream, BODY.as_bytes()));
    connection.write_all(&bytes).await.unwrap();
}

/// Frames up to the first that is wanted, or to the end.
async fn frames(connection: &mut TcpStream, wanted: impl Fn(&Frame) -> bool) -> Vec<Frame> {
    let mut frames = Vec::new();
    loop {
        let mut head = [0; 9];
        if soon(connection.read_exact(&mut head)).await.is_err() {
            return frames;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        soon(connection.read_exact(&mut payload)).await.unwrap();
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let frame = Frame {
            kind: head[3],
            flags: head[4],
            stream,
            payload,
        };
        let done = wanted(&frame);
        frames.push(frame);
        if done {
            return frames;
        }
    }
}

fn body(frames: &[Frame]) -> String {
    let data = frames.iter().filter(|frame| frame.kind == DATA);
    let bytes: Vec<u8> = data.flat_map(|frame| frame.payload.clone()).collect();
    String::from_utf8(bytes).unwrap()
}

async fn simulator(replies: Vec<Reply>) -> Simulator {
    Simulator::start(Scenario::script(replies)).await.unwrap()
}

#[tokio::test]
async fn a_stream_is_served_over_http2() {
    let simulator = simulator(vec![Reply::message("Hello")]).await;
    let mut connection = opened(&simulator).await;
    for stream in [1, 3] {
        ask(&mut connection, stream).await;
        let frames = frames(&mut connection, |frame| {
            frame.kind == DATA && frame.flags & 1 == 1
        })
        .await;
        assert!(
            body(&frames).ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
        );
    }
    assert_eq!(simulator.journal().len(), 2);
}

#[tokio::test]
async fn a_refused_stream_leaves_the_connection_to_the_next() {
    let simulator = simulator(vec![Reply::refuse_stream(), Reply::message("Hello")]).await;
    let mut connection = opened(&simulator).await;
    ask(&mut connection, 1).await;
    let refused = frames(&mut connection, |frame| frame.kind == RST_STREAM).await;
    let last = refused.last().unwrap();
    assert_eq!(
        (last.stream, last.payload.as_slice()),
        (1, &[0, 0, 0, 7][..])
    );
    ask(&mut connection, 3).await;
    let served = frames(&mut connection, |frame| {
        frame.kind == DATA && frame.flags & 1 == 1
    })
    .await;
    assert!(body(&served).contains("message_stop"));
}

#[tokio::test]
async fn a_goaway_names_the_last_request_that_was_taken_on() {
    let simulator = simulator(vec![Reply::message("Hello"), Reply::go_away()]).await;
    let mut connection = opened(&simulator).await;
    ask(&mut connection, 1).await;
    frames(&mut connection, |frame| {
        frame.kind == DATA && frame.flags & 1 == 1
    })
    .await;
    ask(&mut connection, 3).await;
    let rest = frames(&mut connection, |_| false).await;
    let last = rest.last().unwrap();
    assert_eq!(
        (last.kind, last.payload.as_slice()),
        (GOAWAY, &[0, 0, 0, 1, 0, 0, 0, 0][..])
    );
    assert_eq!(simulator.journal()[1].ending, Ending::Returned);
}

#[tokio::test]
async fn a_reset_is_of_the_stream_and_a_cut_inside_a_chunk_of_the_connection() {
    let long = || Reply::message("A text that is long enough to be cut.");
    let simulator = simulator(vec![
        long().cut_after_bytes(100, Cut::Reset),
        long().cut_after_bytes(50, Cut::MidChunk),
    ])
    .await;
    let mut connection = opened(&simulator).await;
    ask(&mut connection, 1).await;
    let reset = frames(&mut connection, |frame| frame.kind == RST_STREAM).await;
    assert_eq!((body(&reset).len(), reset.last().unwrap().stream), (100, 1));
    ask(&mut connection, 3).await;
    let cut = frames(&mut connection, |_| false).await;
    assert!(
        body(&cut).len() <= 50
            && !cut
                .iter()
                .any(|frame| frame.flags & 1 == 1 && frame.kind == DATA)
    );
}

#[tokio::test]
async fn a_goaway_for_an_early_request_does_not_claim_that_later_ones_were_taken_on() {
    let simulator = simulator(vec![
        Reply::go_away().pause_before_head(Duration::from_millis(100)),
        Reply::message("Late").pause_before_head(Duration::from_secs(3_600)),
    ])
    .await;
    let mut connection = opened(&simulator).await;
    ask(&mut connection, 1).await;
    first_entry(&simulator, |entry| entry.body_bytes > 0).await;
    ask(&mut connection, 3).await;
    let rest = frames(&mut connection, |_| false).await;
    let last = rest.last().unwrap();
    assert_eq!((last.kind, last.payload.as_slice()), (GOAWAY, &[0; 8][..]));
    let endings: Vec<_> = simulator
        .journal()
        .iter()
        .map(|entry| entry.ending)
        .collect();
    assert_eq!(endings, [Ending::Returned, Ending::Returned]);
}

#[tokio::test]
async fn a_connection_that_the_script_ends_is_not_left_by_those_who_wait_on_it() {
    let simulator = simulator(vec![
        Reply::message("Late").pause_before_head(Duration::from_secs(3_600)),
        Reply::go_away(),
    ])
    .await;
    let mut connection = opened(&simulator).await;
    ask(&mut connection, 1).await;
    first_entry(&simulator, |entry| entry.body_bytes > 0).await;
    ask(&mut connection, 3).await;
    let rest = frames(&mut connection, |_| false).await;
    assert_eq!(rest.last().unwrap().payload, [0, 0, 0, 1, 0, 0, 0, 0]);
    let first = first_entry(&simulator, |entry| entry.ending != Ending::Pending).await;
    assert_eq!(first.ending, Ending::Cut);
}
