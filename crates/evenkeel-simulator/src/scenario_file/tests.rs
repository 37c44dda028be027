use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use super::length::length;
use super::*;
use crate::answer::Answer;
use crate::capacity::Capacity;
use crate::distortion::LineEnd;
use crate::limits::RateLimits;
use crate::reply::{Cut, Reply};
use crate::shortage::Shortage;
use crate::sse::SseEvent;
use crate::when::{Chance, When};

mod mistakes;

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
            { verbatim = { text = "HTTP/1.1 99 Hm" } },
            { verbatim = { hex = "ff 00" } },
            { close = "reset" },
            { close = "close" },
            { events = [{ event = "ping", data = "{}" }], cut = { after_bytes = 3, how = "mid-chunk" } },
            { error = { status = 429, type = "rate_limit_error", message = "No", code = "ramp_limit_exceeded" } },
        ]
    "#;
    let expected = Scenario::script(vec![
        Reply::html_gateway(520),
        Reply::verbatim("HTTP/1.1 99 Hm"),
        Reply::verbatim([0xff, 0]),
        Reply::reset_without_reply(),
        Reply::close_without_reply(),
        Reply::events(vec![SseEvent::new("ping", "{}")]).cut_after_bytes(3, Cut::MidChunk),
        Reply::error(429, "rate_limit_error", "No").error_code("ramp_limit_exceeded"),
    ]);
    assert_eq!(parse(file), Ok(expected));
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

#[test]
fn faults_limits_and_capacity_are_what_they_are_in_rust() {
    let file = r#"
        batch_item = "1s"
        batch_results = { one = "overloaded_error", two = "expired" }
        refused = [{ from = "1s", until = "2s" }]

        [[reply]]
        answer = [{ thinking = "Hm." }, { text = "So." }, { tool_call = true }, { web_search = "keel" }]
        stop_reason = "pause_turn"

        [[fault]]
        when = { requests = [2, 3], chance = 0.5, model = "m" }
        out_of = "input-tokens"
        retry_after = "2s"

        [[fault]]
        when = { from = "10s", until = "20s", path = "/v1/models*", reused_connection = true }
        cut = { after = "stop-reason", how = "reset" }
        drip = { bytes = 3, every = "10ms" }
        line_ends = "crlf"
        unknown_events = true

        [limits]
        requests = 50
        acceleration = { factor = 3, floor = 2 }

        [capacity]
        slots = 4
        queue = 2
        brownout = [{ from = "1m", until = "2m", slots = 0 }]
    "#;
    let second = Duration::from_secs(1);
    let number = |n| NonZeroU32::new(n).unwrap();
    let answer = Answer::new()
        .thinking("Hm.")
        .text("So.")
        .tool_call()
        .web_search("keel");
    let limited = Reply::out_of(Shortage::InputTokens).retry_after(second * 2);
    let mut late = When::during(second * 10..second * 20);
    late = late.path("/v1/models*").on_reused_connection();
    let drip = NonZeroUsize::new(3).unwrap();
    let broken = Reply::scripted()
        .cut_after_stop_reason(Cut::Reset)
        .drip(drip, Duration::from_millis(10))
        .line_ends(LineEnd::CrLf)
        .unknown_events();
    let limits = RateLimits::none().requests_per_minute(number(50));
    let expected = Scenario::script(vec![Reply::answer(answer).stop_reason("pause_turn")])
        .with(
            When::requests([2, 3])
                .chance(Chance::percent(50))
                .model("m"),
            limited,
        )
        .with(late, broken)
        .limits(limits.acceleration(number(3), number(2)))
        .capacity(
            Capacity::slots(4)
                .queue(2)
                .brownout(second * 60..second * 120, 0),
        )
        .refused_during(second..second * 2)
        .batch_item_time(second)
        .batch_error("one", "overloaded_error")
        .batch_expired("two");
    assert_eq!(parse(file), Ok(expected));
}

#[test]
fn a_result_of_a_batch_is_an_error_type_or_expired() {
    let error = parse("key = 'required'\n\n[batch_results]\na = 'overloaded'\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 4: batch_results: \"overloaded\" is no result; write \"expired\" or a type of error \
         such as \"overloaded_error\""
    );
}

#[test]
fn every_file_of_the_documentation_is_read() {
    let pages = [
        include_str!("../../README.md"),
        include_str!("../../SCENARIOS.md"),
    ];
    for page in pages {
        let files = page.split("```toml\n").skip(1);
        let files: Vec<_> = files.filter_map(|rest| rest.split("```").next()).collect();
        assert_eq!(files.len(), 2);
        for file in files {
            let read = parse(file);
            assert!(read.is_ok(), "{}", read.unwrap_err());
        }
    }
}

#[test]
fn every_key_that_a_file_may_have_is_documented() {
    let page = include_str!("../../SCENARIOS.md");
    // What is not known is answered with all that is, table by table.
    let mut documented = 0;
    for file in [
        "unheard_of = 1",
        "[[reply]]\nunheard_of = 1",
        "[[reply]]\nerror = { unheard_of = 1 }",
        "[[reply]]\nraw = { unheard_of = 1 }",
        "[[reply]]\nverbatim = { unheard_of = 1 }",
        "[[reply]]\nrefusal = { unheard_of = 1 }",
        "[[reply]]\nredirect = { unheard_of = 1 }",
        "[[reply]]\nevents = [{ unheard_of = 1 }]",
        "[[reply]]\nclose = 'unheard_of'",
        "[[reply]]\nout_of = 'unheard_of'",
        "[[reply]]\nline_ends = 'unheard_of'",
        "[[reply]]\npauses = [{ unheard_of = 1 }]",
        "[[reply]]\ndrip = { unheard_of = 1 }",
        "[[reply]]\npings_only = { unheard_of = 1 }",
        "[[reply]]\nerror_event = { unheard_of = 1 }",
        "[[reply]]\ncut = { unheard_of = 1 }",
        "[[reply]]\ncut = { how = 'unheard_of' }",
        "[[reply]]\ncut = { after = 'unheard_of' }",
        "[[reply]]\nanswer = [{ unheard_of = 1 }]",
        "[[reply]]\nanswer = [{ cited = { unheard_of = 1 } }]",
        "[[reply]]\nanswer = [{ tool_use = { unheard_of = 1 } }]",
        "[[fault]]\nwhen = { unheard_of = 1 }",
        "[limits]\nunheard_of = 1",
        "[limits]\nacceleration = { unheard_of = 1 }",
        "[capacity]\nunheard_of = 1",
        "[capacity]\nabandoned = 'unheard_of'",
        "[capacity]\nbrownout = [{ unheard_of = 1 }]",
        "[[refused]]\nunheard_of = 1",
        "key = 'unheard_of'",
    ] {
        let told = parse(file).unwrap_err().to_string();
        let (_, allowed) = told
            .split_once("keys here: ")
            .or_else(|| told.split_once("is not one of "))
            .unwrap_or_else(|| panic!("{file}: {told}"));
        for key in allowed.split('`').skip(1).step_by(2) {
            documented += 1;
            let shown = [
                "`KEY`",
                "`[KEY]`",
                "`[[KEY]]`",
                "`\"KEY\"`",
                "{ KEY",
                ", KEY ",
                ", KEY,",
                "\"KEY\"",
            ]
            .iter()
            .any(|form| page.contains(&form.replace("KEY", key)));
            assert!(shown, "`{key}` of {file} is not in SCENARIOS.md");
        }
    }
    assert!(documented > 120, "{documented}");
}
