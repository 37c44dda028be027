use super::*;

#[test]
fn the_file_of_the_documentation_is_read_as_it_says() {
    let readme = include_str!("../../README.md");
    let file = readme
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let overloaded = Reply::error(529, "overloaded_error", "Overloaded")
        .retry_after(Duration::from_millis(1_500));
    let expected = Scenario::script(vec![
        overloaded.clone(),
        overloaded,
        Reply::message("This answer breaks off.")
            .pause_before_head(Duration::from_secs(2))
            .pause_after_events(3, Duration::from_millis(200))
            .cut_after_events(5, Cut::Reset),
        Reply::message("You will not read this.").error_after_events(
            1,
            "overloaded_error",
            "Overloaded",
        ),
        Reply::raw(503)
            .body("gone fishing")
            .header("content-type", "text/plain")
            .header("x-should-retry", "false"),
        Reply::message("Hello!"),
    ])
    .key_required();
    assert_eq!(parse(file), Ok(expected));
}

#[test]
fn the_table_of_the_documentation_is_the_catalogue() {
    let readme = include_str!("../../README.md");
    for info in crate::catalogue::CATALOGUE {
        let row = format!("| `{}` | {} |", info.name, info.summary);
        assert!(readme.contains(&row), "{row}");
    }
}

#[test]
fn every_kind_of_reply_can_be_written() {
    let file = r#"
        reply = [
            { gateway = 520 },
            { close = "reset" },
            { close = "close" },
            { events = [{ event = "ping", data = "{}" }], cut = { after_bytes = 3, how = "mid-chunk" } },
            { error = { status = 429, type = "rate_limit_error", message = "No", code = "ramp_limit_exceeded" } },
        ]
    "#;
    let expected = Scenario::script(vec![
        Reply::html_gateway(520),
        Reply::reset_without_reply(),
        Reply::close_without_reply(),
        Reply::events(vec![SseEvent::new("ping", "{}")]).cut_after_bytes(3, Cut::MidChunk),
        Reply::error(429, "rate_limit_error", "No").error_code("ramp_limit_exceeded"),
    ]);
    assert_eq!(parse(file), Ok(expected));
}

#[test]
fn mistakes_are_told_in_one_line_with_their_place_and_what_is_allowed() {
    for (file, line, told) in [
        (
            "\n[[replies]]\n",
            2,
            "unknown field `replies`, expected `key` or `reply`",
        ),
        (
            "[[reply]]\nmesage = 'x'",
            2,
            "unknown field `mesage`, expected one of `message`, `error`",
        ),
        ("[[reply]]\nerror = { status = 'x' }", 2, "expected u16"),
        (
            "[[reply]]\n\n[[reply]]\nmessage = 'x'",
            1,
            "exactly one of message, error, raw",
        ),
        (
            "[[reply]]\nmessage = 'x'\nclose = 'close'",
            1,
            "exactly one of",
        ),
        (
            "[[reply]]\nclose = 'slam'",
            2,
            "expected `close` or `reset`",
        ),
        (
            "[[reply]]\nmessage = 'x'\npause_before_head = '2'",
            3,
            "write a number and a unit",
        ),
        (
            "[[reply]]\nmessage = 'x'\nretry_after = '-2s'",
            3,
            "\"-2s\" is not a length of time",
        ),
        ("[[reply]]\nmessage = 'x'\ntimes = 0", 3, "nonzero"),
        (
            "[[reply]]\nmessage = 'x'\ncut = { how = 'clean' }",
            1,
            "exactly one of after_events",
        ),
        (
            "[[reply]]\n[[reply]]\nraw = { status = 42 }",
            1,
            "exactly one of",
        ),
        (
            "# x\n[[reply]]\nraw = { status = 42 }",
            2,
            "status 42 is not one from 200 to 599",
        ),
        ("[[reply]]\nmessage = 'x", 2, ""),
        ("key = 'maybe'", 1, "expected `optional` or `required`"),
    ] {
        let error = parse(file).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.line(), Some(line), "{file}: {text}");
        assert!(
            text.contains(told) && !text.contains('\n'),
            "{file}: {text}"
        );
        assert!(text.starts_with(&format!("line {line}: ")), "{text}");
    }
    assert!(
        parse("")
            .unwrap_err()
            .to_string()
            .contains("at least one [[reply]]")
    );
}

#[test]
fn lengths_of_time_need_a_unit_and_no_sign() {
    assert_eq!(length("200ms"), Some(Duration::from_millis(200)));
    assert_eq!(length("1.5 s"), Some(Duration::from_millis(1_500)));
    assert_eq!(length("3m"), Some(Duration::from_secs(180)));
    assert_eq!(length("3h"), Some(Duration::from_secs(10_800)));
    for wrong in ["", "5", "s", "5d", "-1s", "1e400s", "nan s", "1s2"] {
        assert_eq!(length(wrong), None, "{wrong}");
    }
}
