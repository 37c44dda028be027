//! The results of a batch: each handed out once, however often and wherever the way is cut.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evenkeel::messages::{
    Batch, BatchCounts, BatchItem, BatchOutcome, BatchRequest, BatchStatus, CreateBatch, FollowUp,
};
use evenkeel::{ErrorKind, Patience, Recovery, ResultStream, Stopped};
use evenkeel_tests::{Ending, Endless, Reply, Script, Server, client, pause, request};

const SECOND: Duration = Duration::from_secs(1);

fn errored(id: &str, kind: &str) -> String {
    format!(
        r#"{{"custom_id":"{id}","result":{{"type":"errored","error":{{"type":"error","error":{{"type":"{kind}","message":"x"}},"request_id":"req_item"}}}}}}"#
    )
}

fn succeeded(id: &str, text: &str) -> String {
    format!(
        r#"{{"custom_id":"{id}","result":{{"type":"succeeded","message":{{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn","usage":{{"input_tokens":1,"output_tokens":1}}}}}}}}"#
    )
}

fn other(id: &str, kind: &str) -> String {
    format!(r#"{{"custom_id":"{id}","result":{{"type":"{kind}"}}}}"#)
}

/// One line of each sort, in the order of the server.
fn lines() -> [String; 7] {
    [
        succeeded("a", "Grüße"),
        errored("b", "overloaded_error") + "\r",
        errored("c", "invalid_request_error"),
        other("d", "expired"),
        String::new(),
        other("e", "canceled"),
        other("f", "vanished"),
    ]
}

fn body() -> String {
    lines().join("\n") + "\n"
}

fn said(item: &BatchItem) -> String {
    match &item.outcome {
        BatchOutcome::Succeeded(message) => message.text(),
        BatchOutcome::Errored(error) => error.kind().label().to_owned(),
        BatchOutcome::Canceled => "canceled".into(),
        BatchOutcome::Expired => "expired".into(),
        BatchOutcome::Unknown(raw) => raw.get().into(),
        other => format!("{other:?}"),
    }
}

async fn read(mut results: ResultStream) -> (Vec<String>, Option<evenkeel::Error>) {
    let mut items = Vec::new();
    while let Some(item) = results.next().await {
        match item {
            Ok(item) => items.push(format!("{} {}", item.custom_id, said(&item))),
            Err(error) => {
                assert!(results.next().await.is_none(), "an error is the last item");
                return (items, Some(error));
            }
        }
    }
    assert!(results.meta().is_some());
    (items, None)
}

const ALL: [&str; 6] = [
    "a Grüße",
    "b overloaded",
    "c invalid_request",
    "d expired",
    "e canceled",
    r#"f {"type":"vanished"}"#,
];

#[tokio::test(start_paused = true)]
async fn each_item_says_what_became_of_its_request() {
    let script = Script::new([Reply::status(200).body(&body())]);
    let (client, recorder) = client(&script, |builder| builder);
    let mut results = client.batches().results("msgbatch_1");
    assert!(
        script.sent().is_empty(),
        "nothing is asked for before it is read"
    );
    let mut errors = BTreeMap::new();
    let mut all = Vec::new();
    while let Some(item) = results.next().await {
        let item = item.unwrap();
        all.push(format!("{} {}", item.custom_id, said(&item)));
        if let BatchOutcome::Errored(error) = item.outcome {
            errors.insert(item.custom_id, error);
        }
    }
    assert_eq!(all, ALL);
    assert_eq!(errors["b"].recovery(), Recovery::BackOffLong);
    assert_eq!(errors["c"].recovery(), Recovery::Never);
    assert_eq!(errors["c"].request_id(), Some("req_item"));
    assert_eq!(
        script.sent()[0].path,
        "/v1/messages/batches/msgbatch_1/results"
    );
    assert_eq!(results.meta().unwrap().attempts.len(), 1);
    assert_eq!(recorder.count("succeeded"), 1);
}

#[tokio::test(start_paused = true)]
async fn results_that_are_cut_at_any_byte_give_each_item_once() {
    let whole = body();
    let mut reversed: Vec<_> = lines()
        .into_iter()
        .filter(|line| !line.is_empty())
        .collect();
    reversed.reverse();
    let reversed = reversed.join("\n");
    for cut in 0..=whole.len() {
        for ending in [Ending::Cut, Ending::Clean, Ending::Silence] {
            // Whole, where a clean end is between two lines and there is no telling.
            let begun = Reply::status(200)
                .bytes(&whole.as_bytes()[..cut])
                .ending(ending);
            let begun = match ending {
                Ending::Clean => begun.header("content-length", whole.len().to_string()),
                Ending::Cut | Ending::Silence => begun,
            };
            // In another order, as the API may.
            let script = Script::new([begun, Reply::status(200).body(&reversed)]);
            let (client, _) = client(&script, |builder| builder);
            let (mut items, error) = read(client.batches().results("msgbatch_1")).await;
            assert!(error.is_none(), "cut at {cut}, {ending:?}: {error:?}");
            items.sort();
            assert_eq!(items, ALL, "cut at {cut}, {ending:?}");
            let is_whole = cut == whole.len() && ending == Ending::Clean;
            assert_eq!(
                script.sent().len(),
                if is_whole { 1 } else { 2 },
                "cut at {cut}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_too_soon_without_a_word_is_noticed_by_its_half_line_or_the_counts() {
    let whole = body();
    let counts = BatchCounts::new()
        .succeeded(1)
        .errored(2)
        .canceled(1)
        .expired(2);
    let batch = Batch::new("msgbatch_1", BatchStatus::Ended, counts);
    for cut in 0..whole.len() - 1 {
        let script = Script::new([
            Reply::status(200).bytes(&whole.as_bytes()[..cut]),
            Reply::status(200).body(&whole),
        ]);
        let (client, _) = client(&script, |builder| builder);
        let (items, error) = read(client.batches().results_of(&batch)).await;
        assert!(error.is_none(), "cut at {cut}: {error:?}");
        assert_eq!(items, ALL, "cut at {cut}");
    }
    // Without the counts a half line is noticed still.
    let half = whole.len() - 9;
    let script = Script::new([
        Reply::status(200).bytes(&whole.as_bytes()[..half]),
        Reply::status(200).body(&whole),
    ]);
    let (client, _) = client(&script, |builder| builder);
    let (items, _) = read(client.batches().results("msgbatch_1")).await;
    assert_eq!((items.len(), script.sent().len()), (6, 2));
}

#[tokio::test(start_paused = true)]
async fn results_that_stay_fewer_than_the_counts_say_end_with_an_error_after_what_there_is() {
    let script = Script::new([Reply::status(200).body(&(other("a", "expired") + "\n"))]);
    let (client, _) = client(&script, |builder| builder);
    let counts = BatchCounts::new()
        .succeeded(1)
        .errored(0)
        .canceled(0)
        .expired(1);
    let batch = Batch::new("msgbatch_1", BatchStatus::Ended, counts);
    let (items, error) = read(client.batches().results_of(&batch)).await;
    assert_eq!(items, ["a expired"]);
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(
        error.failure().message(),
        Some("there are 1 results of 2 requests")
    );
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn cuts_that_each_bring_something_go_on_for_as_long_as_they_do() {
    let reads = AtomicUsize::new(0);
    let server = Server::new(move |_| {
        let read = reads.fetch_add(1, Ordering::Relaxed);
        let lines: Vec<_> = lines()
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect();
        let whole = lines[..=read].join("\n") + "\n";
        let reply = Reply::status(200).body(&whole);
        match lines.get(read + 1) {
            None => reply,
            Some(next) => {
                let half = &next.as_bytes()[..next.len() / 2];
                reply.bytes(half).pause(40 * SECOND).ending(Ending::Cut)
            }
        }
    });
    let (client, recorder) = client(&server, |builder| builder);
    // Half a minute of patience: each read has a new one.
    let calls = client.batches().patience(Patience::Interactive);
    let (items, error) = read(calls.results("msgbatch_1")).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(items, ALL);
    assert_eq!(server.sent().len(), 6);
    assert_eq!(
        (
            recorder.count("attempt_failed"),
            recorder.count("succeeded")
        ),
        (5, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn cuts_that_bring_nothing_new_use_the_patience_up_and_the_error_says_so() {
    let first = lines()[0].clone() + "\n";
    let server = Server::new(move |_| Reply::status(200).body(&first).ending(Ending::Cut));
    let (client, _) = client(&server, |builder| builder);
    let calls = client.batches().patience(Patience::Interactive);
    let (items, error) = read(calls.results("msgbatch_1")).await;
    assert_eq!(items, ["a Grüße"]);
    let error = error.unwrap();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::Interrupted, Stopped::Attempts)
    );
    assert_eq!(server.sent().len(), error.attempts().len());
    assert!(server.sent().len() <= 5);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_cannot_be_read_keeps_no_other_and_is_asked_for_once_more() {
    let bad = body().replacen(&other("d", "expired"), "no result", 1);
    let script = Script::new([
        Reply::status(200).body(&bad),
        Reply::status(200).body(&body()),
    ]);
    let (mended, _) = client(&script, |builder| builder);
    let (mut items, error) = read(mended.batches().results("msgbatch_1")).await;
    assert!(error.is_none());
    items.sort();
    assert_eq!(
        (items, script.sent().len()),
        (ALL.map(str::to_owned).to_vec(), 2)
    );

    let script = Script::new([Reply::status(200).body(&bad)]);
    let (client, _) = client(&script, |builder| builder);
    let (items, error) = read(client.batches().results("msgbatch_1")).await;
    assert_eq!((items.len(), script.sent().len()), (5, 2));
    assert_eq!(error.unwrap().kind(), ErrorKind::Protocol);
}

#[tokio::test(start_paused = true)]
async fn a_line_over_the_limit_is_named_at_the_end_and_not_asked_for_again() {
    let large = succeeded("large", &"x".repeat(2_000));
    let all = format!("{}\n{large}\n{}\n", lines()[0], other("d", "expired"));
    let script = Script::new([Reply::status(200).body(&all)]);
    let (client, _) = client(&script, |builder| builder.event_size(1_000));
    let (items, error) = read(client.batches().results("msgbatch_1")).await;
    assert_eq!(items, ["a Grüße", "d expired"]);
    let error = error.unwrap();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::Protocol, Stopped::NotRecoverable)
    );
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn results_are_asked_for_through_an_overload_and_refused_ones_at_once() {
    let overloaded = Reply::error(529, "overloaded_error", "x");
    let script = Script::new([
        overloaded.clone(),
        overloaded,
        Reply::status(200).body(&body()),
    ]);
    let (patient, _) = client(&script, |builder| builder);
    let (items, error) = read(patient.batches().results("msgbatch_1")).await;
    assert!(error.is_none() && items.len() == 6 && script.sent().len() == 3);
    let script = Script::new([Reply::error(404, "not_found_error", "still processing")]);
    let (client, _) = client(&script, |builder| builder);
    let (_, error) = read(client.batches().results("msgbatch_1")).await;
    assert_eq!(
        (error.unwrap().kind(), script.sent().len()),
        (ErrorKind::NotFound, 1)
    );
    let (_, error) = read(client.batches().results("..")).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::InvalidConfig);
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_results_ends_them_wherever_they_are() {
    let first = lines()[0].clone() + "\n";
    for reply in [
        Reply::never(),
        Reply::status(200).body(&first).ending(Ending::Silence),
        Reply::error(529, "overloaded_error", "x").header("retry-after", "9"),
    ] {
        let script = Script::new([reply]);
        let (client, _) = client(&script, |builder| builder);
        let started = evenkeel_tests::now();
        let (_, error) = read(client.batches().deadline(SECOND).results("x")).await;
        assert_eq!(error.unwrap().stopped(), Stopped::Deadline);
        assert!(evenkeel_tests::now() - started <= SECOND + SECOND / 20);
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_results_that_are_always_there_and_are_read_slowly() {
    let (client, recorder) = client(
        &Endless(|number| other(&number.to_string(), "expired") + "\n"),
        |builder| builder,
    );
    let mut results = client.batches().deadline(5 * SECOND).results("x");
    for _ in 0..5 {
        results.next().await.unwrap().unwrap();
        pause(SECOND).await;
    }
    let error = results.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(
        (error.stopped(), error.elapsed()),
        (Stopped::Deadline, 5 * SECOND)
    );
    assert!(results.next().await.is_none());
    assert_eq!(recorder.labels().last(), Some(&"given_up"));
}

#[tokio::test(start_paused = true)]
async fn results_that_are_dropped_in_any_state_send_nothing_more_and_have_one_end() {
    let first = lines()[0].clone() + "\n";
    let begun = || Reply::status(200).body(&first);
    for (state, reply) in [
        ("waiting for the head", Reply::never()),
        (
            "before the first byte",
            Reply::status(200).ending(Ending::Silence),
        ),
        ("between items", begun().ending(Ending::Silence)),
        ("backing off after a cut", begun().ending(Ending::Cut)),
        (
            "backing off before the head",
            Reply::error(529, "overloaded_error", "x").header("retry-after", "50"),
        ),
    ] {
        let script = Script::new([reply, Reply::never()]);
        let (client, recorder) = client(&script, |builder| builder);
        let mut results = client.batches().results("msgbatch_1");
        let reading = tokio::spawn(async move { while results.next().await.is_some() {} });
        pause(SECOND / 100).await;
        reading.abort();
        let _ = reading.await;
        assert_eq!(recorder.count("cancelled"), 1, "{state}");
        let sent = script.sent().len();
        pause(600 * SECOND).await;
        assert_eq!(script.sent().len(), sent, "{state}");
        assert_eq!(recorder.labels().last(), Some(&"cancelled"), "{state}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_of_the_next_item_can_be_dropped_at_any_moment_and_loses_nothing() {
    let whole = body();
    let pieces = whole.as_bytes().chunks(17);
    let slow = pieces.fold(Reply::status(200), |reply, piece| {
        reply.pause(SECOND).bytes(piece)
    });
    let script = Script::new([slow]);
    let (client, _) = client(&script, |builder| builder);
    let mut results = client.batches().results("msgbatch_1");
    let mut items = Vec::new();
    loop {
        match evenkeel_tests::within(SECOND / 3, results.next()).await {
            None => {}
            Some(None) => break,
            Some(Some(item)) => {
                let item = item.unwrap();
                items.push(format!("{} {}", item.custom_id, said(&item)));
            }
        }
    }
    assert_eq!(
        (items, script.sent().len()),
        (ALL.map(str::to_owned).to_vec(), 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_follow_up_asks_again_for_what_may_be_repeated_and_for_nothing_else() {
    let ids = ["a", "b", "c", "d", "e", "f"];
    let requests = ids.map(|id| BatchRequest::new(id, request()));
    let original = CreateBatch::new(requests.to_vec());
    let made = r#"{"type":"message_batch","id":"msgbatch_2","processing_status":"in_progress","request_counts":{}}"#;
    let cut = Reply::status(200)
        .bytes(&body().as_bytes()[..500])
        .ending(Ending::Cut);
    let script = Script::new([
        cut,
        Reply::status(200).body(&body()),
        Reply::status(200).body(made),
    ]);
    let (client, _) = client(&script, |builder| builder);
    let mut results = client.batches().results("msgbatch_1");
    let mut follow_up = FollowUp::new();
    while let Some(item) = results.next().await {
        follow_up.note(&item.unwrap());
    }
    let again = follow_up.of(&original).unwrap().unwrap();
    client.batches().create(again).await.unwrap();
    let sent: serde_json::Value = serde_json::from_str(&script.sent()[2].body).unwrap();
    let ids: Vec<_> = sent["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| &request["custom_id"])
        .collect();
    assert_eq!(ids, ["b", "d"]);
}
