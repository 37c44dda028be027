//! How often a batch is looked at, and until when.

use super::*;

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
