use super::*;
use crate::request::Form;

fn request(max_tokens: u64) -> MessagesRequest {
    let model = "claude-sonnet-5-5".to_owned();
    MessagesRequest {
        model,
        max_tokens,
        form: Form::Stream,
        input_tokens: 9,
        ..MessagesRequest::default()
    }
}

fn text(events: &[SseEvent]) -> String {
    events
        .iter()
        .map(|event| String::from_utf8_lossy(event.bytes()).into_owned())
        .collect()
}

#[test]
fn a_whole_message_is_the_json_of_the_api() {
    let message = Message::compose(
        &Answer::new().text("Hi there"),
        &request(50),
        Input::fresh(9),
        &mut Dice::new(0, 1),
    );
    assert_eq!(
        message.json(Tier::Standard),
        format!(
            r#"{{"model":"claude-sonnet-5-5","id":"{}","type":"message","role":"assistant","content":[{{"type":"text","text":"Hi there"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0}},"output_tokens":3,"service_tier":"standard"}}}}"#,
            message.id
        )
    );
}

#[test]
fn a_stream_has_the_grammar_of_the_api() {
    let message = Message::compose(
        &Answer::new().text("Hello, dear world"),
        &request(50),
        Input::fresh(9),
        &mut Dice::new(0, 1),
    );
    let events = text(&message.events());
    let names: Vec<_> = events
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(names[..3], ["message_start", "ping", "content_block_start"]);
    let tail = names.len() - 3;
    assert!(
        names[3..tail]
            .iter()
            .all(|name| *name == "content_block_delta")
    );
    assert_eq!(
        names[tail..],
        ["content_block_stop", "message_delta", "message_stop"]
    );
    assert!(events.contains(r#""usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":5}"#));
}

#[test]
fn max_tokens_cuts_the_answer_and_is_its_stop_reason() {
    let message = Message::compose(
        &Answer::new().text("Hello, dear world"),
        &request(2),
        Input::fresh(9),
        &mut Dice::new(0, 1),
    );
    assert!(
        message.json(Tier::Standard).contains(r#""text":"Hello,""#),
        "{}",
        message.json(Tier::Standard)
    );
    assert!(
        message
            .json(Tier::Standard)
            .contains(r#""stop_reason":"max_tokens""#)
    );
    let nothing = Message::compose(
        &Answer::new().text("Hello"),
        &request(0),
        Input::fresh(9),
        &mut Dice::new(0, 1),
    );
    assert!(
        nothing
            .json(Tier::Standard)
            .contains(r#""content":[],"stop_reason":"max_tokens""#)
    );
}

#[test]
fn the_part_before_an_error_costs_what_is_in_it() {
    let message = Message::compose(
        &Answer::new().text("Hello, dear world"),
        &request(50),
        Input::fresh(9),
        &mut Dice::new(0, 1),
    );
    assert_eq!(
        [0, 1, 3].map(|events| message.output_tokens_of(events)),
        [0, 0, 0]
    );
    let first = message.blocks[0].deltas[0].tokens;
    assert_eq!(message.output_tokens_of(4), first);
    assert_eq!(message.output_tokens_of(1_000), message.output_tokens());
}

#[test]
fn an_answer_that_just_fits_is_whole() {
    let message = Message::compose(
        &Answer::new().text("Hello, dear world"),
        &request(5),
        Input::fresh(9),
        &mut Dice::new(0, 1),
    );
    assert!(
        message
            .json(Tier::Standard)
            .contains(r#""stop_reason":"end_turn""#)
    );
}

#[test]
fn a_stream_has_every_kind_of_delta_where_it_belongs() {
    let answer = Answer::new()
        .thinking("Hm.")
        .hidden_thinking()
        .redacted_thinking()
        .cited_text("Grass is green.", "green")
        .web_search("grass")
        .tool_use("paint", r#"{"colour":"green"}"#)
        .compaction("All was said.");
    let message = Message::compose(
        &answer,
        &request(500),
        Input::fresh(9),
        &mut Dice::new(0, 1),
    );
    let events = text(&message.events());
    for delta in [
        r#""delta":{"type":"thinking_delta","thinking":"Hm."}"#,
        r#""delta":{"type":"signature_delta","signature":"Eu"#,
        r#""content_block":{"type":"redacted_thinking","data":"Eu"#,
        r#""delta":{"type":"text_delta","text":"#,
        r#""delta":{"type":"citations_delta","citation":{"#,
        r#""content_block":{"type":"server_tool_use","id":"srvtoolu_01"#,
        r#""content_block":{"type":"web_search_tool_result","tool_use_id":"srvtoolu_01"#,
        r#""content_block":{"type":"tool_use","id":"toolu_01"#,
        r#""delta":{"type":"input_json_delta","partial_json":""}"#,
        r#""delta":{"type":"compaction_delta","content":"All was said.""#,
        r#""stop_reason":"tool_use""#,
        r#""server_tool_use":{"web_search_requests":1"#,
    ] {
        assert!(events.contains(delta), "{delta} in {events}");
    }
    let whole: serde_json::Value = serde_json::from_str(&message.json(Tier::Standard)).unwrap();
    assert_eq!(whole["content"].as_array().unwrap().len(), 8);
    assert_eq!(whole["content"][6]["input"]["colour"], "green");
}

#[test]
fn a_tool_call_cut_by_max_tokens_is_not_json_in_a_stream_and_empty_in_a_message() {
    let answer = Answer::new().tool_use("write", r#"{"path":"/etc/passwd"}"#);
    let message = Message::compose(&answer, &request(3), Input::fresh(9), &mut Dice::new(0, 1));
    let whole: serde_json::Value = serde_json::from_str(&message.json(Tier::Standard)).unwrap();
    assert_eq!(whole["content"][0]["input"], serde_json::json!({}));
    assert_eq!(whole["stop_reason"], "max_tokens");
    assert!(!text(&message.events()).contains("passwd"));
}

#[test]
fn every_stop_reason_can_be_had() {
    let stop = |answer: Answer| {
        let message = Message::compose(
            &answer,
            &request(500),
            Input::fresh(9),
            &mut Dice::new(0, 1),
        );
        let whole: serde_json::Value = serde_json::from_str(&message.json(Tier::Standard)).unwrap();
        (
            whole["stop_reason"].clone(),
            whole["stop_sequence"].clone(),
            whole["stop_details"]["category"].clone(),
        )
    };
    let null = serde_json::Value::Null;
    for reason in [
        "end_turn",
        "max_tokens",
        "tool_use",
        "pause_turn",
        "model_context_window_exceeded",
        "compaction",
        "unheard_of",
    ] {
        let got = stop(Answer::new().text("a").stop_reason(reason));
        assert_eq!(got, (reason.into(), null.clone(), null.clone()));
    }
    assert_eq!(
        stop(Answer::new().stop_sequence("END")),
        ("stop_sequence".into(), "END".into(), null.clone())
    );
    assert_eq!(
        stop(Answer::refusal("cyber", "No.")),
        ("refusal".into(), null, "cyber".into())
    );
}

#[test]
fn a_stop_sequence_of_the_request_ends_the_answer_before_it() {
    let mut request = request(500);
    request.stop_sequences = vec!["END".into(), "dear".into()];
    let answer = Answer::new()
        .text("Hello, dear world END")
        .tool_use("x", "{}");
    let message = Message::compose(&answer, &request, Input::fresh(9), &mut Dice::new(0, 1));
    let whole: serde_json::Value = serde_json::from_str(&message.json(Tier::Standard)).unwrap();
    assert_eq!(whole["content"].as_array().unwrap().len(), 1);
    assert_eq!(whole["content"][0]["text"], "Hello, ");
    assert_eq!(whole["stop_reason"], "stop_sequence");
    assert_eq!(whole["stop_sequence"], "dear");
}

#[test]
fn a_full_context_ends_the_answer_and_says_so() {
    let mut request = request(500);
    (request.model, request.input_tokens) = ("claude-haiku-4-5".into(), 199_998);
    let answer = Answer::new().text("Hello, dear world");
    let message = Message::compose(&answer, &request, Input::fresh(9), &mut Dice::new(0, 1));
    let whole: serde_json::Value = serde_json::from_str(&message.json(Tier::Standard)).unwrap();
    assert_eq!(whole["stop_reason"], "model_context_window_exceeded");
    assert_eq!(whole["usage"]["output_tokens"], 2);
}

#[test]
fn usage_is_cumulative_and_says_what_was_thought_and_searched() {
    let answer = Answer::new()
        .thinking("Hm, so.")
        .web_search("keel")
        .text("Yes.");
    let message = Message::compose(
        &answer,
        &request(500),
        Input::fresh(9),
        &mut Dice::new(0, 1),
    );
    let events = text(&message.events());
    let start = events.split_once("\n\n").unwrap().0;
    assert!(
        start.contains(r#""output_tokens":1,"#) && !start.contains("thinking_tokens"),
        "{start}"
    );
    let end = events.rsplit_once("event: message_delta").unwrap().1;
    let tokens = message.output_tokens();
    assert!(
        end.contains(&format!(
            r#""output_tokens":{tokens},"output_tokens_details":{{"thinking_tokens":2}}"#
        )),
        "{end}"
    );
    assert!(
        end.contains(r#""server_tool_use":{"web_search_requests":1"#),
        "{end}"
    );
}

#[test]
fn the_count_of_output_tokens_never_falls_in_a_stream() {
    for answer in [Answer::refusal("cyber", "No."), Answer::new().text("Yes.")] {
        let request = MessagesRequest {
            model: "m".into(),
            max_tokens: 9,
            ..MessagesRequest::default()
        };
        let message = Message::compose(&answer, &request, Input::default(), &mut Dice::new(1, 1));
        let counts: Vec<u64> = message
            .events()
            .iter()
            .filter_map(|event| {
                let text = std::str::from_utf8(event.bytes()).unwrap();
                let rest = text.split_once(r#""output_tokens":"#)?.1;
                let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
                rest.get(..end)?.parse().ok()
            })
            .collect();
        assert!(counts.len() == 2 && counts[0] <= counts[1], "{counts:?}");
    }
}
