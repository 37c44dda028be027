//! Scripted trouble: statuses, pauses, error events, cuts.

use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::time::Duration;

use evenkeel_simulator::{Cut, Ending, Reply, Scenario, Simulator, SseEvent};
use tokio::net::TcpStream;

use super::client::{End, connect, exchange, plain, read_until, request, stream, timed};

const MS: Duration = Duration::from_millis(1);

async fn simulator(replies: Vec<Reply>) -> Simulator {
    Simulator::start(Scenario::script(replies)).await.unwrap()
}

async fn named(name: &str) -> Simulator {
    let twentieth = NonZeroU32::new(20).unwrap();
    let scenario = Scenario::named(name).unwrap().time_divided_by(twentieth);
    Simulator::start(scenario).await.unwrap()
}

fn text() -> Reply {
    Reply::message("A text that is long enough for a stream of more than a few deltas.")
}

/// Ten bytes an event, so that places are easy to count.
fn tens() -> Reply {
    Reply::events((0..3).map(|_| SseEvent::verbatim(*b"0123456789")).collect())
}

#[tokio::test]
async fn an_error_has_its_status_its_envelope_and_its_request_id() {
    let simulator = named("overloaded-twice").await;
    for number in 1..=2 {
        let reply = stream(&simulator).await;
        assert!(
            reply.text().starts_with("HTTP/1.1 529 \r\n"),
            "{}",
            reply.text()
        );
        let id = reply.header("request-id").unwrap();
        assert_eq!(
            reply.rest(),
            format!(
                r#"{{"type":"error","error":{{"type":"overloaded_error","message":"Overloaded","details":null}},"request_id":"{id}"}}"#
            )
        );
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("retry-after"), None);
        assert_eq!(
            simulator.journal()[number - 1].request_id.as_deref(),
            Some(id)
        );
    }
    assert_eq!(
        stream(&simulator).await.events().last(),
        Some(&"message_stop")
    );
    assert_eq!(
        stream(&simulator).await.status(),
        200,
        "the last reply repeats"
    );
}

#[tokio::test]
async fn the_statuses_of_the_catalogue_come_in_their_order() {
    for (name, statuses) in [
        ("healthy", [200, 200]),
        ("overloaded", [529, 529]),
        ("server-error-once", [500, 200]),
        ("rate-limited", [429, 200]),
        ("rate-limited-for-hours", [429, 429]),
        ("spend-cap", [429, 429]),
        ("bad-request", [400, 400]),
        ("unauthorized", [401, 401]),
        ("html-gateway", [502, 200]),
        ("slow-head", [200, 200]),
    ] {
        let simulator = named(name).await;
        let replies = [
            stream(&simulator).await.status(),
            plain(&simulator).await.status(),
        ];
        assert_eq!(replies, statuses, "{name}");
    }
}

#[tokio::test]
async fn a_divided_retry_after_is_whole_seconds_with_the_exact_wait_beside_it() {
    let reply = plain(&named("rate-limited").await).await;
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(reply.header("retry-after-ms"), Some("50"));
    assert_eq!(
        reply.header("anthropic-ratelimit-requests-remaining"),
        Some("0")
    );
    let whole = simulator(vec![Reply::rate_limited(Duration::from_secs(3))]).await;
    let reply = plain(&whole).await;
    assert_eq!(reply.header("retry-after"), Some("3"));
    assert_eq!(reply.header("retry-after-ms"), None);
}

#[tokio::test]
async fn a_spend_cap_says_so_and_names_no_wait() {
    let reply = plain(&named("spend-cap").await).await;
    assert!(
        reply
            .rest()
            .contains(r#""error_code":"enforced_spend_limit_reached""#)
    );
    assert!(
        reply
            .rest()
            .contains("You have reached your API usage limits. You will regain access")
    );
    assert_eq!(reply.header("retry-after"), None);
}

#[tokio::test]
async fn the_proxys_page_is_html_with_a_ray_and_no_request_id() {
    let reply = plain(&named("html-gateway").await).await;
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=UTF-8")
    );
    assert_eq!(reply.header("server"), Some("cloudflare"));
    assert!(reply.header("cf-ray").is_some() && reply.header("request-id").is_none());
    assert!(reply.rest().starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn a_raw_reply_is_sent_as_it_was_given() {
    let reply = Reply::raw(302)
        .header("location", "http://elsewhere/")
        .body("x\0y");
    let reply = plain(&simulator(vec![reply]).await).await;
    assert_eq!((reply.status(), reply.rest()), (302, "x\0y"));
    assert_eq!(reply.header("location"), Some("http://elsewhere/"));
    assert_eq!(reply.header("content-type"), None);
}

#[tokio::test]
async fn an_error_event_comes_before_between_or_after_content() {
    for (after, events) in [
        (0, vec!["error"]),
        (1, vec!["message_start", "error"]),
        (
            4,
            vec![
                "message_start",
                "ping",
                "content_block_start",
                "content_block_delta",
                "error",
            ],
        ),
    ] {
        let reply = text().error_after_events(after, "overloaded_error", "Overloaded");
        let reply = stream(&simulator(vec![reply]).await).await;
        assert_eq!((reply.status(), reply.events()), (200, events));
        let (chunks, rest) = reply.chunks();
        let id = reply.header("request-id").unwrap();
        let error = format!(
            "event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"overloaded_error\",\
             \"message\":\"Overloaded\",\"details\":null}},\"request_id\":\"{id}\"}}\n\n"
        );
        assert_eq!(
            (*chunks.last().unwrap(), rest),
            (error.as_str(), "0\r\n\r\n")
        );
    }
    let whole = stream(&simulator(vec![text()]).await).await.events().len();
    let reply = text().error_after_events(whole, "api_error", "Late");
    let reply = stream(&simulator(vec![reply]).await).await;
    assert_eq!(reply.events()[whole - 1..], ["message_stop", "error"]);
}

#[tokio::test]
async fn a_clean_cut_ends_the_body_as_if_it_were_whole() {
    let reply = stream(&named("cut-before-content").await).await;
    assert_eq!(reply.events(), ["message_start"]);
    assert_eq!((reply.chunks().1, reply.end), ("0\r\n\r\n", End::Closed));

    let reply = stream(&named("cut-mid-stream").await).await;
    assert_eq!(
        reply.events()[..3],
        ["message_start", "ping", "content_block_start"]
    );
    assert_eq!(reply.events()[3..], ["content_block_delta"; 3]);
    assert_eq!(reply.chunks().1, "0\r\n\r\n");
}

#[tokio::test]
async fn a_clean_cut_of_a_plain_reply_hides_its_length() {
    let reply = Reply::raw(200)
        .body("0123456789")
        .cut_after_bytes(4, Cut::Clean);
    let reply = plain(&simulator(vec![reply]).await).await;
    assert_eq!(reply.rest(), "4\r\n0123\r\n0\r\n\r\n");
    assert_eq!(reply.header("content-length"), None);
}

#[tokio::test]
async fn a_reset_comes_after_exactly_the_bytes_it_was_scripted_for() {
    for (bytes, rest) in [
        (0, ""),
        (1, "A\r\n0"),
        (10, "A\r\n0123456789"),
        (11, "A\r\n0123456789\r\nA\r\n0"),
        (30, "A\r\n0123456789\r\nA\r\n0123456789\r\nA\r\n0123456789"),
    ] {
        let simulator = simulator(vec![tens().cut_after_bytes(bytes, Cut::Reset)]).await;
        let reply = stream(&simulator).await;
        assert_eq!(
            (reply.rest(), reply.end),
            (rest, End::Reset),
            "after {bytes} bytes"
        );
        let entry = &simulator.journal()[0];
        assert_eq!((entry.ending, entry.reply_bytes), (Ending::Cut, bytes));
    }
}

#[tokio::test]
async fn a_reset_in_mid_stream_comes_after_some_content_and_once() {
    let simulator = named("reset-mid-stream-once").await;
    let reply = stream(&simulator).await;
    assert_eq!((reply.end, reply.status()), (End::Reset, 200));
    assert!(reply.text().contains("text_delta") && !reply.text().contains("message_delta"));
    assert_eq!(
        stream(&simulator).await.events().last(),
        Some(&"message_stop")
    );
}

#[tokio::test]
async fn a_cut_inside_a_chunk_closes_before_what_was_promised() {
    let simulator = simulator(vec![tens().cut_after_events(1, Cut::MidChunk)]).await;
    let reply = stream(&simulator).await;
    assert_eq!(
        (reply.rest(), reply.end),
        ("A\r\n0123456789\r\nA\r\n01234", End::Closed)
    );
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_the_same_cut_without_chunks() {
    let simulator = simulator(vec![tens().cut_after_bytes(12, Cut::Reset)]).await;
    let reply = exchange(&simulator, request("true").replace("HTTP/1.1", "HTTP/1.0")).await;
    assert_eq!((reply.rest(), reply.end), ("012345678901", End::Reset));
}

#[tokio::test]
async fn a_large_reply_is_cut_on_the_byte_too() {
    let body = "x".repeat(3_000_000);
    let reply = Reply::raw(200)
        .body(body)
        .cut_after_bytes(2_000_001, Cut::MidChunk);
    let reply = plain(&simulator(vec![reply]).await).await;
    assert_eq!(reply.rest().len(), "2DC6C0\r\n".len() + 2_000_001);
}

#[tokio::test]
async fn a_connection_without_reply_is_closed_or_reset_before_the_first_byte() {
    for (reply, end) in [
        (Reply::close_without_reply(), End::Closed),
        (Reply::reset_without_reply(), End::Reset),
    ] {
        let simulator = simulator(vec![reply, text()]).await;
        let reply = stream(&simulator).await;
        assert_eq!((reply.text(), reply.end), ("", end));
        let entry = &simulator.journal()[0];
        assert_eq!((entry.ending, entry.status), (Ending::Cut, None));
        assert_eq!(stream(&simulator).await.status(), 200);
    }
}

#[tokio::test]
async fn refused_means_that_nothing_listens() {
    let simulator = named("refused").await;
    for _ in 0..2 {
        let error = TcpStream::connect(("127.0.0.1", simulator.port()))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
    assert!(
        simulator
            .base_url()
            .ends_with(&format!(":{}", simulator.port()))
    );
}

#[tokio::test]
async fn a_pause_before_the_head_delays_all_of_it() {
    let (reply, took) = timed(async { stream(&named("slow-head").await).await }).await;
    assert!(reply.status() == 200 && took >= 100 * MS, "{took:?}");
}

#[tokio::test]
async fn a_pause_in_the_body_lets_through_what_comes_before_it() {
    let replies = vec![tens().pause_after_bytes(12, 120 * MS)];
    let simulator = simulator(replies).await;
    let mut connection = connect(&simulator).await;
    let send = request("true");
    tokio::io::AsyncWriteExt::write_all(&mut connection, send.as_bytes())
        .await
        .unwrap();
    let start = read_until(&mut connection, "2\r\n01\r\n").await;
    assert!(
        start.ends_with("\r\n\r\nA\r\n0123456789\r\n2\r\n01\r\n"),
        "{start}"
    );
    let (rest, took) = timed(read_until(&mut connection, "0\r\n\r\n")).await;
    assert_eq!(rest, "8\r\n23456789\r\nA\r\n0123456789\r\n0\r\n\r\n");
    assert!(took >= 90 * MS, "{took:?}");
}

#[tokio::test]
async fn a_pause_at_the_place_of_a_cut_is_a_silence_before_it() {
    for (cut, end, rest) in [
        (Cut::Reset, End::Reset, "A\r\n0123456789"),
        (Cut::Clean, End::Closed, "A\r\n0123456789\r\n0\r\n\r\n"),
    ] {
        let reply = tens()
            .pause_after_bytes(10, 80 * MS)
            .cut_after_bytes(10, cut);
        let simulator = simulator(vec![reply]).await;
        let (reply, took) = timed(stream(&simulator)).await;
        assert_eq!((reply.rest(), reply.end), (rest, end));
        assert!(took >= 80 * MS, "{took:?}");
    }
}

#[tokio::test]
async fn a_cut_at_the_last_byte_of_a_body_without_chunks_is_the_cut_that_was_asked_for() {
    let body = Reply::raw(200).body("0123456789");
    let simulator = simulator(vec![body.cut_after_bytes(10, Cut::Reset)]).await;
    let old = request("false").replace("HTTP/1.1", "HTTP/1.0");
    let reply = exchange(&simulator, old).await;
    assert_eq!(
        (reply.text().ends_with("0123456789"), reply.end),
        (true, End::Reset)
    );
    assert_eq!(simulator.journal()[0].ending, Ending::Cut);
}

#[tokio::test]
async fn a_cut_of_a_status_without_a_body_falls_after_its_head_and_not_on_the_next_reply() {
    for status in [204, 205, 304] {
        let body = Reply::raw(status).body("0123456789");
        let cut = body.cut_after_bytes(3, Cut::Reset);
        let simulator = simulator(vec![cut, text()]).await;
        let reply = plain(&simulator).await;
        assert_eq!(reply.status(), status);
        assert_eq!(reply.end, End::Reset, "{status}");
        assert_eq!(plain(&simulator).await.end, End::Closed);
    }
}
