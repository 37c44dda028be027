//! Many calls on one client: what they share.

use std::time::Duration;

use evenkeel::{Client, Credential, ErrorKind, Patience, Stopped};
use evenkeel_tests::{PLANTED_KEY, PLANTED_PROMPT, Reply, Script, Server, client, pause, request};

const SECOND: Duration = Duration::from_secs(1);

fn overloaded() -> Reply {
    Reply::error(529, "overloaded_error", "Overloaded")
}

async fn many(client: &Client, calls: usize) -> Vec<Result<evenkeel::Reply, evenkeel::Error>> {
    let tasks: Vec<_> = (0..calls)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.messages().create(request()).await })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

#[tokio::test(start_paused = true)]
async fn a_hint_holds_for_every_clone_and_they_leave_apart() {
    let limited = Reply::error(429, "rate_limit_error", "x").header("retry-after", "20");
    let script = Script::new([limited, Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder);
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.messages().create(request()).await }
    });
    tokio::task::yield_now().await;
    let rest = many(&client, 4).await;
    assert!(first.await.unwrap().is_ok());
    assert!(rest.iter().all(Result::is_ok));
    let mut times = script.times();
    times.remove(0);
    times.sort_unstable();
    assert!(times[0] >= 20 * SECOND, "{times:?}");
    for pair in times.windows(2) {
        let apart = pair[1].saturating_sub(pair[0]);
        assert!(apart >= Duration::from_millis(249), "{times:?}");
    }
}

fn limited(seconds: &str) -> Reply {
    Reply::error(429, "rate_limit_error", "x").header("retry-after", seconds)
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_dropped_leave_their_places_in_the_queue_to_the_next() {
    let server = Server::new(|sent| {
        if sent.at < SECOND {
            limited("20")
        } else {
            Reply::message("hello")
        }
    });
    let (client, _) = client(&server, |builder| builder);
    let calls = client.messages();
    let first = tokio::spawn(calls.create(request()));
    tokio::task::yield_now().await;
    let waiting: Vec<_> = (0..1_000)
        .map(|_| tokio::spawn(calls.create(request())))
        .collect();
    pause(SECOND).await;
    for call in waiting.iter().chain([&first]) {
        call.abort();
    }
    for call in waiting.into_iter().chain([first]) {
        assert!(call.await.unwrap_err().is_cancelled());
    }
    let calls = calls.patience(Patience::Interactive);
    let reply = calls.create(request()).await.unwrap();
    assert_eq!(reply.meta.elapsed.as_secs(), 19);
    assert_eq!(server.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_longer_hint_gives_no_place_to_two() {
    let server = Server::new(|sent| match (sent.header("x-test"), sent.at < SECOND) {
        ("slow", true) => limited("21").pause_before_head(10 * SECOND),
        (_, true) => limited("20"),
        _ => Reply::message("hello"),
    });
    let (client, _) = client(&server, |builder| builder);
    let calls = client.messages();
    // One is told at once to wait until 20 s, the other at 10 s to wait until 31 s.
    let slow = tokio::spawn(calls.clone().header("x-test", "slow").create(request()));
    let first = tokio::spawn(calls.create(request()));
    pause(SECOND / 2).await;
    let waiting: Vec<_> = (0..80)
        .map(|_| tokio::spawn(calls.create(request())))
        .collect();
    for call in waiting.into_iter().chain([slow, first]) {
        call.await.unwrap().unwrap();
    }
    let mut times = server.times().split_off(2);
    times.sort_unstable();
    assert_eq!(times.len(), 82);
    assert!(times[0] >= 31 * SECOND, "{times:?}");
    for pair in times.windows(2) {
        let apart = pair[1].saturating_sub(pair[0]);
        assert!(apart >= Duration::from_millis(249), "{times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_callers_limit_holds_back_neither_another_key_nor_another_workspace() {
    let server = Server::new(|sent| {
        let is_limited = sent.header("x-api-key") == "sk-limited"
            || sent.header("anthropic-workspace-id") == "wrkspc_limited";
        if is_limited {
            limited("3600")
        } else {
            Reply::message("hello")
        }
    });
    let (client, _) = client(&server, |builder| builder);
    let calls = client.messages();
    let keyed = |key: &str| calls.clone().credential(Credential::api_key(key));
    let in_workspace = |id: &str| calls.clone().header("anthropic-workspace-id", id);
    for (limited, other) in [
        (keyed("sk-limited"), keyed("sk-other")),
        (in_workspace("wrkspc_limited"), in_workspace("wrkspc_other")),
    ] {
        let before = server.sent().len();
        for _ in 0..2 {
            let error = limited.create(request()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RateLimited);
            assert!(error.retry_at().is_some());
        }
        assert_eq!(server.sent().len(), before + 1, "its own calls are told");
        for free in [&other, &calls] {
            let reply = free.create(request()).await.unwrap();
            assert!(reply.meta.elapsed.is_zero(), "{:?}", reply.meta.elapsed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_key_share_its_limit_and_leave_apart() {
    let server = Server::new(|sent| {
        if sent.at < SECOND {
            limited("20")
        } else {
            Reply::message("hello")
        }
    });
    let (client, _) = client(&server, |builder| builder);
    let calls = client.messages().credential(Credential::api_key("sk-own"));
    let first = tokio::spawn(calls.create(request()));
    pause(SECOND / 2).await;
    let waiting: Vec<_> = (0..8)
        .map(|_| tokio::spawn(calls.create(request())))
        .collect();
    for call in waiting.into_iter().chain([first]) {
        call.await.unwrap().unwrap();
    }
    let mut times = server.times().split_off(1);
    times.sort_unstable();
    assert!(times[0] >= 20 * SECOND, "{times:?}");
    for pair in times.windows(2) {
        let apart = pair[1].saturating_sub(pair[0]);
        assert!(apart >= Duration::from_millis(249), "{times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_interactive_calls_into_an_outage_send_far_fewer_than_three_each() {
    let script = Script::new([overloaded()]);
    let (client, recorder) = client(&script, |builder| builder.patience(Patience::Interactive));
    let results = many(&client, 50).await;
    assert!(results.iter().all(Result::is_err));
    assert!(script.sent().len() <= 75, "{}", script.sent().len());
    assert!(recorder.count("budget_empty") > 0);
    let stopped = |reason| {
        results
            .iter()
            .filter(move |r| r.as_ref().unwrap_err().stopped() == reason)
    };
    assert!(stopped(Stopped::Budget).count() > 0);
}

#[tokio::test(start_paused = true)]
async fn once_the_breaker_is_open_an_interactive_call_fails_at_once_and_says_when_to_come_back() {
    let script = Script::new([overloaded()]);
    let (client, recorder) = client(&script, |builder| builder);
    let background = tokio::spawn({
        let client = client.clone();
        async move { client.messages().create(request()).await }
    });
    let mut opened = None;
    for _ in 0..600 {
        if recorder.count("circuit_changed") > 0 {
            opened = Some(script.sent().len());
            break;
        }
        pause(SECOND / 10).await;
    }
    assert!(opened.is_some(), "{:?}", recorder.labels());
    let calls = client.messages().patience(Patience::Interactive);
    let error = calls.create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CircuitOpen);
    assert!(error.retry_at().is_some());
    assert_eq!(error.elapsed(), Duration::ZERO);
    assert!(error.attempts().is_empty());
    background.abort();
}

#[tokio::test(start_paused = true)]
async fn background_calls_outlive_a_two_minute_outage() {
    let script = Script::new(
        std::iter::repeat_with(overloaded)
            .take(12)
            .chain([Reply::message("back")]),
    );
    let (client, _) = client(&script, |builder| builder);
    let reply = client.messages().create(request()).await.unwrap();
    assert_eq!(reply.text(), "back");
    assert_eq!(script.sent().len(), 13);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_is_announced_and_sends_nothing_more() {
    let script = Script::new([overloaded(), Reply::message("late")]);
    let (client, recorder) = client(&script, |builder| builder);
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.messages().create(request()).await }
    });
    while recorder.count("waiting") == 0 {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    pause(60 * SECOND).await;
    assert_eq!(recorder.labels().last(), Some(&"cancelled"));
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_waits() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let script = Script::new([
            overloaded(),
            overloaded(),
            overloaded(),
            Reply::message("x"),
        ]);
        let (client, recorder) = client(&script, |builder| builder);
        client.messages().create(request()).await.unwrap();
        runs.push(recorder.waits());
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test(start_paused = true)]
async fn neither_key_nor_prompt_nor_reply_is_ever_printed() {
    let body = evenkeel_tests::events::start() + &evenkeel_tests::events::text("planted reply");
    let scripts = [
        vec![Reply::error(
            401,
            "authentication_error",
            &format!("bad {PLANTED_KEY}"),
        )],
        vec![Reply::stream().body(&body)],
        vec![Reply::message("planted reply")],
    ];
    for replies in scripts {
        let script = Script::new(replies);
        let (client, recorder) = client(&script, |builder| builder);
        let outcome = client.messages().create(request()).await;
        let mut printed = format!(
            "{client:?} {outcome:?} {:?} {:?}",
            request(),
            recorder.seen()
        );
        if let Err(error) = &outcome {
            let told = format!("{error} {} {:?}", error.report(), error.partial());
            printed.push_str(&told);
        }
        for planted in [PLANTED_KEY, PLANTED_PROMPT, "planted reply"] {
            assert!(!printed.contains(planted), "{planted}: {printed}");
        }
        let sent = script.sent();
        assert_eq!(sent[0].headers["x-api-key"], PLANTED_KEY);
        assert!(sent[0].headers["x-api-key"].is_sensitive());
        assert!(sent[0].body.contains(PLANTED_PROMPT));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_parked_behind_an_open_circuit_ends_with_the_failure_that_it_met() {
    let script = Script::new([Reply::lost(evenkeel::Delivery::NotSent)]);
    let (client, _) = client(&script, |builder| builder);
    let calls = client.messages().deadline(12 * SECOND);
    let error = calls.create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(error.stopped(), Stopped::Deadline);
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_call_that_was_dropped_in_its_back_off_goes_to_one_that_waits() {
    let server = Server::new(
        |sent| match (sent.at.is_zero(), sent.body.contains("slow")) {
            (true, true) => Reply::error(529, "overloaded_error", "x").header("retry-after", "40"),
            (true, false) => Reply::error(529, "overloaded_error", "x"),
            (false, _) => Reply::message("hello"),
        },
    );
    let (client, recorder) = client(&server, |builder| {
        builder.retry_budget(evenkeel::backoff::RetryBudget::builder().cap(1))
    });
    let calls = client.messages();
    let slow = tokio::spawn(calls.create(request().user("slow")));
    pause(Duration::from_millis(0)).await;
    let waits = tokio::spawn(calls.create(request()));
    pause(10 * SECOND).await;
    assert_eq!(recorder.count("budget_empty"), 1);
    assert_eq!(server.sent().len(), 2);
    slow.abort();
    let reply = waits.await.unwrap().unwrap();
    assert_eq!(reply.meta.elapsed.as_secs(), 10);
}
