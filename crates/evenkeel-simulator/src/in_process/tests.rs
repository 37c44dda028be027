use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::{Abandoned, Capacity, Cut, RateLimits, Reply, Simulator, When, clock};

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

const DATE: &str = "anthropic-ratelimit";

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

fn number(headers: &hyper::HeaderMap, name: &str) -> f64 {
    headers[name].to_str().unwrap().parse().unwrap()
}

/// What a header with a date says, in seconds from the date of its own reply.
fn ahead(headers: &hyper::HeaderMap, name: &str) -> f64 {
    let date: jiff::Timestamp = headers[name].to_str().unwrap().parse().unwrap();
    let now = jiff::fmt::rfc2822::parse(headers["date"].to_str().unwrap()).unwrap();
    (date - now.timestamp()).total(jiff::Unit::Second).unwrap()
}

/// Two hundred requests at twice what a limit allows, each of which costs `cost` of it. A bucket of
/// our own says at each whether it is let in, and what the headers have to say.
async fn offered_at_twice_the_limit(limits: RateLimits, name: &str, per_minute: f64, cost: f64) {
    let simulator =
        of(Scenario::script(vec![Reply::message("One, two, six, ten.")]).limits(limits));
    let rate = per_minute / 60.0;
    let gap = cost / rate / 2.0;
    let (mut level, mut accepted) = (per_minute, 0_u32);
    // Output is paid after the fact, so that one token is enough to begin.
    let asked = if name == "output-tokens" { 1.0 } else { cost };
    for offer in 0..200 {
        let (status, headers) = heard(&simulator).await;
        let let_in = level >= asked - 1e-6;
        assert_eq!(status == 200, let_in, "offer {offer} at a level of {level}");
        if let_in {
            accepted += 1;
            level -= cost;
        } else {
            let wait = number(&headers, "retry-after");
            let needed = (asked - level) / rate;
            assert!(
                wait >= needed - 1e-6,
                "{wait} s is too early, {needed} s are needed"
            );
            assert!(
                wait < needed + 1.0 + 1e-6,
                "{wait} s is too late, {needed} s are needed"
            );
        }
        let told = number(&headers, &format!("{DATE}-{name}-remaining"));
        assert!(
            (told - level.max(0.0)).abs() < 1.0 + 1e-6,
            "{told} left, not {level}"
        );
        assert!(
            told <= level.max(0.0) + 1e-6,
            "{told} left is more than {level}"
        );
        let reset = ahead(&headers, &format!("{DATE}-{name}-reset"));
        let full = (per_minute - level) / rate;
        assert!(
            (full - 1e-6..full + 2.0).contains(&reset),
            "{reset} s to {full} s"
        );
        clock::sleep(Duration::from_secs_f64(gap)).await;
        level = (level + gap * rate).min(per_minute);
    }
    let arithmetic = (per_minute + 199.0 * gap * rate) / cost;
    let off = (f64::from(accepted) - arithmetic).abs() / arithmetic;
    assert!(
        off <= 0.01,
        "{accepted} accepted of {arithmetic} by the arithmetic"
    );
    assert!(accepted < 200, "twice the limit is too much");
}

#[tokio::test(start_paused = true)]
async fn two_hundred_requests_at_twice_a_limit_are_let_in_by_its_arithmetic_and_told_the_truth() {
    let none = RateLimits::none();
    // The request has five input tokens, its reply four output tokens.
    offered_at_twice_the_limit(none.requests_per_minute(limit(60)), "requests", 60.0, 1.0).await;
    let input = none.input_tokens_per_minute(limit(250));
    offered_at_twice_the_limit(input, "input-tokens", 250.0, 5.0).await;
    let output = none.output_tokens_per_minute(limit(240));
    offered_at_twice_the_limit(output, "output-tokens", 240.0, 4.0).await;
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_when_told_is_let_in_and_a_second_earlier_is_not() {
    let scenario = Scenario::script(Vec::new());
    let simulator = of(scenario.limits(RateLimits::none().requests_per_minute(limit(3))));
    for _ in 0..3 {
        assert_eq!(heard(&simulator).await.0, 200);
    }
    let (status, headers) = heard(&simulator).await;
    assert_eq!((status, number(&headers, "retry-after")), (429, 20.0));
    clock::sleep(SECOND * 19).await;
    assert_eq!(heard(&simulator).await.0, 429);
    clock::sleep(SECOND).await;
    assert_eq!(heard(&simulator).await.0, 200);
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

/// One slot of ten seconds, and room for one to wait.
fn busy() -> Capacity {
    Capacity::slots(1).queue(1).first_token(SECOND * 10)
}

async fn began(simulator: &InProcess) -> Option<Duration> {
    let began = clock::Clock::start(clock::Calendar::System);
    let reply = simulator.send(request()).await.unwrap();
    (reply.status() == 200).then(|| began.now())
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_slot_gets_it_when_its_holder_is_done_and_the_third_is_overloaded() {
    let simulator = of(Scenario::script(Vec::new()).capacity(busy()));
    let (first, second, third) =
        tokio::join!(heard(&simulator), began(&simulator), began(&simulator),);
    assert_eq!((first.0, third), (200, None));
    let waited = second.unwrap();
    assert!(waited >= SECOND * 20 && waited < SECOND * 21, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slot_whose_holder_leaves_is_free_at_once_unless_told_otherwise() {
    for (abandoned, waited) in [
        (Abandoned::Freed, SECOND * 11),
        (Abandoned::Finished, SECOND * 20),
    ] {
        let scenario = Scenario::script(Vec::new()).capacity(busy().abandoned(abandoned));
        let simulator = of(scenario);
        let leaves = clock::within(SECOND, heard(&simulator));
        let (left, second) = tokio::join!(leaves, began(&simulator));
        assert!(left.is_none(), "it leaves after a second");
        let second = second.unwrap();
        assert!(
            second >= waited && second < waited + SECOND,
            "{abandoned:?}: {second:?}"
        );
        assert_eq!(simulator.journal()[0].ending, Ending::Abandoned);
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_queue_makes_room_in_it() {
    let simulator = of(Scenario::script(Vec::new()).capacity(busy()));
    let first = heard(&simulator);
    let others = async {
        clock::sleep(SECOND).await;
        assert!(clock::within(SECOND, heard(&simulator)).await.is_none());
        began(&simulator).await
    };
    let (first, third) = tokio::join!(first, others);
    assert_eq!((first.0, third.is_some()), (200, true));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_takes_no_slot() {
    let script = vec![
        Reply::raw(500).pause_before_head(SECOND * 100),
        Reply::message("Hi"),
    ];
    let simulator = of(Scenario::script(script).capacity(busy()));
    let (failed, second, third) =
        tokio::join!(heard(&simulator), began(&simulator), began(&simulator),);
    assert_eq!(
        (failed.0, second.is_some(), third.is_some()),
        (500, true, true)
    );
}

/// What a request with this body costs, by its own `message_start`.
async fn usage(simulator: &InProcess, body: &serde_json::Value) -> serde_json::Value {
    let request = Request::post("/v1/messages").header("anthropic-version", "2026-10-21");
    let request = request.body(Bytes::from(body.to_string())).unwrap();
    let (head, mut body) = simulator.send(request).await.unwrap().into_parts();
    assert_eq!(head.status, 200);
    let mut text = Vec::new();
    while let Some(chunk) = body.chunk().await {
        text.extend(chunk.unwrap());
    }
    let message: serde_json::Value = serde_json::from_slice(&text).unwrap();
    message["usage"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_prompt_is_written_to_the_cache_read_from_it_and_forgotten_in_time() {
    let simulator = of(Scenario::script(Vec::new()));
    let long = "word ".repeat(1_000);
    let body = |model: &str, ttl: &str| {
        serde_json::json!({
            "model": model, "max_tokens": 9,
            "system": [{"type": "text", "text": long, "cache_control": {"type": "ephemeral", "ttl": ttl}}],
            "messages": [{"role": "user", "content": "Hi"}],
        })
    };
    let counts = |usage: &serde_json::Value| {
        let count = |name: &str| usage[name].as_u64().unwrap();
        (
            count("input_tokens"),
            count("cache_creation_input_tokens"),
            count("cache_read_input_tokens"),
        )
    };
    let five = body("claude-sonnet-5-5", "5m");
    let written = usage(&simulator, &five).await;
    let (fresh, creation, read) = counts(&written);
    assert!(
        (1..10).contains(&fresh) && creation > 1_000 && read == 0,
        "{written}"
    );
    assert_eq!(
        written["cache_creation"]["ephemeral_5m_input_tokens"],
        creation
    );
    let again = usage(&simulator, &five).await;
    assert_eq!(counts(&again), (fresh, 0, creation));
    let other = usage(&simulator, &body("claude-opus-5-5", "5m")).await;
    assert_eq!(counts(&other), (fresh, creation, 0), "another model");
    clock::sleep(SECOND * 301).await;
    let late = usage(&simulator, &body("claude-sonnet-5-5", "1h")).await;
    assert_eq!(counts(&late), (fresh, creation, 0));
    assert_eq!(
        late["cache_creation"]["ephemeral_1h_input_tokens"],
        creation
    );
    clock::sleep(SECOND * 3_500).await;
    assert_eq!(
        counts(&usage(&simulator, &five).await),
        (fresh, 0, creation)
    );
    let old = usage(&simulator, &body("claude-haiku-4-5", "5m")).await;
    assert_eq!(counts(&old), (fresh + creation, 0, 0), "too short for it");
}

#[tokio::test(start_paused = true)]
async fn what_the_cache_has_does_not_count_against_the_limit_and_the_headers_say_so() {
    let limits = RateLimits::none().input_tokens_per_minute(limit(3_000));
    let simulator = of(Scenario::script(Vec::new()).limits(limits));
    let body = serde_json::json!({
        "model": "claude-sonnet-5-5", "max_tokens": 9,
        "system": [{"type": "text", "text": "word ".repeat(2_000), "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": "Hi"}],
    });
    let first = usage(&simulator, &body).await;
    assert!(first["cache_creation_input_tokens"].as_u64().unwrap() > 2_000);
    clock::sleep(SECOND * 60).await;
    for _ in 0..20 {
        // Each is more than half of the limit before the cache is counted.
        let again = usage(&simulator, &body).await;
        assert!(again["cache_read_input_tokens"].as_u64().unwrap() > 2_000);
    }
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
