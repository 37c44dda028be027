//! A call that is dropped: in each of its states everything is released, and nothing more is sent.

use std::time::Duration;

use evenkeel::{Credential, ErrorKind, Patience, Token};
use evenkeel_tests::{Ending, Reply, Script, Server, client, events, pause, request, request_to};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_in_any_state_sends_nothing_more_and_has_one_end() {
    let begun = || Reply::stream().body(&events::start());
    for (state, reply, sent) in [
        ("waiting for the head", Reply::never(), 1),
        (
            "before the first content",
            begun().ending(Ending::Silence),
            1,
        ),
        (
            "mid-stream",
            begun().body(&events::text("half")).ending(Ending::Silence),
            1,
        ),
        (
            "backing off",
            Reply::error(529, "overloaded_error", "x").header("retry-after", "50"),
            1,
        ),
        (
            "reading an error",
            Reply::error(529, "overloaded_error", "x").ending(Ending::Silence),
            1,
        ),
    ] {
        let script = Script::new([reply, Reply::message("late")]);
        let (client, recorder) = client(&script, |builder| builder);
        let call = tokio::spawn(client.messages().create(request()));
        pause(SECOND).await;
        call.abort();
        let _ = call.await;
        assert_eq!(recorder.count("cancelled"), 1, "{state}");
        pause(600 * SECOND).await;
        assert_eq!(script.sent().len(), sent, "{state}");
        assert_eq!(recorder.labels().last(), Some(&"cancelled"), "{state}");
        // What it held of the client is free again.
        let reply = client.messages().create(request()).await.unwrap();
        assert!(
            reply.meta.elapsed.is_zero(),
            "{state}: {:?}",
            reply.meta.elapsed
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_renews_has_sent_nothing() {
    let credential = Credential::provider(|| async {
        pause(10 * SECOND).await;
        Ok(Token::bearer("token"))
    });
    let script = Script::new([Reply::message("hello")]);
    let (client, recorder) = client(&script, |builder| builder.credential(credential));
    let call = tokio::spawn(client.messages().create(request()));
    pause(SECOND).await;
    call.abort();
    let _ = call.await;
    assert_eq!(
        (recorder.labels(), script.sent().len()),
        (vec!["cancelled"], 0)
    );
    client.messages().create(request()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_in_any_state_leaves_its_place_to_the_next_call() {
    let begun = || Reply::stream().body(&events::start());
    for (state, probed) in [
        ("waiting for the head", Reply::never()),
        (
            "before the first content",
            begun().body(&events::ping()).ending(Ending::Silence),
        ),
        (
            "reading an error",
            Reply::error(529, "overloaded_error", "x").ending(Ending::Silence),
        ),
    ] {
        // What a call meets stands in its prompt; all ask for one model.
        let server = Server::new(move |sent| {
            if sent.body.contains("probed") {
                probed.clone()
            } else if sent.body.contains("well") {
                Reply::message("well")
            } else {
                Reply::error(529, "overloaded_error", "x")
            }
        });
        let (client, _) = client(&server, |builder| builder.patience(Patience::Interactive));
        let calls = client.messages().attempts(1);
        let asking = |prompt: &str| calls.create(request_to("claude-sonnet-5-5").user(prompt));
        let refusal = loop {
            let error = asking("ill").await.unwrap_err();
            if error.kind() == ErrorKind::CircuitOpen {
                break error;
            }
            pause(SECOND / 2).await;
        };
        pause(refusal.recovery().wait().unwrap()).await;
        let probe = tokio::spawn(asking("probed"));
        pause(SECOND / 10).await;
        let sent = server.sent().len();
        let meanwhile = asking("well").await.unwrap_err();
        assert_eq!(meanwhile.kind(), ErrorKind::CircuitOpen, "{state}");
        assert_eq!(server.sent().len(), sent, "{state}");
        probe.abort();
        assert!(probe.await.unwrap_err().is_cancelled(), "{state}");
        let reply = asking("well").await.unwrap();
        assert!(reply.meta.elapsed.is_zero(), "{state}");
        assert_eq!(server.sent().len(), sent + 1, "{state}");
    }
}
