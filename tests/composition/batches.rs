//! Batches: made once, waited for through an outage and a restart, and listed to their end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evenkeel::messages::{BatchOutcome, BatchRequest, CreateBatch, FollowUp};
use evenkeel::{BatchPoller, Delivery, ErrorKind, Patience, Stopped};
use evenkeel_simulator::{Chance, Cut, Ending, Reply as SimulatorReply, Scenario, Simulator, When};
use evenkeel_tests::{PLANTED_PROMPT, Reply, Script, Server, client, pause, request, within};
use http::Method;

const SECOND: Duration = Duration::from_secs(1);

fn batch(status: &str) -> Reply {
    Reply::status(200).body(&format!(
        r#"{{"id":"msgbatch_1","type":"message_batch","processing_status":"{status}","request_counts":{{"processing":0,"succeeded":1,"errored":1,"canceled":0,"expired":0}}}}"#
    ))
}

fn create() -> CreateBatch {
    CreateBatch::new(vec![BatchRequest::new("a", request())])
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_created_once_when_its_reply_is_lost_and_says_so() {
    let page = Reply::status(502).header("content-type", "text/html");
    let garbled = Reply::status(200).body("<html>");
    for reply in [
        Reply::lost(Delivery::Unknown),
        Reply::never(),
        page,
        garbled,
        Reply::error(500, "api_error", "x"),
        Reply::status(200).ending(evenkeel_tests::Ending::Cut),
    ] {
        let what = format!("{reply:?}");
        let script = Script::new([reply, batch("in_progress")]);
        // Shorter than the patience, so that what ends the call is not that.
        let (client, _) = client(&script, |builder| builder.plain_head_limit(60 * SECOND));
        let error = client.batches().create(create()).await.unwrap_err();
        assert_eq!(error.stopped(), Stopped::UnsafeToRepeat, "{what}");
        assert_eq!(script.sent().len(), 1, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_was_refused_or_never_left_is_sent_again() {
    for reply in [
        Reply::lost(Delivery::NotSent),
        Reply::error(429, "rate_limit_error", "x"),
        Reply::error(529, "overloaded_error", "x"),
    ] {
        let script = Script::new([reply, batch("in_progress")]);
        let (client, _) = client(&script, |builder| builder);
        let made = client.batches().create(create()).await.unwrap();
        assert_eq!(
            (made.id.as_str(), made.meta.attempts.len()),
            ("msgbatch_1", 2)
        );
        let sent = script.sent();
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[0].path, "/v1/messages/batches");
        assert_eq!(
            (&sent[0].method, &sent[0].body),
            (&Method::POST, &sent[1].body)
        );
        assert!(sent[0].body.contains(PLANTED_PROMPT));
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_the_api_would_refuse_is_not_sent() {
    let script = Script::new([batch("in_progress")]);
    let (client, _) = client(&script, |builder| builder);
    let twice = CreateBatch::new(vec![
        BatchRequest::new("a", request()),
        BatchRequest::new("a", request()),
    ]);
    let error = client.batches().create(twice).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_done_to_a_batch_goes_to_its_path_and_is_sent_again_freely() {
    let lost = || Reply::lost(Delivery::Unknown);
    let script = Script::new([
        lost(),
        batch("canceling"),
        lost(),
        Reply::status(200).body(r#"{"id":"msgbatch_1","type":"message_batch_deleted"}"#),
        batch("ended"),
    ]);
    let (client, _) = client(&script, |builder| builder);
    let cancelled = client.batches().cancel("msgbatch_1").await.unwrap();
    assert_eq!(cancelled.processing_status.as_str(), "canceling");
    let deleted = client.batches().delete("msgbatch_1").await.unwrap();
    assert_eq!(deleted.id, "msgbatch_1");
    client.batches().retrieve("a/b?c").await.unwrap();
    let sent = script.sent();
    let calls: Vec<_> = sent
        .iter()
        .map(|sent| format!("{} {}", sent.method, sent.path))
        .collect();
    let cancel = "POST /v1/messages/batches/msgbatch_1/cancel";
    let delete = "DELETE /v1/messages/batches/msgbatch_1";
    let retrieve = "GET /v1/messages/batches/a%2Fb%3Fc";
    assert_eq!(calls, [cancel, cancel, delete, delete, retrieve]);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_batches_turns_its_pages_and_sees_a_circle_of_any_length() {
    let page = |id: &str, last: &str| {
        Reply::status(200).body(&format!(
            r#"{{"data":[{{"type":"message_batch","id":"{id}","processing_status":"ended","request_counts":{{}}}}],"has_more":true,"first_id":"{id}","last_id":"{last}"}}"#
        ))
    };
    let turning = Server::new(move |sent| match sent.path.rsplit_once("after_id=") {
        Some((_, "b")) => page("c", "c"),
        Some((_, "c")) => page("a", "a"),
        _ => page("b", "b"),
    });
    let (client, _) = client(&turning, |builder| builder);
    let mut list = client.batches().page_size(50).page_size(1).list();
    let mut seen = 0;
    let error = loop {
        match list.next().await.unwrap() {
            Ok(_) => seen += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(list.next().await.is_none());
    assert!(seen <= 12 && turning.sent().len() == seen + 1, "{seen}");
    assert_eq!(
        turning.sent()[1].path,
        "/v1/messages/batches?limit=1&after_id=b"
    );
    let wrong = client.batches().page_size(0).list().next().await.unwrap();
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidConfig);
}

#[tokio::test(start_paused = true)]
async fn pages_with_nothing_on_them_are_not_turned_for_ever() {
    let pages = AtomicUsize::new(0);
    let empty = Server::new(move |_| {
        let page = pages.fetch_add(1, Ordering::Relaxed);
        Reply::status(200).body(&format!(r#"{{"data":[],"next_page":"p{page}"}}"#))
    });
    let (client, _) = client(&empty, |builder| builder);
    let error = client.batches().list().next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(empty.sent().len(), 101);
}

/// In progress for so long, but for an outage; then ended.
fn busy(until: Duration, outage: std::ops::Range<Duration>) -> Server {
    Server::new(move |sent| match sent.at {
        at if outage.contains(&at) => Reply::error(529, "overloaded_error", "x"),
        at if at < until => batch("in_progress"),
        _ => batch("ended"),
    })
}

#[tokio::test(start_paused = true)]
async fn a_poll_looks_at_once_then_ever_more_rarely_and_sees_the_end_soon() {
    let server = busy(3_600 * SECOND, Duration::ZERO..Duration::ZERO);
    let (client, _) = client(&server, |builder| builder);
    let ended = client.batches().poll("msgbatch_1").ended().await.unwrap();
    assert_eq!(ended.request_counts.errored, Some(1));
    let times = server.times();
    assert_eq!(times[0], Duration::ZERO);
    let pairs = times.windows(2);
    let waits: Vec<_> = pairs.map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let most = 72 * SECOND;
    assert!(
        waits[0] >= 4 * SECOND && waits[0] <= 6 * SECOND,
        "{waits:?}"
    );
    assert!(
        waits.iter().all(|wait| (4 * SECOND..=most).contains(wait)),
        "{waits:?}"
    );
    assert!(
        times.len() < 75,
        "an hour is about 65 looks: {}",
        times.len()
    );
    assert!(*times.last().unwrap() <= 3_600 * SECOND + most);
}

#[tokio::test(start_paused = true)]
async fn a_poll_goes_through_an_outage_that_its_patience_bears_and_says_if_not() {
    let outage = 60 * SECOND..540 * SECOND;
    let server = busy(900 * SECOND, outage);
    let (patient, _) = client(&server, |builder| builder);
    patient.batches().poll("msgbatch_1").ended().await.unwrap();

    let server = busy(900 * SECOND, 60 * SECOND..840 * SECOND);
    let (client, _) = client(&server, |builder| builder);
    let calls = client.batches().patience(Patience::Interactive);
    let mut poller = calls.poll("msgbatch_1");
    let error = poller.ended().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Overloaded | ErrorKind::CircuitOpen),
        "{error}"
    );
    let looks = server.sent().len();
    // Whoever goes on asking looks again, after the next interval.
    let mut failures = 0;
    while poller.ended().await.is_err() {
        failures += 1;
    }
    assert!(failures > 3);
    let more = server.sent().len() - looks;
    assert!(more < 120, "about four attempts a minute: {more}");
}

#[tokio::test(start_paused = true)]
async fn a_poller_whose_only_look_failed_and_that_is_asked_too_late_is_out_of_time() {
    let server = busy(900 * SECOND, Duration::ZERO..900 * SECOND);
    let (client, _) = client(&server, |builder| builder);
    let calls = client.batches().attempts(1).deadline(8 * SECOND);
    let mut poller = calls.poll("msgbatch_1");
    let error = poller.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    pause(10 * SECOND).await;
    let error = poller.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert!(poller.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_poller_made_again_from_the_id_alone_sees_the_same_end() {
    let server = busy(600 * SECOND, Duration::ZERO..Duration::ZERO);
    let id = {
        let (first, _) = client(&server, |builder| builder);
        let mut poller = first.batches().poll("msgbatch_1");
        assert!(within(100 * SECOND, poller.ended()).await.is_none());
        poller.id().to_owned()
    };
    let before = server.sent().len();
    pause(1_000 * SECOND).await;
    assert_eq!(
        server.sent().len(),
        before,
        "nothing goes on in the background"
    );
    let (second, _) = client(&server, |builder| builder.seed(8));
    let ended = second.batches().poll(&id).ended().await.unwrap();
    assert_eq!(ended.processing_status.as_str(), "ended");
    assert_eq!(server.sent().len(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn asking_a_poller_in_a_tight_loop_looks_no_more_often() {
    // Each look takes longer than the loop's turn.
    let slow = Server::new(|sent| match sent.at {
        at if at < 300 * SECOND => batch("in_progress").pause_before_head(2 * SECOND),
        _ => batch("ended"),
    });
    let (client, _) = client(&slow, |builder| builder);
    let mut poller: BatchPoller = client.batches().poll("msgbatch_1");
    let mut turns = 0;
    let ended = loop {
        turns += 1;
        if let Some(ended) = within(SECOND / 20, poller.ended()).await {
            break ended;
        }
    };
    assert_eq!(ended.unwrap().processing_status.as_str(), "ended");
    assert!(turns > 1_000);
    assert!(slow.sent().len() < 20, "{} looks", slow.sent().len());
    // And it has the answer for whoever asks once more.
    assert!(poller.ended().await.is_ok());
    assert!(poller.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_poll_holds_for_all_of_it_with_one_last_look() {
    let server = busy(10_000 * SECOND, Duration::ZERO..Duration::ZERO);
    let (client, _) = client(&server, |builder| builder);
    let mut poller = client.batches().deadline(120 * SECOND).poll("msgbatch_1");
    let error = poller.ended().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::DeadlineExceeded, Stopped::Deadline)
    );
    let times = server.times();
    let last = *times.last().unwrap();
    assert!((110 * SECOND..120 * SECOND).contains(&last), "{times:?}");
    assert!(poller.next().await.is_none());
    assert_eq!(
        poller.ended().await.unwrap_err().kind(),
        ErrorKind::DeadlineExceeded
    );
    assert_eq!(server.sent().len(), times.len());
    // A look that hangs does not outlive it either.
    let (client, _) = {
        let hanging = Script::new([Reply::never()]);
        evenkeel_tests::client(&hanging, |builder| builder)
    };
    let mut poller = client.batches().deadline(10 * SECOND).poll("x");
    let error = within(10 * SECOND + SECOND / 20, poller.ended()).await;
    assert_eq!(error.unwrap().unwrap_err().stopped(), Stopped::Deadline);
    assert!(poller.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_cannot_succeed_ends_at_its_first_look() {
    let script = Script::new([Reply::error(404, "not_found_error", "no such batch")]);
    let (client, _) = client(&script, |builder| builder);
    let error = client.batches().poll("x").ended().await.unwrap_err();
    assert_eq!(
        (error.kind(), script.sent().len()),
        (ErrorKind::NotFound, 1)
    );
    let zero = client.batches().poll("x").interval(Duration::ZERO, SECOND);
    let error = { zero }.ended().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_dropped_in_any_state_sends_nothing_more() {
    for (state, server) in [
        (
            "waiting",
            busy(10_000 * SECOND, Duration::ZERO..Duration::ZERO),
        ),
        ("looking", Server::new(|_| Reply::never())),
        (
            "backing off",
            Server::new(|_| Reply::error(529, "overloaded_error", "x").header("retry-after", "50")),
        ),
    ] {
        let (client, recorder) = client(&server, |builder| builder);
        let mut poller = client.batches().poll("msgbatch_1");
        let call = tokio::spawn(async move { poller.ended().await });
        pause(2 * SECOND).await;
        call.abort();
        let _ = call.await;
        let ends = recorder.count("cancelled") + recorder.count("succeeded");
        assert_eq!(ends, 1, "{state}");
        pause(1_000 * SECOND).await;
        assert_eq!(server.sent().len(), 1, "{state}");
    }
}

#[tokio::test(start_paused = true)]
async fn many_pollers_do_not_look_at_the_same_moment() {
    let server = Arc::new(busy(3_600 * SECOND, Duration::ZERO..Duration::ZERO));
    let (client, _) = client(&server, |builder| builder);
    let polls: Vec<_> = (0..60)
        .map(|_| {
            let mut poller = client.batches().poll("msgbatch_1");
            tokio::spawn(async move { poller.ended().await })
        })
        .collect();
    for poll in polls {
        poll.await.unwrap().unwrap();
    }
    // From the tenth minute on there are 60 looks a minute: one a second, were they spread evenly.
    let mut seconds = std::collections::HashMap::new();
    for at in server.times().iter().filter(|at| at.as_secs() >= 600) {
        *seconds.entry(at.as_secs()).or_insert(0_u32) += 1;
    }
    let most = seconds.values().max().copied().unwrap_or_default();
    assert!(most <= 10, "{most} looks in one second");
}

#[tokio::test(start_paused = true)]
async fn a_batch_and_its_follow_up_live_through_a_simulated_api_with_faults_at_every_step() {
    let failing = SimulatorReply::error(529, "overloaded_error", "Overloaded");
    let scenario = Scenario::script(Vec::new())
        .batch_item_time(60 * SECOND)
        .batch_error("late", "overloaded_error")
        .batch_expired("gone")
        .with(
            When::requests([1, 3, 4, 8, 12]).path("/v1/messages/batches*"),
            failing,
        )
        .with(
            // Longer than what is said of a batch: of these only results are cut.
            When::always()
                .chance(Chance::percent(50))
                .path("/v1/messages/batches/*"),
            SimulatorReply::scripted().cut_after_bytes(900, Cut::Reset),
        );
    let simulator = Simulator::builder()
        .scenario(scenario)
        .seed(7)
        .in_process()
        .unwrap();
    let (client, _) = client(&simulator, |builder| builder);
    let ids = ["fine", "late", "gone", "wrong"];
    let requests = ids.map(|id| {
        let model = if id == "wrong" {
            "claude-2.1"
        } else {
            "claude-sonnet-5-5"
        };
        BatchRequest::new(id, evenkeel_tests::request_to(model))
    });
    let original = CreateBatch::new(requests.to_vec());
    let mut next = Some(original.clone());
    let mut answered = Vec::new();
    let mut rounds = 0;
    while let Some(create) = next {
        rounds += 1;
        let batch = client.batches().create(create).await.unwrap();
        let ended = client.batches().poll(&batch.id).ended().await.unwrap();
        let mut results = client.batches().results_of(&ended);
        let mut follow_up = FollowUp::new();
        while let Some(item) = results.next().await {
            let item = item.unwrap();
            follow_up.note(&item);
            if let BatchOutcome::Succeeded(_) = item.outcome {
                answered.push(item.custom_id);
            }
        }
        next = follow_up.of(&original).unwrap();
    }
    assert_eq!(rounds, 2);
    assert_eq!(answered, ["fine", "late", "gone"]);
    let journal = simulator.journal();
    let cut = journal
        .iter()
        .filter(|entry| entry.ending == Ending::Cut)
        .count();
    assert!(
        cut > 0,
        "no result was cut: the test shows less than it says"
    );
    let made = journal
        .iter()
        .filter(|entry| entry.method == "POST" && entry.status == Some(200))
        .count();
    assert_eq!(made, 2, "nothing bought twice");
    let mut batches = client.batches().list();
    let mut listed = 0;
    while let Some(batch) = batches.next().await {
        batch.unwrap();
        listed += 1;
    }
    assert_eq!(listed, 2);
}
