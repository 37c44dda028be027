//! Replies that are read as types: the schema that is sent, and each way in which there is no value.

use evenkeel::schemars::{self, JsonSchema};
use evenkeel::{Category, TypedError};
use evenkeel_tests::{Ending, Reply, Script, client, events, request};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Invoice {
    /// As printed.
    number: String,
    total: f64,
}

fn answer(stop_reason: &str, text: &str) -> Reply {
    Reply::turn(stop_reason, &json!([{"type": "text", "text": text}]))
}

async fn ask(reply: Reply) -> (Result<evenkeel::Typed<Invoice>, TypedError>, Script) {
    let script = Script::new([reply]);
    let (client, _) = client(&script, |builder| builder);
    let result = client
        .messages()
        .create_as::<Invoice>(request().effort("low"))
        .await;
    (result, script)
}

#[tokio::test(start_paused = true)]
async fn the_schema_is_sent_and_the_reply_is_a_value_with_its_meta() {
    let (result, script) = ask(answer("end_turn", r#"{"number":"A1","total":2.5}"#)).await;
    let invoice = result.unwrap();
    assert_eq!(invoice.number, "A1");
    assert_eq!(invoice.reply.meta.ledger().output_tokens, Some(5));
    let body: Value = serde_json::from_str(&script.sent()[0].body).unwrap();
    assert_eq!(body["output_config"]["effort"], "low");
    assert_eq!(
        body["output_config"]["format"],
        json!({"type": "json_schema", "schema": {
            "title": "Invoice",
            "type": "object",
            "additionalProperties": false,
            "required": ["number", "total"],
            "properties": {
                "number": {"type": "string", "description": "As printed."},
                "total": {"type": "number"},
            },
        }})
    );
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_no_value_was_paid_for_once_and_is_handed_over() {
    for (stop_reason, text, label) in [
        ("end_turn", r#"{"number":"A1"}"#, "mismatch"),
        ("end_turn", "Sorry.", "mismatch"),
        ("max_tokens", r#"{"number":"A"#, "max_tokens"),
        ("refusal", "I will", "refused"),
        ("model_context_window_exceeded", "{", "context_window"),
        ("pause_turn", "{", "unfinished"),
        ("a_new_reason", "{", "mismatch"),
    ] {
        let (result, script) = ask(answer(stop_reason, text)).await;
        let error = result.unwrap_err();
        assert_eq!(error.label(), label);
        let reply = error.reply().unwrap();
        assert_eq!(reply.text(), text);
        assert_eq!(reply.stop_reason.as_ref().unwrap().as_str(), stop_reason);
        assert_eq!(error.ledger().output_tokens, Some(5));
        assert_eq!(
            script.sent().len(),
            1,
            "{label}: the same again brings the same"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_is_the_failure_of_the_call() {
    let (result, script) = ask(Reply::error(400, "invalid_request_error", "x")).await;
    match result.unwrap_err() {
        TypedError::Call(error) => assert_eq!(error.category(), Category::InvalidRequest),
        other => panic!("{other:?}"),
    }
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn half_an_answer_is_asked_for_again_and_never_read() {
    let half = events::start() + &events::text(r#"{\"number\":\"A1\",\"total\":2"#);
    let script = Script::new([
        Reply::stream().body(&half).ending(Ending::Cut),
        answer("end_turn", r#"{"number":"A1","total":25}"#),
    ]);
    let (client, _) = client(&script, |builder| builder);
    let invoice = client
        .messages()
        .create_as::<Invoice>(request())
        .await
        .unwrap();
    assert_eq!((invoice.total, script.sent().len()), (25.0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_type_without_such_a_schema_is_refused_and_nothing_is_sent() {
    let script = Script::new([Reply::message("{}")]);
    let (client, _) = client(&script, |builder| builder);
    let maps = client
        .messages()
        .create_as::<std::collections::HashMap<String, u8>>(request());
    match maps.await.unwrap_err() {
        TypedError::Call(error) => assert_eq!(error.label(), "invalid_config"),
        other => panic!("{other:?}"),
    }
    assert!(script.sent().is_empty());
}
