//! The other side: plain threads that allocate nothing between two requests, so that what is counted and timed is
//! the client's.

mod reply;

pub use reply::EVENTS;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// A reply of half a kilobyte, as the API sends it.
pub const MESSAGE: &str = r#"{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[{"type":"text","text":"An even keel is what keeps a boat upright when the weather turns; the rest of the crew will thank you for it, and so will whoever reads the log in the morning."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":38,"service_tier":"standard"}}"#;

/// The beginning of a stream, after which nothing comes.
const BEGINNING: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",",
    "\"role\":\"assistant\",\"model\":\"claude-sonnet-5-5\",\"content\":[],\"stop_reason\":null,",
    "\"stop_sequence\":null,\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,",
    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,",
    "\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\n",
);

/// Answers every request with a whole message, on connections that are kept.
pub fn plain() -> SocketAddr {
    let reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_011CSHoEeqs5C35K2UUqR7Fy\r\n\
         date: Sun, 22 Nov 2026 12:00:00 GMT\r\nserver: cloudflare\r\ncontent-length: {}\r\n\r\n{MESSAGE}",
        MESSAGE.len()
    );
    serve(Replies::always(reply), Then::NextRequest)
}

/// Answers every request with the same message of some 200 words: as one piece of JSON, or as a stream of
/// [`EVENTS`] events to those that ask for one.
pub fn plain_or_streamed() -> SocketAddr {
    let replies = Replies {
        plain: leaked(reply::plain()),
        streamed: leaked(reply::streamed()),
    };
    serve(replies, Then::NextRequest)
}

/// Answers with the beginning of a stream, and then is silent until the client goes.
pub fn idle() -> SocketAddr {
    let reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: req_011CSHoEeqs5C35K2UUqR7Fy\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{BEGINNING}\r\n",
        BEGINNING.len()
    );
    serve(Replies::always(reply), Then::Silence)
}

/// What is written, head and all.
#[derive(Clone, Copy)]
struct Replies {
    plain: &'static [u8],
    streamed: &'static [u8],
}

impl Replies {
    fn always(reply: String) -> Self {
        let reply = leaked(reply);
        Self {
            plain: reply,
            streamed: reply,
        }
    }

    fn to(&self, request: &[u8]) -> &'static [u8] {
        const ASKED: &[u8] = b"\"stream\":true";
        if request.windows(ASKED.len()).any(|window| window == ASKED) {
            self.streamed
        } else {
            self.plain
        }
    }
}

fn leaked(reply: String) -> &'static [u8] {
    reply.leak().as_bytes()
}

#[derive(Clone, Copy)]
enum Then {
    NextRequest,
    Silence,
}

fn serve(replies: Replies, then: Then) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        if let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.last().copied()) {
            core_affinity::set_for_current(core);
        }
        for stream in listener.incoming().flatten() {
            let serve = move || answer(stream, replies, then);
            std::thread::Builder::new()
                .stack_size(64 * 1024)
                .spawn(serve)
                .expect("a thread can be had");
        }
    });
    address
}

fn answer(mut stream: TcpStream, replies: Replies, then: Then) {
    let _ = stream.set_nodelay(true);
    let mut buffer = [0; 8192];
    let mut filled = 0;
    loop {
        match stream.read(&mut buffer[filled..]) {
            Ok(read) if read > 0 => filled += read,
            _ => return,
        }
        if is_whole(&buffer[..filled]) {
            let reply = replies.to(&buffer[..filled]);
            filled = 0;
            if stream.write_all(reply).is_err() {
                return;
            }
            if let Then::Silence = then {
                let _ = stream.read(&mut buffer);
                return;
            }
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let length = request[..head]
        .split(|byte| *byte == b'\n')
        .find_map(|line| {
            let (name, value) = line.split_at_checked(15)?;
            let value = std::str::from_utf8(value).ok()?;
            name.eq_ignore_ascii_case(b"content-length:")
                .then(|| value.trim().parse().ok())?
        });
    length.is_some_and(|length: usize| request.len() >= head + 4 + length)
}
