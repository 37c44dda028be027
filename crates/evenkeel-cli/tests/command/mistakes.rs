//! What cannot be sent: one line that says what, where and what to do instead, and no request.

use evenkeel_simulator::Scenario;

use super::api::Api;
use super::process::{Finished, Invocation, evenkeel};
use super::scratch::Scratch;

/// One line on standard error with these words in it, and nothing else.
fn one_line(run: &Finished, code: i32, words: &[&str]) {
    assert_eq!(run.code, Some(code), "{run:?}");
    assert_eq!(run.out, "", "{run:?}");
    assert_eq!(run.err.lines().count(), 1, "{run:?}");
    assert!(run.err.starts_with("evenkeel: "), "{run:?}");
    for word in words {
        assert!(run.err.contains(word), "{word}: {run:?}");
    }
}

/// The command with an API at hand, which must not be asked.
fn refused(args: &[&str], code: i32, words: &[&str]) {
    refused_when(args, |command| command, code, words);
}

fn refused_when(
    args: &[&str],
    given: impl FnOnce(Invocation) -> Invocation,
    code: i32,
    words: &[&str],
) {
    let api = Api::healthy();
    let command = evenkeel(args).variable("ANTHROPIC_BASE_URL", api.base_url());
    one_line(&given(command).finish(), code, words);
    assert_eq!(api.journal(), []);
}

#[test]
fn without_a_way_to_the_api_all_three_are_named() {
    let ways = ["ANTHROPIC_API_KEY", "--base-url", "--simulate"];
    one_line(&evenkeel(["ask", "hi"]).finish(), 78, &ways);
    one_line(&evenkeel(["ask", "hi", "--json"]).finish(), 78, &ways);
    let run = evenkeel(["ask", "hi"])
        .variable("ANTHROPIC_API_KEY", "")
        .variable("ANTHROPIC_BASE_URL", "")
        .finish();
    one_line(&run, 78, &ways);
}

#[test]
fn a_key_with_a_line_end_is_refused_and_not_printed() {
    for variable in ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"] {
        for key in [
            "sk-ant-planted\n",
            "sk-ant-plan\nted",
            "sk ant planted",
            "sk-ant-plänted",
        ] {
            let api = Api::healthy();
            let run = evenkeel(["ask", "hi", "-v", "--base-url", api.base_url()])
                .variable(variable, key)
                .finish();
            one_line(&run, 78, &[variable, "check how it was copied"]);
            for part in ["sk-ant", "plan", "ted"] {
                assert!(!run.err.contains(part), "{run:?}");
            }
            assert_eq!(api.journal(), []);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_is_named() {
    use std::os::unix::ffi::OsStrExt as _;

    let run = evenkeel(["ask", "hi"])
        .variable("ANTHROPIC_API_KEY", std::ffi::OsStr::from_bytes(b"sk-\xff"))
        .finish();
    one_line(&run, 78, &["ANTHROPIC_API_KEY is not UTF-8"]);
}

#[test]
fn a_base_url_must_be_one() {
    for url in [
        "localhost:8080",
        "127.0.0.1:8080",
        "api.example.com/v1",
        "",
        "https://",
        "ftp://x",
    ] {
        let run = evenkeel(["ask", "hi", "--base-url", url]).finish();
        one_line(&run, 78, &["--base-url", "https://"]);
    }
    let run = evenkeel(["ask", "hi"])
        .variable("ANTHROPIC_BASE_URL", "localhost:8080")
        .finish();
    one_line(&run, 78, &["ANTHROPIC_BASE_URL", "https://"]);
}

#[test]
fn a_prompt_does_not_travel_in_clear_text() {
    let run = evenkeel(["ask", "hi", "--base-url", "http://gateway.example"]).finish();
    one_line(&run, 78, &["--base-url", "https://", "clear text"]);
}

#[test]
fn an_address_that_holds_the_path_of_the_api_is_refused() {
    for (url, rule) in [
        ("https://api.anthropic.com/v1", "must end before /v1,"),
        (
            "https://api.anthropic.com/v1/messages",
            "must end before /v1/messages,",
        ),
    ] {
        let run = evenkeel(["ask", "hi", "--base-url", url]).finish();
        one_line(&run, 78, &["--base-url must end", rule]);
    }
}

/// The roots are looked for in the environment on these systems only.
#[cfg(target_os = "linux")]
#[test]
fn roots_that_are_none_are_told_by_what_was_set_and_with_what_the_command_has() {
    let without_roots = |file: &str| {
        evenkeel(["ask", "hi"])
            .variable("ANTHROPIC_API_KEY", "sk-ant-planted")
            .variable("SSL_CERT_FILE", file)
    };
    let run = without_roots("/dev/null").finish();
    one_line(&run, 78, &[]);
    insta::assert_snapshot!(run.err.trim_end(), @"evenkeel: the address is https, but SSL_CERT_FILE names /dev/null, which holds no root certificates: correct or unset it");
    let run = without_roots("/nowhere/ca.pem").finish();
    one_line(&run, 78, &[]);
    insta::assert_snapshot!(run.err.trim_end(), @"evenkeel: SSL_CERT_FILE names /nowhere/ca.pem, which cannot be read: no such file");
    let run = without_roots("/dev/null")
        .variable("ANTHROPIC_BASE_URL", "https://gateway.example")
        .finish();
    one_line(
        &run,
        78,
        &["ANTHROPIC_BASE_URL is https, but SSL_CERT_FILE"],
    );
    let run = evenkeel(["ask", "hi"])
        .variable("ANTHROPIC_API_KEY", "sk-ant-planted")
        .variable("HTTPS_PROXY", "htps://slip")
        .finish();
    one_line(&run, 78, &["HTTPS_PROXY is set", "correct or unset it\n"]);
}

#[test]
fn a_request_file_that_cannot_be_read_is_named() {
    refused(
        &["ask", "--request", "/nowhere/request.json"],
        2,
        &["--request /nowhere/request.json cannot be read"],
    );
    refused(
        &["ask", "--request", "/"],
        2,
        &["--request / cannot be read"],
    );
}

#[test]
fn json_that_is_no_request_is_told_from_one() {
    for (name, content, words) in [
        ("half.json", r#"{"model": "m""#, &["line 1"][..]),
        ("prose.json", "Dear Claude", &["line 1"]),
        ("empty.json", "", &[]),
        ("list.json", "[]", &["object"]),
        ("other.json", r#"{"name": "x"}"#, &["model"]),
        (
            "no-messages.json",
            r#"{"model": "m", "max_tokens": 9}"#,
            &["messages"],
        ),
        (
            "bad-messages.json",
            "{\"model\": \"m\", \"max_tokens\": 9,\n \"messages\": \"Hi\"}",
            &["messages", "line 2"],
        ),
        (
            "no-limit.json",
            r#"{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}"#,
            &["max_tokens"],
        ),
    ] {
        let file = Scratch::new(name, content);
        let mut all = vec!["--request", name, "not a Messages request"];
        all.extend(words);
        refused(&["ask", "--request", file.path()], 2, &all);
    }
}

#[test]
fn a_deadline_of_zero_is_no_deadline() {
    for zero in ["0", "0s", "0ms"] {
        refused(
            &["ask", "hi", "--deadline", zero],
            2,
            &["--deadline", "give one above zero"],
        );
    }
    for other in ["30", "soon", "-3s", ""] {
        let deadline = format!("--deadline={other}");
        refused(&["ask", "hi", &deadline], 2, &["--deadline", "30s"]);
    }
}

#[test]
fn an_unknown_scenario_is_answered_with_those_that_are() {
    let run = evenkeel(["ask", "hi", "--simulate", "overloded"]).finish();
    one_line(
        &run,
        2,
        &["--simulate", "overloded", "did you mean `overloaded`?"],
    );
    let run = evenkeel(["simulate", "--scenario", "quite\nanother"]).finish();
    one_line(&run, 2, &["--scenario"]);
    for info in Scenario::catalogue() {
        assert!(run.err.contains(info.name), "{}: {run:?}", info.name);
    }
}

#[test]
fn a_header_that_the_client_writes_itself_is_refused() {
    for name in [
        "x-api-key",
        "Authorization",
        "host",
        "Content-Length",
        "anthropic-version",
    ] {
        let header = format!("{name}: planted");
        refused_when(
            &["ask", "hi", "--header", &header],
            |command| command.variable("ANTHROPIC_API_KEY", "sk-ant-other"),
            78,
            &["--header", &name.to_ascii_lowercase(), "may not be set"],
        );
    }
}

#[test]
fn a_header_that_is_none_is_refused_and_its_value_not_printed() {
    for (header, code, word) in [
        ("x-trace: planted\nx-api-key: planted", 78, "x-trace"),
        (
            "x trace: planted",
            78,
            "--header \"x trace\" must have a name of letters, digits and -",
        ),
        (": planted", 78, "letters, digits and -"),
        ("authorization Bearer planted", 2, "name: value"),
    ] {
        let api = Api::healthy();
        let run = evenkeel([
            "ask",
            "hi",
            "--base-url",
            api.base_url(),
            "--header",
            header,
        ])
        .finish();
        one_line(&run, code, &["--header", word]);
        assert!(!run.err.contains("planted"), "{run:?}");
        assert_eq!(api.journal(), []);
    }
}

#[test]
fn an_empty_prompt_is_not_asked() {
    refused(&["ask"], 2, &["the prompt is empty"]);
    refused(&["ask", " \n"], 2, &["the prompt is empty"]);
    refused_when(
        &["ask"],
        |command| command.input("\n\n"),
        2,
        &["the prompt is empty"],
    );
}

#[test]
fn a_prompt_that_is_not_text_is_told_where() {
    refused_when(
        &["ask"],
        |command| command.input(*b"abc\xff"),
        2,
        &["not UTF-8 at byte 3"],
    );
}

#[cfg(unix)]
#[test]
fn an_input_that_cannot_be_read_is_told_by_what_it_is() {
    for (args, words) in [
        (&["ask"][..], "the prompt on standard input cannot be read"),
        (
            &["explain", "500", "--body", "-"],
            "--body on standard input cannot be read",
        ),
    ] {
        let folder = std::fs::File::open("/").unwrap();
        one_line(&evenkeel(args).standard_input(folder).finish(), 2, &[words]);
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let api = Api::healthy();
    let port = api.port().to_string();
    let run = evenkeel(["simulate", "--port", &port]).finish();
    one_line(&run, 78, &["--port", &port, "in use", "another port, or 0"]);
}

#[test]
fn a_scenario_file_with_a_mistake_is_told_at_its_line() {
    for (name, content, words) in [
        (
            "unknown-key.toml",
            "[[reply]]\nmessage = \"x\"\n\n[[reply]]\ntypo = 3\n",
            &["line 5", "`typo`", "`message`"][..],
        ),
        (
            "status.toml",
            "[[reply]]\nraw = { status = 99 }\n",
            &["line 1", "99"],
        ),
        (
            "impossible.toml",
            "[[reply]]\nmessage = \"x\"\n\n[[reply]]\ngateway = 502\nunknown_events = true\n",
            &["line 4", "only a message or a list of events"],
        ),
        ("no-toml.toml", "reply = [\n", &["line "]),
        ("no-reply.toml", "", &["[[reply]]"]),
        (
            "time.toml",
            "[[reply]]\nmessage = \"x\"\npause_before_head = \"2\"",
            &["line 3", "200ms"],
        ),
    ] {
        let file = Scratch::new(name, content);
        let mut all = vec!["--scenario", name];
        all.extend(words);
        one_line(
            &evenkeel(["simulate", "--scenario", file.path()]).finish(),
            2,
            &all,
        );
    }
    let run = evenkeel(["simulate", "--scenario", "/nowhere/scenario.toml"]).finish();
    one_line(&run, 2, &["/nowhere/scenario.toml", "no file"]);
    let run = evenkeel(["simulate", "--scenario", "nope.toml"]).finish();
    one_line(&run, 2, &["--scenario: no file nope.toml in /"]);
    assert!(!run.err.contains("overloaded"), "{run:?}");
    let run = evenkeel(["simulate", "--scenario", "/"]).finish();
    one_line(&run, 2, &["--scenario / cannot be read"]);
}

#[test]
fn words_that_the_command_does_not_know_are_answered_in_one_line() {
    for (args, words) in [
        (&["ask", "hi", "--jsn"][..], &["--jsn", "'--json'"][..]),
        (
            &["ask", "hi", "again"],
            &["again", "quotes", "evenkeel ask --help"],
        ),
        (&["What is 2+2?"], &["2+2", "evenkeel ask"]),
        (&["aks", "hi"], &["aks", "--help"]),
        (
            &["ask", "hi", "--patience", "long"],
            &["interactive, background, unattended"],
        ),
        (
            &["ask", "hi", "--max-tokens", "many"],
            &["--max-tokens", "a whole number", "such as 1024"],
        ),
        (&["ask", "hi", "--max-tokens", "-1"], &["a whole number"]),
        (
            &["ask", "hi", "--simulate", "healthy", "--base-url", "x"],
            &["--simulate", "--base-url"],
        ),
        (&["ask", "hi", "--request", "x"], &["--request"]),
        (
            &["simulate", "--rpm", "0"],
            &["--rpm", "from 1 to", "no limit"],
        ),
        (&["simulate", "--itpm", "-5"], &["--itpm", "from 1 to"]),
        (&["simulate", "--otpm", "1.5"], &["--otpm", "whole number"]),
        (&["simulate", "--port", "http"], &["--port", "65535"]),
        (&["simulate", "--port", "70000"], &["--port", "65535"]),
        (&["explain"], &["--status"]),
        (&["explain", "--status", "99"], &["--status", "100 to 599"]),
        (
            &["explain", "999"],
            &["servers send a status from 100 to 599"],
        ),
        (
            &["explain", "--event"],
            &["no event on standard input: give"],
        ),
        (
            &["explain", "--event", "--body", "/dev/null"],
            &["no event in /dev/null: give"],
        ),
        (&["ask", "hi", "--model", ""], &["--model"]),
        (&["explain", "many"], &["STATUS", "such as 429"]),
        (&["explain", "429", "--status", "429"], &["--status"]),
        (
            &["explain", "--status", "429", "--body", "/nowhere"],
            &["--body /nowhere cannot be read"],
        ),
        (
            &["explain", "--status", "429", "--header", "a b: c"],
            &["--header a b", "letters"],
        ),
        (
            &["explain", "--status", "429", "--header", "a: b\nc"],
            &["--header a:", "one line"],
        ),
    ] {
        one_line(&evenkeel(args).finish(), 2, words);
    }
}

#[test]
fn a_mistake_cannot_steer_the_terminal() {
    let odd = "x\u{1b}[2J\ry\u{9b}";
    for args in [
        &["ask", "hi", odd][..],
        &["ask", "--request", odd],
        &["ask", "hi", "--simulate", odd],
        &["ask", "hi", "--patience", odd],
        &["explain", odd],
        &["simulate", "--scenario", odd],
    ] {
        let run = evenkeel(args).finish();
        one_line(&run, 2, &[]);
        assert!(!run.err.contains(['\u{1b}', '\u{9b}', '\r']), "{run:?}");
    }
}

#[test]
fn a_fallback_without_a_name_is_refused_by_its_option() {
    refused(&["ask", "hi", "--fallback", ""], 2, &["--fallback"]);
}
