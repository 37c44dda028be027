use std::sync::Arc;
use std::time::Duration;

use evenkeel_transport::{BaseUrl, Cleartext};
use hyper::Method;

use super::*;
use crate::{Cut, Ending, RateLimits, Reply, Scenario, Simulator};

const SECOND: Duration = Duration::from_secs(1);

fn simulator(scenario: Scenario) -> InProcess {
    Simulator::builder()
        .scenario(scenario)
        .seed(7)
        .in_process()
        .unwrap()
}

fn of(reply: Reply) -> InProcess {
    simulator(Scenario::script(vec![reply]))
}

fn request() -> Request {
    let base = BaseUrl::parse("https://api.example", Cleartext::LoopbackOnly).unwrap();
    let mut request = Request::new(Method::POST, base.join("/v1/messages").unwrap());
    let body = r#"{"model":"m","max_tokens":99,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
    request.body = Bytes::from_static(body.as_bytes());
    let version = hyper::header::HeaderValue::from_static("2026-10-21");
    request.headers.insert("anthropic-version", version);
    request
}

/// The first lines of `Debug` would say more than the label.
fn said(error: &Error) -> (&'static str, Delivery, String) {
    let source = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
    (error.kind().label(), error.delivery(), source)
}

async fn all(mut body: Body) -> (String, Option<Error>) {
    let mut text = String::new();
    while let Some(chunk) = body.chunk().await {
        match chunk {
            Ok(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
            Err(error) => {
                assert!(body.chunk().await.is_none(), "nothing comes after an error");
                return (text, Some(error));
            }
        }
    }
    (text, None)
}

#[tokio::test(start_paused = true)]
async fn what_happens_before_the_head_has_its_delivery() {
    for (scenario, kind, delivery, source) in [
        (
            Scenario::refused(),
            "connection",
            Delivery::NotSent,
            "connection refused",
        ),
        (
            Scenario::script(vec![Reply::refuse_stream()]),
            "connection",
            Delivery::NotSent,
            "request handed back unread",
        ),
        (
            Scenario::script(vec![Reply::go_away()]),
            "connection",
            Delivery::NotSent,
            "request handed back unread",
        ),
        (
            Scenario::script(vec![Reply::close_without_reply()]),
            "connection",
            Delivery::Unknown,
            "connection closed",
        ),
        (
            Scenario::script(vec![Reply::reset_without_reply()]),
            "connection",
            Delivery::Unknown,
            "connection reset",
        ),
    ] {
        let error = Transport::send(&simulator(scenario), request())
            .await
            .unwrap_err();
        assert_eq!(said(&error), (kind, delivery, source.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_in_the_body_interrupts_it_and_a_clean_end_does_not() {
    for (cut, source) in [
        (Cut::Reset, Some("connection reset")),
        (Cut::MidChunk, Some("connection closed")),
        (Cut::Clean, None),
    ] {
        let simulator = of(Reply::message("One, two, three.").cut_after_events(4, cut));
        let response = Transport::send(&simulator, request()).await.unwrap();
        let id = response.facts.request_id().map(str::to_owned);
        let (text, error) = all(response.body).await;
        assert!(text.starts_with("event: message_start"), "{text}");
        assert!(!text.contains("message_stop"), "{text}");
        assert_eq!(error.as_ref().map(|error| said(error).2).as_deref(), source);
        if let Some(error) = error {
            let told = (error.kind().label(), error.request_id());
            assert_eq!(told, ("interrupted", id.as_deref()));
        }
        assert_eq!(simulator.journal()[0].ending, Ending::Cut);
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_in_time_is_timed_out_and_its_request_abandoned() {
    let simulator = of(Reply::message("Late.").pause_before_head(SECOND * 60));
    let mut hasty = request();
    hasty.head_limit = SECOND * 59;
    let error = Transport::send(&simulator, hasty).await.unwrap_err();
    assert_eq!(
        (error.kind().label(), error.delivery()),
        ("timed_out", Delivery::Unknown)
    );
    let entry = &simulator.journal()[0];
    assert_eq!(
        (entry.ending, entry.ended_at),
        (Ending::Abandoned, Some(SECOND * 59))
    );
    let mut patient = request();
    patient.head_limit = SECOND * 61;
    assert!(Transport::send(&simulator, patient).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn any_status_is_a_head_with_its_facts() {
    let limits = RateLimits::none().requests_per_minute(std::num::NonZeroU32::new(60).unwrap());
    let scenario = Scenario::script(vec![Reply::rate_limited(SECOND * 30), Reply::raw(500)]);
    let simulator: Arc<dyn Transport> = Arc::new(
        Simulator::builder()
            .scenario(scenario)
            .limits(limits)
            .in_process()
            .unwrap(),
    );
    let limited = simulator.send(request()).await.unwrap();
    assert_eq!(
        (limited.facts.status(), limited.facts.retry_after()),
        (429, Some(SECOND * 30))
    );
    let failed = simulator.send(request()).await.unwrap();
    assert_eq!(
        (failed.facts.status(), failed.facts.retry_after()),
        (500, None)
    );
    assert!(failed.facts.rate_limits().is_some());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_body_is_to_leave_and_the_journal_says_when() {
    let simulator = of(Reply::message("Slow.").pause_after_events(2, SECOND * 600));
    let mut response = Transport::send(&simulator, request()).await.unwrap();
    response.body.chunk().await.unwrap().unwrap();
    clock::sleep(SECOND * 5).await;
    drop(response);
    let entry = &simulator.journal()[0];
    assert_eq!(
        (entry.ending, entry.ended_at),
        (Ending::Abandoned, Some(SECOND * 5))
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_to_the_trap_is_noted_there() {
    let simulator = of(Reply::redirect_to_trap(307));
    let response = Transport::send(&simulator, request()).await.unwrap();
    let to = response.headers["location"].to_str().unwrap();
    assert_eq!(
        (response.facts.status(), to),
        (307, "http://trap.invalid/trap")
    );
    let mut followed = request();
    followed.uri = to.parse().unwrap();
    let key = hyper::header::HeaderValue::from_static("sk-ant-planted");
    followed.headers.insert("x-api-key", key);
    Transport::send(&simulator, followed).await.unwrap();
    assert_eq!((simulator.journal().len(), simulator.trap().len()), (1, 1));
    assert_eq!(
        simulator.verdict().findings()[0].rule,
        crate::Rule::LeakedKey
    );
}
