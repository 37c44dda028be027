use std::num::NonZeroU32;

use evenkeel::{Client, Delivery, Error, ErrorKind, MessageRequest, Patience, Reply, Stopped};
use evenkeel_simulator::{Entry, Expected, Scenario, Simulator};

/// What every wait and limit is divided by, on both sides.
const DIVISOR: NonZeroU32 = NonZeroU32::new(50).unwrap();

struct Played {
    result: Result<Reply, Error>,
    journal: Vec<Entry>,
}

async fn play(name: &str, patience: Patience) -> Played {
    crate::overheard::listen();
    let scenario = Scenario::named(name).unwrap().time_divided_by(DIVISOR);
    let simulator = Simulator::start(scenario).await.unwrap();
    let client = Client::builder()
        .base_url(simulator.base_url())
        .api_key("sk-ant-planted")
        .patience(patience)
        .time_divided_by(DIVISOR)
        .build()
        .unwrap();
    let request = MessageRequest::new("claude-sonnet-5-5", 256).user(crate::world::PROMPT);
    let result = client.messages().create(request).await;
    let journal = simulator.journal();
    simulator.stop().await;
    Played { result, journal }
}

async fn failure(name: &str) -> (Error, usize) {
    let played = play(name, Patience::Interactive).await;
    (played.result.unwrap_err(), played.journal.len())
}

#[tokio::test]
async fn every_scenario_of_the_catalogue_ends_as_it_says() {
    for info in Scenario::catalogue() {
        let played = play(info.name, Patience::Interactive).await;
        let ended = match &played.result {
            Ok(_) => Expected::Complete,
            Err(error) if error.kind() == ErrorKind::Interrupted => Expected::Truncated,
            Err(_) => Expected::Failed,
        };
        assert_eq!(ended, info.expected, "{}: {:?}", info.name, played.result);
        let attempts = match &played.result {
            Ok(reply) => &reply.meta.attempts,
            Err(error) => error.attempts(),
        };
        if info.name != "refused" {
            let seen: Vec<_> = played
                .journal
                .iter()
                .map(|e| e.request_id.clone())
                .collect();
            let told: Vec<_> = attempts.iter().map(|a| a.request_id.clone()).collect();
            assert_eq!(
                told.len(),
                seen.len(),
                "{}: one record a request",
                info.name
            );
            for (told, seen) in told.iter().zip(&seen) {
                // A connection that was closed before the head brought no id.
                assert!(
                    told == seen || info.name == "close-before-reply-once",
                    "{}",
                    info.name
                );
            }
        }
    }
}

#[tokio::test]
async fn each_failure_of_the_wire_has_its_kind_its_delivery_and_its_requests() {
    use Delivery::{Answered, NotSent};
    for (name, kind, delivery, requests, stopped) in [
        (
            "overloaded",
            ErrorKind::Overloaded,
            Answered,
            4,
            Stopped::Attempts,
        ),
        (
            "rate-limited-for-hours",
            ErrorKind::RateLimited,
            Answered,
            1,
            Stopped::Patience,
        ),
        (
            "spend-cap",
            ErrorKind::QuotaExhausted,
            Answered,
            1,
            Stopped::NotRecoverable,
        ),
        (
            "bad-request",
            ErrorKind::InvalidRequest,
            Answered,
            1,
            Stopped::NotRecoverable,
        ),
        (
            "unauthorized",
            ErrorKind::Authentication,
            Answered,
            1,
            Stopped::NotRecoverable,
        ),
        (
            "cut-mid-stream",
            ErrorKind::Interrupted,
            Answered,
            2,
            Stopped::Attempts,
        ),
        (
            "refused",
            ErrorKind::Connection,
            NotSent,
            0,
            Stopped::Attempts,
        ),
    ] {
        let (error, seen) = failure(name).await;
        let told = (error.kind(), error.delivery(), seen, error.stopped());
        assert_eq!(
            told,
            (kind, delivery, requests, stopped),
            "{name}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_cut_stream_hands_over_what_arrived_and_no_more() {
    let (error, _) = failure("cut-mid-stream").await;
    let partial = error.partial().unwrap();
    assert!(partial.text().starts_with("An even keel is"), "{partial:?}");
    assert!(partial.stop_reason().is_none());
    assert!(partial.usage().input_tokens.is_some());
}

#[tokio::test]
async fn the_request_is_what_the_api_asks_for() {
    let played = play("healthy", Patience::Background).await;
    assert!(played.result.is_ok());
    let entry = &played.journal[0];
    assert_eq!(
        (entry.method.as_str(), entry.path.as_str()),
        ("POST", "/v1/messages")
    );
    assert_eq!(entry.header("anthropic-version"), Some("2026-10-21"));
    assert_eq!(entry.header("content-type"), Some("application/json"));
    assert!(entry.header("user-agent").unwrap().starts_with("evenkeel/"));
    let body = &entry.body;
    assert!(body.contains(r#""stream":true"#), "{body}");
}

#[tokio::test]
async fn a_plain_request_is_one_message_in_json() {
    crate::overheard::listen();
    let simulator = Simulator::start(Scenario::named("healthy").unwrap())
        .await
        .unwrap();
    let client = Client::builder()
        .base_url(simulator.base_url())
        .build()
        .unwrap();
    let request = MessageRequest::new("claude-sonnet-5-5", 256).user(crate::world::PROMPT);
    let plain = client.messages().fetch(evenkeel::Fetch::Plain);
    let reply = plain.create(request).await.unwrap();
    assert!(reply.text().starts_with("Hello"));
    assert!(!simulator.journal()[0].body.contains("stream"));
}
