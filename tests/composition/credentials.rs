//! Tokens that are renewed: by one call for all, within the patience, once more after a refusal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evenkeel::error::{Error, Facts};
use evenkeel::{Credential, ErrorKind, Outcome, Patience, Stopped, Token};
use evenkeel_tests::{Reply, Script, Server, client, pause, request, sse};
use http::HeaderMap;

const SECOND: Duration = Duration::from_secs(1);

/// A provider that takes a second, counts how often it is asked, and answers by that number.
fn provider(
    answer: impl Fn(usize) -> Result<Token, Error> + Send + Sync + 'static,
) -> (Credential, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let answer = Arc::new(answer);
    let credential = Credential::provider(move || {
        let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
        let answer = Arc::clone(&answer);
        async move {
            pause(SECOND).await;
            answer(number)
        }
    });
    (credential, asked)
}

fn numbered(number: usize) -> Token {
    Token::bearer(format!("token-{number}"))
}

fn unavailable() -> Error {
    let facts = Facts::read(503, &HeaderMap::new(), std::time::SystemTime::UNIX_EPOCH);
    Error::from_response(&facts, b"")
}

#[tokio::test(start_paused = true)]
async fn a_hundred_tasks_that_meet_an_expired_token_cause_one_renewal() {
    let (credential, asked) = provider(|number| Ok(numbered(number).valid_for(600 * SECOND)));
    let script = Script::new([Reply::message("hello")]);
    let (client, recorder) = client(&script, |builder| builder.credential(credential));
    for round in 1..=2 {
        let calls: Vec<_> = (0..100)
            .map(|_| tokio::spawn(client.messages().create(request())))
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!(asked.load(Ordering::SeqCst), round);
        assert_eq!(recorder.count("credential_refreshed"), round);
        let last = script.sent().pop().unwrap();
        assert_eq!(
            last.header("authorization"),
            format!("Bearer token-{round}")
        );
        // Until half a minute before it expires, nobody asks.
        pause(560 * SECOND).await;
        client.messages().create(request()).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), round);
        pause(20 * SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_meets_a_fault_is_retried_within_the_patience_and_at_no_cost() {
    let (credential, asked) = provider(|number| {
        if number <= 3 {
            Err(unavailable())
        } else {
            Ok(numbered(number))
        }
    });
    let script = Script::new([Reply::message("hello")]);
    let (client, recorder) = client(&script, |builder| builder.credential(credential));
    let calls: Vec<_> = (0..100)
        .map(|_| tokio::spawn(client.messages().create(request())))
        .collect();
    for call in calls {
        let reply = call.await.unwrap().unwrap();
        assert_eq!(
            reply.meta.attempts.len(),
            1,
            "nothing of it reached the API"
        );
        assert!(reply.meta.elapsed < 60 * SECOND, "{:?}", reply.meta.elapsed);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    assert_eq!(recorder.count("credential_refresh_failed"), 3);
    assert_eq!(recorder.count("budget_empty"), 0);
    assert_eq!(recorder.count("circuit_changed"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_never_succeeds_ends_with_the_patience_and_its_own_failure() {
    let (credential, asked) = provider(|_| Err(unavailable()));
    let script = Script::new([Reply::message("hello")]);
    let (client, _) = client(&script, |builder| {
        builder
            .credential(credential)
            .patience(Patience::Interactive)
    });
    let error = client.messages().create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ServerError);
    assert_eq!(error.stopped(), Stopped::Patience);
    assert!(error.elapsed() > 20 * SECOND, "{:?}", error.elapsed());
    assert!(error.elapsed() <= 30 * SECOND);
    assert!(error.attempts().is_empty());
    assert!(asked.load(Ordering::SeqCst) > 4, "attempts do not bound it");
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_uses_up_none_of_the_attempts() {
    let overloaded = || Reply::error(529, "overloaded_error", "x");
    for (attempts, before) in [(1, vec![]), (2, vec![overloaded()])] {
        let (credential, asked) = provider(|number| {
            if number <= 5 {
                Err(unavailable())
            } else {
                Ok(numbered(number))
            }
        });
        let replies = before.into_iter().chain([Reply::message("hello")]);
        let script = Script::new(replies);
        let (client, _) = client(&script, |builder| builder.credential(credential));
        let calls = client.messages().attempts(attempts);
        let reply = calls.create(request()).await.unwrap();
        assert_eq!(reply.meta.attempts.len(), attempts as usize);
        assert_eq!(asked.load(Ordering::SeqCst), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn an_identity_service_that_cannot_be_reached_at_a_cold_start_is_not_a_slip_in_the_endpoint()
{
    let started = evenkeel_tests::now();
    let credential = Credential::provider(move || async move {
        if evenkeel_tests::now() - started < 60 * SECOND {
            Err(Error::connection(evenkeel::Delivery::NotSent))
        } else {
            Ok(Token::bearer("token"))
        }
    });
    let script = Script::new([Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder.credential(credential));
    let once = client.messages().attempts(1);
    let reply = once.create(request()).await.unwrap();
    assert!(reply.meta.elapsed >= 60 * SECOND);
    assert_eq!(reply.meta.attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_near_their_end_are_renewed_once_for_all_who_wait() {
    let (credential, asked) = provider(|number| Ok(numbered(number).valid_for(20 * SECOND)));
    let script = Script::new([Reply::message("hello")]);
    let (client, recorder) = client(&script, |builder| builder.credential(credential));
    for round in 1..=2 {
        let calls: Vec<_> = (0..100)
            .map(|_| tokio::spawn(client.messages().create(request())))
            .collect();
        for call in calls {
            let reply = call.await.unwrap().unwrap();
            assert_eq!(reply.meta.elapsed, SECOND);
        }
        assert_eq!(asked.load(Ordering::SeqCst), round);
        assert_eq!(recorder.count("credential_refreshed"), round);
    }
}

/// A provider whose first token serves for `fresh`, and whose others take `slow` to get.
fn slow_after_the_first(fresh: Duration, slow: Duration) -> Credential {
    let asked = Arc::new(AtomicUsize::new(0));
    Credential::provider(move || {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        async move {
            if number > 0 {
                pause(slow).await;
            }
            Ok(numbered(number).valid_for(fresh + 30 * SECOND))
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_hint_that_another_call_is_given_during_a_renewal_behind_the_gate_is_obeyed() {
    let server = Server::new(|sent| {
        let limited =
            |seconds| Reply::error(429, "rate_limit_error", "x").header("retry-after", seconds);
        match (sent.header("x-test"), sent.at < 5 * SECOND) {
            ("slow", true) => limited("60").pause_before_head(35 * SECOND),
            (_, true) => limited("30"),
            _ => Reply::message("hello"),
        }
    });
    let credential = slow_after_the_first(20 * SECOND, 10 * SECOND);
    let (client, _) = client(&server, |builder| builder.credential(credential));
    let calls = client.messages();
    // One is told to wait until 30 s, the other at 35 s to wait until 95 s.
    let slow = tokio::spawn(calls.clone().header("x-test", "slow").create(request()));
    let first = tokio::spawn(calls.create(request()));
    pause(2 * SECOND).await;
    // These find their token too old at 30 s, and have a new one at 40 s.
    let rest: Vec<_> = (0..3)
        .map(|_| tokio::spawn(calls.create(request())))
        .collect();
    for call in rest.into_iter().chain([slow, first]) {
        call.await.unwrap().unwrap();
    }
    let late = server.times().into_iter().filter(|at| *at > 5 * SECOND);
    let mut late: Vec<_> = late.collect();
    late.sort_unstable();
    assert_eq!(late.len(), 5);
    assert!(late[0] >= 95 * SECOND, "{late:?}");
    assert_apart(late);
}

#[tokio::test(start_paused = true)]
async fn those_who_renewed_together_behind_the_gate_leave_apart() {
    let server = limiting_until(5, "30");
    let credential = slow_after_the_first(20 * SECOND, 10 * SECOND);
    one_is_limited_and_twenty_more_leave_apart(&server, credential).await;
}

/// The first is told to wait, the others come 2 s later: each is sent again, and no two together.
async fn one_is_limited_and_twenty_more_leave_apart(server: &Server, credential: Credential) {
    let (client, _) = client(server, |builder| builder.credential(credential));
    let calls = client.messages();
    let first = tokio::spawn(calls.create(request()));
    pause(2 * SECOND).await;
    let rest: Vec<_> = (0..20)
        .map(|_| tokio::spawn(calls.create(request())))
        .collect();
    for call in rest.into_iter().chain([first]) {
        call.await.unwrap().unwrap();
    }
    let late = server.times().split_off(1);
    assert_eq!(late.len(), 21);
    assert_apart(late);
}

/// Nobody leaves at the same time as another.
fn assert_apart(mut times: Vec<Duration>) {
    times.sort_unstable();
    for pair in times.windows(2) {
        let apart = pair[1].saturating_sub(pair[0]);
        assert!(apart >= Duration::from_millis(249), "{times:?}");
    }
}

/// A provider whose first token serves for `fresh`, and who fails `faults` times after that, each time
/// after `slow`, before it gives another.
fn failing_after_the_first(fresh: Duration, slow: Duration, faults: usize) -> Credential {
    let asked = Arc::new(AtomicUsize::new(0));
    Credential::provider(move || {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        async move {
            if number > 0 {
                pause(slow).await;
            }
            if (1..=faults).contains(&number) {
                return Err(unavailable());
            }
            Ok(numbered(number).valid_for(fresh + 30 * SECOND))
        }
    })
}

/// Limits whoever comes in the first `seconds`, and asks for `wait`.
fn limiting_until(seconds: u32, wait: &'static str) -> Server {
    Server::new(move |sent| {
        if sent.at < seconds * SECOND {
            Reply::error(429, "rate_limit_error", "x").header("retry-after", wait)
        } else {
            Reply::message("hello")
        }
    })
}

#[tokio::test(start_paused = true)]
async fn those_whose_renewal_failed_behind_the_gate_leave_apart() {
    let server = limiting_until(1, "30");
    let credential = failing_after_the_first(20 * SECOND, 10 * SECOND, 1);
    // The others leave their places while one renewal is under way, and share its failure.
    one_is_limited_and_twenty_more_leave_apart(&server, credential).await;
}

#[tokio::test(start_paused = true)]
async fn those_who_were_told_to_wait_leave_apart_though_a_renewal_has_failed_since() {
    let server = limiting_until(1, "30");
    let credential = failing_after_the_first(20 * SECOND, 10 * SECOND, 1);
    let (client, _) = client(&server, |builder| builder.credential(credential));
    let calls: Vec<_> = (0..20)
        .map(|_| tokio::spawn(client.messages().create(request())))
        .collect();
    for call in calls {
        let reply = call.await.unwrap().unwrap();
        assert_eq!(reply.meta.attempts.len(), 2);
    }
    let late = server.times().split_off(20);
    assert_eq!(late.len(), 20);
    assert_apart(late);
}

#[tokio::test(start_paused = true)]
async fn those_who_were_told_to_wait_leave_apart_once_more_where_their_token_was_revoked_meanwhile()
{
    let server = Server::new(|sent| {
        if sent.at < SECOND {
            Reply::error(429, "rate_limit_error", "x").header("retry-after", "30")
        } else if sent.header("authorization") == "Bearer token-0" {
            Reply::error(401, "authentication_error", "revoked").pause_before_head(5 * SECOND)
        } else {
            Reply::message("hello")
        }
    });
    let credential = slow_after_the_first(600 * SECOND, 10 * SECOND);
    let (client, _) = client(&server, |builder| builder.credential(credential));
    let calls: Vec<_> = (0..20)
        .map(|_| tokio::spawn(client.messages().create(request())))
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let mut late = server.sent();
    late.retain(|sent| sent.header("authorization") == "Bearer token-1");
    assert_eq!(late.len(), 20);
    assert_apart(late.iter().map(|sent| sent.at).collect());
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_the_identity_service_is_none_of_the_api() {
    let (credential, asked) = provider(|number| {
        if number == 1 {
            let facts = Facts::read(429, &HeaderMap::new(), std::time::SystemTime::UNIX_EPOCH);
            return Err(Error::from_response(&facts, b""));
        }
        Ok(numbered(number))
    });
    let script = Script::new([Reply::message("hello")]);
    let (client, recorder) = client(&script, |builder| builder.credential(credential));
    let calls: Vec<_> = (0..20)
        .map(|_| tokio::spawn(client.messages().create(request())))
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(
        recorder.count("waiting"),
        20,
        "one wait each: for the retry"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_place_no_longer_fits_after_a_renewal_leaves_as_a_newcomer_would() {
    for faults in [0, 1] {
        let server = limiting_until(1, "20");
        let credential = failing_after_the_first(10 * SECOND, SECOND, faults);
        let (client, _) = client(&server, |builder| builder.credential(credential));
        let calls = client.messages();
        let first = tokio::spawn(calls.create(request()));
        tokio::task::yield_now().await;
        let hasty = calls.clone().patience(Patience::Interactive);
        let hasty = tokio::spawn(hasty.create(request()));
        tokio::task::yield_now().await;
        // These hold the places from 20.25 s to 35 s.
        let rest: Vec<_> = (0..60)
            .map(|_| tokio::spawn(calls.create(request())))
            .collect();
        let reply = hasty.await.unwrap().unwrap();
        let elapsed = reply.meta.elapsed;
        assert!(elapsed >= 21 * SECOND, "{elapsed:?}");
        assert!(elapsed <= 24 * SECOND, "{elapsed:?}");
        for call in rest.into_iter().chain([first]) {
            call.await.unwrap().unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_was_paid_for_and_succeeds_with_a_new_token_gets_its_budget_back() {
    let (credential, asked) = provider(|number| Ok(numbered(number)));
    let cycle = || {
        [
            Reply::message("hello"),
            Reply::error(529, "overloaded_error", "x"),
            Reply::error(401, "authentication_error", "revoked"),
            Reply::message("hello"),
            Reply::message("hello"),
        ]
    };
    let script = Script::new((0..30).flat_map(|_| cycle()));
    let (client, recorder) = client(&script, |builder| {
        builder
            .credential(credential)
            .patience(Patience::Interactive)
    });
    for call in 0..3 * 30 {
        let reply = client.messages().create(request()).await.unwrap();
        let attempts = reply.meta.attempts.len();
        assert_eq!(attempts, if call % 3 == 1 { 3 } else { 1 });
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1 + 30);
    assert_eq!(recorder.count("budget_empty"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_paid_retry_that_failed_is_not_refunded_by_one_that_cost_nothing() {
    let cycle = || {
        [
            Reply::message("hello"),
            Reply::error(529, "overloaded_error", "x"),
            Reply::error(429, "rate_limit_error", "x").header("retry-after", "1"),
            Reply::message("hello"),
        ]
    };
    let script = Script::new((0..30).flat_map(|_| cycle()));
    let (client, recorder) = client(&script, |builder| builder);
    while recorder.count("budget_empty") == 0 {
        assert!(
            script.sent().len() < 30 * 4,
            "each call gets its token back"
        );
        client.messages().create(request()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn calls_with_short_tokens_get_out_of_a_queue_that_is_longer_than_their_tokens_live() {
    let server = Server::new(|sent| {
        if sent.at < 5 * SECOND {
            Reply::error(429, "rate_limit_error", "x").header("retry-after", "30")
        } else {
            Reply::message("hello")
        }
    });
    let (credential, _) = provider(|number| Ok(numbered(number).valid_for(10 * SECOND)));
    let (client, _) = client(&server, |builder| builder.credential(credential));
    let calls = client.messages();
    let first = tokio::spawn(calls.create(request()));
    pause(2 * SECOND).await;
    let rest: Vec<_> = (0..100)
        .map(|_| tokio::spawn(calls.create(request())))
        .collect();
    for call in rest.into_iter().chain([first]) {
        let reply = call.await.unwrap().unwrap();
        assert!(
            reply.meta.elapsed < 100 * SECOND,
            "{:?}",
            reply.meta.elapsed
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_breakers_place_is_not_held_during_a_renewal() {
    let server = Server::new(|sent| {
        if sent.at < 5 * SECOND {
            Reply::error(529, "overloaded_error", "x")
        } else {
            Reply::message("hello")
        }
    });
    let credential = slow_after_the_first(SECOND / 10, 20 * SECOND);
    let (client, recorder) = client(&server, |builder| builder.credential(credential));
    let calls = client.messages();
    let keyed = calls.clone().credential(Credential::api_key("sk-own"));
    while recorder.count("circuit_changed") == 0 {
        keyed
            .clone()
            .attempts(1)
            .create(request())
            .await
            .unwrap_err();
        pause(SECOND / 2).await;
    }
    // Parked with a token that is too old when the circuit would let a probe through.
    let parked = tokio::spawn(calls.create(request()));
    pause(5 * SECOND).await;
    let calls = keyed.patience(Patience::Interactive);
    calls.create(request()).await.unwrap();
    parked.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_is_given_up_and_asked_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let credential = Credential::provider(move || {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        async move {
            if number == 0 {
                std::future::pending::<()>().await;
            }
            Ok(numbered(number))
        }
    });
    let script = Script::new([Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder.credential(credential));
    let reply = client.messages().create(request()).await.unwrap();
    assert!(reply.meta.elapsed >= 30 * SECOND && reply.meta.elapsed < 32 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_cached_token_that_is_refused_is_renewed_and_the_request_sent_once_more_at_no_cost() {
    let (credential, asked) = provider(|number| Ok(numbered(number)));
    let server = Server::new(|sent| {
        let is_revoked = sent.at >= 10 * SECOND && sent.header("authorization") == "Bearer token-1";
        if is_revoked {
            Reply::error(401, "authentication_error", "revoked")
        } else {
            Reply::message("hello")
        }
    });
    let (client, recorder) = client(&server, |builder| {
        builder
            .credential(credential)
            .patience(Patience::Interactive)
    });
    client.messages().create(request()).await.unwrap();
    pause(10 * SECOND).await;
    let calls: Vec<_> = (0..100)
        .map(|_| tokio::spawn(client.messages().attempts(1).create(request())))
        .collect();
    for call in calls {
        let reply = call.await.unwrap().unwrap();
        let outcomes: Vec<_> = reply.meta.attempts.iter().map(|a| a.outcome).collect();
        let refused = Outcome::Failed(ErrorKind::Authentication);
        assert_eq!(outcomes, [refused, Outcome::Complete]);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(server.sent().len(), 1 + 200);
    assert_eq!(recorder.count("latch_set"), 0);
    assert_eq!(recorder.count("budget_empty"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_token_that_is_refused_ends_the_call_and_latches() {
    let (credential, asked) = provider(|number| Ok(numbered(number)));
    let script = Script::new([Reply::error(401, "authentication_error", "x")]);
    let (client, recorder) = client(&script, |builder| builder.credential(credential));
    let error = client.messages().create(request()).await.unwrap_err();
    assert_eq!(error.stopped(), Stopped::NotRecoverable);
    assert_eq!((asked.load(Ordering::SeqCst), script.sent().len()), (1, 1));
    assert_eq!(recorder.count("latch_set"), 1);
    let error = client.messages().create(request()).await.unwrap_err();
    assert_eq!(error.stopped(), Stopped::Latched);
    // The probe asks for another token.
    pause(90 * SECOND).await;
    client.messages().create(request()).await.unwrap_err();
    assert_eq!((asked.load(Ordering::SeqCst), script.sent().len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_twice_is_renewed_once() {
    let (credential, asked) = provider(|number| Ok(numbered(number)));
    let server = Server::new(|sent| {
        if sent.at < 5 * SECOND {
            Reply::message("hello")
        } else {
            Reply::error(401, "authentication_error", "x")
        }
    });
    let (client, _) = client(&server, |builder| builder.credential(credential));
    client.messages().create(request()).await.unwrap();
    pause(5 * SECOND).await;
    let error = client.messages().create(request()).await.unwrap_err();
    assert_eq!(error.attempts().len(), 2);
    assert_eq!((asked.load(Ordering::SeqCst), server.sent().len()), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_renews_hands_the_turn_to_the_next() {
    let (credential, asked) = provider(|number| Ok(numbered(number)));
    let script = Script::new([Reply::message("hello")]);
    let (client, recorder) = client(&script, |builder| builder.credential(credential));
    let first = tokio::spawn(client.messages().create(request()));
    tokio::task::yield_now().await;
    let others: Vec<_> = (0..20)
        .map(|_| tokio::spawn(client.messages().create(request())))
        .collect();
    pause(SECOND / 2).await;
    first.abort();
    for other in others {
        let reply = other.await.unwrap().unwrap();
        assert!(reply.meta.elapsed <= 2 * SECOND, "{:?}", reply.meta.elapsed);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(recorder.count("cancelled"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_call_that_waits_for_a_renewal() {
    let credential = Credential::provider(std::future::pending::<Result<Token, Error>>);
    let script = Script::new([Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder.credential(credential));
    let calls: Vec<_> = (0..3)
        .map(|_| tokio::spawn(client.messages().deadline(SECOND).create(request())))
        .collect();
    for call in calls {
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.stopped(), Stopped::Deadline);
        assert_eq!(error.elapsed(), SECOND);
    }
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_inside_of_a_reply_repeats_nothing_that_acts_elsewhere() {
    let refused = r#"{"type":"error","error":{"type":"authentication_error","message":"x"}}"#;
    let late = Reply::stream().body(&sse("error", refused));
    for (request, sent) in [
        (request(), 2),
        (
            request().extra("mcp_servers", vec!["https://mcp.example"]),
            1,
        ),
    ] {
        let (credential, _) = provider(|number| Ok(numbered(number)));
        let script = Script::new([
            Reply::message("warm"),
            late.clone(),
            Reply::message("hello"),
        ]);
        let (client, _) = client(&script, |builder| builder.credential(credential));
        client.messages().create(self::request()).await.unwrap();
        let result = client.messages().create(request).await;
        assert_eq!(script.sent().len() - 1, sent);
        if let Err(error) = result {
            assert_eq!(error.kind(), ErrorKind::Authentication);
            assert_eq!(error.stopped(), Stopped::UnsafeToRepeat);
        }
        // The next call has a new token.
        client.messages().create(self::request()).await.unwrap();
        let last = script.sent().pop().unwrap();
        assert_eq!(last.header("authorization"), "Bearer token-2");
    }
}
