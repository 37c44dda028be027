use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::{Cut, RateLimits, Reply, Simulator, When, clock};

mod limits;
mod prompt_cache;
mod slots;

const SECOND: Duration = Duration::from_secs(1);

fn scenario() -> Scenario {
    Scenario::script(vec![
        Reply::rate_limited(SECOND * 3_600),
        Reply::message("One, two, three, four.").cut_after_bytes(900, Cut::Reset),
        Reply::close_without_reply().pause_before_head(SECOND * 60),
        Reply::message("One, two, three, four.").pause_after_events(3, SECOND * 600),
    ])
}

fn request() -> Request<Bytes> {
    let body = r#"{"model":"m","max_tokens":99,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
    Request::post("/v1/messages")
        .header("anthropic-version", "2026-10-21")
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap()
}

async fn played(seed: u64) -> (Vec<String>, String) {
    let builder = Simulator::builder().scenario(scenario()).seed(seed);
    let simulator = builder.in_process().unwrap();
    let mut heard = Vec::new();
    for _ in 0..5 {
        let mut all = match simulator.send(request()).await {
            Err(severed) => {
                heard.push(severed.to_string());
                continue;
            }
            Ok(response) => response,
        };
        let mut said = format!("{} {:?}\n", all.status(), all.headers());
        while let Some(chunk) = all.body_mut().chunk().await {
            match chunk {
                Ok(bytes) => said.push_str(&String::from_utf8_lossy(&bytes)),
                Err(severed) => {
                    said.push_str(&severed.to_string());
                    break;
                }
            }
        }
        heard.push(said);
    }
    (heard, simulator.journal_json())
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_bytes_and_the_same_journal_times_included() {
    let (heard, journal) = played(7).await;
    // Hours later by the same clock: what counts is the time since the start.
    assert_eq!((&heard, &journal), (&played(7).await.0, &played(7).await.1));
    assert!(
        heard[0].contains("Sun, 01 Nov 2026 00:00:00 GMT"),
        "{}",
        heard[0]
    );
    assert!(
        heard[3].contains("Sun, 01 Nov 2026 00:01:00 GMT"),
        "{}",
        heard[3]
    );
    assert_ne!(heard, played(8).await.0);
    assert!(heard[0].starts_with("429 "), "{}", heard[0]);
    assert!(heard[1].ends_with("connection reset"), "{}", heard[1]);
    assert_eq!(heard[2], "connection closed");
    assert!(heard[3].ends_with("\"message_stop\"}\n\n"), "{}", heard[3]);
    let journal: serde_json::Value = serde_json::from_str(&journal).unwrap();
    let ended = &journal["entries"][3]["ended_at_ms"];
    assert!(
        ended.as_f64().unwrap() >= 660_000.0,
        "virtual minutes passed: {ended}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_never_sees_the_request() {
    let builder = Simulator::builder().scenario(Scenario::refused());
    let simulator = builder.in_process().unwrap();
    assert_eq!(
        simulator.send(request()).await.unwrap_err(),
        Severed::Refused
    );
    assert!(simulator.journal().is_empty() && simulator.verdict().is_clean());
}

fn limit(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn of(scenario: Scenario) -> InProcess {
    Simulator::builder()
        .scenario(scenario)
        .in_process()
        .unwrap()
}

/// Status and headers of a reply that is heard to its end.
async fn heard(simulator: &InProcess) -> (u16, hyper::HeaderMap) {
    let (head, mut body) = simulator.send(request()).await.unwrap().into_parts();
    while let Some(chunk) = body.chunk().await {
        chunk.unwrap();
    }
    (head.status.as_u16(), head.headers)
}

#[tokio::test(start_paused = true)]
async fn faults_strike_in_their_span_of_time_and_not_after() {
    let overloaded = Reply::error(529, "overloaded_error", "Overloaded");
    let scenario =
        Scenario::script(Vec::new()).with(When::during(SECOND..SECOND * 3_600), overloaded);
    let simulator = of(scenario);
    let mut statuses = Vec::new();
    for wait in [0, 1, 3_598, 1] {
        clock::sleep(SECOND * wait).await;
        statuses.push(heard(&simulator).await.0);
    }
    assert_eq!(statuses, [200, 529, 529, 200]);
}

#[tokio::test(start_paused = true)]
async fn connections_are_refused_in_their_span_and_again_when_it_is_played_again() {
    let scenario = Scenario::script(Vec::new()).refused_during(SECOND * 10..SECOND * 20);
    let simulator = of(scenario.clone());
    let mut let_in = Vec::new();
    for wait in [0, 10, 9, 1] {
        clock::sleep(SECOND * wait).await;
        let_in.push(simulator.send(request()).await.is_ok());
    }
    assert_eq!(let_in, [true, false, false, true]);
    simulator.play(scenario).unwrap();
    clock::sleep(SECOND * 10).await;
    assert_eq!(
        simulator.send(request()).await.unwrap_err(),
        Severed::Refused
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_played_again_gives_the_same_bytes_again() {
    let simulator = of(scenario());
    let mut rounds = Vec::new();
    for _ in 0..2 {
        simulator.play(scenario()).unwrap();
        let mut ids = Vec::new();
        for _ in 0..2 {
            let reply = simulator.send(request()).await.unwrap();
            ids.push(reply.headers()["request-id"].clone());
        }
        rounds.push(ids);
    }
    assert_eq!(rounds[0], rounds[1]);
    assert_ne!(rounds[0][0], rounds[0][1]);
}

#[tokio::test(start_paused = true)]
async fn a_reset_plays_the_script_again_from_its_start_with_the_same_ids() {
    let simulator = of(scenario());
    let first = heard(&simulator).await;
    simulator.reset();
    assert!(simulator.journal().is_empty());
    let again = heard(&simulator).await;
    assert_eq!((first.0, again.0), (429, 429));
    assert_eq!(first.1["request-id"], again.1["request-id"]);
    assert_eq!(simulator.journal_dropped(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_whose_connection_was_closed_stays_closed_however_often_it_is_asked() {
    let reply = Reply::message("One, two, three.").cut_after_events(3, Cut::MidChunk);
    let simulator = of(Scenario::script(vec![reply]));
    let mut response = simulator.send(request()).await.unwrap();
    let body = response.body_mut();
    while let Some(Ok(_)) = body.chunk().await {}
    for _ in 0..3 {
        assert_eq!(body.chunk().await, Some(Err(Severed::Closed)));
    }
}
