//! The handler of a web service: its statuses, and when it says to come back.

use std::time::Duration;

use evenkeel_simulator::Reply;
use serde_json::json;

use crate::{api, busy, command, post, serve};

#[tokio::test]
async fn the_handler_answers_and_says_when_to_come_back() {
    let api = api(vec![
        busy(),
        Reply::message("It is."),
        Reply::rate_limited(Duration::from_hours(1)),
    ])
    .await;
    let (_server, url) = serve(&mut command(env!("CARGO_BIN_EXE_axum-handler"), &api)).await;

    let question = json!({ "question": "Is all well?" });
    let (status, _, body) = post(&url, "", question.clone()).await;
    assert_eq!(
        (status, body.as_str()),
        (200, r#"{"answer":"It is.","stop":"end_turn"}"#)
    );

    let (status, headers, _) = post(&url, "", question).await;
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(status, 503);
    assert!((3_500..=3_700 + 15).contains(&wait), "{wait}");
    assert_eq!(api.journal().len(), 3, "an hour is not waited for");
}

#[tokio::test]
async fn the_handler_names_no_time_where_none_would_help_and_asks_nothing_without_a_question() {
    let api = api(vec![
        Reply::error(400, "invalid_request_error", "prompt is too long"),
        Reply::error(401, "authentication_error", "invalid x-api-key"),
    ])
    .await;
    let (_server, url) = serve(&mut command(env!("CARGO_BIN_EXE_axum-handler"), &api)).await;

    for nothing in [
        json!({}),
        json!({ "question": " " }),
        json!({ "question": 7 }),
    ] {
        let (status, headers, body) = post(&url, "", nothing).await;
        assert_eq!((status, headers.get("retry-after")), (400, None));
        assert_eq!(body, r#"send {"question":"…"}"#);
    }
    assert!(api.journal().is_empty(), "{:?}", api.journal());

    let question = json!({ "question": "Is all well?" });
    for (expected, words) in [(422, "not answerable"), (500, "out of order")] {
        let (status, headers, body) = post(&url, "", question.clone()).await;
        assert_eq!((status, headers.get("retry-after")), (expected, None));
        assert_eq!(body, words);
    }
    assert_eq!(api.journal().len(), 2);
}
