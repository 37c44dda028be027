//! `evenkeel ask`: what is sent, and what is printed.

use std::num::NonZeroUsize;
use std::time::Duration;

use evenkeel_simulator::{Cut, Ending, Reply};
use serde_json::{Value, json};

use super::api::Api;
use super::process::{Running, evenkeel, eventually};
use super::scratch::Scratch;

/// Longer than any test has time for.
const NEVER: Duration = Duration::from_secs(3_600);

fn sent(body: &str) -> Value {
    serde_json::from_str(body).expect("a request in JSON")
}

#[test]
fn an_answer_is_printed_as_it_is_and_nothing_else() {
    let run = evenkeel(["ask", "hi", "--simulate", "healthy"]).finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.out, "Hello from the simulator: all is well.\n");
    assert_eq!(run.err, "");
}

#[test]
fn the_simulator_is_asked_even_if_the_environment_knows_an_api() {
    let api = Api::healthy();
    let run = evenkeel(["ask", "hi", "--simulate", "healthy", "--json"])
        .variable("ANTHROPIC_API_KEY", "sk-ant-planted")
        .variable("ANTHROPIC_BASE_URL", api.base_url())
        .finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.json()["simulated"], true);
    assert_eq!(api.journal(), []);
}

#[test]
fn the_options_become_the_request() {
    let api = Api::healthy();
    let run = evenkeel([
        "ask",
        "Why?",
        "--system",
        "Be brief.",
        "--model",
        "claude-x",
    ])
    .arg("--max-tokens")
    .arg("77")
    .arg("--header")
    .arg("Anthropic-Beta: one,two")
    .arg("--header=x-trace:  a:b ")
    .arg("--base-url")
    .arg(api.base_url())
    .finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    let request = api.request();
    assert_eq!(request.method, "POST");
    assert_eq!(request.path, "/v1/messages");
    assert_eq!(request.header("anthropic-beta"), Some("one,two"));
    assert_eq!(request.header("x-trace"), Some("a:b"));
    assert_eq!(request.header("anthropic-version"), Some("2026-10-21"));
    let body = sent(&request.body);
    assert_eq!(body["model"], "claude-x");
    assert_eq!(body["max_tokens"], 77);
    assert_eq!(body["system"], "Be brief.");
    assert_eq!(body["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(body["messages"][0]["role"], "user");
    assert!(body["messages"][0].to_string().contains("Why?"), "{body}");
}

#[test]
fn a_prompt_comes_from_standard_input() {
    for args in [&["ask"][..], &["ask", "-"]] {
        let api = Api::healthy();
        let run = evenkeel(args)
            .arg("--base-url")
            .arg(api.base_url())
            .input("Größe\nin two lines")
            .finish();
        assert_eq!(run.code, Some(0), "{run:?}");
        let body = sent(&api.request().body);
        let message = body["messages"][0].to_string();
        assert!(message.contains("Größe\\nin two lines"), "{message}");
    }
}

#[test]
fn a_whole_request_is_sent_with_what_the_client_does_not_know() {
    let whole = json!({
        "model": "claude-of-tomorrow",
        "max_tokens": 99,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi", "x_part": [1.5, null]}]},
            {"role": "assistant", "content": "Yes?"},
            {"role": "user", "content": "Go on.", "x_message": true},
        ],
        "metadata": {"user_id": "u"},
        "x_unknown": {"deep": {"er": "ünknown"}},
    });
    let file = Scratch::new("whole.json", whole.to_string());
    for (args, input) in [
        (["ask", "--request", file.path()], String::new()),
        (["ask", "--request", "-"], whole.to_string()),
    ] {
        let api = Api::healthy();
        let run = evenkeel(args)
            .arg("--base-url")
            .arg(api.base_url())
            .input(input)
            .finish();
        assert_eq!(run.code, Some(0), "{run:?}");
        let mut body = sent(&api.request().body);
        // The one thing that is the client's own: how the answer is to come.
        let stream = body.as_object_mut().and_then(|body| body.remove("stream"));
        assert_eq!(stream, Some(json!(true)));
        assert_eq!(body, whole);
    }
}

#[test]
fn a_key_goes_as_a_key_and_a_token_as_a_token() {
    let key = ("ANTHROPIC_API_KEY", "sk-ant-planted");
    let token = ("ANTHROPIC_AUTH_TOKEN", "planted-token");
    let cases = [
        (vec![], None, None),
        (vec![key], Some("[redacted]"), None),
        (vec![token], None, Some("[redacted]")),
        (vec![key, token], Some("[redacted]"), None),
        (vec![("ANTHROPIC_API_KEY", "")], None, None),
    ];
    for (variables, as_key, as_token) in cases {
        let api = Api::healthy();
        let mut command = evenkeel(["ask", "hi"]).variable("ANTHROPIC_BASE_URL", api.base_url());
        for (name, value) in &variables {
            command = command.variable(name, value);
        }
        let run = command.finish();
        assert_eq!(run.code, Some(0), "{run:?}");
        let request = api.request();
        assert_eq!(request.header("x-api-key"), as_key, "{variables:?}");
        assert_eq!(request.header("authorization"), as_token, "{variables:?}");
    }
}

#[test]
fn the_base_url_on_the_command_line_goes_before_the_environment() {
    let (named, other) = (Api::healthy(), Api::healthy());
    let run = evenkeel(["ask", "hi", "--base-url", named.base_url()])
        .variable("ANTHROPIC_BASE_URL", other.base_url())
        .finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!((named.journal().len(), other.journal().len()), (1, 0));
}

#[test]
fn a_gateway_under_a_path_is_asked_under_that_path() {
    let api = Api::healthy();
    let gateway = format!("{}/team/claude/", api.base_url());
    let run = evenkeel(["ask", "hi", "--base-url", &gateway]).finish();
    assert_eq!(run.code, Some(65), "{run:?}");
    assert_eq!(api.request().path, "/team/claude/v1/messages");
}

#[test]
fn a_stream_is_printed_as_it_arrives() {
    let text = "The first words come long before the last ones, which take their time.";
    // After `message_start`, `ping`, `content_block_start` and one piece of text.
    let reply = Reply::message(text).pause_after_events(4, NEVER);
    let api = Api::script(vec![reply]);
    let mut command = evenkeel(["ask", "hi", "--stream", "--base-url", api.base_url()]).start();
    let seen = command.out_until("The");
    assert!(seen.len() < text.len() && text.starts_with(&seen), "{seen}");
}

#[test]
fn a_stream_that_ends_well_is_the_answer_and_a_line_end() {
    let run = evenkeel(["ask", "hi", "--stream", "--simulate", "healthy"]).finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.out, "Hello from the simulator: all is well.\n");
    assert_eq!(run.err, "");
}

#[test]
fn trouble_before_the_first_word_of_a_stream_is_not_seen_in_it() {
    let commands = ["overloaded-in-stream", "cut-before-content"]
        .map(|scenario| evenkeel(["ask", "hi", "--stream", "--simulate", scenario]).start());
    for run in commands.map(Running::finish) {
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(run.out, "Hello from the simulator: all is well.\n");
        assert!(run.err.starts_with("evenkeel: attempt 1: "), "{run:?}");
    }
}

#[test]
fn a_part_of_an_answer_is_printed_and_told_to_be_a_part() {
    for way in ["--stream", "--verbose"] {
        let run = evenkeel(["ask", "hi", "--simulate", "cut-mid-stream", way]).finish();
        assert_eq!(run.code, Some(76), "{run:?}");
        assert!(run.out.starts_with("An even keel"), "{run:?}");
        assert_eq!(run.out.lines().count(), 1, "{run:?}");
        let characters = run.out.trim_end_matches('\n').chars().count();
        let told = format!("the {characters} characters that were printed are a part of the reply");
        assert!(run.err.contains(&told), "{run:?}");
        assert!(run.err.contains("interrupted: status 200"), "{run:?}");
    }
}

#[test]
fn a_streamed_answer_that_breaks_off_is_not_asked_for_again() {
    let reply = Reply::message("Words that were read cannot be taken back from the reader.")
        .cut_after_events(5, Cut::Reset);
    let api = Api::script(vec![reply]);
    let run = evenkeel(["ask", "hi", "--stream", "--base-url", api.base_url()]).finish();
    assert_eq!(run.code, Some(76), "{run:?}");
    assert_eq!(api.journal().len(), 1);
}

#[test]
fn a_failure_says_what_the_server_said_and_what_to_do() {
    let run = evenkeel(["ask", "hi", "--simulate", "spend-cap"]).finish();
    assert_eq!(run.code, Some(77), "{run:?}");
    assert_eq!(run.out, "");
    for told in [
        "quota_exhausted: status 429",
        "the server said: You have reached your API usage limits.",
        "no use before 20",
        "raise the tier in the Console",
    ] {
        assert!(run.err.contains(told), "{told}: {run:?}");
    }
}

#[test]
fn where_no_server_answered_none_is_said_to_have_spoken() {
    let silent = Api::healthy().base_url().to_owned();
    let args = ["ask", "hi", "--patience", "interactive", "--deadline", "1s"];
    let run = evenkeel(args).arg("--base-url").arg(&silent).finish();
    assert_eq!(run.code, Some(69), "{run:?}");
    let host = silent.strip_prefix("http://").unwrap();
    let told = format!("evenkeel: connection: cannot connect to {host}");
    let report = run.err.lines().filter(|line| line.starts_with(&told));
    assert_eq!(report.count(), 1, "{run:?}");
    assert!(!run.err.contains("server said"), "{run:?}");
}

#[test]
fn a_reply_that_the_model_did_not_end_itself_is_told_to_be_cut() {
    for (args, told) in [
        (["--simulate=healthy", "--max-tokens=5"], "cut at its limit"),
        (["--simulate=refusal", "--stream"], "not to be used"),
    ] {
        let run = evenkeel(["ask", "hi"]).arg(args[0]).arg(args[1]).finish();
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
        assert!(run.err.contains(told), "{run:?}");
    }
}

#[test]
fn a_reader_that_leaves_a_stream_ends_the_call_and_its_cost() {
    let pieces = NonZeroUsize::new(200).unwrap();
    let reply =
        Reply::message("Said in vain. ".repeat(10_000)).drip(pieces, Duration::from_millis(5));
    let api = Api::script(vec![reply]);
    let mut command = evenkeel(["ask", "hi", "--stream", "--max-tokens", "60000"])
        .arg("--base-url")
        .arg(api.base_url())
        .start();
    command.out_until("Said");
    command.close_output();
    let run = command.finish();
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    eventually("the end", || api.request().ending == Ending::Abandoned);
}
