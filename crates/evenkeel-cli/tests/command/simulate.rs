//! `evenkeel simulate`: a server for any client, so the client here is a bare socket.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use evenkeel_simulator::Scenario;
use serde_json::Value;

use super::process::{Running, evenkeel};
use super::scratch::Scratch;

/// A request of 25 to 40 tokens, whoever counts.
const BODY: &str = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":
    "A hundred characters of text, give or take a few, are what it takes to make this prompt long enough."}]}"#;

/// A simulator that has said where it is.
struct Server {
    address: String,
    process: Running,
}

impl Server {
    fn start(args: &[&str]) -> Self {
        let mut process = evenkeel([&["simulate"], args].concat()).start();
        let out = process.out_until("\n");
        let address = out
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("http://"));
        let address = address.expect("a base URL as the first line").to_owned();
        Self { address, process }
    }

    /// Status line, headers and body of the reply.
    fn exchange(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a limit");
        stream.write_all(request.as_bytes()).expect("room to write");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("a reply");
        reply
    }

    fn ask(&self) -> String {
        self.exchange(&format!(
            "POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             anthropic-version: 2026-10-21\r\nx-api-key: sk-ant-planted\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
            BODY.len()
        ))
    }

    fn journal(&self) -> Value {
        let reply = self
            .exchange("GET /_simulator/journal HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let (head, body) = reply.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        serde_json::from_str(body).expect("JSON")
    }
}

#[test]
fn the_first_line_is_the_address_of_an_api_that_answers() {
    let mut server = Server::start(&[]);
    assert!(
        server.address.starts_with("127.0.0.1:"),
        "{}",
        server.address
    );
    assert_eq!(server.journal()["entries"], Value::Array(Vec::new()));
    let reply = server.ask();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    assert!(reply.contains(r#""type":"message""#), "{reply}");
    let journal = server.journal();
    assert_eq!(
        journal["entries"].as_array().map(Vec::len),
        Some(1),
        "{journal}"
    );
    assert_eq!(journal["entries"][0]["status"], 200);
    assert_eq!(journal["entries"][0]["headers"]["x-api-key"], "[redacted]");
    let told = server.process.err_until("\n");
    assert!(
        told.contains("scenario healthy") && told.contains("/_simulator/journal"),
        "{told}"
    );
}

#[test]
fn a_named_scenario_is_played_and_its_last_reply_repeats() {
    let server = Server::start(&["--scenario", "overloaded-twice"]);
    let statuses: Vec<_> = (0..4).map(|_| server.ask()[9..12].to_owned()).collect();
    assert_eq!(statuses, ["529", "529", "200", "200"]);
}

#[test]
fn a_scenario_file_is_played() {
    let content = "[[reply]]\nraw = { status = 418, body = \"short and stout\" }\n\n\
                   [[reply]]\nmessage = \"Tea.\"\n";
    let file = Scratch::new("teapot.toml", content);
    let server = Server::start(&["--scenario", file.path()]);
    let reply = server.ask();
    assert!(
        reply.starts_with("HTTP/1.1 418") && reply.ends_with("short and stout"),
        "{reply}"
    );
    assert!(server.ask().contains("Tea."));
}

#[test]
fn a_limit_of_the_command_line_goes_before_that_of_the_file_and_leaves_the_others() {
    let content = "[limits]\nrequests = 50\ninput_tokens = 900\n";
    let file = Scratch::new("limits.toml", content);
    let server = Server::start(&["--scenario", file.path(), "--rpm", "7"]);
    let reply = server.ask();
    for (name, limit) in [("requests", 7), ("input-tokens", 900)] {
        let line = format!("\r\nanthropic-ratelimit-{name}-limit: {limit}\r\n");
        assert!(reply.contains(&line), "{reply}");
    }
}

#[test]
fn who_speaks_tls_is_told_so_on_standard_error() {
    let mut server = Server::start(&[]);
    let reply = server.exchange("\x16\x03\x01 and so on\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.1 400"), "{reply}");
    let told = server.process.err_until("http:// only\n");
    assert!(told.contains("somebody spoke TLS; this port speaks http:// only"));
}

#[test]
fn over_the_limit_is_a_429_that_says_when_to_come_back() {
    let wide = ["--rpm", "9", "--itpm", "90000", "--otpm", "90000"];
    for (limits, unit) in [
        (["--rpm", "1"].as_slice(), "1 requests per minute"),
        (&["--itpm", "45"], "45 input tokens per minute"),
        (&["--otpm", "1"], "1 output tokens per minute"),
        (&wide, ""),
    ] {
        let server = Server::start(limits);
        let first = server.ask();
        assert!(first.starts_with("HTTP/1.1 200"), "{limits:?} {first}");
        assert!(first.contains("\r\nanthropic-ratelimit-"), "{first}");
        let second = server.ask();
        if unit.is_empty() {
            assert!(second.starts_with("HTTP/1.1 200"), "{second}");
            continue;
        }
        assert!(second.starts_with("HTTP/1.1 429"), "{limits:?} {second}");
        assert!(
            second.contains("rate_limit_error") && second.contains(unit),
            "{second}"
        );
        let (_, hint) = second.split_once("\r\nretry-after: ").expect("a hint");
        let (hint, _) = hint.split_once("\r\n").expect("a line");
        assert!(
            (1..=600).contains(&hint.parse::<u64>().expect("seconds")),
            "{hint}"
        );
    }
}

#[test]
fn a_port_that_is_asked_for_is_the_one_that_is_taken() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("its number").port();
    drop(free);
    let server = Server::start(&["--port", &port.to_string()]);
    assert_eq!(server.address, format!("127.0.0.1:{port}"));
}

#[test]
fn the_list_has_every_scenario_with_what_it_does() {
    let run = evenkeel(["simulate", "--list"]).finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.err, "");
    let lines: Vec<_> = run.out.lines().collect();
    assert_eq!(lines.len(), Scenario::catalogue().len());
    for (line, info) in lines.into_iter().zip(Scenario::catalogue()) {
        let (name, summary) = line.split_once(' ').expect("two columns");
        assert_eq!((name, summary.trim()), (info.name, info.summary));
    }
}

#[test]
fn a_simulator_in_one_process_serves_the_command_in_another() {
    let server = Server::start(&["--scenario", "server-error-once"]);
    let base_url = format!("http://{}", server.address);
    let run = evenkeel(["ask", "hi", "--json", "--base-url", &base_url]).finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        server.journal()["entries"].as_array().map(Vec::len),
        Some(2)
    );
}

#[test]
fn what_is_not_http_and_what_is_too_large_are_answered_and_the_process_lives() {
    let server = Server::start(&[]);
    let reply = server.exchange("this is not HTTP\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.1 400"), "{reply}");
    let large = "x".repeat(32 * 1_024 * 1_024 + 1);
    let reply = server.exchange(&format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         anthropic-version: 2026-10-21\r\ncontent-length: {}\r\n\r\n{large}",
        large.len()
    ));
    assert!(reply.starts_with("HTTP/1.1 413"), "{reply}");
    assert!(reply.contains("request_too_large"), "{reply}");
    assert!(server.ask().starts_with("HTTP/1.1 200"));
}

#[test]
fn a_scenario_that_is_changed_while_it_runs_may_refuse_connections_for_a_while() {
    let server = Server::start(&["--scenario", "overloaded"]);
    let change = |body: &str| {
        server.exchange(&format!(
            "POST /_simulator/scenario HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    assert!(server.ask().starts_with("HTTP/1.1 529"));
    let wrong = change("[[reply]]\nmesage = 'x'");
    assert!(wrong.starts_with("HTTP/1.1 400"), "{wrong}");
    assert!(
        wrong.contains("line 2: unknown key `mesage`; did you mean `message`?"),
        "{wrong}"
    );
    assert!(
        server.ask().starts_with("HTTP/1.1 529"),
        "a mistake changes nothing"
    );
    let changed = change("[[refused]]\nuntil = '700ms'");
    assert!(changed.starts_with("HTTP/1.1 200"), "{changed}");
    assert!(
        TcpStream::connect(&server.address).is_err(),
        "refused from now on"
    );
    let open = (0..1_000).any(|_| {
        wait();
        TcpStream::connect(&server.address).is_ok()
    });
    assert!(open, "and then no more");
    assert!(server.ask().starts_with("HTTP/1.1 200"));
}

#[expect(
    clippy::disallowed_methods,
    reason = "a process of its own lives in real time"
)]
fn wait() {
    std::thread::sleep(Duration::from_millis(5));
}
