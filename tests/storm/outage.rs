//! Fifty calls and a server that has no capacity, and then a little.

use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use evenkeel::{Error, ErrorKind, Messages, Patience, Stopped};
use evenkeel_tests::{Reply, Script, Server, client, pause, request};

use crate::{MINUTE, SECOND, busiest_second};

fn overloaded() -> Reply {
    Reply::error(529, "overloaded_error", "Overloaded")
}

/// Asks for a reply, and is refused without being left to wait: whoever polls once has the answer.
fn refused_at_once(calls: &Messages) -> Error {
    let mut call = pin!(calls.create(request()));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(outcome) = call.as_mut().poll(&mut context) else {
        panic!("the call waits");
    };
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CircuitOpen);
    assert!(error.elapsed().is_zero(), "{:?}", error.elapsed());
    error
}

#[tokio::test(start_paused = true)]
async fn fifty_interactive_calls_send_at_most_seventy_five_requests() {
    let mut most = 0;
    for seed in 0..50 {
        let script = Script::new([overloaded()]);
        let (client, _) = client(&script, |builder| {
            builder.patience(Patience::Interactive).seed(seed)
        });
        let calls: Vec<_> = (0..50)
            .map(|_| tokio::spawn(client.messages().create(request())))
            .collect();
        for call in calls {
            assert!(call.await.unwrap().is_err());
        }
        most = most.max(script.sent().len());
        // The breaker is open still, and what it refuses is refused at once.
        let before = script.sent().len();
        refused_at_once(&client.messages());
        assert_eq!(script.sent().len(), before);
    }
    println!("fifty interactive calls: at most {most} requests");
    assert!(most <= 75, "{most}");
}

#[tokio::test(start_paused = true)]
async fn calls_made_once_the_breaker_is_open_fail_at_once() {
    for seed in 0..20 {
        let script = Script::new([overloaded()]);
        let (client, recorder) = client(&script, |builder| builder.seed(seed));
        let background: Vec<_> = (0..10)
            .map(|_| tokio::spawn(client.messages().create(request())))
            .collect();
        while recorder.count("circuit_changed") == 0 {
            pause(SECOND / 20).await;
        }
        let sent = script.sent().len();
        let calls = client.messages().patience(Patience::Interactive);
        for _ in 0..20 {
            assert!(refused_at_once(&calls).retry_at().is_some());
        }
        assert_eq!(script.sent().len(), sent);
        for call in background {
            call.abort();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_background_calls_complete_after_the_server_is_back_and_make_no_wave() {
    let mut busiest = 0;
    let mut longest = std::time::Duration::ZERO;
    for seed in 0..20 {
        // Two minutes of nothing, then ten requests a second.
        let second = Mutex::new((0, AtomicU32::new(0)));
        let server = Server::new(move |sent| {
            if sent.at < 2 * MINUTE {
                return overloaded();
            }
            let mut second = second.lock().unwrap();
            if second.0 != sent.at.as_secs() {
                *second = (sent.at.as_secs(), AtomicU32::new(0));
            }
            if second.1.fetch_add(1, Ordering::Relaxed) < 10 {
                Reply::message("back")
            } else {
                overloaded()
            }
        });
        let (client, _) = client(&server, |builder| builder.seed(seed));
        let calls: Vec<_> = (0..50)
            .map(|_| tokio::spawn(client.messages().create(request())))
            .collect();
        for call in calls {
            let reply = call.await.unwrap().unwrap();
            assert_eq!(reply.text(), "back");
            longest = longest.max(reply.meta.elapsed);
        }
        let after = server.times().into_iter().filter(|at| *at >= 2 * MINUTE);
        busiest = busiest.max(busiest_second(after.collect()));
    }
    println!(
        "fifty background calls: the busiest second held {busiest}, the last was done after {longest:?}"
    );
    assert!(busiest <= 30, "{busiest}");
}

#[tokio::test(start_paused = true)]
async fn the_budget_fills_up_in_the_calm_behind_an_outage_though_nobody_needs_it() {
    let server = Server::new(move |sent| {
        let calm = MINUTE..30 * MINUTE;
        if sent.at < 15 * SECOND || sent.at >= calm.end {
            // No circuit minds this, and the budget does.
            Reply::error(408, "timeout_error", "x")
        } else if calm.contains(&sent.at) {
            Reply::message("x")
        } else {
            overloaded()
        }
    });
    let (client, recorder) = client(&server, |builder| builder.patience(Patience::Interactive));
    let fails = || async { client.messages().create(request()).await.unwrap_err() };
    while fails().await.stopped() != Stopped::Budget {}
    pause(15 * SECOND).await;
    for _ in 0..12 {
        fails().await;
        pause(SECOND).await;
    }
    assert!(recorder.count("circuit_changed") > 0);
    pause(2 * MINUTE).await;
    // One is the probe, and one sees the circuit closed.
    for _ in 0..2 {
        client.messages().create(request()).await.unwrap();
        pause(10 * SECOND).await;
    }
    pause(60 * MINUTE).await;
    for _ in 0..3 {
        let error = fails().await;
        assert_eq!(error.stopped(), Stopped::Attempts, "{error}");
    }
}
