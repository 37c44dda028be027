use std::time::SystemTime;

use evenkeel_error::Facts;

use super::*;
use crate::event::parse;
use crate::sse::Frame;
use crate::{Accumulator, RawJson};

fn facts() -> Facts {
    Facts::read(200, &http::HeaderMap::new(), SystemTime::UNIX_EPOCH)
}

/// What arrived and what was handed out of a stream that breaks off behind these events.
fn cut(events: &[String]) -> (Partial, Released) {
    let mut accumulator = Accumulator::new(facts());
    let mut released = Released::nothing();
    for data in events {
        let frame = Frame {
            name: None,
            data,
            offset: 0,
        };
        let event = parse(&frame, &facts()).expect("well formed");
        accumulator.push(&event);
        released.release(&event);
    }
    (accumulator.partial(), released)
}

const HEAD: &str = r#"{"type":"message_start","message":{"id":"m","content":[]}}"#;

fn open(index: u32, block: &str, delta: &str) -> Vec<String> {
    vec![
        format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#),
        format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#),
    ]
}

fn whole(index: u32, block: &str, delta: &str) -> Vec<String> {
    let mut events = open(index, block, delta);
    events.push(format!(
        r#"{{"type":"content_block_stop","index":{index}}}"#
    ));
    events
}

const TEXT: (&str, &str) = (
    r#"{"type":"text","text":""}"#,
    r#"{"type":"text_delta","text":"Half a "}"#,
);
const THINKING: (&str, &str) = (
    r#"{"type":"thinking","thinking":""}"#,
    r#"{"type":"thinking_delta","thinking":"Hm"}"#,
);
const CALL: (&str, &str) = (
    r#"{"type":"tool_use","id":"t","name":"n","input":{}}"#,
    r#"{"type":"input_json_delta","partial_json":"{}"}"#,
);
const SERVER_CALL: (&str, &str) = (
    r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{}}"#,
    r#"{"type":"input_json_delta","partial_json":"{}"}"#,
);
const SERVER_RESULT: (&str, &str) = (
    r#"{"type":"web_search_tool_result","tool_use_id":"s","content":[]}"#,
    r#"{"type":"new_delta"}"#,
);

fn outcome(resume: &Resume) -> String {
    match resume {
        Resume::Replay(_) => "replay".to_owned(),
        Resume::Restart(_) => "restart".to_owned(),
        Resume::Continue(continuation) => match continuation.form {
            ContinuationForm::Prefill => "prefill".to_owned(),
            ContinuationForm::Quote => "quote".to_owned(),
        },
        Resume::Stop(why) => why.label().to_owned(),
    }
}

/// What arrived, and what becomes of it under stop, restart, continue for a model of 4.5, and
/// continue for a newer one.
#[test]
fn each_beginning_and_policy_have_their_outcome() {
    let at = |index: u32, (block, delta): (&str, &str)| whole(index, block, delta);
    let cut_at = |index: u32, (block, delta): (&str, &str)| open(index, block, delta);
    let end = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#.to_owned();
    let rows: [(&str, Vec<String>, [&str; 4]); 15] = [
        ("nothing", vec![], ["replay"; 4]),
        (
            "pings",
            vec![r#"{"type":"ping"}"#.to_owned()],
            ["replay"; 4],
        ),
        (
            "half a text",
            cut_at(0, TEXT),
            ["policy", "restart", "prefill", "quote"],
        ),
        (
            "a text",
            at(0, TEXT),
            ["policy", "restart", "prefill", "quote"],
        ),
        (
            "half a thought",
            cut_at(0, THINKING),
            ["policy", "restart", "no_text", "no_text"],
        ),
        (
            "a thought",
            at(0, THINKING),
            ["policy", "restart", "no_text", "no_text"],
        ),
        (
            "a thought, half a text",
            [at(0, THINKING), cut_at(1, TEXT)].concat(),
            ["policy", "restart", "quote", "quote"],
        ),
        (
            "a text, half a call",
            [at(0, TEXT), cut_at(1, CALL)].concat(),
            ["policy", "restart", "prefill", "quote"],
        ),
        (
            "half a call",
            cut_at(0, CALL),
            ["policy", "restart", "no_text", "no_text"],
        ),
        (
            "a text, a call",
            [at(0, TEXT), at(1, CALL)].concat(),
            ["policy", "tool_call", "tool_call", "tool_call"],
        ),
        (
            "half a search",
            [at(0, TEXT), cut_at(1, SERVER_CALL)].concat(),
            ["policy", "server_tool", "prefill", "quote"],
        ),
        (
            "a text, a search",
            [at(0, TEXT), at(1, SERVER_CALL)].concat(),
            ["policy", "server_tool", "server_tool", "server_tool"],
        ),
        (
            "a search without its result, half a text",
            [at(0, SERVER_CALL), cut_at(1, TEXT)].concat(),
            ["policy", "server_tool", "server_tool", "server_tool"],
        ),
        (
            "a search, its result, half a text",
            [at(0, SERVER_CALL), at(1, SERVER_RESULT), cut_at(2, TEXT)].concat(),
            ["policy", "server_tool", "prefill", "quote"],
        ),
        (
            "a text and the stop reason",
            [at(0, TEXT), vec![end]].concat(),
            ["complete"; 4],
        ),
    ];
    let columns = [
        (ResumePolicy::Stop, "claude-sonnet-5-5"),
        (ResumePolicy::Restart, "claude-sonnet-5-5"),
        (ResumePolicy::Continue, "claude-sonnet-4-5"),
        (ResumePolicy::Continue, "claude-sonnet-5-5"),
    ];
    for (name, events, expected) in rows {
        let (partial, released) = cut(&[vec![HEAD.to_owned()], events].concat());
        for ((policy, model), expected) in columns.into_iter().zip(expected) {
            let request = MessageRequest::new(model, 9).user("Go");
            let found = resume(&request, &partial, &released, policy);
            assert_eq!(outcome(&found), expected, "{name}, {policy:?}, {model}");
            if let Resume::Replay(again) | Resume::Restart(again) = found {
                assert_eq!(again, request, "the same request");
            }
        }
    }
}

fn continued(request: &MessageRequest, events: &[String]) -> Result<Continuation, NoResume> {
    let (partial, released) = cut(&[vec![HEAD.to_owned()], events.to_vec()].concat());
    match resume(request, &partial, &released, ResumePolicy::Continue) {
        Resume::Continue(continuation) => Ok(*continuation),
        Resume::Stop(why) => Err(why),
        other => panic!("{other:?}"),
    }
}

fn messages(continuation: &Continuation) -> serde_json::Value {
    serde_json::to_value(continuation.request.messages()).expect("JSON")
}

#[test]
fn a_prefill_is_the_text_without_the_white_space_at_its_end() {
    let request = MessageRequest::new("claude-opus-4-5", 9).user("Go");
    let events = [whole(0, TEXT.0, TEXT.1), open(1, THINKING.0, THINKING.1)].concat();
    let continuation = continued(&request, &events).expect("legal");
    assert_eq!(
        messages(&continuation),
        serde_json::json!([
            {"role": "user", "content": "Go"},
            {"role": "assistant", "content": [{"type": "text", "text": "Half a"}]},
        ])
    );
    assert_eq!(continuation.kept, [ContentBlock::text("Half a")]);
}

#[test]
fn a_quote_is_a_new_message_of_the_user_and_leaves_the_rest_of_the_request_alone() {
    let request = MessageRequest::new("claude-sonnet-5-5", 9)
        .system("S")
        .user("Go");
    let continuation = continued(&request, &open(0, TEXT.0, TEXT.1)).expect("legal");
    let [first, quote] = continuation.request.messages() else {
        panic!("two messages")
    };
    assert_eq!(*first, MessageParam::user("Go"));
    assert_eq!(quote.role, Role::User);
    assert!(
        messages(&continuation)[1]["content"]
            .as_str()
            .expect("text")
            .contains("<partial_reply>\nHalf a \n</partial_reply>")
    );
    assert_eq!(
        continuation.request.parameter("system"),
        request.parameter("system")
    );
    assert_eq!(continuation.kept, [ContentBlock::text("Half a ")]);
}

#[test]
fn a_model_that_thinks_first_is_never_prefilled() {
    let request = MessageRequest::new("claude-sonnet-4-5", 9_000)
        .thinking(Thinking::enabled(2_000))
        .user("Go");
    let continuation = continued(&request, &open(0, TEXT.0, TEXT.1)).expect("legal");
    assert_eq!(continuation.form, ContinuationForm::Quote);
}

#[test]
fn json_by_a_schema_is_never_continued() {
    let schema = RawJson::from_text(r#"{"type":"object"}"#).expect("JSON");
    let request = MessageRequest::new("claude-sonnet-5-5", 9)
        .json_schema(schema)
        .user("Go");
    assert_eq!(
        continued(&request, &open(0, TEXT.0, TEXT.1)),
        Err(NoResume::StructuredOutput)
    );
}

#[test]
fn nothing_follows_a_system_message_but_the_model() {
    let request = MessageRequest::new("claude-sonnet-5-5", 9)
        .user("Go")
        .message(MessageParam::system("Be brief."));
    assert_eq!(
        continued(&request, &open(0, TEXT.0, TEXT.1)),
        Err(NoResume::LastMessage)
    );
}

#[test]
fn a_tool_call_is_released_with_its_end_and_not_before() {
    let (_, released) = cut(&[vec![HEAD.to_owned()], open(0, CALL.0, CALL.1)].concat());
    assert!(released.has_content() && !released.has_tool_call());
    let (_, released) = cut(&[vec![HEAD.to_owned()], whole(0, CALL.0, CALL.1)].concat());
    assert!(released.has_tool_call());
}

#[test]
fn a_call_at_the_server_that_ended_without_input_may_have_run_and_is_not_repeated() {
    let start = r#"{"type":"content_block_start","index":1,"content_block":{"type":"mcp_tool_use","id":"s","name":"n","server_name":"x","input":{}}}"#;
    let stop = r#"{"type":"content_block_stop","index":1}"#;
    let mut events = open(0, TEXT.0, TEXT.1);
    events.extend([start.to_owned(), stop.to_owned()]);
    let request = MessageRequest::new("claude-sonnet-5-5", 9).user("Go");
    assert_eq!(continued(&request, &events), Err(NoResume::ServerTool));
}

#[test]
fn a_request_whose_reply_called_a_tool_at_the_server_is_not_replayed_even_if_nobody_saw_it() {
    let events = [
        vec![HEAD.to_owned()],
        whole(0, SERVER_CALL.0, SERVER_CALL.1),
    ]
    .concat();
    let (partial, _) = cut(&events);
    let request = MessageRequest::new("claude-sonnet-5-5", 9).user("Go");
    for policy in [
        ResumePolicy::Stop,
        ResumePolicy::Restart,
        ResumePolicy::Continue,
    ] {
        let found = resume(&request, &partial, &Released::nothing(), policy);
        assert_eq!(outcome(&found), "server_tool");
    }
}

#[test]
fn a_prefill_has_no_blank_text_block_which_the_api_refuses() {
    let blank = r#"{"type":"text_delta","text":" "}"#;
    let events = [whole(0, TEXT.0, blank), open(1, TEXT.0, TEXT.1)].concat();
    let request = MessageRequest::new("claude-opus-4-5", 9).user("Go");
    let continuation = continued(&request, &events).expect("legal");
    assert_eq!(
        messages(&continuation)[1]["content"],
        serde_json::json!([{"type": "text", "text": "Half a"}])
    );
}
