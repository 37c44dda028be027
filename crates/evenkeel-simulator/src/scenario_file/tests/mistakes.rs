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
