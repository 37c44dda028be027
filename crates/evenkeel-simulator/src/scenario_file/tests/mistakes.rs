//! What whoever wrote a file is told.

use super::*;

#[test]
#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
fn mistakes_are_told_in_one_line_with_their_place_and_what_is_allowed() {
    for (file, line, told) in [
        (
            "\n[[replies]]\n",
            2,
            "unknown key `replies` (keys here: `key`, `repeat`, `seed`, `time_divided_by`, `reply`, `fault`",
        ),
        (
            "[[reply]]\nmesage = 'x'",
            2,
            "unknown key `mesage`; did you mean `message`? (keys here: `message`, `error`",
        ),
        (
            "[[reply]]\nerror = { status = 'x' }",
            2,
            "status is a number without quotes: 529",
        ),
        (
            "[[reply]]\n\n[[reply]]\nmessage = 'x'",
            1,
            "this reply says nothing; add one of message, answer, refusal, error",
        ),
        (
            "[[reply]]\nmessage = 'x'\nclose = 'close'",
            1,
            "this reply has two: message and close; keep one",
        ),
        (
            "[[reply]]\nclose = 'slam'",
            2,
            "`slam` is not one of `close`, `reset`, `go-away`, `refuse-stream`",
        ),
        (
            "[[reply]]\nmessage = 'x'\npause_before_head = '2'",
            3,
            "\"2\" is not a length of time; write a number and a unit",
        ),
        (
            "[[reply]]\nmessage = 'x'\nretry_after = '-2s'",
            3,
            "\"-2s\" is not a length of time",
        ),
        (
            "[[reply]]\nmessage = 'x'\ntimes = 0",
            3,
            "times is a whole number from 1 to 65535; the last reply repeats for ever",
        ),
        (
            "[[reply]]\nmessage = 'x'\ncut = { how = 'clean' }",
            1,
            "`cut` has exactly one of after_events, after_bytes and after = \"stop-reason\"",
        ),
        (
            "[[reply]]\nmessage = 'x'\nanswer = [{ text = 'y' }]",
            1,
            "this reply has two: message and answer; keep one",
        ),
        (
            "[[reply]]\nanswer = [{ txt = 'y' }]",
            2,
            "unknown key `txt`; did you mean `text`? (keys here: `text`, `tokens`",
        ),
        (
            "[[reply]]\nanswer = [{ tool_use = { name = 'x', input = '[]' } }]",
            1,
            "not a JSON object",
        ),
        (
            "[[reply]]\nmessage = 'x'\nwhen = { requests = [1] }",
            1,
            "is a [[fault]]",
        ),
        (
            "[[fault]]\nwhen = { chance = 1.5 }",
            1,
            "`when.chance` is a number from 0.0 to 1.0; for 1.5 % write 0.015",
        ),
        (
            "[[fault]]\nwhen = { from = '2s', until = '1s' }",
            1,
            "later than from",
        ),
        (
            "[[fault]]\nwhen = { request = 1 }",
            2,
            "unknown key `request`; did you mean `requests`?",
        ),
        ("[[fault]]\ntimes = 2", 1, "`times` is for a [[reply]]"),
        (
            "[[fault]]\nout_of = 'luck'",
            2,
            "`luck` is not one of `requests`, `input-tokens`",
        ),
        (
            "[limits]\nrpm = 5",
            2,
            "unknown key `rpm` (keys here: `requests`",
        ),
        (
            "[capacity]\nslots = -1",
            2,
            "slots is a whole number from 0 to 4294967295",
        ),
        (
            "[[reply]]\n[[reply]]\nraw = { status = 42 }",
            1,
            "this reply says nothing",
        ),
        (
            "# x\n[[reply]]\nraw = { status = 42 }",
            2,
            "status 42 is not one from 200 to 599",
        ),
        (
            "[[reply]]\nerror = { status = 500, type = 't', message = 'm' }\nstop_reason = 'x'",
            1,
            "only a message can have a stop reason",
        ),
        (
            "[[reply]]\nmessage = 'x'\nstop_reason = 'a'\nstop_sequence = 'b'",
            1,
            "not both",
        ),
        (
            "[[reply]]\ngateway = 502\nunknown_events = true",
            1,
            "only a message or a list of events can have unknown events",
        ),
        (
            "[[reply]]\nclose = 'reset'\nretry_after = '1s'",
            1,
            "nothing but a pause before",
        ),
        (
            "[[reply]]\nmessage = 'x'\nhuge_event = 9000000000",
            1,
            "at most 268435456 bytes",
        ),
        (
            "[[reply]]\nmessage = 'x'\npings_only = { after_events = 1, every = '0s' }",
            1,
            "some time between them",
        ),
        (
            "[[reply]]\nmessage = 'x'\npieces_of = 1\ndrip = { bytes = 1, every = '1s' }",
            1,
            "leave pieces_of out",
        ),
        (
            "[[reply]]\nraw = { status = 200, hex = 'f' }",
            2,
            "pairs of hexadecimal digits",
        ),
        (
            "[[reply]]\nraw = { status = 200, body = 'a', hex = 'ff' }",
            1,
            "not both",
        ),
        (
            "[[reply]]\nevents = [{ event = 'ping' }]",
            1,
            "{ event, data }, { verbatim } or { hex }",
        ),
        ("[[fault]]\nwhen = { requests = [0] }", 1, "counted from 1"),
        (
            "[[fault]]\nwhen = { requests = [] }",
            1,
            "at least one number",
        ),
        (
            "[[reply]]\nanswer = [{ tokens = 4294967295 }]",
            1,
            "at most 1000000 tokens",
        ),
        (
            "[[refused]]\nfrom = '2s'\nuntil = '1s'",
            1,
            "later than from",
        ),
        (
            "[capacity]\nslots = 1\nbrownout = [{ from = '2s', until = '1s', slots = 0 }]",
            1,
            "later than from",
        ),
        (
            "[capacity]\nslots = 1\nabandoned = 'kept'",
            3,
            "`kept` is not one of `freed`, `finished`",
        ),
        (
            "time_divided_by = 0",
            1,
            "time_divided_by is a whole number from 1 to 4294967295",
        ),
        ("[[reply]]\nmessage = 'x", 2, ""),
        (
            "key = 'maybe'",
            1,
            "`maybe` is not one of `optional`, `required`",
        ),
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
