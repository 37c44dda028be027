//! What is ordered and asked over HTTP while it runs.

use std::time::Duration;

use evenkeel_simulator::{Cut, Reply, Rule, Scenario, Simulator};

use super::client::{exchange, plain, post, stream};
use super::havoc::{MS, is_refused, opened, simulator, text};

fn order(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /_simulator/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn a_span_in_which_connections_are_refused_can_be_ordered_over_http() {
    let simulator = simulator(text()).await;
    let span = order("scenario", "[[refused]]\nuntil = '1h'");
    assert_eq!(exchange(&simulator, &span).await.status(), 200);
    assert!(
        is_refused(&simulator).await,
        "from the moment of the reply on"
    );
    simulator.play(Scenario::script(vec![text()])).unwrap();
    let for_ever = exchange(&simulator, order("scenario", "refused")).await;
    assert_eq!(for_ever.status(), 400);
    assert!(
        for_ever
            .rest()
            .contains("`refused` can only be given at the start"),
        "{}",
        for_ever.rest()
    );
    simulator.play(Scenario::refused()).unwrap();
    assert!(is_refused(&simulator).await, "who holds the simulator may");
    simulator.play(Scenario::script(vec![text()])).unwrap();
    assert_eq!(plain(&simulator).await.status(), 200);
}

#[tokio::test]
async fn the_stage_is_reset_and_changed_over_http() {
    let simulator = Simulator::start(Scenario::named("overloaded-twice").unwrap())
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(plain(&simulator).await.status(), 529);
        assert_eq!(plain(&simulator).await.status(), 529);
        assert_eq!(plain(&simulator).await.status(), 200);
        assert_eq!(exchange(&simulator, order("reset", "")).await.status(), 200);
        assert!(simulator.journal().is_empty());
    }
    assert_eq!(
        exchange(&simulator, order("scenario", "unauthorized"))
            .await
            .status(),
        200
    );
    assert_eq!(plain(&simulator).await.status(), 401);
    assert_eq!(
        exchange(
            &simulator,
            order("scenario", "[[reply]]\nraw = { status = 418 }")
        )
        .await
        .status(),
        200
    );
    assert_eq!(plain(&simulator).await.status(), 418);
    let wrong = exchange(
        &simulator,
        order("scenario", "[[reply]]\nraw = { status = 1 }"),
    )
    .await;
    assert_eq!(
        (
            wrong.status(),
            wrong
                .rest()
                .contains("line 1: in this [[reply]]: status 1 is not")
        ),
        (400, true),
        "{}",
        wrong.rest()
    );
    let unknown = exchange(&simulator, order("scenario", "overloded")).await;
    assert!(
        unknown.rest().contains("did you mean `overloaded`?"),
        "{}",
        unknown.rest()
    );
    assert_eq!(
        exchange(&simulator, order("nothing", "")).await.status(),
        404
    );
}

#[tokio::test]
async fn the_verdict_names_what_a_hasty_client_did() {
    let scenario = Scenario::script(vec![
        Reply::rate_limited(Duration::from_secs(5)),
        Reply::error(400, "invalid_request_error", "No"),
        text().cut_after_events(6, Cut::Clean),
        text(),
    ]);
    let simulator = Simulator::start(scenario).await.unwrap();
    for _ in 0..2 {
        plain(&simulator).await;
    }
    let cut = stream(&simulator).await;
    let (chunks, _) = cut.chunks();
    let texts = chunks.iter().filter_map(|chunk| {
        let data: serde_json::Value = serde_json::from_str(chunk.split_once("data: ")?.1).ok()?;
        Some(data["delta"]["text"].as_str()?.to_owned())
    });
    let partial: String = texts.collect();
    let messages = serde_json::json!([
        {"role": "user", "content": "Hi"}, {"role": "assistant", "content": partial}, {"role": "user", "content": "And?"},
    ]);
    let body = serde_json::json!({"model": "m", "max_tokens": 9, "messages": messages}).to_string();
    exchange(&simulator, post(&body, "anthropic-version: 2026-10-21\r\n")).await;
    let verdict = simulator.verdict();
    let found: Vec<_> = verdict
        .findings()
        .iter()
        .map(|finding| (finding.rule, finding.request))
        .collect();
    assert_eq!(
        found,
        [(Rule::IgnoredRetryAfter, 2), (Rule::AcceptedTruncated, 4)],
        "{verdict}"
    );
    let shown = exchange(
        &simulator,
        "GET /_simulator/verdict HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(
        shown
            .rest()
            .starts_with(r#"{"clean":false,"findings":[{"rule":"ignored_retry_after","request":2"#),
        "{}",
        shown.rest()
    );
}

#[tokio::test]
async fn a_reset_over_http_plays_a_span_of_refusal_again_from_its_start() {
    let scenario = Scenario::script(vec![text()]).refused_during(Duration::ZERO..400 * MS);
    let simulator = Simulator::start(scenario).await.unwrap();
    opened(&simulator).await;
    let reset = order("reset", "");
    assert_eq!(exchange(&simulator, reset).await.status(), 200);
    assert!(
        is_refused(&simulator).await,
        "from the moment of the reply on"
    );
    opened(&simulator).await;
    assert_eq!(plain(&simulator).await.status(), 200);
}
