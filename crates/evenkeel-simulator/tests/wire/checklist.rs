//! Every fault, alone and composed, written in Rust and in a file, down to the bytes.

use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::time::{Duration, SystemTime};

use evenkeel_simulator::{
    Chance, Cut, LineEnd, Reply, Scenario, Shortage, Simulator, SseEvent, When,
};
use tokio::io::AsyncWriteExt;

use super::client::{End, Received, connect, plain, read_until, request, stream, timed};

const MS: Duration = Duration::from_millis(1);
const TEXT: &str = "Grüße: a text that is long enough for more than a few deltas.";

fn text() -> Reply {
    Reply::message(TEXT)
}

fn bytes(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

async fn started(scenario: Scenario) -> Simulator {
    let builder = Simulator::builder().scenario(scenario).seed(3);
    let fixed = builder.fixed_date(SystemTime::UNIX_EPOCH);
    fixed.start().await.unwrap()
}

/// What a stream gets that meets this, first as Rust and then as a file would have it.
async fn both_ways(reply: Reply, file: &str) -> Received {
    let told = Scenario::script(vec![reply]);
    let file = format!("[[reply]]\n{file}");
    let written = Scenario::from_toml(&file).unwrap_or_else(|fault| panic!("{fault} in {file}"));
    assert_eq!(written, told, "{file}");
    let by_rust = stream(&started(told).await).await;
    let by_file = stream(&started(written).await).await;
    assert_eq!(by_rust, by_file, "the same script and seed");
    by_rust
}

fn message() -> String {
    format!("message = {TEXT:?}\n")
}

#[tokio::test]
async fn a_slow_head_comes_late_and_then_whole() {
    let reply = text().pause_before_head(40 * MS);
    let file = message() + "pause_before_head = '40ms'";
    let (reply, took) = timed(both_ways(reply, &file)).await;
    assert_eq!(
        (reply.status(), reply.events().last()),
        (200, Some(&"message_stop"))
    );
    assert!(took >= 80 * MS, "{took:?} for two");
}

#[tokio::test]
async fn a_slow_first_byte_comes_after_a_head_that_is_there_at_once() {
    let reply = text().pause_after_events(0, 150 * MS);
    let file = message() + "pauses = [{ after_events = 0, for = '150ms' }]";
    assert_eq!(
        Scenario::from_toml(&format!("[[reply]]\n{file}")),
        Ok(Scenario::script(vec![reply.clone()]))
    );
    let simulator = started(Scenario::script(vec![reply])).await;
    let mut connection = connect(&simulator).await;
    connection
        .write_all(request("true").as_bytes())
        .await
        .unwrap();
    let head = read_until(&mut connection, "\r\n\r\n").await;
    assert!(
        head.starts_with("HTTP/1.1 200 OK") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    let (_, took) = timed(read_until(&mut connection, "message_start")).await;
    assert!(took >= 100 * MS, "{took:?}");
}

#[tokio::test]
async fn a_drip_is_in_pieces_with_a_wait_after_each() {
    let reply = Reply::raw(200).body("0123456789").drip(bytes(4), 20 * MS);
    let file = "raw = { status = 200, body = '0123456789' }\ndrip = { bytes = 4, every = '20ms' }";
    let (reply, took) = timed(both_ways(reply, file)).await;
    assert_eq!(
        (reply.rest(), reply.header("content-length")),
        ("0123456789", Some("10"))
    );
    assert!(took >= 80 * MS, "{took:?} for two");
}

#[tokio::test]
async fn silence_and_pings_are_what_follows_an_event_that_did_come() {
    for (reply, file, last) in [
        (
            text().silence_after_events(1),
            "silence_after_events = 1",
            "message_start",
        ),
        (
            text().pings_only_after_events(1, 5 * MS),
            "pings_only = { after_events = 1, every = '5ms' }",
            "event: ping",
        ),
    ] {
        let scenario = Scenario::script(vec![reply]);
        let file = format!("[[reply]]\n{}{file}", message());
        assert_eq!(Scenario::from_toml(&file), Ok(scenario.clone()));
        let simulator = started(scenario).await;
        let mut connection = connect(&simulator).await;
        connection
            .write_all(request("true").as_bytes())
            .await
            .unwrap();
        let seen = read_until(&mut connection, last).await;
        assert!(
            seen.contains("message_start") && !seen.contains("content_block"),
            "{seen}"
        );
    }
}

#[tokio::test]
async fn any_status_has_any_body_and_any_headers() {
    for status in [200, 204, 299, 302, 418, 499, 503, 599] {
        let reply = Reply::raw(status)
            .header("x-odd", "one, two")
            .header("retry-after", "soon")
            .header("content-type", "text/plain");
        let reply = if status == 204 {
            reply
        } else {
            reply.body("odd\u{0}")
        };
        let body = if status == 204 {
            ""
        } else {
            ", body = \"odd\\u0000\""
        };
        let file = format!(
            "raw = {{ status = {status}{body} }}\n\
             headers = {{ x-odd = 'one, two', retry-after = 'soon', content-type = 'text/plain' }}"
        );
        // A table of TOML is in the order of its names.
        let told = stream(&started(Scenario::script(vec![reply])).await).await;
        let file = Scenario::from_toml(&format!("[[reply]]\n{file}")).unwrap();
        let written = stream(&started(file).await).await;
        for reply in [told, written] {
            assert_eq!(reply.status(), status);
            assert_eq!(reply.header("x-odd"), Some("one, two"));
            assert_eq!(reply.header("retry-after"), Some("soon"));
            assert_eq!(reply.header("content-type"), Some("text/plain"));
            assert_eq!(reply.rest(), if status == 204 { "" } else { "odd\0" });
        }
    }
}

#[tokio::test]
async fn a_body_need_not_be_text() {
    let reply = Reply::raw(200).body([0xff, 0x00, 0xe2]);
    let reply = both_ways(reply, "raw = { status = 200, hex = 'ff 00 E2' }").await;
    assert!(
        reply.bytes.ends_with(b"\r\n\r\n\xff\x00\xe2"),
        "{:?}",
        reply.bytes
    );
}

#[tokio::test]
async fn events_are_given_verbatim_and_need_not_be_events() {
    let events = vec![
        SseEvent::new("message_start", "{}"),
        SseEvent::new("two", "a\nb"),
        SseEvent::verbatim(": a comment\nretry: 9\n\n"),
        SseEvent::verbatim("data: no end"),
        SseEvent::verbatim([0xff, 0x0a]),
    ];
    let file = "events = [\n{ event = 'message_start', data = '{}' },\n\
                { event = 'two', data = \"a\\nb\" },\n\
                { verbatim = \": a comment\\nretry: 9\\n\\n\" },\n\
                { verbatim = 'data: no end' },\n{ hex = 'ff0a' },\n]";
    let reply = both_ways(Reply::events(events), file).await;
    let start =
        "1F\r\nevent: message_start\ndata: {}\n\n\r\n1C\r\nevent: two\ndata: a\ndata: b\n\n\r\n";
    assert!(
        String::from_utf8_lossy(&reply.bytes).contains(start),
        "{}",
        String::from_utf8_lossy(&reply.bytes)
    );
    let end = b"C\r\ndata: no end\r\n2\r\n\xff\n\r\n0\r\n\r\n";
    assert!(
        reply.bytes.ends_with(end),
        "{}",
        String::from_utf8_lossy(&reply.bytes)
    );
}

#[tokio::test]
async fn every_429_and_the_529_are_written_either_way() {
    for (word, shortage) in [
        ("requests", Shortage::Requests),
        ("input-tokens", Shortage::InputTokens),
        ("output-tokens", Shortage::OutputTokens),
        ("ramp", Shortage::Ramp),
        ("concurrency", Shortage::Concurrency),
        ("fast-mode", Shortage::FastMode),
        ("throttle", Shortage::Throttle),
        ("spend-cap", Shortage::SpendCap),
        ("contract-spend-cap", Shortage::ContractSpendCap),
    ] {
        let reply = both_ways(Reply::out_of(shortage), &format!("out_of = '{word}'")).await;
        assert_eq!(reply.status(), 429, "{word}");
        assert!(
            reply.rest().contains(r#""type":"rate_limit_error""#),
            "{word}"
        );
    }
    let reply = Reply::error(529, "overloaded_error", "Overloaded");
    let file = "error = { status = 529, type = 'overloaded_error', message = 'Overloaded' }";
    assert!(
        both_ways(reply, file)
            .await
            .text()
            .starts_with("HTTP/1.1 529 \r\n")
    );
}

#[tokio::test]
async fn an_error_event_is_before_between_or_after_content() {
    let whole = stream(&started(Scenario::script(vec![text()])).await).await;
    let events = whole.events().len();
    for after in [0, 1, 4, events] {
        let reply = text().error_after_events(after, "api_error", "Internal server error");
        let file = message()
            + &format!(
                "error_event = {{ after_events = {after}, type = 'api_error', message = 'Internal server error' }}"
            );
        let reply = both_ways(reply, &file).await;
        assert_eq!((reply.status(), reply.events().len()), (200, after + 1));
        assert_eq!(reply.events()[after], "error");
        assert_eq!(reply.chunks().0[..after], whole.chunks().0[..after]);
    }
}

#[tokio::test]
async fn a_cut_falls_on_any_byte_in_any_way() {
    let whole = stream(&started(Scenario::script(vec![text()])).await).await;
    let body = whole.chunks().0.concat();
    for (cut, word, end) in [
        (Cut::Clean, "clean", End::Closed),
        (Cut::Reset, "reset", End::Reset),
        (Cut::MidChunk, "mid-chunk", End::Closed),
    ] {
        // In the middle of a name, of a character, of an event, and at the end of one.
        let letter = body.find('ü').unwrap() + 1;
        let event = body.find("event: ping").unwrap();
        for place in [1, letter, event, event + 7] {
            let reply = text().cut_after_bytes(place as u64, cut);
            let file = message() + &format!("cut = {{ after_bytes = {place}, how = '{word}' }}");
            let reply = both_ways(reply, &file).await;
            assert_eq!(reply.end, end, "{word} after {place}");
            assert_eq!(
                reply.content(),
                &body.as_bytes()[..place],
                "{word} after {place}"
            );
            let is_whole = reply.bytes.ends_with(b"0\r\n\r\n");
            assert_eq!(is_whole, cut == Cut::Clean, "{word} after {place}");
        }
        let reply = text().cut_after_stop_reason(cut);
        let file = message() + &format!("cut = {{ after = 'stop-reason', how = '{word}' }}");
        let reply = both_ways(reply, &file).await;
        let sent = String::from_utf8(reply.content()).unwrap();
        assert!(
            sent.contains("event: message_delta") && !sent.contains("message_stop"),
            "{sent}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_content_is_written_either_way() {
    let has = |reply: &Received, words: &[&str]| {
        for word in words {
            assert!(reply.text().contains(word), "{word} in {}", reply.text());
        }
    };
    let reply = text().malformed_json_after_events(3);
    let reply = both_ways(reply, &(message() + "malformed_json_after_events = 3")).await;
    let data = reply.chunks().0[3].split_once("data: ").unwrap().1;
    assert!(
        serde_json::from_str::<serde_json::Value>(data).is_err(),
        "{data}"
    );

    let reply = text().header("content-type", "text/plain");
    let reply = both_ways(
        reply,
        &(message() + "headers = { content-type = 'text/plain' }"),
    )
    .await;
    assert_eq!(reply.header("content-type"), Some("text/plain"));

    let reply = both_ways(Reply::html_gateway(200), "gateway = 200").await;
    has(&reply, &["content-type: text/html", "<!DOCTYPE html>"]);

    let reply = both_ways(Reply::raw(200), "raw = { status = 200 }").await;
    assert_eq!(
        (reply.rest(), reply.header("content-length")),
        ("", Some("0"))
    );

    let reply = text().unknown_events().stop_reason("unheard_of_reason");
    let file = message() + "unknown_events = true\nstop_reason = 'unheard_of_reason'";
    let reply = both_ways(reply, &file).await;
    assert_eq!(reply.events()[..2], ["unheard_of", "message_start"]);
    has(
        &reply,
        &[
            "unheard_of_block",
            "unheard_of_delta",
            r#""stop_reason":"unheard_of_reason""#,
        ],
    );

    for (line_end, word, ping) in [
        (
            LineEnd::CrLf,
            "crlf",
            "event: ping\r\ndata: {\"type\": \"ping\"}\r\n\r\n",
        ),
        (
            LineEnd::Cr,
            "cr",
            "event: ping\rdata: {\"type\": \"ping\"}\r\r",
        ),
    ] {
        let reply = text().line_ends(line_end);
        let reply = both_ways(reply, &(message() + &format!("line_ends = '{word}'"))).await;
        assert!(reply.chunks().0.contains(&ping), "{}", reply.text());
    }

    let reply = both_ways(text().pieces_of(bytes(1)), &(message() + "pieces_of = 1")).await;
    let split = b"1\r\n\xc3\r\n1\r\n\xbc\r\n";
    assert!(
        reply.bytes.windows(split.len()).any(|bytes| bytes == split),
        "half a letter each"
    );

    let reply = text().huge_event(70_000);
    let reply = both_ways(reply, &(message() + "huge_event = 70000")).await;
    assert!(reply.chunks().0.iter().any(|chunk| chunk.len() == 70_000));
}

#[tokio::test]
async fn a_connection_ends_before_the_head_in_every_way() {
    for (reply, word, end) in [
        (Reply::close_without_reply(), "close", End::Closed),
        (Reply::reset_without_reply(), "reset", End::Reset),
        // Over HTTP/1.1 both are a close; frame by frame they are under test beside this.
        (Reply::go_away(), "go-away", End::Closed),
        (Reply::refuse_stream(), "refuse-stream", End::Closed),
    ] {
        let reply = both_ways(reply, &format!("close = '{word}'")).await;
        assert_eq!((reply.text(), reply.end), ("", end), "{word}");
    }
}

#[tokio::test]
async fn a_head_may_be_any_bytes_at_all() {
    let text = "HTTP/1.1 99 Hm\r\nno colon\r\n\r\nx";
    let file = "verbatim = { text = \"HTTP/1.1 99 Hm\\r\\nno colon\\r\\n\\r\\nx\" }";
    let reply = both_ways(Reply::verbatim(text), file).await;
    assert_eq!((reply.text(), reply.end), (text, End::Closed));
    let simulator = started(Scenario::script(vec![
        Reply::verbatim(*b"\xff\0"),
        Reply::message("Hello"),
    ]))
    .await;
    assert_eq!(plain(&simulator).await.bytes, b"\xff\0");
    assert_eq!(plain(&simulator).await.status(), 200);
    let entry = &simulator.journal()[0];
    assert_eq!((entry.status, entry.reply_bytes), (None, 2));
}

#[tokio::test]
async fn a_redirect_names_another_origin_or_the_trap() {
    let reply = Reply::redirect(308, "http://elsewhere.example/");
    let file = "redirect = { status = 308, to = 'http://elsewhere.example/' }";
    let reply = both_ways(reply, file).await;
    let told = (reply.status(), reply.header("location"));
    assert_eq!(told, (308, Some("http://elsewhere.example/")));
    let trapped = Scenario::from_toml("[[reply]]\nredirect = { status = 307 }").unwrap();
    assert_eq!(
        trapped,
        Scenario::script(vec![Reply::redirect_to_trap(307)])
    );
}

#[tokio::test]
async fn a_scenario_file_refuses_connections_for_a_while_or_for_ever() {
    for (file, scenario) in [
        (
            "[[refused]]\nuntil = '1h'",
            Scenario::script(Vec::new()).refused_during(Duration::ZERO..Duration::from_secs(3_600)),
        ),
        ("refused = [{}]", Scenario::refused()),
    ] {
        let written = Scenario::from_toml(file).unwrap();
        assert_eq!(written, scenario);
        let simulator = started(written).await;
        let address = ("127.0.0.1", simulator.port());
        let error = tokio::net::TcpStream::connect(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{file}");
    }
}

#[tokio::test]
async fn faults_compose_on_one_request() {
    // Slow, unknown, in odd lines, a letter in two, and then cut: all of one answer.
    let reply = text()
        .pause_before_head(20 * MS)
        .unknown_events()
        .line_ends(LineEnd::CrLf)
        .malformed_json_after_events(0)
        .drip(bytes(400), MS)
        .cut_after_stop_reason(Cut::Reset);
    let file = message()
        + "pause_before_head = '20ms'\nunknown_events = true\nline_ends = 'crlf'\n\
           malformed_json_after_events = 0\ndrip = { bytes = 400, every = '1ms' }\n\
           cut = { after = 'stop-reason', how = 'reset' }";
    let reply = both_ways(reply, &file).await;
    let sent = String::from_utf8(reply.content()).unwrap();
    let first = "event: unheard_of\r\ndata: {\"type\":\"unheard_of\",\"news\":[1,null]\r\n\r\n";
    assert!(sent.starts_with(first), "{sent}");
    assert!(sent.contains("unheard_of_block") && sent.contains("event: message_delta\r\n"));
    assert!(
        !sent.contains("message_stop") && reply.end == End::Reset,
        "{sent}"
    );
}

#[tokio::test]
async fn faults_of_the_script_and_of_conditions_compose_and_the_later_goes_over_the_earlier() {
    let told = Scenario::script(vec![text().cut_after_bytes(60, Cut::Reset)])
        .with(
            When::requests([2]),
            Reply::error(500, "api_error", "Internal server error").pause_before_head(5 * MS),
        )
        .with(
            When::requests([2, 3]),
            Reply::scripted()
                .header("x-should-retry", "false")
                .retry_after(1_500 * MS),
        )
        .with(
            When::requests([4]),
            Reply::scripted().cut_after_bytes(7, Cut::Clean),
        );
    let file = format!(
        "[[reply]]\n{}cut = {{ after_bytes = 60, how = 'reset' }}\n\
         [[fault]]\nwhen = {{ requests = [2] }}\npause_before_head = '5ms'\n\
         error = {{ status = 500, type = 'api_error', message = 'Internal server error' }}\n\
         [[fault]]\nwhen = {{ requests = [2, 3] }}\n\
         headers = {{ x-should-retry = 'false' }}\nretry_after = '1500ms'\n\
         [[fault]]\nwhen = {{ requests = [4] }}\ncut = {{ after_bytes = 7, how = 'clean' }}\n",
        message()
    );
    assert_eq!(Scenario::from_toml(&file), Ok(told.clone()));
    let simulator = started(told).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(stream(&simulator).await);
    }
    assert_eq!(
        seen.iter().map(Received::status).collect::<Vec<_>>(),
        [200, 500, 200, 200]
    );
    let hints = |reply: &Received| {
        (
            reply.header("x-should-retry").map(str::to_owned),
            reply.header("retry-after").map(str::to_owned),
            reply.header("retry-after-ms").map(str::to_owned),
        )
    };
    let told = (
        Some("false".to_owned()),
        Some("2".to_owned()),
        Some("1500".to_owned()),
    );
    assert_eq!(hints(&seen[0]), (None, None, None));
    assert_eq!((hints(&seen[1]), hints(&seen[2])), (told.clone(), told));
    // An error is cut as its script is: the fault that replaced what is said did not mend that.
    assert_eq!((seen[1].end, seen[1].content().len()), (End::Reset, 60));
    assert_eq!((seen[2].end, seen[2].content().len()), (End::Reset, 60));
    assert_eq!(
        (seen[3].end, seen[3].content()),
        (End::Closed, b"event: ".to_vec())
    );
}

#[tokio::test]
async fn chance_strikes_the_same_requests_for_the_same_seed_and_others_for_another() {
    let struck = |seed: u64| async move {
        let file = format!("seed = {seed}\n[[fault]]\nwhen = {{ chance = 0.5 }}\ngateway = 502\n");
        let told = Scenario::script(Vec::new()).seed(seed);
        let when = When::always().chance(Chance::percent(50));
        let scenario = Scenario::from_toml(&file).unwrap();
        assert_eq!(scenario, told.with(when, Reply::html_gateway(502)));
        let simulator = started(scenario).await;
        let mut statuses = Vec::new();
        for _ in 0..24 {
            statuses.push(plain(&simulator).await.status());
        }
        statuses
    };
    let first = struck(1).await;
    assert_eq!(first, struck(1).await);
    assert_ne!(first, struck(2).await);
    let times = first.iter().filter(|status| **status == 502).count();
    assert!((6..=18).contains(&times), "{times} of 24");
}
