//! What somebody writes who has not read everything, and what is said to it.

use super::*;

#[test]
fn a_value_of_the_wrong_kind_is_told_what_to_write_without_a_word_of_rust() {
    for (file, told) in [
        (
            "[[reply]]\nmessage = 'x'\npause_before_head = 2",
            "line 3: pause_before_head: write a length of time in quotes, with its unit: \"2s\"",
        ),
        (
            "[[fault]]\nwhen = { chance = '20%' }",
            "line 2: chance is a number from 0.0 to 1.0, without quotes: 0.2",
        ),
        (
            "[[fault]]\nwhen = { chance = 20 }",
            "line 1: in this [[fault]]: `when.chance` is a number from 0.0 to 1.0; for 20 % write 0.2",
        ),
        (
            "[[reply]]\ngateway = '502'",
            "line 2: gateway is a status without quotes: 502",
        ),
        (
            "[[reply]]\nmessage = 'x'\ntimes = 70000",
            "line 3: times is a whole number from 1 to 65535; the last reply repeats for ever by itself",
        ),
        (
            "[limits]\nrequests = 0",
            "line 2: requests is a whole number from 1 to 4294967295",
        ),
        (
            "seed = -1",
            "line 1: seed is a whole number from 0 to 9223372036854775807",
        ),
        (
            "[[reply]]\nmessage = 'x'\ndrip = { bytes = 0, every = '1s' }",
            "line 3: bytes is a whole number from 1 to 9223372036854775807",
        ),
        (
            "[reply]\nmessage = 'x'",
            "line 1: write [[reply]], with two brackets",
        ),
        (
            "[[reply]]\nmessage = 'x'\ngateway = 502",
            "line 1: in this [[reply]]: this reply has two: message and gateway; keep one",
        ),
        (
            "[[reply]]\nanswer = [{ text = 'a', thinking = 'b' }]",
            "line 2: each block of `answer` has one key; write [{ thinking = \"b\" }, { text = \"a\" }]",
        ),
        (
            "[[reply]]\nanswer = [{ text = 'a' }, { tool_use = { name = 'x', input = { a = 1 } } }]",
            "line 2: input is a JSON object in a string: '{\"a\":1}'",
        ),
        (
            "[[fault]]\nwhen = { requests = 3 }",
            "line 2: requests is a list of numbers from 1: [2, 5]",
        ),
        (
            "[[reply]]\nerror = { status = 529 }",
            "line 2: the key `type` is missing",
        ),
    ] {
        assert_eq!(parse(file).unwrap_err().to_string(), told, "{file}");
    }
    let unknown = |file| parse(file).unwrap_err().to_string();
    assert!(!unknown("[[reply]]\nmesage = 'x'").contains("`when`"));
    assert!(!unknown("[[fault]]\ngatewy = 502").contains("`times`"));
    assert!(unknown("[[reply]]\ntims = 502").contains("`times`"));
}

#[test]
fn what_would_have_no_effect_is_refused() {
    for (file, told) in [
        (
            "[[reply]]\nmessage = 'x'\ntimes = 2",
            "`times` on the last reply has no effect",
        ),
        (
            "[[fault]]\nwhen = { chance = 0.5 }",
            "this fault does nothing",
        ),
        (
            "[[fault]]\nwhen = { path = 'v1/messages' }\ngateway = 502",
            "write \"/v1/messages\"",
        ),
        (
            "[[fault]]\nwhen = { model = 'claude-opus-55' }\ngateway = 502",
            "did you mean `claude-opus-5",
        ),
        (
            "[[reply]]\nerror = { status = 200, type = 't', message = 'm' }",
            "`error.status` is one from 400 to 599, not 200",
        ),
        (
            "[[reply]]\nredirect = { status = 200 }",
            "`redirect.status` is one from 300 to 399, not 200",
        ),
        ("[[reply]]\nanswer = []", "`answer` has at least one block"),
        ("[capacity]\nslots = 0", "`slots` is at least 1"),
        (
            "[[reply]]\nmessage = 'x'\npings_only = { after_events = 2, every = '1s' }\ncut = { after_events = 5, how = 'reset' }",
            "`cut` never comes",
        ),
    ] {
        let said = parse(file).unwrap_err().to_string();
        assert!(said.contains(told), "{file}: {said}");
    }
    assert!(parse("[[fault]]\nwhen = { model = 'm' }\ngateway = 502").is_ok());
}

#[test]
fn every_third_request_a_repeated_list_and_a_fault_on_answers_only_can_be_written() {
    let scenario = parse(
        "repeat = true\n[[reply]]\ngateway = 502\ntimes = 2\n[[reply]]\nmessage = 'x'\ntimes = 3",
    )
    .unwrap();
    let replies = (0..10).map(|index| {
        matches!(
            scenario.reply(index).what,
            crate::reply::What::Gateway { .. }
        )
    });
    let expected = [
        true, true, false, false, false, true, true, false, false, false,
    ];
    assert_eq!(replies.collect::<Vec<_>>(), expected);
    let faults = parse("[[fault]]\nwhen = { every = 3, on = 'answer' }\ngateway = 502")
        .unwrap()
        .faults;
    let when = crate::When::always()
        .every(NonZeroU32::new(3).unwrap())
        .on_answers();
    assert_eq!(faults[0].0, when);
}
