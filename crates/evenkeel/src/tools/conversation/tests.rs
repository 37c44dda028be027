use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn begun() -> Conversation {
    Conversation::new(MessageRequest::new("m", 64).user("hello"))
}

fn reply(stop_reason: &str, content: &Value) -> Message {
    serde_json::from_value(json!({
        "type": "message", "id": "msg_1", "role": "assistant", "model": "m",
        "content": content, "stop_reason": stop_reason, "usage": {},
    }))
    .unwrap()
}

fn text(words: &str) -> Value {
    json!({"type": "text", "text": words})
}

fn call(id: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": "t", "input": {"n": 1}})
}

fn taken(replies: &[(&str, Value)]) -> Conversation {
    let mut conversation = begun();
    for (stop_reason, content) in replies {
        let _ = conversation.take(&reply(stop_reason, content));
    }
    conversation
}

fn body(request: &MessageRequest) -> Value {
    let body = request.to_body(evenkeel_messages::Streaming::Off).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// The messages in short: who, and the kinds and ids of the blocks.
fn messages(request: &MessageRequest) -> String {
    let body = body(request);
    let messages = body["messages"].as_array().unwrap().iter().map(|message| {
        let blocks: Vec<String> = match &message["content"] {
            Value::Array(blocks) => blocks.iter().map(in_short).collect(),
            other => vec![other.as_str().unwrap().to_owned()],
        };
        format!(
            "{}[{}]",
            message["role"].as_str().unwrap(),
            blocks.join(" ")
        )
    });
    messages.collect::<Vec<_>>().join(" ")
}

fn in_short(block: &Value) -> String {
    match block["type"].as_str().unwrap() {
        "text" => format!("{:?}", block["text"].as_str().unwrap()),
        "tool_use" => format!("call:{}", block["id"].as_str().unwrap()),
        "tool_result" => {
            let error = if block["is_error"] == true { "!" } else { "" };
            format!("result:{}{error}", block["tool_use_id"].as_str().unwrap())
        }
        other => other.to_owned(),
    }
}

fn states(conversation: &Conversation) -> String {
    let states = conversation.calls.iter().map(|owed| match owed.state {
        State::Waiting => "waiting",
        State::Running => "running",
        State::Answered(_) => "answered",
    });
    states.collect::<Vec<_>>().join(" ")
}

/// What a reply does to a conversation that has begun.
fn taking(stop_reason: &str, content: &Value) -> String {
    let kinds: Vec<_> = content.as_array().unwrap().iter().map(in_short).collect();
    let mut conversation = begun();
    let ending = conversation.take(&reply(stop_reason, content));
    format!(
        "{stop_reason} [{}]\n  {} → {:?} ({})\n  {}",
        kinds.join(" "),
        ending.map_or("goes on", RunEnding::label),
        conversation.stage(),
        states(&conversation),
        messages(&conversation.so_far()),
    )
}

#[test]
fn each_stop_reason_has_an_ending_or_a_next_stage_of_its_own() {
    let thinking = json!({"type": "thinking", "thinking": "", "signature": "s"});
    let search = json!({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}});
    let cases = [
        ("tool_use", json!([text("so"), call("a"), call("b")])),
        ("tool_use", json!([search, call("a")])),
        ("tool_use", json!([text("so")])),
        ("tool_use", json!([])),
        ("pause_turn", json!([text("so"), search])),
        ("pause_turn", json!([search, call("a")])),
        ("pause_turn", json!([])),
        (
            "compaction",
            json!([{"type": "compaction", "content": "short"}]),
        ),
        ("end_turn", json!([text("so")])),
        ("end_turn", json!([])),
        ("end_turn", json!([text(" \n")])),
        ("end_turn", json!([thinking])),
        ("end_turn", json!([text("so"), call("a")])),
        ("stop_sequence", json!([text("so")])),
        ("max_tokens", json!([text("so")])),
        ("max_tokens", json!([call("a"), call("b")])),
        (
            "model_context_window_exceeded",
            json!([call("a"), text("so")]),
        ),
        ("refusal", json!([text("so"), call("a")])),
        ("a_new_reason", json!([text("so"), call("a")])),
    ];
    let lines = cases.map(|(stop_reason, content)| taking(stop_reason, &content));
    insta::assert_snapshot!(lines.join("\n"), @r#"
    tool_use ["so" call:a call:b]
      goes on → Work (waiting waiting)
      user[hello] assistant["so" call:a call:b] user[result:a! result:b!]
    tool_use [server_tool_use call:a]
      goes on → Work (waiting)
      user[hello] assistant[server_tool_use call:a] user[result:a!]
    tool_use ["so"]
      nothing_called → Over ()
      user[hello] assistant["so"]
    tool_use []
      nothing_called → Over ()
      user[hello]
    pause_turn ["so" server_tool_use]
      goes on → Ask ()
      user[hello] assistant["so" server_tool_use]
    pause_turn [server_tool_use call:a]
      goes on → Ask (waiting)
      user[hello] assistant[server_tool_use call:a] user[result:a!]
    pause_turn []
      empty → Ask ()
      user[hello]
    compaction [compaction]
      goes on → Ask ()
      user[hello] assistant[compaction]
    end_turn ["so"]
      answered → Over ()
      user[hello] assistant["so"]
    end_turn []
      empty → Over ()
      user[hello]
    end_turn [" \n"]
      empty → Over ()
      user[hello]
    end_turn [thinking]
      empty → Over ()
      user[hello]
    end_turn ["so" call:a]
      answered → Over (answered)
      user[hello] assistant["so" call:a] user[result:a!]
    stop_sequence ["so"]
      answered → Over ()
      user[hello] assistant["so"]
    max_tokens ["so"]
      max_tokens → Ask ()
      user[hello]
    max_tokens [call:a call:b]
      max_tokens → Ask ()
      user[hello]
    model_context_window_exceeded [call:a "so"]
      context_window → Ask ()
      user[hello]
    refusal ["so" call:a]
      refused → Ask ()
      user[hello]
    a_new_reason ["so" call:a]
      unknown → Over ()
      user[hello] assistant["so"]
    "#);
}

#[test]
fn each_event_in_each_state_leads_where_the_table_says() {
    type Event = (&'static str, fn(&mut Conversation));
    let done = || Ok(Content::from("done"));
    let two = || taken(&[("tool_use", json!([call("a"), call("b")]))]);
    let states_of: [(&str, Conversation); 6] = [
        ("ask", begun()),
        (
            "paused",
            taken(&[("pause_turn", json!([text("so"), call("a")]))]),
        ),
        ("work", two()),
        ("running", {
            let mut running = two();
            running.begin();
            running
        }),
        ("half done", {
            let mut half = two();
            half.begin();
            half.finish(0, done());
            half
        }),
        ("over", taken(&[("end_turn", json!([text("so")]))])),
    ];
    let events: [Event; 6] = [
        ("begin", |it| drop(it.begin())),
        ("finish a", |it| it.finish(0, Ok(Content::from("done")))),
        ("refuse a", |it| it.refuse("a", "no")),
        ("interrupt", Conversation::interrupt),
        ("settle", |it| {
            if it.stage() == Stage::Work {
                it.settle();
            }
        }),
        ("say", |it| it.say(Content::from("more"))),
    ];
    let mut lines = Vec::new();
    for (state, conversation) in states_of {
        for (event, act) in events {
            let mut after = conversation.clone();
            act(&mut after);
            lines.push(format!(
                "{state:9} + {event:9} → {:?} ({}) {}",
                after.stage(),
                states(&after),
                messages(&after.request)
            ));
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    ask       + begin     → Ask () user[hello]
    ask       + finish a  → Ask () user[hello]
    ask       + refuse a  → Ask () user[hello]
    ask       + interrupt → Ask () user[hello]
    ask       + settle    → Ask () user[hello]
    ask       + say       → Ask () user[hello] user[more]
    paused    + begin     → Ask (waiting) user[hello] assistant["so" call:a]
    paused    + finish a  → Ask (waiting) user[hello] assistant["so" call:a]
    paused    + refuse a  → Ask (answered) user[hello] assistant["so" call:a]
    paused    + interrupt → Ask (waiting) user[hello] assistant["so" call:a]
    paused    + settle    → Ask (waiting) user[hello] assistant["so" call:a]
    paused    + say       → Ask () user[hello] assistant["so" call:a] user[result:a!] user[more]
    work      + begin     → Work (running waiting) user[hello] assistant[call:a call:b]
    work      + finish a  → Work (waiting waiting) user[hello] assistant[call:a call:b]
    work      + refuse a  → Work (answered waiting) user[hello] assistant[call:a call:b]
    work      + interrupt → Work (waiting waiting) user[hello] assistant[call:a call:b]
    work      + settle    → Work (waiting waiting) user[hello] assistant[call:a call:b]
    work      + say       → Ask () user[hello] assistant[call:a call:b] user[result:a! result:b!] user[more]
    running   + begin     → Work (running running) user[hello] assistant[call:a call:b]
    running   + finish a  → Work (answered waiting) user[hello] assistant[call:a call:b]
    running   + refuse a  → Work (running waiting) user[hello] assistant[call:a call:b]
    running   + interrupt → Work (answered waiting) user[hello] assistant[call:a call:b]
    running   + settle    → Work (running waiting) user[hello] assistant[call:a call:b]
    running   + say       → Ask () user[hello] assistant[call:a call:b] user[result:a! result:b!] user[more]
    half done + begin     → Work (answered running) user[hello] assistant[call:a call:b]
    half done + finish a  → Work (answered waiting) user[hello] assistant[call:a call:b]
    half done + refuse a  → Work (answered waiting) user[hello] assistant[call:a call:b]
    half done + interrupt → Work (answered waiting) user[hello] assistant[call:a call:b]
    half done + settle    → Work (answered waiting) user[hello] assistant[call:a call:b]
    half done + say       → Ask () user[hello] assistant[call:a call:b] user[result:a result:b!] user[more]
    over      + begin     → Over () user[hello] assistant["so"]
    over      + finish a  → Over () user[hello] assistant["so"]
    over      + refuse a  → Over () user[hello] assistant["so"]
    over      + interrupt → Over () user[hello] assistant["so"]
    over      + settle    → Over () user[hello] assistant["so"]
    over      + say       → Ask () user[hello] assistant["so"] user[more]
    "#);
}

#[test]
fn a_call_is_begun_once_and_one_that_was_interrupted_is_answered_as_such() {
    let mut conversation = taken(&[("tool_use", json!([call("a"), call("b")]))]);
    assert_eq!(conversation.begin().unwrap().1.id, "a");
    assert_eq!(conversation.begin().unwrap().1.id, "b");
    assert!(conversation.begin().is_none());
    conversation.finish(1, Ok("ok".into()));
    conversation.interrupt();
    assert!(conversation.begin().is_none());
    conversation.settle();
    let body = body(conversation.request());
    let results = &body["messages"][2]["content"];
    assert_eq!(results[0]["content"], INTERRUPTED);
    assert_eq!(results[0]["is_error"], true);
    assert_eq!(results[1]["content"], "ok");
}

#[test]
fn an_id_that_comes_again_is_not_run_again() {
    let mut conversation = taken(&[("tool_use", json!([call("a"), call("a")]))]);
    let (place, _) = conversation.begin().unwrap();
    assert!(conversation.begin().is_none());
    conversation.finish(place, Ok("ok".into()));
    conversation.settle();
    assert!(
        conversation
            .take(&reply("tool_use", &json!([call("a")])))
            .is_none()
    );
    assert!(conversation.begin().is_none());
    conversation.settle();
    assert_eq!(
        messages(conversation.request()),
        "user[hello] assistant[call:a call:a] user[result:a result:a!] assistant[call:a] user[result:a!]"
    );
}

#[test]
fn a_reply_goes_back_as_it_came_but_for_texts_without_a_word() {
    let content = r#"[{"type":"thinking","thinking":"","signature":"s=="},{"type":"text","text":""},{"type":"a_new_block","x":1.50, "y":[]},{"type":"tool_use","id":"a","name":"t","input":{ "b":2,"a":1.0 }}]"#;
    let message = format!(
        r#"{{"type":"message","id":"m","role":"assistant","model":"m","content":{content},"stop_reason":"tool_use","usage":{{}}}}"#
    );
    let mut conversation = begun();
    conversation.take(&serde_json::from_str(&message).unwrap());
    let body = conversation
        .request()
        .to_body(evenkeel_messages::Streaming::Off);
    let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
    assert!(
        body.contains(r#"{"type":"thinking","thinking":"","signature":"s=="}"#),
        "{body}"
    );
    assert!(
        body.contains(r#"{"type":"a_new_block","x":1.50, "y":[]}"#),
        "{body}"
    );
    assert!(body.contains(r#""input":{ "b":2,"a":1.0 }"#), "{body}");
    assert!(!body.contains(r#""text":"""#), "{body}");
}

#[test]
fn the_container_of_a_reply_is_kept_unless_the_request_names_one() {
    let used: Message = serde_json::from_value(json!({
        "type": "message", "id": "m", "role": "assistant", "model": "m", "usage": {},
        "content": [call("a")], "stop_reason": "tool_use",
        "container": {"id": "container_1", "expires_at": "2026-11-22T00:00:00Z"},
    }))
    .unwrap();
    let skills = json!({"skills": [{"type": "anthropic", "skill_id": "pdf"}]});
    for (given, expected) in [
        (None, json!({"id": "container_1"})),
        (Some(json!("mine")), json!("mine")),
        (Some(json!({"id": "mine"})), json!({"id": "mine"})),
        (
            Some(skills.clone()),
            json!({"id": "container_1", "skills": skills["skills"]}),
        ),
    ] {
        let mut conversation = begun();
        if let Some(given) = given {
            conversation.update(|request| request.extra("container", given));
        }
        conversation.take(&used);
        assert_eq!(body(conversation.request())["container"], expected);
    }
}

#[test]
fn the_result_of_a_toolset_names_it() {
    let click = json!({"type": "tool_use", "id": "a", "name": "click", "input": {}, "toolset_name": "computer"});
    let mut conversation = taken(&[("tool_use", json!([click]))]);
    let (place, _) = conversation.begin().unwrap();
    conversation.finish(place, Err("no screen".into()));
    conversation.settle();
    let result = &body(conversation.request())["messages"][2]["content"][0];
    assert_eq!(result["toolset_name"], "computer");
    assert_eq!(result["is_error"], true);
}

#[derive(Clone, Debug)]
enum Event {
    Reply(&'static str, Vec<u8>),
    Begin,
    Finish(usize),
    Refuse(u8),
    Interrupt,
    Settle,
    Say,
}

fn event() -> impl Strategy<Value = Event> {
    let stop_reasons = prop::sample::select(vec![
        "tool_use",
        "tool_use",
        "tool_use",
        "pause_turn",
        "end_turn",
        "max_tokens",
        "refusal",
        "a_new_reason",
    ]);
    prop_oneof![
        3 => (stop_reasons, prop::collection::vec(0..12u8, 0..4))
            .prop_map(|(reason, ids)| Event::Reply(reason, ids)),
        4 => Just(Event::Begin),
        4 => (0..5usize).prop_map(Event::Finish),
        1 => (0..12u8).prop_map(Event::Refuse),
        1 => Just(Event::Interrupt),
        2 => Just(Event::Settle),
        1 => Just(Event::Say),
    ]
}

/// Calls and the results right behind them, turn by turn.
fn turns(request: &MessageRequest) -> Vec<(Vec<String>, Vec<String>)> {
    let body = body(request);
    let mut turns = Vec::new();
    let mut calls: Vec<String> = Vec::new();
    for message in body["messages"].as_array().unwrap() {
        let blocks = message["content"].as_array().cloned().unwrap_or_default();
        let ids = |kind: &str, name: &str| -> Vec<String> {
            let of_kind = blocks.iter().filter(|block| block["type"] == kind);
            of_kind
                .map(|block| block[name].as_str().unwrap().to_owned())
                .collect()
        };
        if message["role"] == "assistant" {
            calls.extend(ids("tool_use", "id"));
        } else {
            turns.push((
                std::mem::take(&mut calls),
                ids("tool_result", "tool_use_id"),
            ));
        }
    }
    turns.push((calls, Vec::new()));
    turns
}

proptest! {
    #[test]
    fn each_call_runs_at_most_once_and_each_has_exactly_one_result_in_its_place(
        events in prop::collection::vec(event(), 0..40)
    ) {
        let mut conversation = begun();
        let mut begun_ids = HashSet::new();
        for event in events {
            match event {
                Event::Reply(stop_reason, ids) if conversation.stage() == Stage::Ask => {
                    let calls: Vec<_> = ids.iter().map(|id| call(&format!("c{id}"))).collect();
                    conversation.take(&reply(stop_reason, &Value::Array(calls)));
                }
                Event::Begin => {
                    if let Some((_, call)) = conversation.begin() {
                        prop_assert!(begun_ids.insert(call.id.clone()), "{} ran twice", call.id);
                    }
                }
                Event::Finish(place) => conversation.finish(place, Ok("ok".into())),
                Event::Refuse(id) => conversation.refuse(&format!("c{id}"), "no"),
                Event::Interrupt => conversation.interrupt(),
                Event::Settle if conversation.stage() == Stage::Work => conversation.settle(),
                // Only whose turn it is speaks.
                Event::Reply(..) | Event::Settle => {}
                Event::Say => conversation.say("more".into()),
            }
            for (calls, results) in turns(&conversation.so_far()) {
                prop_assert_eq!(calls, results);
            }
        }
    }
}

#[test]
fn a_choice_that_forces_a_call_holds_until_one_was_made_and_any_other_stays() {
    let one = json!([call("a")]);
    let search = json!([{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]);
    let auto = json!({"type": "auto"});
    for (choice, stop_reason, content, after) in [
        (json!({"type": "any"}), "tool_use", &one, &auto),
        (
            json!({"type": "tool", "name": "t"}),
            "tool_use",
            &one,
            &auto,
        ),
        (
            json!({"type": "any", "disable_parallel_tool_use": true}),
            "tool_use",
            &one,
            &json!({"type": "auto", "disable_parallel_tool_use": true}),
        ),
        // The turn goes on.
        (
            json!({"type": "any"}),
            "pause_turn",
            &search,
            &json!({"type": "any"}),
        ),
        // These force nothing, as far as anybody knows.
        (json!({"type": "auto"}), "tool_use", &one, &auto),
        (
            json!({"type": "none"}),
            "tool_use",
            &one,
            &json!({"type": "none"}),
        ),
        (
            json!({"type": "later", "x": 1}),
            "tool_use",
            &one,
            &json!({"type": "later", "x": 1}),
        ),
        (Value::Null, "tool_use", &one, &Value::Null),
    ] {
        let request = MessageRequest::new("m", 64).user("hello");
        let request = match &choice {
            Value::Null => request,
            choice => request.extra("tool_choice", choice),
        };
        let mut conversation = Conversation::new(request);
        assert!(conversation.take(&reply(stop_reason, content)).is_none());
        assert_eq!(
            &body(&conversation.so_far())["tool_choice"],
            after,
            "after {choice}"
        );
    }
}
