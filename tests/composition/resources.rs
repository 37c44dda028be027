//! Other paths than messages, with the same protection.

use std::time::Duration;

use evenkeel::{ErrorKind, Stopped};
use evenkeel_tests::{Ending, PLANTED_KEY, Reply, Script, client, request};
use http::Method;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_raw_call_is_retried_authenticated_and_counted_like_any_other() {
    let overloaded = Reply::error(529, "overloaded_error", "x");
    let script = Script::new([overloaded, Reply::status(200).body("{\"data\":[]}")]);
    let (client, recorder) = client(&script, |builder| builder);
    let answer = client
        .raw()
        .query("limit", "5")
        .get("/v1/files")
        .await
        .unwrap();
    assert_eq!(answer.text(), "{\"data\":[]}");
    assert_eq!(answer.meta.attempts.len(), 2);
    let sent = script.sent();
    assert_eq!(sent[0].method, Method::GET);
    assert_eq!(sent[0].path, "/v1/files?limit=5");
    assert_eq!(sent[0].header("x-api-key"), PLANTED_KEY);
    assert_eq!(recorder.count("succeeded"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_raw_path_names_no_other_host_and_stays_below_the_base_url() {
    let script = Script::new([Reply::status(200)]);
    let (client, _) = client(&script, |builder| builder);
    for path in [
        "https://evil.example/",
        "//evil.example/",
        "v1/files",
        "/v1/a b",
    ] {
        let error = client.raw().get(path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{path}");
    }
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_cut_drips_or_never_ends_is_a_failure() {
    let half = Reply::status(200).body("half");
    for (reply, kind) in [
        (half.clone().ending(Ending::Cut), ErrorKind::Interrupted),
        (half.ending(Ending::Silence), ErrorKind::TimedOut),
    ] {
        let script = Script::new([reply, Reply::status(200).body("whole")]);
        let (client, _) = client(&script, |builder| builder);
        let answer = client.raw().get("/v1/files").await.unwrap();
        assert_eq!(answer.text(), "whole");
        assert_eq!(answer.meta.attempts[0].outcome.label(), kind.label());
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_on_another_path_opens_no_breaker_of_a_model_and_a_limit_there_holds_no_message() {
    let limited = Reply::error(429, "rate_limit_error", "x").header("retry-after", "100");
    let script = Script::new([limited, Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder);
    let raw = tokio::spawn(client.raw().get("/v1/files"));
    tokio::task::yield_now().await;
    let reply = client.messages().create(request()).await.unwrap();
    assert!(reply.meta.elapsed.is_zero());
    assert!(raw.await.unwrap().unwrap().meta.elapsed >= 100 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_latch_of_a_credential_holds_on_every_path() {
    let script = Script::new([Reply::error(401, "authentication_error", "x")]);
    let (client, _) = client(&script, |builder| builder);
    client.raw().get("/v1/files").await.unwrap_err();
    let error = client.messages().create(request()).await.unwrap_err();
    assert_eq!(error.stopped(), Stopped::Latched);
    assert_eq!(script.sent().len(), 1);
}
