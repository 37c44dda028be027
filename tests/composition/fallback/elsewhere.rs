//! What is heard of a call that a fallback takes to another client.

use std::sync::{Arc, Mutex};

use evenkeel::event::{AttemptHead, Event};

use super::*;

/// The lines of a recorder that tell of an attempt that began, or of an end.
fn told(recorder: &Recorder) -> Vec<String> {
    let seen = recorder.seen().into_iter();
    seen.filter(|seen| ["attempt_started", "fell_back", "succeeded"].contains(&seen.label))
        .map(|seen| seen.line)
        .collect()
}

fn numbers(name: &'static str) -> impl Fn(&mut AttemptHead) + Send + Sync + 'static {
    move |head| head.header(name, format!("{}-{}", head.call(), head.attempt()))
}

#[tokio::test(start_paused = true)]
async fn at_another_client_a_call_has_a_number_of_that_clients_and_for_its_own_observers_keeps_its()
{
    let first = Script::new([refusal(), Reply::message("back")]);
    let second = Script::new([Reply::message("hello"), refusal(), refusal()]);
    let (primary, at_first) = client(&first, |builder| builder.propagator(numbers("of-client")));
    let (other, at_second) = client(&second, |builder| builder.propagator(numbers("of-client")));
    other.messages().create(request()).await.unwrap();
    let (own, of_call) = (Arc::new(Mutex::new(Vec::new())), Recorder::default());
    let (kept, recorder) = (Arc::clone(&own), of_call.clone());
    let calls = primary
        .messages()
        .observer(recorder)
        .observer(move |event: &Event<'_>| kept.lock().unwrap().push(event.call.number()))
        .propagator(numbers("of-call"))
        .fallback(Fallback::to("b").via(other.clone()))
        .fallback(Fallback::to("c").via(other.clone()))
        .fallback(Fallback::to("d"));
    let reply = calls.create(request_to("a")).await.unwrap();
    assert_eq!(reply.text(), "back");
    assert_eq!(
        told(&at_first),
        [
            "call 1: attempt 1 started",
            "call 1: falling back from a to b (refusal)",
            "call 1: attempt 4 started",
            "call 1: complete after 0.0ns, with attempt 4",
        ]
    );
    assert_eq!(
        told(&at_second)[2..],
        [
            "call 2: attempt 2 started",
            "call 2: falling back from b to c (refusal)",
            "call 2: attempt 3 started",
            "call 2: falling back from c to d (refusal)",
        ]
    );
    assert_eq!(of_call.count("attempt_started"), 4);
    assert!(own.lock().unwrap().iter().all(|number| *number == 1));
    let sent = [first.sent(), second.sent()[1..].to_vec()].concat();
    for (sent, of_client, of_call) in [
        (&sent[0], "1-1", "1-1"),
        (&sent[1], "1-4", "1-4"),
        (&sent[2], "2-2", "1-2"),
        (&sent[3], "2-3", "1-3"),
    ] {
        assert_eq!(sent.header("of-client"), of_client);
        assert_eq!(sent.header("of-call"), of_call);
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_at_another_client_is_told_on_the_clock_of_that_client() {
    evenkeel_tests::pause(100 * SECOND).await;
    let (first, second) = (Script::new([refusal()]), Script::new([Reply::message("x")]));
    let (primary, at_first) = client(&first, |builder| builder);
    evenkeel_tests::pause(50 * SECOND).await;
    let (other, at_second) = client(&second, |builder| builder);
    evenkeel_tests::pause(7 * SECOND).await;
    let of_call = Recorder::default();
    let calls = primary.messages().observer(of_call.clone());
    let calls = calls.fallback(Fallback::to("b").via(other));
    calls.create(request()).await.unwrap();
    let times = |recorder: &Recorder| -> Vec<Duration> {
        recorder.seen().into_iter().map(|seen| seen.at).collect()
    };
    assert_eq!(times(&at_first), [57 * SECOND; 4]);
    assert_eq!(times(&at_second), [7 * SECOND; 3]);
    let both = [times(&at_first), times(&at_second)].concat();
    assert_eq!(times(&of_call), both);
}
