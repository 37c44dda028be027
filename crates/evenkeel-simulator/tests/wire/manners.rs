//! What a well-behaved API does: answers, refusals, limits, headers.

use std::num::NonZeroU32;
use std::time::SystemTime;

use evenkeel_simulator::{RateLimits, Reply, Scenario, Simulator};
use tokio::io::AsyncWriteExt;

use super::client::{Received, connect, exchange, plain, post, read_until, request, stream};

const VERSION: &str = "anthropic-version: 2023-06-01\r\n";
const GOOD: &str = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#;

async fn healthy() -> Simulator {
    Simulator::start(Scenario::named("healthy").unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_plain_request_is_answered_with_one_message() {
    let simulator = healthy().await;
    let reply = plain(&simulator).await;
    let body: serde_json::Value = serde_json::from_str(reply.rest()).unwrap();
    assert_eq!(body["type"], "message");
    assert_eq!(body["model"], "claude-sonnet-5-5");
    assert_eq!(
        body["content"][0]["text"],
        "Hello from the simulator: all is well."
    );
    assert_eq!(body["stop_reason"], "end_turn");
    assert!(body["id"].as_str().unwrap().starts_with("msg_01"));
    assert_eq!(
        reply.header("content-length"),
        Some(reply.rest().len().to_string().as_str())
    );
}

#[tokio::test]
async fn a_streaming_request_is_answered_with_the_events_of_the_api() {
    let reply = stream(&healthy().await).await;
    assert_eq!(
        reply.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    assert_eq!(reply.header("cache-control"), Some("no-cache"));
    let (chunks, rest) = reply.chunks();
    assert_eq!(rest, "0\r\n\r\n");
    let mut said = String::new();
    for (chunk, name) in chunks.iter().zip(reply.events()) {
        let data = chunk
            .split_once("\ndata: ")
            .unwrap()
            .1
            .strip_suffix("\n\n")
            .unwrap();
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["type"], name);
        said.push_str(data["delta"]["text"].as_str().unwrap_or_default());
    }
    assert_eq!(said, "Hello from the simulator: all is well.");
    let events = reply.events();
    assert_eq!(
        events[..3],
        ["message_start", "ping", "content_block_start"]
    );
    let tail = ["content_block_stop", "message_delta", "message_stop"];
    assert_eq!(events[events.len() - 3..], tail);
}

#[tokio::test]
async fn every_reply_says_when_from_whom_and_for_which_request() {
    let simulator = healthy().await;
    let organization = plain(&simulator)
        .await
        .header("anthropic-organization-id")
        .unwrap()
        .len();
    assert_eq!(organization, 36);
    for bytes in [
        request("true"),
        post("{", VERSION),
        request("1").replace("/messages", "/x"),
    ] {
        let reply = exchange(&simulator, bytes).await;
        assert!(
            reply.header("date").unwrap().ends_with(" GMT"),
            "{}",
            reply.head()
        );
        assert!(
            reply.header("request-id").unwrap().starts_with("req_011C"),
            "{}",
            reply.head()
        );
        let workspace = reply.header("anthropic-workspace-id").unwrap();
        assert!(workspace.starts_with("wrkspc_01"), "{workspace}");
    }
    let stranger = Simulator::start(Scenario::named("unauthorized").unwrap());
    let refusal = plain(&stranger.await.unwrap()).await;
    for whose in ["anthropic-organization-id", "anthropic-workspace-id"] {
        assert_eq!(refusal.header(whose), None);
    }
}

#[tokio::test]
async fn the_same_seed_and_script_give_the_same_bytes() {
    async fn replies(seed: u64) -> Vec<Received> {
        let builder = Simulator::builder().scenario(Scenario::named("overloaded-twice").unwrap());
        let simulator = builder
            .seed(seed)
            .fixed_date(SystemTime::UNIX_EPOCH)
            .start()
            .await
            .unwrap();
        let mut replies = Vec::new();
        for _ in 0..2 {
            replies.push(stream(&simulator).await);
            replies.push(plain(&simulator).await);
        }
        replies
    }
    let first = replies(7).await;
    assert_eq!(first, replies(7).await);
    assert!(
        first[0]
            .head()
            .contains("date: Thu, 01 Jan 1970 00:00:00 GMT")
    );
    assert_ne!(first, replies(8).await);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_as_the_api_says_it() {
    let simulator = healthy().await;
    let good = post(GOOD, VERSION);
    for (bytes, status, kind, message) in [
        (
            good.replace("/v1/messages", "/v1/complete"),
            404,
            "not_found_error",
            "Not found",
        ),
        (
            good.replace("POST", "PUT"),
            405,
            "invalid_request_error",
            "Method Not Allowed",
        ),
        (
            post(GOOD, ""),
            400,
            "invalid_request_error",
            "anthropic-version: header is required",
        ),
        (
            good.replace("2023", "2020"),
            400,
            "invalid_request_error",
            "2020-06-01",
        ),
        (
            post("{", VERSION),
            400,
            "invalid_request_error",
            "not valid JSON",
        ),
        (
            post("{}", VERSION),
            400,
            "invalid_request_error",
            "model: Field required",
        ),
        (
            post(
                GOOD,
                "anthropic-version: 2023-06-01\r\ncontent-encoding: gzip\r\n",
            ),
            400,
            "invalid_request_error",
            "request_body_encoding_unsupported",
        ),
    ] {
        let reply = exchange(&simulator, &bytes).await;
        assert_eq!(reply.status(), status, "{bytes}");
        let envelope = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":""#);
        assert!(reply.rest().starts_with(&envelope), "{}", reply.rest());
        assert!(reply.rest().contains(message), "{}", reply.rest());
        let id = reply.header("request-id").unwrap();
        assert!(
            reply.rest().ends_with(&format!(r#""request_id":"{id}"}}"#)),
            "{}",
            reply.rest()
        );
    }
    assert_eq!(exchange(&simulator, good).await.status(), 200);
}

#[tokio::test]
async fn refused_requests_take_no_reply_from_the_script() {
    let script = vec![Reply::raw(500), Reply::raw(200)];
    let simulator = Simulator::start(Scenario::script(script)).await.unwrap();
    assert_eq!(exchange(&simulator, post("{", VERSION)).await.status(), 400);
    assert_eq!(
        exchange(&simulator, post(GOOD, VERSION)).await.status(),
        500
    );
    assert_eq!(
        exchange(&simulator, post(GOOD, VERSION)).await.status(),
        200
    );
}

#[tokio::test]
async fn a_body_over_32_megabytes_is_refused_and_the_server_lives() {
    let simulator = healthy().await;
    let body = "x".repeat(32 * 1_024 * 1_024 + 1);
    let reply = exchange(&simulator, post(&body, VERSION)).await;
    assert_eq!(reply.status(), 413);
    assert!(
        reply.rest().contains("request_too_large"),
        "{}",
        reply.rest()
    );
    assert_eq!(simulator.journal()[0].body_bytes, body.len() as u64);
    assert_eq!(plain(&simulator).await.status(), 200);
}

#[tokio::test]
async fn what_is_not_http_gets_a_400_and_the_server_lives() {
    let simulator = healthy().await;
    for bytes in [
        "\x16\x03\x01 this is not HTTP\r\n\r\n",
        "GET\r\n\r\n",
        "POST /v1/messages HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
    ] {
        let reply = exchange(&simulator, bytes).await;
        let start = "HTTP/1.1 400 Bad Request\r\n";
        assert!(
            reply.text().starts_with(start),
            "{bytes:?}: {}",
            reply.text()
        );
    }
    let head = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1_000_000));
    let mut connection = connect(&simulator).await;
    // It may hang up before it has read all of that.
    let _ = connection.write_all(head.as_bytes()).await;
    let mut start = [0; 12];
    let refused = tokio::io::AsyncReadExt::read_exact(&mut connection, &mut start).await;
    assert!(
        refused.is_err() || start.starts_with(b"HTTP/1.1 4"),
        "{start:?}"
    );
    assert!(
        simulator
            .journal()
            .iter()
            .all(|entry| entry.status.is_none())
    );
    assert_eq!(plain(&simulator).await.status(), 200);
}

#[tokio::test]
async fn a_key_is_asked_for_only_if_the_scenario_says_so() {
    let healthy = healthy().await;
    assert_eq!(exchange(&healthy, post(GOOD, VERSION)).await.status(), 200);
    let strict = Scenario::named("healthy").unwrap().key_required();
    let strict = Simulator::start(strict).await.unwrap();
    assert_eq!(exchange(&strict, post(GOOD, VERSION)).await.status(), 401);
    for key in ["x-api-key: k\r\n", "authorization: Bearer k\r\n"] {
        let reply = exchange(&strict, post(GOOD, &format!("{VERSION}{key}"))).await;
        assert_eq!(reply.status(), 200, "{key}");
    }
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let simulator = healthy().await;
    let mut connection = connect(&simulator).await;
    let bytes = request("true").replace("connection: close\r\n", "");
    let both = async {
        for _ in 0..2 {
            connection.write_all(bytes.as_bytes()).await.unwrap();
            let reply = read_until(&mut connection, "0\r\n\r\n").await;
            assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
        }
    };
    both.await;
    assert_eq!(simulator.journal().len(), 2);
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_to_go_on_is_told() {
    let simulator = Simulator::start(Scenario::script(vec![
        Reply::raw(200)
            .body("0123456789")
            .cut_after_bytes(3, evenkeel_simulator::Cut::MidChunk),
    ]));
    let simulator = simulator.await.unwrap();
    let bytes = post(GOOD, &format!("{VERSION}expect: 100-continue\r\n"));
    let (head, body) = bytes.split_at(bytes.find("\r\n\r\n").unwrap() + 4);
    let mut connection = connect(&simulator).await;
    connection.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(
        read_until(&mut connection, "\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    connection.write_all(body.as_bytes()).await.unwrap();
    let reply = super::client::read_to_end(&mut connection).await;
    assert_eq!((reply.status(), reply.rest()), (200, "A\r\n012"));
}

fn limit(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

#[tokio::test]
async fn a_request_over_the_limit_is_told_when_to_return() {
    let limits = RateLimits::none().requests_per_minute(limit(3));
    let simulator = Simulator::builder().limits(limits).start().await.unwrap();
    for _ in 0..3 {
        assert_eq!(plain(&simulator).await.status(), 200);
    }
    let refusal = plain(&simulator).await;
    assert_eq!(refusal.status(), 429);
    assert!(
        refusal
            .rest()
            .contains("rate limit of 3 requests per minute (org: ")
    );
    assert!(
        refusal.rest().contains("model: claude-sonnet-5-5)"),
        "{}",
        refusal.rest()
    );
    let wait: u64 = refusal.header("retry-after").unwrap().parse().unwrap();
    assert!((10..=20).contains(&wait), "{wait}");
    assert_eq!(
        refusal.header("anthropic-ratelimit-requests-limit"),
        Some("3")
    );
    assert_eq!(
        refusal.header("anthropic-ratelimit-requests-remaining"),
        Some("0")
    );
    let other = request("false").replace("sk-ant-secret", "sk-ant-other");
    assert_eq!(
        exchange(&simulator, other).await.status(),
        200,
        "a key of its own"
    );
}

#[tokio::test]
async fn limits_are_told_on_answers_too() {
    let limits = RateLimits::none()
        .requests_per_minute(limit(10))
        .input_tokens_per_minute(limit(20_000))
        .output_tokens_per_minute(limit(100));
    let builder = Simulator::builder()
        .limits(limits)
        .fixed_date(SystemTime::UNIX_EPOCH);
    let reply = stream(&builder.start().await.unwrap()).await;
    let header = |name: &str| {
        reply
            .header(&format!("anthropic-ratelimit-{name}"))
            .unwrap()
    };
    assert_eq!(
        (header("requests-limit"), header("requests-remaining")),
        ("10", "9")
    );
    assert_eq!(header("requests-reset"), "1970-01-01T00:00:06Z");
    assert_eq!(
        (
            header("input-tokens-limit"),
            header("input-tokens-remaining")
        ),
        ("20000", "20000")
    );
    let left: u32 = header("output-tokens-remaining").parse().unwrap();
    let spent = reply.text().rsplit_once(r#""output_tokens":"#).unwrap().1;
    let spent: u32 = spent.split_once('}').unwrap().0.parse().unwrap();
    assert_eq!(left, 100 - spent);
    assert_eq!(header("tokens-limit"), "20100");
    assert!(
        plain(&healthy().await)
            .await
            .header("anthropic-ratelimit-requests-limit")
            .is_none()
    );
}
