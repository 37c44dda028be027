//! Tokens that are renewed: by one call for all, within the patience, once more after a refusal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evenkeel::error::{Error, Facts};
use evenkeel::{Credential, ErrorKind, Outcome, Patience, Stopped, Token};
use evenkeel_tests::{Reply, Script, Server, client, pause, request};
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
    let (credential, _) = provider(|_| Err(unavailable()));
    let script = Script::new([Reply::message("hello")]);
    let (client, _) = client(&script, |builder| {
        builder
            .credential(credential)
            .patience(Patience::Interactive)
    });
    let error = client.messages().create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ServerError);
    assert!(error.elapsed() <= 30 * SECOND);
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_is_no_attempt_and_no_sign_that_the_api_is_not_there() {
    let script = Script::new([Reply::message("hello")]);
    let (credential, _) = provider(|_| Err(unavailable()));
    let (hasty, _) = client(&script, |builder| {
        builder
            .credential(credential)
            .patience(Patience::Interactive)
    });
    let error = hasty.messages().create(request()).await.unwrap_err();
    assert_eq!(error.stopped(), Stopped::Patience);
    assert!(error.elapsed() > 20 * SECOND, "{:?}", error.elapsed());
    assert!(error.attempts().is_empty());

    // Down at a cold start, for longer than a slip in the API's own name is borne.
    let (credential, _) = provider(|number| match number {
        1..=12 => Err(Error::connection(evenkeel::Delivery::NotSent)),
        _ => Ok(numbered(number)),
    });
    let (patient, _) = client(&script, |builder| builder.credential(credential));
    let once = patient.messages().attempts(1);
    let reply = once.create(request()).await.unwrap();
    assert!(reply.meta.elapsed > 15 * SECOND, "{:?}", reply.meta.elapsed);
    assert_eq!(reply.meta.attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_stale_as_it_comes_is_shared_by_those_who_waited_for_it() {
    let (credential, asked) = provider(|number| Ok(numbered(number).valid_for(10 * SECOND)));
    let script = Script::new([Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder.credential(credential));
    let calls: Vec<_> = (0..100)
        .map(|_| tokio::spawn(client.messages().create(request())))
        .collect();
    for call in calls {
        let reply = call.await.unwrap().unwrap();
        assert_eq!(reply.meta.elapsed, SECOND);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    client.messages().create(request()).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2, "who comes later asks anew");
}

#[tokio::test(start_paused = true)]
async fn a_hint_that_is_given_to_another_while_a_token_is_renewed_holds_for_who_renews_it() {
    // Out of date when the first hint has passed; the next one takes a while.
    let asked = Arc::new(AtomicUsize::new(0));
    let credential = Credential::provider(move || {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        async move {
            if number > 0 {
                pause(25 * SECOND).await;
            }
            Ok(numbered(number).valid_for(100 * SECOND))
        }
    });
    let told = |seconds: u32| {
        let seconds = seconds.to_string();
        Reply::error(429, "rate_limit_error", "x").header("retry-after", seconds)
    };
    let script = Script::new([
        told(100).pause_before_head(118 * SECOND),
        told(100),
        Reply::message("hello"),
    ]);
    let (client, _) = client(&script, |builder| builder.credential(credential));
    let slow = tokio::spawn(client.messages().create(request()));
    pause(SECOND / 10).await;
    let quick = tokio::spawn(client.messages().create(request()));
    for call in [slow, quick] {
        call.await.unwrap().unwrap();
    }
    let times = script.times();
    assert_eq!(times.len(), 4);
    assert!(times[2] >= 218 * SECOND, "{times:?}");
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
