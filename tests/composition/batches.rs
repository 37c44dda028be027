//! Batches: made once, waited for through an outage and a restart, and listed to their end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evenkeel::messages::{BatchOutcome, BatchRequest, CreateBatch, FollowUp};
use evenkeel::{BatchPoller, Delivery, ErrorKind, Patience, Stopped};
use evenkeel_simulator::{Chance, Cut, Ending, Reply as SimulatorReply, Scenario, Simulator, When};
use evenkeel_tests::{PLANTED_PROMPT, Reply, Script, Server, client, pause, request, within};
use http::Method;

mod polling;

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
