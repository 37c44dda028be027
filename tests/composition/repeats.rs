//! Nothing bought twice: what may have been carried out is sent again only if that does no harm.

use evenkeel::{Ambiguous, Billing, Delivery, ErrorKind, MessageRequest, Stopped};
use evenkeel_tests::{Ending, Reply, Script, client, events, request};
use serde_json::json;

fn with_mcp() -> MessageRequest {
    request().extra("mcp_servers", vec!["https://mcp.example"])
}

/// Answers whose request may have been carried out.
fn lost() -> Vec<Reply> {
    let page = Reply::status(502).header("content-type", "text/html");
    let begun = Reply::stream().body(&events::start()).ending(Ending::Cut);
    vec![
        Reply::lost(Delivery::Unknown),
        Reply::never(),
        page,
        Reply::error(500, "api_error", "x"),
        begun,
    ]
}

/// Answers whose request was certainly not.
fn refused() -> Vec<Reply> {
    vec![
        Reply::lost(Delivery::NotSent),
        Reply::error(429, "rate_limit_error", "x"),
        Reply::error(529, "overloaded_error", "x"),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_message_that_acts_elsewhere_is_sent_once_when_its_reply_is_lost() {
    for reply in lost() {
        let what = format!("{reply:?}");
        let script = Script::new([reply, Reply::message("hello")]);
        let (client, _) = client(&script, |builder| builder);
        let error = client.messages().create(with_mcp()).await.unwrap_err();
        assert_eq!(error.stopped(), Stopped::UnsafeToRepeat, "{what}");
        assert_eq!(script.sent().len(), 1, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_created_once_when_the_reply_is_lost() {
    for reply in lost() {
        let what = format!("{reply:?}");
        let script = Script::new([reply, Reply::status(200).body("{}")]);
        // Shorter than the patience, so that what ends the call is not that.
        let limit = std::time::Duration::from_mins(1);
        let (client, _) = client(&script, |builder| builder.plain_head_limit(limit));
        let body = json!({"requests": []});
        let call = client.raw().post("/v1/messages/batches", &body);
        let error = call.await.unwrap_err();
        assert_eq!(error.stopped(), Stopped::UnsafeToRepeat, "{what}");
        assert_eq!(script.sent().len(), 1, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn both_are_sent_again_when_they_were_refused_or_never_left() {
    for reply in refused() {
        let script = Script::new([reply.clone(), Reply::message("hello")]);
        let (messages, _) = client(&script, |builder| builder);
        let got = messages.messages().create(with_mcp()).await.unwrap();
        assert_eq!(got.meta.billing, Billing::Once);
        assert_eq!(script.sent().len(), 2);
        let script = Script::new([reply, Reply::status(200).body("{}")]);
        let (batches, _) = client(&script, |builder| builder);
        let body = json!({"requests": []});
        batches
            .raw()
            .post("/v1/messages/batches", &body)
            .await
            .unwrap();
        assert_eq!(script.sent().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_say_that_repeating_is_harmless() {
    for reply in lost() {
        let script = Script::new([reply, Reply::message("hello")]);
        let (client, _) = client(&script, |builder| builder);
        let calls = client.messages().ambiguous(Ambiguous::Resend);
        calls.create(with_mcp()).await.unwrap();
        assert_eq!(script.sent().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_ask_to_decide_about_what_is_in_doubt() {
    for (reply, kind) in [
        (Reply::lost(Delivery::Unknown), ErrorKind::Connection),
        (Reply::never(), ErrorKind::TimedOut),
    ] {
        let script = Script::new([reply, Reply::message("hello")]);
        let (client, _) = client(&script, |builder| builder);
        let calls = client.messages().ambiguous(Ambiguous::Surface);
        let error = calls.create(request()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.stopped()),
            (kind, Stopped::UnsafeToRepeat)
        );
        assert_eq!(error.attempts()[0].billing, Billing::PossiblyBilled);
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_only_asks_is_sent_again_freely() {
    for reply in lost() {
        let script = Script::new([reply, Reply::status(200).body("{}")]);
        let (client, _) = client(&script, |builder| builder);
        client.raw().get("/v1/models").await.unwrap();
        assert_eq!(script.sent().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_says_of_all_its_attempts_whether_one_may_have_been_carried_out() {
    use Delivery::{Answered, NotSent, Unknown};

    let lost = Reply::lost;
    let overloaded = || Reply::error(529, "overloaded_error", "x");
    let limit = std::time::Duration::from_secs(30);
    for (replies, attempts, said, kind) in [
        // What ended these calls was our own clock: the failure is the one before.
        (
            vec![overloaded(), Reply::never()],
            9,
            Unknown,
            ErrorKind::Overloaded,
        ),
        (
            vec![lost(NotSent), Reply::never()],
            9,
            Unknown,
            ErrorKind::Connection,
        ),
        (
            vec![lost(Unknown), lost(NotSent)],
            2,
            Unknown,
            ErrorKind::Connection,
        ),
        (
            vec![lost(Unknown), overloaded()],
            2,
            Unknown,
            ErrorKind::Overloaded,
        ),
        (
            vec![overloaded(), lost(NotSent)],
            2,
            Answered,
            ErrorKind::Connection,
        ),
        (
            vec![lost(NotSent), lost(NotSent)],
            2,
            NotSent,
            ErrorKind::Connection,
        ),
    ] {
        let what = format!("{replies:?}");
        let script = Script::new(replies);
        let (client, _) = client(&script, |builder| builder);
        let calls = client.raw().ambiguous(Ambiguous::Resend);
        let calls = calls.attempts(attempts).deadline(limit);
        let call = calls.post("/v1/messages/batches", &json!({"requests": []}));
        let error = call.await.unwrap_err();
        assert_eq!(error.kind(), kind, "{what}");
        assert_eq!(script.sent().len(), 2, "{what}");
        assert_eq!(error.delivery(), said, "{what}");
        assert_eq!(
            evenkeel::error::Recoverable::delivery(&error),
            said,
            "{what}"
        );
    }
}
