//! Every endpoint, and every kind of answer, as bytes on a socket.

use std::time::Duration;

use evenkeel_simulator::{Answer, RateLimits, Reply, Scenario, Shortage, Simulator};
use serde_json::{Value, json};

use super::client::{Received, exchange, rest};

async fn simulator(scenario: Scenario) -> Simulator {
    Simulator::start(scenario).await.unwrap()
}

fn healthy() -> Scenario {
    Scenario::named("healthy").unwrap()
}

/// One request over a connection of its own.
async fn send(simulator: &Simulator, method: &str, path: &str, body: &Value) -> Received {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n\
         anthropic-version: 2026-10-21\r\nx-api-key: k\r\ncontent-length: {}\r\n\r\n{body}",
        simulator.port(),
        body.len()
    );
    exchange(simulator, request).await
}

async fn get(simulator: &Simulator, path: &str) -> (u16, Value) {
    let reply = send(simulator, "GET", path, &Value::Null).await;
    (reply.status(), serde_json::from_str(reply.rest()).unwrap())
}

fn asked(more: &Value) -> Value {
    let usual = json!({
        "model": "claude-opus-5", "max_tokens": 500,
        "messages": [{"role": "user", "content": "Hi"}],
    });
    let fields = [&usual, more].map(|object| object.as_object().unwrap().clone());
    Value::Object(fields.into_iter().flatten().collect())
}

#[tokio::test]
async fn models_are_listed_in_pages_and_shown_one_by_one() {
    let simulator = simulator(healthy()).await;
    let (status, first) = get(&simulator, "/v1/models?limit=3").await;
    assert_eq!(
        (
            status,
            first["data"].as_array().unwrap().len(),
            &first["has_more"]
        ),
        (200, 3, &json!(true))
    );
    let last = first["last_id"].as_str().unwrap();
    let (_, second) = get(
        &simulator,
        &format!("/v1/models?limit=1000&after_id={last}"),
    )
    .await;
    assert_eq!(second["has_more"], false);
    let (_, model) = get(&simulator, "/v1/models/claude-sonnet-5-5").await;
    assert_eq!(
        (&model["type"], &model["max_tokens"]),
        (&json!("model"), &json!(128_000))
    );
    let (status, error) = get(&simulator, "/v1/models/claude-99").await;
    assert_eq!(
        (status, &error["error"]["type"]),
        (404, &json!("not_found_error"))
    );
    assert_eq!(get(&simulator, "/v1/models?limit=x").await.0, 400);
}

#[tokio::test]
async fn tokens_are_counted_without_an_answer() {
    let simulator = simulator(healthy()).await;
    let body = json!({"model": "claude-opus-5", "messages": [{"role": "user", "content": "Hi"}]});
    let reply = send(&simulator, "POST", "/v1/messages/count_tokens", &body).await;
    assert_eq!(
        (reply.status(), reply.rest()),
        (200, r#"{"input_tokens":5}"#)
    );
    let wrong = json!({"model": "claude-opus-5"});
    let reply = send(&simulator, "POST", "/v1/messages/count_tokens", &wrong).await;
    assert_eq!(reply.status(), 400);
    assert!(reply.rest().contains("messages: Field required"));
}

#[tokio::test]
async fn a_batch_goes_from_creation_to_results_and_deletion() {
    let simulator = simulator(healthy().batch_item_time(Duration::from_millis(15))).await;
    let good = asked(&json!({}));
    let bad = asked(&json!({"max_tokens": "many"}));
    let batch = json!({"requests": [{"custom_id": "good", "params": good}, {"custom_id": "bad", "params": bad}]});
    let reply = send(&simulator, "POST", "/v1/messages/batches", &batch).await;
    let batch: Value = serde_json::from_str(reply.rest()).unwrap();
    assert_eq!(
        (reply.status(), &batch["processing_status"]),
        (200, &json!("in_progress"))
    );
    let path = format!("/v1/messages/batches/{}", batch["id"].as_str().unwrap());
    let ended = loop {
        let (_, batch) = get(&simulator, &path).await;
        if batch["processing_status"] == "ended" {
            break batch;
        }
        rest(Duration::from_millis(5)).await;
    };
    assert_eq!(
        (
            &ended["request_counts"]["succeeded"],
            &ended["request_counts"]["errored"]
        ),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        ended["results_url"],
        format!("{}{path}/results", simulator.base_url())
    );
    let results = send(&simulator, "GET", &format!("{path}/results"), &Value::Null).await;
    assert_eq!(results.header("content-type"), Some("application/x-jsonl"));
    let lines: Vec<Value> = results
        .rest()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (
            &lines[0]["custom_id"],
            &lines[0]["result"]["message"]["stop_reason"]
        ),
        (&json!("good"), &json!("end_turn"))
    );
    assert_eq!(
        lines[1]["result"]["error"]["error"]["type"],
        "invalid_request_error"
    );
    assert_eq!(
        get(&simulator, "/v1/messages/batches").await.1["data"][0]["id"],
        ended["id"]
    );
    let reply = send(&simulator, "POST", &format!("{path}/cancel"), &Value::Null).await;
    assert_eq!(reply.status(), 200, "an ended batch stays as it is");
    assert_eq!(
        send(&simulator, "DELETE", &path, &Value::Null)
            .await
            .status(),
        200
    );
    assert_eq!(get(&simulator, &path).await.0, 404);
}

#[tokio::test]
async fn a_path_without_a_method_is_a_405_with_what_it_has() {
    let simulator = simulator(healthy()).await;
    let reply = send(&simulator, "PUT", "/v1/messages/batches", &Value::Null).await;
    assert_eq!(
        (reply.status(), reply.header("allow")),
        (405, Some("GET, POST"))
    );
}

#[tokio::test]
async fn a_retired_model_is_not_found() {
    let simulator = simulator(healthy()).await;
    let reply = send(
        &simulator,
        "POST",
        "/v1/messages",
        &asked(&json!({"model": "claude-2.1"})),
    )
    .await;
    assert_eq!(reply.status(), 404);
    assert!(
        reply.rest().contains(r#""message":"model: claude-2.1""#),
        "{}",
        reply.rest()
    );
}

#[tokio::test]
async fn a_lifelike_answer_thinks_and_calls_a_tool_if_asked_and_then_takes_its_result() {
    let simulator = simulator(Scenario::script(vec![Reply::answer(Answer::lifelike(
        "Done.",
    ))]))
    .await;
    let schema =
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let tools = json!([{"name": "weather", "input_schema": schema}]);
    let thinking = json!({"type": "adaptive"});
    let body = asked(&json!({"tools": tools, "thinking": thinking}));
    let reply = send(&simulator, "POST", "/v1/messages", &body).await;
    let message: Value = serde_json::from_str(reply.rest()).unwrap();
    assert_eq!(
        (&message["content"][0]["type"], &message["stop_reason"]),
        (&json!("thinking"), &json!("tool_use"))
    );
    let call = &message["content"][1];
    assert_eq!(
        (&call["name"], &call["input"]),
        (&json!("weather"), &json!({"city": "example"}))
    );
    let result = json!([{"type": "tool_result", "tool_use_id": call["id"], "content": "Rain"}]);
    let messages = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": message["content"]},
        {"role": "user", "content": result},
    ]);
    let reply = send(
        &simulator,
        "POST",
        "/v1/messages",
        &asked(&json!({"tools": tools, "messages": messages})),
    )
    .await;
    let message: Value = serde_json::from_str(reply.rest()).unwrap();
    assert_eq!(
        (&message["content"][0]["text"], &message["stop_reason"]),
        (&json!("Done."), &json!("end_turn"))
    );
}

#[tokio::test]
async fn every_shortage_has_its_status_type_code_and_words() {
    for (shortage, status, kind, words) in [
        (
            Shortage::Requests,
            429,
            "rate_limit_error",
            "requests per minute (org: ",
        ),
        (
            Shortage::InputTokens,
            429,
            "rate_limit_error",
            "input tokens per minute (org: ",
        ),
        (
            Shortage::OutputTokens,
            429,
            "rate_limit_error",
            "output tokens per minute (org: ",
        ),
        (
            Shortage::Ramp,
            429,
            "rate_limit_error",
            r#""error_code":"ramp_limit_exceeded""#,
        ),
        (
            Shortage::Concurrency,
            429,
            "rate_limit_error",
            "Number of concurrent connections",
        ),
        (Shortage::FastMode, 429, "rate_limit_error", "fast mode"),
        (Shortage::Throttle, 429, "rate_limit_error", "Rate limited"),
        (
            Shortage::SpendCap,
            429,
            "rate_limit_error",
            r#""error_code":"enforced_spend_limit_reached""#,
        ),
        (
            Shortage::ContractSpendCap,
            429,
            "rate_limit_error",
            r#""error_code":"contract_spend_limit_reached""#,
        ),
        (
            Shortage::OwnSpendLimit,
            400,
            "invalid_request_error",
            "You have reached your specified API usage limits",
        ),
        (
            Shortage::Credit,
            400,
            "invalid_request_error",
            "Your credit balance is too low",
        ),
    ] {
        let simulator = simulator(Scenario::script(vec![Reply::out_of(shortage)])).await;
        let reply = send(&simulator, "POST", "/v1/messages", &asked(&json!({}))).await;
        assert_eq!(reply.status(), status, "{shortage:?}");
        assert!(
            reply
                .rest()
                .contains(&format!(r#""error":{{"type":"{kind}""#)),
            "{}",
            reply.rest()
        );
        assert!(reply.rest().contains(words), "{}", reply.rest());
        assert_eq!(reply.header("retry-after"), None);
        let fast = reply.header("anthropic-fast-output-tokens-remaining");
        assert_eq!(fast.is_some(), shortage == Shortage::FastMode);
    }
}

#[tokio::test]
async fn limits_are_kept_for_each_class_of_models() {
    let one = std::num::NonZeroU32::MIN;
    let simulator = simulator(healthy().limits(RateLimits::none().requests_per_minute(one))).await;
    for (model, status) in [
        ("claude-opus-4-6", 200),
        ("claude-opus-4-8", 429),
        ("claude-opus-5", 200),
        ("claude-opus-5", 429),
    ] {
        let reply = send(
            &simulator,
            "POST",
            "/v1/messages",
            &asked(&json!({"model": model})),
        )
        .await;
        assert_eq!(reply.status(), status, "{model}");
    }
}
