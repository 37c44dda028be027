//! Other paths than messages, with the same protection.

use std::time::Duration;

use evenkeel::{Delivery, ErrorKind, Patience, Stopped};
use evenkeel_tests::{Ending, PLANTED_KEY, Reply, Script, Server, client, pause, request};
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
async fn the_clients_limit_of_a_head_holds_on_every_path() {
    let script = Script::new([Reply::never()]);
    let (client, _) = client(&script, |builder| builder.head_limit(3 * SECOND));
    let failed = [
        client.models().attempts(1).retrieve("m").await.map(|_| ()),
        client
            .models()
            .attempts(1)
            .list()
            .next()
            .await
            .unwrap()
            .map(|_| ()),
        client.files().attempts(1).retrieve("f").await.map(|_| ()),
        client.files().attempts(1).delete("f").await.map(|_| ()),
        client.files().attempts(1).download("f").await.map(|_| ()),
        client
            .files()
            .attempts(1)
            .list()
            .next()
            .await
            .unwrap()
            .map(|_| ()),
        client.batches().attempts(1).retrieve("b").await.map(|_| ()),
        client
            .batches()
            .attempts(1)
            .list()
            .next()
            .await
            .unwrap()
            .map(|_| ()),
        client.raw().attempts(1).get("/v1/x").await.map(|_| ()),
    ];
    for (place, failed) in failed.into_iter().enumerate() {
        let error = failed.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let took = error.elapsed();
        assert!(took <= 3 * SECOND + SECOND / 20, "{place}: {took:?}");
    }
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
async fn trouble_on_another_path_opens_no_breaker_of_a_model() {
    let server = Server::new(|sent| match sent.path.as_str() {
        "/v1/messages/count_tokens" => Reply::error(500, "api_error", "x"),
        "/v1/messages" => Reply::message("hello"),
        _ => Reply::status(200).body("{}"),
    });
    let (client, recorder) = client(&server, |builder| builder);
    // A minute, in which nothing goes well that says the model's name, and the origin does well enough.
    for _ in 0..60 {
        let count = client.messages().attempts(1).count_tokens(request());
        assert_eq!(count.await.unwrap_err().kind(), ErrorKind::ServerError);
        client.raw().get("/v1/x").await.unwrap();
        client.raw().get("/v1/x").await.unwrap();
        pause(SECOND).await;
    }
    let reply = client.messages().create(request()).await.unwrap();
    assert!(reply.meta.elapsed.is_zero());
    assert_eq!(recorder.count("circuit_changed"), 0);
    // The same of messages does open it.
    let server = Server::new(|sent| match sent.path.as_str() {
        "/v1/messages" => Reply::error(500, "api_error", "x"),
        _ => Reply::status(200).body("{}"),
    });
    let (client, recorder) = evenkeel_tests::client(&server, |builder| builder);
    for _ in 0..60 {
        let create = client
            .messages()
            .attempts(1)
            .patience(Patience::Interactive);
        create.create(request()).await.unwrap_err();
        client.raw().get("/v1/x").await.unwrap();
        client.raw().get("/v1/x").await.unwrap();
        pause(SECOND).await;
    }
    let seen = recorder.seen();
    let turn = seen.iter().find(|seen| seen.label == "circuit_changed");
    let line = &turn.unwrap().line;
    assert!(line.ends_with("circuit of the model is now open"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_on_another_path_holds_no_message() {
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

#[tokio::test(start_paused = true)]
async fn tokens_are_counted_with_retries_and_without_the_fields_of_a_reply() {
    let lost = Reply::lost(Delivery::Unknown);
    let count = Reply::status(200).body(r#"{"input_tokens":12}"#);
    let script = Script::new([lost, count]);
    let (client, _) = client(&script, |builder| builder);
    let tokens = client.messages().count_tokens(request()).await.unwrap();
    assert_eq!(tokens.input_tokens, 12);
    assert_eq!(tokens.meta.attempts.len(), 2);
    let sent = script.sent().pop().unwrap();
    assert_eq!(sent.path, "/v1/messages/count_tokens");
    assert!(!sent.body.contains("max_tokens"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_form_is_asked_for_once_more() {
    let page = Reply::status(200).body("<html>planted</html>");
    let script = Script::new([page]);
    let (client, _) = client(&script, |builder| builder);
    let error = client.messages().count_tokens(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(!error.to_string().contains("planted"));
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_models_goes_on_from_page_to_page_until_the_last() {
    let first = r#"{"data":[{"type":"model","id":"a"},{"type":"model","id":"b"}],"has_more":true,"last_id":"b"}"#;
    let end = r#"{"data":[{"type":"model","id":"c"}],"has_more":false,"last_id":"c"}"#;
    let failing = Reply::error(500, "api_error", "x");
    let script = Script::new([
        Reply::status(200).body(first),
        failing,
        Reply::status(200).body(end),
    ]);
    let (client, _) = client(&script, |builder| builder);
    let mut list = client.models().query("limit", "2").list();
    let mut ids = Vec::new();
    while let Some(model) = list.next().await {
        ids.push(model.unwrap().id);
    }
    assert_eq!(ids, ["a", "b", "c"]);
    let paths: Vec<_> = script.sent().into_iter().map(|sent| sent.path).collect();
    let second = "/v1/models?limit=2&after_id=b";
    assert_eq!(paths, ["/v1/models?limit=2", second, second]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_turns_in_a_circle_ends_with_an_error_once() {
    let page = r#"{"data":[{"type":"model","id":"a"}],"has_more":true,"last_id":"a"}"#;
    let script = Script::new([Reply::status(200).body(page)]);
    let (client, _) = client(&script, |builder| builder);
    let mut list = client.models().list();
    assert!(list.next().await.unwrap().is_ok());
    let error = list.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(list.next().await.is_none());
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_id_is_one_segment_of_the_path_whatever_it_holds() {
    let script = Script::new([Reply::status(200).body(r#"{"type":"model","id":"a"}"#)]);
    let (client, _) = client(&script, |builder| builder);
    client.models().retrieve("a/files?x").await.unwrap();
    assert_eq!(script.sent()[0].path, "/v1/models/a%2Ffiles%3Fx");
    // A gateway that decodes would climb.
    for id in ["", "..", ".", "../files", "a/../../b", "..\\files"] {
        let error = client.models().retrieve(id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    }
    assert_eq!(script.sent().len(), 1);
}
