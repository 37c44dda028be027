//! What the documents promise of limits, keys and models.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::*;
use crate::{RateLimits, Reply, Shortage, Simulator};

const VERSION: &str = "2026-10-21";
/// Its day of retirement is past.
const RETIRED: &str = "claude-3-opus-20240229";

fn body() -> Value {
    let text = "x".repeat(400);
    json!({"model": "claude-opus-5", "max_tokens": 9, "messages": [{"role": "user", "content": text}]})
}

fn playing(file: &str, flags: RateLimits) -> InProcess {
    let scenario = Scenario::from_toml(file).unwrap();
    let builder = Simulator::builder().scenario(scenario).limits(flags);
    builder.in_process().unwrap()
}

async fn ask(
    simulator: &InProcess,
    path: &str,
    body: &Value,
    header: Option<(&str, &str)>,
) -> (StatusCode, hyper::HeaderMap, String) {
    let mut request = Request::post(path).header("anthropic-version", VERSION);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let request = request.body(Bytes::from(body.to_string())).unwrap();
    let (head, mut body) = simulator.send(request).await.unwrap().into_parts();
    let mut all = Vec::new();
    while let Some(Ok(chunk)) = body.chunk().await {
        all.extend(chunk);
    }
    (head.status, head.headers, String::from_utf8(all).unwrap())
}

fn number(number: u32) -> std::num::NonZeroU32 {
    std::num::NonZeroU32::new(number).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_the_builder_goes_before_that_of_the_scenario_and_leaves_the_others() {
    let flags = RateLimits::none().requests_per_minute(number(7));
    let file = "[limits]\nrequests = 50\ninput_tokens = 900\n";
    let simulator = playing(file, flags);
    let (_, headers, _) = ask(&simulator, "/v1/messages", &body(), None).await;
    assert_eq!(headers["anthropic-ratelimit-requests-limit"], "7");
    assert_eq!(headers["anthropic-ratelimit-input-tokens-limit"], "900");
}

#[tokio::test(start_paused = true)]
async fn a_request_larger_than_the_whole_limit_is_told_so() {
    let simulator = playing("[limits]\ninput_tokens = 45\n", RateLimits::none());
    let (status, headers, said) = ask(&simulator, "/v1/messages", &body(), None).await;
    assert_eq!(status, 429);
    assert!(headers.get("retry-after").is_none());
    let told = "input tokens, more than the limit ever allows: waiting does not help.";
    assert!(said.contains(told), "{said}");
    let simulator = playing("[limits]\nqueued_batch_requests = 1\n", RateLimits::none());
    let item = |id: &str| json!({"custom_id": id, "params": body()});
    let two = json!({"requests": [item("a"), item("b")]});
    let (status, _, said) = ask(&simulator, "/v1/messages/batches", &two, None).await;
    assert_eq!(status, 429);
    assert!(said.contains("The request alone needs 2 items"), "{said}");
    assert!(!said.contains("model:"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_count_names_the_model_that_was_asked_for() {
    let simulator = playing("[limits]\ncounts = 1\n", RateLimits::none());
    let path = "/v1/messages/count_tokens";
    let mut count = body();
    count.as_object_mut().unwrap().remove("max_tokens");
    assert_eq!(ask(&simulator, path, &count, None).await.0, 200);
    let (status, _, said) = ask(&simulator, path, &count, None).await;
    assert!(
        status == 429 && said.contains("model: claude-opus-5)."),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_retired_model_is_not_found_wherever_it_is_asked_for() {
    let simulator = playing("batch_item = '1s'\n", RateLimits::none());
    let mut retired = body();
    retired["model"] = json!(RETIRED);
    for path in ["/v1/messages", "/v1/messages/count_tokens"] {
        assert_eq!(ask(&simulator, path, &retired, None).await.0, 404, "{path}");
    }
    let batch = json!({"requests": [{"custom_id": "a", "params": retired}]});
    let (_, _, made) = ask(&simulator, "/v1/messages/batches", &batch, None).await;
    let made: Value = serde_json::from_str(&made).unwrap();
    crate::clock::sleep(std::time::Duration::from_secs(2)).await;
    let path = format!(
        "/v1/messages/batches/{}/results",
        made["id"].as_str().unwrap()
    );
    let request = Request::get(path).header("anthropic-version", VERSION);
    let response = simulator.send(request.body(Bytes::new()).unwrap()).await;
    let result = response
        .unwrap()
        .into_body()
        .chunk()
        .await
        .unwrap()
        .unwrap();
    let result = String::from_utf8_lossy(&result).into_owned();
    assert!(
        result.contains("not_found_error") && result.contains(RETIRED),
        "{result}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_may_say_nothing_but_that_a_key_is_required() {
    let simulator = playing("key = 'required'\n", RateLimits::none());
    for (header, expected) in [
        (None, 401),
        (Some(("authorization", "Bearer ")), 401),
        (Some(("authorization", "Basic x")), 401),
        (Some(("authorization", "Bearer k")), 200),
        (Some(("x-api-key", "k")), 200),
    ] {
        let (status, ..) = ask(&simulator, "/v1/messages", &body(), header).await;
        assert_eq!(status, expected, "{header:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_scripted_rate_limit_is_reset_when_an_empty_bucket_is_full_again() {
    let second = std::time::Duration::from_secs(1);
    for (wait, reset) in [(1, "2026-11-01T00:01:00Z"), (7_200, "2026-11-01T02:00:00Z")] {
        let reply = Reply::out_of(Shortage::Requests).retry_after(second * wait);
        let scenario = Scenario::script(vec![reply]);
        let simulator = Simulator::builder()
            .scenario(scenario)
            .in_process()
            .unwrap();
        let (_, headers, _) = ask(&simulator, "/v1/messages", &body(), None).await;
        assert_eq!(headers["anthropic-ratelimit-requests-reset"], reset);
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_refused_is_not_made_and_one_whose_answer_is_lost_is() {
    let file = "[[fault]]\nwhen = { requests = [1], path = '/v1/messages/batches' }\nerror = { status = 529, type = 'overloaded_error', message = 'x' }\n\
                [[fault]]\nwhen = { requests = [3], path = '/v1/messages/batches' }\ngateway = 502\n";
    let simulator = playing(file, RateLimits::none());
    let path = "/v1/messages/batches";
    let batch = json!({"requests": [{"custom_id": "a", "params": body()}]});
    let count = async || {
        let request = Request::get(path).header("anthropic-version", VERSION);
        let response = simulator.send(request.body(Bytes::new()).unwrap()).await;
        let chunk = response.unwrap().into_body().chunk().await;
        let said: Value = serde_json::from_slice(&chunk.unwrap().unwrap()).unwrap();
        said["data"].as_array().unwrap().len()
    };
    for (status, made) in [(529, 0), (502, 1)] {
        assert_eq!(ask(&simulator, path, &batch, None).await.0, status);
        assert_eq!(count().await, made, "after a {status}");
    }
}
