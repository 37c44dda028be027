//! Two models behind one origin: what one does to the other, and what it does not.

use std::time::Duration;

use evenkeel::breaker::{BreakerConfig, Mode};
use evenkeel::{ErrorKind, Patience};
use evenkeel_tests::{Mood, Moods, client, pause, request_to};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_model_in_trouble_does_not_take_a_healthy_one_with_it() {
    let models = Moods::default();
    models.set("sick", Mood::Overloaded);
    let (client, _) = client(&models, |builder| builder.patience(Patience::Interactive));
    for _ in 0..200 {
        let sick = client.messages().create(request_to("sick")).await;
        assert!(sick.is_err());
        client
            .messages()
            .create(request_to("healthy"))
            .await
            .unwrap();
        pause(SECOND / 4).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_slow_is_not_taken_for_a_server_that_refuses_connections() {
    for (mood, kind, other) in [
        (Mood::Silent, ErrorKind::TimedOut, None),
        (
            Mood::Refused,
            ErrorKind::Connection,
            Some(ErrorKind::CircuitOpen),
        ),
    ] {
        let models = Moods::default();
        models.set("sick", mood);
        let (client, _) = client(&models, |builder| builder.patience(Patience::Interactive));
        let calls: Vec<_> = (0..12)
            .map(|_| tokio::spawn(client.messages().create(request_to("sick"))))
            .collect();
        for call in calls {
            let failed = call.await.unwrap().unwrap_err();
            assert!(
                [kind, ErrorKind::CircuitOpen].contains(&failed.kind()),
                "{failed}"
            );
        }
        let sick = client.messages().create(request_to("sick")).await;
        assert_eq!(sick.unwrap_err().kind(), ErrorKind::CircuitOpen, "{mood:?}");
        let healthy = client.messages().create(request_to("healthy")).await;
        assert_eq!(healthy.err().map(|error| error.kind()), other, "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_not_paused_for_good_by_trouble_that_another_model_saw_end() {
    let models = Moods::default();
    models.set("a", Mood::Unreachable);
    models.set("b", Mood::Unreachable);
    let (client, _) = client(&models, |builder| builder.seed(3));
    let calls: Vec<_> = (0..14)
        .map(|_| {
            tokio::spawn(
                client
                    .messages()
                    .deadline(8 * SECOND)
                    .create(request_to("a")),
            )
        })
        .collect();
    for call in calls {
        let _ = call.await.unwrap();
    }
    models.set("b", Mood::Well);
    for _ in 0..20 {
        let _ = client.messages().create(request_to("b")).await;
        pause(3 * SECOND).await;
    }
    models.set("a", Mood::Broken);
    let call = tokio::spawn(
        client
            .messages()
            .patience(Patience::Unattended)
            .create(request_to("a")),
    );
    pause(60 * SECOND).await;
    models.set("a", Mood::Well);
    pause(600 * SECOND).await;
    assert!(
        call.is_finished(),
        "the call waits for a token that never comes"
    );
    call.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_change_of_a_circuit_is_announced_even_if_the_call_is_refused() {
    let models = Moods::default();
    models.set("a", Mood::Overloaded);
    models.set("b", Mood::Unreachable);
    let (client, recorder) = client(&models, |builder| builder.seed(3));
    for model in ["a", "b"] {
        let calls: Vec<_> = (0..8)
            .map(|_| tokio::spawn(client.messages().deadline(SECOND).create(request_to(model))))
            .collect();
        for call in calls {
            let _ = call.await.unwrap();
        }
    }
    models.set("b", Mood::Well);
    pause(4 * SECOND).await;
    let _ = client.messages().create(request_to("b")).await;
    // The slow start is over when a call to the model that is still refused finds out.
    pause(10 * SECOND).await;
    let calls = client.messages().patience(Patience::Interactive);
    let error = calls.create(request_to("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CircuitOpen);
    let lines: Vec<_> = recorder.seen().into_iter().map(|seen| seen.line).collect();
    let mut changes = lines
        .iter()
        .filter(|line| line.contains("circuit of the origin"));
    let last = changes.next_back().unwrap();
    assert!(last.ends_with("now closed"), "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_breaker_that_only_observes_leaves_the_budget_in_charge() {
    let mut sent = Vec::new();
    for mode in [Mode::On, Mode::ForcedClosed, Mode::ObserveOnly] {
        let models = Moods::default();
        models.set("m", Mood::Broken);
        let config = BreakerConfig::builder().mode(mode).build().unwrap();
        let (client, _) = client(&models, |builder| builder.breaker(config));
        let calls: Vec<_> = (0..20)
            .map(|_| tokio::spawn(client.messages().create(request_to("m"))))
            .collect();
        for call in calls {
            assert!(call.await.unwrap().is_err());
        }
        sent.push(models.sent());
    }
    assert!(sent.iter().all(|sent| *sent <= 100), "{sent:?}");
}
