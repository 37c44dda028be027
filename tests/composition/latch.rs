//! A credential that is refused: calls with it stop, and come back by themselves.

use std::time::Duration;

use evenkeel::{Category, Credential, Delivery, ErrorKind, Patience, Stopped};
use evenkeel_tests::{Reply, Script, Server, client, pause, request};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

fn unauthorized() -> Reply {
    Reply::error(401, "authentication_error", "invalid x-api-key")
}

#[tokio::test(start_paused = true)]
async fn after_an_incident_of_seventy_eight_minutes_calls_succeed_again_within_the_probe_time() {
    for seed in 0..8 {
        let server = Server::new(|sent| {
            let is_down = sent.at >= MINUTE && sent.at < 79 * MINUTE;
            if is_down {
                unauthorized()
            } else {
                Reply::message("hello")
            }
        });
        let (client, recorder) = client(&server, |builder| builder.seed(seed));
        let mut last_failure = Duration::ZERO;
        for second in (0..90 * 60).step_by(5) {
            if client.messages().create(request()).await.is_err() {
                last_failure = Duration::from_secs(second);
            }
            pause(5 * SECOND).await;
        }
        assert!(last_failure >= 78 * MINUTE, "{last_failure:?}");
        assert!(
            last_failure <= 79 * MINUTE + 5 * MINUTE,
            "seed {seed}: back only after {last_failure:?}"
        );
        let during = server.times();
        let during = during
            .iter()
            .filter(|at| **at >= MINUTE && **at < 79 * MINUTE)
            .count();
        // The first, and then one each 100 to 300 s once the interval has grown.
        assert!((16..=50).contains(&during), "seed {seed}: {during}");
        assert_eq!(recorder.count("latch_set"), 1);
        assert_eq!(recorder.count("latch_cleared"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_spent_balance_and_a_spend_cap_cost_one_request_and_then_the_latch_answers() {
    let cap = r#"{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
    for (reply, kind) in [
        (
            Reply::error(
                400,
                "invalid_request_error",
                "Your credit balance is too low to access the Anthropic API.",
            ),
            ErrorKind::Billing,
        ),
        (
            Reply::status(429)
                .header("content-type", "application/json")
                .header("retry-after", "20")
                .body(cap),
            ErrorKind::QuotaExhausted,
        ),
        (unauthorized(), ErrorKind::Authentication),
    ] {
        let script = Script::new([reply]);
        let (client, recorder) = client(&script, |builder| builder);
        let first = client.messages().create(request()).await.unwrap_err();
        assert_eq!(
            (first.kind(), first.stopped()),
            (kind, Stopped::NotRecoverable)
        );
        for _ in 0..20 {
            let error = client.messages().create(request()).await.unwrap_err();
            assert_eq!((error.kind(), error.stopped()), (kind, Stopped::Latched));
            assert_eq!(error.category(), Category::Authentication);
            assert_eq!(error.delivery(), Delivery::NotSent);
            assert!(error.elapsed().is_zero() && error.attempts().is_empty());
            assert!(error.failure().refused_since().is_some());
            let line = error.to_string();
            assert!(line.contains("not sent, refused since 20"), "{line}");
        }
        assert_eq!(script.sent().len(), 1, "{kind}");
        assert_eq!(recorder.count("latch_set"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_about_a_resource_does_not_stop_other_calls() {
    for reply in [
        Reply::error(403, "permission_error", "x"),
        Reply::error(400, "invalid_request_error", "x"),
    ] {
        let script = Script::new([reply, Reply::message("hello")]);
        let (client, recorder) = client(&script, |builder| builder);
        client.messages().create(request()).await.unwrap_err();
        client.messages().create(request()).await.unwrap();
        assert_eq!(recorder.count("latch_set"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn one_credential_one_workspace_one_user_profile_is_latched_alone() {
    let server = Server::new(|sent| {
        let is_refused = sent.header("x-api-key") == "sk-refused"
            || sent.header("anthropic-workspace-id") == "wrkspc_refused"
            || sent.header("anthropic-user-profile-id") == "refused";
        if is_refused {
            unauthorized()
        } else {
            Reply::message("hello")
        }
    });
    let (client, _) = client(&server, |builder| builder);
    let calls = client.messages();
    let refused = [
        calls.clone().credential(Credential::api_key("sk-refused")),
        calls
            .clone()
            .header("anthropic-workspace-id", "wrkspc_refused"),
        calls.clone().header("anthropic-user-profile-id", "refused"),
    ];
    for refused in refused {
        let before = server.sent().len();
        for _ in 0..3 {
            refused.create(request()).await.unwrap_err();
            calls.create(request()).await.unwrap();
        }
        assert_eq!(server.sent().len(), before + 1 + 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_retry_sends_nothing_more_once_its_credential_is_refused() {
    // The first call is told to wait; the second meets the refusal meanwhile, on another model.
    let server = Server::new(|sent| {
        if sent.body.contains("other") {
            unauthorized()
        } else {
            Reply::error(529, "overloaded_error", "x").header("retry-after", "10")
        }
    });
    let (client, _) = client(&server, |builder| builder);
    let waiting = tokio::spawn(client.messages().create(request()));
    pause(SECOND).await;
    let other = evenkeel_tests::request_to("other");
    client.messages().create(other).await.unwrap_err();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.stopped(), Stopped::Latched);
    assert_eq!(
        error.kind(),
        ErrorKind::Authentication,
        "what a person has to act on"
    );
    assert_eq!(error.attempts().len(), 1, "and what it had met by itself");
    assert_eq!(server.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_before_it_was_sent_leaves_its_place_to_the_next_call() {
    let server = Server::new(|sent| {
        if sent.body.contains("limited") {
            Reply::error(429, "rate_limit_error", "x").header("retry-after", "3000")
        } else if sent.at < 10 * SECOND {
            unauthorized()
        } else {
            Reply::message("hello")
        }
    });
    let (client, _) = client(&server, |builder| builder.patience(Patience::Unattended));
    let calls = client.messages();
    let limited = || evenkeel_tests::request_to("limited");
    let held = tokio::spawn(calls.create(limited()));
    pause(SECOND).await;
    calls.create(request()).await.unwrap_err();
    pause(90 * SECOND).await;
    // A probe that the shared hint holds back, and that is then dropped.
    let probe = tokio::spawn(calls.create(limited()));
    pause(SECOND).await;
    assert_eq!(
        calls.create(request()).await.unwrap_err().stopped(),
        Stopped::Latched
    );
    probe.abort();
    let _ = probe.await;
    calls.create(request()).await.unwrap();
    held.abort();
}

#[tokio::test(start_paused = true)]
async fn a_success_of_what_was_sent_before_the_refusal_does_not_lift_the_latch() {
    let server = Server::new(|sent| {
        if sent.at < SECOND {
            Reply::message("hello").pause_before_head(5 * SECOND)
        } else {
            unauthorized()
        }
    });
    let (client, recorder) = client(&server, |builder| builder);
    let slow: Vec<_> = (0..10)
        .map(|_| tokio::spawn(client.messages().create(request())))
        .collect();
    pause(2 * SECOND).await;
    client.messages().create(request()).await.unwrap_err();
    for call in slow {
        call.await.unwrap().unwrap();
    }
    let error = client.messages().create(request()).await.unwrap_err();
    assert_eq!(error.stopped(), Stopped::Latched);
    assert_eq!(server.sent().len(), 11);
    assert_eq!(recorder.count("latch_set"), 1);
    assert_eq!(recorder.count("latch_cleared"), 0);
}

#[tokio::test(start_paused = true)]
async fn however_many_keys_were_refused_the_next_is_latched_as_well() {
    const KEYS: usize = 1_100;
    let server = Server::new(|_| unauthorized());
    let (client, recorder) = client(&server, |builder| builder);
    let with = |number: usize| {
        let key = Credential::api_key(format!("sk-{number}"));
        client.messages().credential(key)
    };
    for number in 0..KEYS {
        with(number).create(request()).await.unwrap_err();
    }
    assert_eq!(server.sent().len(), KEYS);
    assert_eq!(recorder.count("latch_set"), KEYS);
    for number in [KEYS - 1, KEYS - 1_000] {
        let error = with(number).create(request()).await.unwrap_err();
        assert_eq!(error.stopped(), Stopped::Latched);
    }
    assert_eq!(server.sent().len(), KEYS);
    // What was asked for longest ago is known no more, and costs a request.
    let error = with(0).create(request()).await.unwrap_err();
    assert_eq!(error.stopped(), Stopped::NotRecoverable);
}
