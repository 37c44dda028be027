//! The gateway: what reaches the API, and what its callers are told.

use std::time::Duration;

use evenkeel_simulator::{Reply, Scenario, Simulator};
use serde_json::{Value, json};

use crate::{api, busy, command, post, send, serve};

#[tokio::test]
async fn the_gateway_forwards_both_ways_and_keeps_refused_keys_apart() {
    let api = Simulator::start(
        Scenario::script(vec![busy(), Reply::message("Forwarded.")]).key_required(),
    )
    .await
    .unwrap();
    let (_server, base) = serve(&mut command(env!("CARGO_BIN_EXE_gateway"), &api)).await;
    let url = format!("{base}/v1/messages");
    let user = json!([{ "role": "user", "content": "Hi" }]);
    let mut body = json!({ "model": "claude-haiku-5-5", "max_tokens": 9, "messages": user });

    let (status, _, reply) = post(&url, "sk-ant-api03-one", body.clone()).await;
    let reply: Value = serde_json::from_str(&reply).unwrap();
    assert_eq!(
        (status, &reply["content"][0]["text"]),
        (200, &json!("Forwarded."))
    );

    body["stream"] = json!(true);
    let (status, headers, reply) = post(&url, "sk-ant-api03-two", body).await;
    assert_eq!(
        (status, headers["content-type"].to_str().unwrap()),
        (200, "text/event-stream")
    );
    assert!(reply.starts_with("event: message_start\n"), "{reply}");
    assert!(
        reply.contains("text_delta") && reply.contains("event: message_stop\n"),
        "{reply}"
    );

    let (status, headers, reply) = post(&url, "sk-ant-api03-one", json!({ "model": 1 })).await;
    assert_eq!(
        (status, headers["x-should-retry"].to_str().unwrap()),
        (400, "false")
    );
    assert!(reply.contains("invalid_request_error"), "{reply}");
    assert_eq!(api.journal().len(), 3);
}

/// What a caller of the gateway asks.
fn hi(word: &str) -> Value {
    let user = json!([{ "role": "user", "content": word }]);
    json!({ "model": "claude-haiku-5-5", "max_tokens": 9, "messages": user })
}

#[tokio::test]
async fn the_gateway_sends_on_the_version_and_the_betas_of_its_caller() {
    let api = api(vec![Reply::message("Hello.")]).await;
    let (_server, base) = serve(&mut command(env!("CARGO_BIN_EXE_gateway"), &api)).await;
    let url = format!("{base}/v1/messages");
    let by_token = reqwest::Client::new().post(&url).bearer_auth("planted");
    let by_token = by_token.header("anthropic-version", "2023-06-01");
    let by_token = by_token.header("anthropic-beta", "files-api-2026-04-14");
    let by_token = by_token.header("anthropic-beta", "context-1m-2026-08-07");

    let (status, headers, _) = send(by_token, hi("one")).await;
    assert_eq!(status, 200);
    let id = api.journal()[0].request_id.clone().unwrap();
    assert_eq!(headers["request-id"].to_str().unwrap(), id);
    let (status, ..) = post(&url, "sk-ant-api03-two", hi("two")).await;
    assert_eq!(status, 200);

    let of = |index: usize, name: &str| api.journal()[index].header(name).map(str::to_owned);
    assert_eq!(of(0, "anthropic-version").unwrap(), "2023-06-01");
    let betas = "files-api-2026-04-14,context-1m-2026-08-07";
    assert_eq!(of(0, "anthropic-beta").unwrap(), betas);
    assert!(of(0, "authorization").is_some() && of(0, "x-api-key").is_none());
    assert_eq!(of(1, "anthropic-version").unwrap(), "2026-10-21");
    assert_eq!(of(1, "anthropic-beta"), None);
}

#[tokio::test]
async fn the_gateway_refuses_as_the_api_did_and_one_account_for_itself_alone() {
    let api = api(vec![
        Reply::rate_limited(Duration::from_hours(1)),
        Reply::message("Hello."),
        Reply::error(404, "not_found_error", "model: claude-haiku-5-5"),
    ])
    .await;
    let (_server, base) = serve(&mut command(env!("CARGO_BIN_EXE_gateway"), &api)).await;
    let url = format!("{base}/v1/messages");

    for _ in ["sent", "known to be refused"] {
        let (status, headers, reply) = post(&url, "sk-ant-api03-one", hi("one")).await;
        let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3_500..=3_600).contains(&wait), "{wait}");
        let reply: Value = serde_json::from_str(&reply).unwrap();
        let kind = &reply["error"]["type"];
        assert_eq!((status, kind), (429, &json!("rate_limit_error")));
    }
    assert_eq!(api.journal().len(), 1, "an hour is not waited for");

    let (status, ..) = post(&url, "sk-ant-api03-two", hi("two")).await;
    assert_eq!(status, 200);
    let (status, headers, reply) = post(&url, "sk-ant-api03-two", hi("three")).await;
    let reply: Value = serde_json::from_str(&reply).unwrap();
    assert_eq!((status, headers.get("retry-after")), (404, None));
    assert_eq!(reply["error"]["type"], "not_found_error");
    assert_eq!(reply["error"]["message"], "model: claude-haiku-5-5");
    let id = api.journal()[2].request_id.clone().unwrap();
    assert_eq!(reply["request_id"], id);
    assert_eq!(headers["request-id"], id);
}
