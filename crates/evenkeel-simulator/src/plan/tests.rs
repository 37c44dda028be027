use proptest::prelude::*;

use super::*;
use crate::request::Form;
use crate::sse::SseEvent;

fn request(form: Form) -> MessagesRequest {
    MessagesRequest {
        model: "m".into(),
        max_tokens: 1_000,
        form,
        input_tokens: 5,
        ..MessagesRequest::default()
    }
}

fn circumstances(request: &MessagesRequest) -> Circumstances<'_> {
    Circumstances {
        seed: 1,
        number: 1,
        wall: SystemTime::UNIX_EPOCH,
        organization: "org",
        workspace: "wrkspc",
        trap: None,
        request: Some(request),
        input: Input::fresh(request.input_tokens),
    }
}

fn planned(reply: &Reply, form: Form) -> Answer {
    let request = request(form);
    let given = circumstances(&request);
    match Plan::new(reply, &given, |_| Vec::new(), |_| Pace::default()).outcome {
        Outcome::Answer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn body(answer: &Answer) -> Vec<u8> {
    let sent = answer.steps.iter().filter_map(|step| match step {
        Step::Send(bytes) => Some(bytes.to_vec()),
        Step::Pause(_) | Step::Endless(..) => None,
    });
    sent.collect::<Vec<_>>().concat()
}

fn value<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    let found = answer.headers.iter().filter(|(n, _)| n == name);
    found.map(|(_, value)| value.as_str()).collect()
}

/// Three events of ten bytes.
fn tens() -> Reply {
    Reply::events((0..3).map(|_| SseEvent::verbatim(*b"0123456789")).collect())
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_pause_splits_the_piece_it_falls_in() {
    let reply = tens()
        .pause_after_bytes(12, 2 * MS)
        .pause_after_events(1, MS);
    let send = |bytes: &'static str| Step::Send(Bytes::from_static(bytes.as_bytes()));
    assert_eq!(
        planned(&reply, Form::Stream).steps,
        [
            send("0123456789"),
            Step::Pause(MS),
            send("01"),
            Step::Pause(2 * MS),
            send("23456789"),
            send("0123456789"),
        ]
    );
}

#[test]
fn a_clean_cut_ends_the_steps_and_a_cut_on_the_wire_does_not() {
    let clean = planned(&tens().cut_after_bytes(12, Cut::Clean), Form::Stream);
    assert_eq!((body(&clean).len(), clean.finish), (12, Finish::CutClean));
    let reset = planned(&tens().cut_after_events(1, Cut::Reset), Form::Stream);
    let fault = Fault::Reset;
    assert_eq!(
        reset.finish,
        Finish::CutWire {
            after: 10,
            pause: Duration::ZERO,
            fault
        }
    );
    assert_eq!(body(&reset).len(), 30);
}

#[test]
fn a_cut_inside_a_chunk_leaves_half_of_the_next_event() {
    let answer = planned(&tens().cut_after_events(1, Cut::MidChunk), Form::Stream);
    let fault = Fault::Close;
    assert_eq!(
        answer.finish,
        Finish::CutWire {
            after: 15,
            pause: Duration::ZERO,
            fault
        }
    );
}

#[test]
fn a_pause_at_the_cut_comes_before_it() {
    let reply = tens()
        .pause_after_events(2, MS)
        .cut_after_events(2, Cut::Reset);
    let answer = planned(&reply, Form::Stream);
    assert_eq!(
        answer.finish,
        Finish::CutWire {
            after: 20,
            pause: MS,
            fault: Fault::Reset
        }
    );
    let reply = tens()
        .pause_after_events(2, MS)
        .cut_after_events(2, Cut::Clean);
    assert_eq!(
        planned(&reply, Form::Stream).steps.back(),
        Some(&Step::Pause(MS))
    );
}

#[test]
fn a_position_past_the_end_is_the_end() {
    let answer = planned(&tens().cut_after_events(99, Cut::Reset), Form::Stream);
    let fault = Fault::Reset;
    assert_eq!(
        answer.finish,
        Finish::CutWire {
            after: 30,
            pause: Duration::ZERO,
            fault
        }
    );
}

#[test]
fn a_plain_reply_cut_by_events_is_cut_in_its_middle() {
    let reply = Reply::raw(200)
        .body("0123456789")
        .cut_after_events(4, Cut::Clean);
    let answer = planned(&reply, Form::Plain);
    assert_eq!(
        (body(&answer), answer.framing),
        (b"01234".to_vec(), Framing::Chunks)
    );
}

#[test]
fn a_plain_request_gets_the_error_of_a_stream_as_a_reply() {
    let reply = Reply::message("x").error_after_events(1, "overloaded_error", "Overloaded");
    assert_eq!(planned(&reply, Form::Plain).status, 529);
    let answer = planned(&reply, Form::Stream);
    let text = String::from_utf8(body(&answer)).unwrap();
    assert_eq!((answer.status, text.matches("event: ").count()), (200, 2));
    let id = answer.request_id.as_deref().unwrap();
    assert!(
        text.ends_with(&format!("\"request_id\":\"{id}\"}}\n\n")),
        "{text}"
    );
}

#[test]
fn a_wait_in_parts_of_a_second_is_sent_exactly_beside_the_whole_ones() {
    let headers = |wait| {
        let answer = planned(&Reply::rate_limited(wait), Form::Plain);
        let value = |name| value(&answer, name).concat();
        (value("retry-after"), value("retry-after-ms"))
    };
    assert_eq!(headers(Duration::from_secs(2)), ("2".into(), String::new()));
    assert_eq!(
        headers(Duration::from_millis(1_200)),
        ("2".into(), "1200".into())
    );
    assert_eq!(headers(Duration::from_micros(10)), ("1".into(), "1".into()));
    assert_eq!(headers(Duration::ZERO), ("0".into(), String::new()));
}

#[test]
fn scripted_headers_take_the_place_of_our_own() {
    let reply = Reply::raw(200)
        .header("Request-Id", "mine")
        .header("a", "1")
        .header("a", "2");
    let answer = planned(&reply, Form::Plain);
    assert_eq!(value(&answer, "Request-Id"), ["mine"]);
    assert!(value(&answer, "request-id").is_empty());
    assert_eq!(value(&answer, "a"), ["1", "2"]);
    assert_eq!(answer.request_id.as_deref(), Some("mine"));
}

#[test]
fn the_proxy_knows_no_request_id() {
    let answer = planned(&Reply::html_gateway(502), Form::Plain);
    assert_eq!((answer.status, answer.request_id.as_deref()), (502, None));
    assert!(value(&answer, "request-id").is_empty());
    assert_eq!(value(&answer, "cf-ray").concat().len(), 20);
    assert!(body(&answer).starts_with(b"<!DOCTYPE html>"));
}

#[test]
fn a_spend_cap_names_the_first_of_the_next_month_and_no_wait() {
    let answer = planned(&Reply::spend_cap(), Form::Plain);
    let text = String::from_utf8(body(&answer)).unwrap();
    assert!(
        text.contains("regain access on 1970-02-01 at 00:00 UTC."),
        "{text}"
    );
    assert!(
        text.contains(r#""details":{"error_code":"enforced_spend_limit_reached"}"#),
        "{text}"
    );
    assert!(value(&answer, "retry-after").is_empty());
}

#[test]
fn a_scripted_rate_limit_looks_like_one_of_the_api() {
    let answer = planned(&Reply::rate_limited(Duration::from_secs(7)), Form::Plain);
    let text = String::from_utf8(body(&answer)).unwrap();
    let message = "This request would exceed your organization's rate limit of 50 requests per \
                   minute (org: org, model: m).";
    assert!(text.contains(message), "{text}");
    assert_eq!(
        value(&answer, "anthropic-ratelimit-requests-remaining"),
        ["0"]
    );
    assert_eq!(
        value(&answer, "anthropic-ratelimit-requests-reset"),
        ["1970-01-01T00:01:00Z"]
    );
}

proptest! {
    #[test]
    fn pauses_never_change_what_is_sent(
        places in prop::collection::vec(0_u64..40, 0..6), cut in prop::option::of(0_u64..40),
    ) {
        let mut reply = tens();
        for place in &places {
            reply = reply.pause_after_bytes(*place, MS);
        }
        if let Some(cut) = cut {
            reply = reply.cut_after_bytes(cut, Cut::Clean);
        }
        let answer = planned(&reply, Form::Stream);
        let end = usize::try_from(cut.unwrap_or(30).min(30)).unwrap();
        let whole = body(&planned(&tens(), Form::Stream));
        prop_assert_eq!(body(&answer), &whole[..end]);
        let pauses = answer.steps.iter().filter(|step| matches!(step, Step::Pause(_))).count();
        let reached = places.iter().filter(|place| usize::try_from((**place).min(30)).unwrap() <= end);
        prop_assert_eq!(pauses, reached.count());
    }
}

#[test]
fn pauses_longer_than_time_at_the_place_of_a_cut_are_added_without_a_panic() {
    let reply = tens()
        .pause_after_events(1, Duration::MAX)
        .pause_after_events(1, Duration::MAX)
        .cut_after_events(1, Cut::Reset);
    let Finish::CutWire { pause, .. } = planned(&reply, Form::Stream).finish else {
        panic!("a reset is a cut on the wire")
    };
    assert_eq!(pause, Duration::MAX);
}

#[test]
fn white_space_is_not_the_beginning_of_a_reply_that_could_be_taken_for_whole() {
    let cut = |text: &str| {
        let events = vec![SseEvent::text_delta(0, text), SseEvent::message_stop()];
        Reply::events(events).cut_after_events(1, Cut::Clean)
    };
    assert_eq!(planned(&cut(" \n"), Form::Stream).broken_off, None);
    assert!(planned(&cut(" a"), Form::Stream).broken_off.is_some());
}

#[test]
fn a_long_generation_is_interrupted_by_pings_and_a_short_one_is_not() {
    let request = request(Form::Stream);
    let pings = |rest: u64, reply: &Reply| {
        let given = circumstances(&request);
        let pace = Pace {
            first: Duration::ZERO,
            rest: Duration::from_secs(rest),
            pings: Duration::from_secs(15),
        };
        let plan = Plan::new(reply, &given, |_| Vec::new(), |_| pace);
        let Outcome::Answer(answer) = plan.outcome else {
            panic!("an answer was planned")
        };
        let steps = answer.steps.iter();
        let mut passed = Duration::ZERO;
        let mut seen = Vec::new();
        for step in steps {
            match step {
                Step::Pause(length) => passed += *length,
                Step::Send(bytes) if bytes.starts_with(b"event: ping") => seen.push(passed),
                Step::Send(_) | Step::Endless(..) => {}
            }
        }
        (seen.split_off(1), passed, body(&answer))
    };
    let reply = Reply::answer(crate::answer::Answer::new().tokens(400));
    let (seen, ..) = pings(10, &reply);
    assert_eq!(seen, [], "but for the one after `message_start`");
    let (seen, passed, sent) = pings(100, &reply);
    assert!((5..=6).contains(&seen.len()), "{seen:?}");
    let second = Duration::from_secs(1);
    assert!(
        seen.windows(2)
            .map(|two| two[1].saturating_sub(two[0]))
            .all(|gap| gap >= 14 * second && gap <= 16 * second),
        "{seen:?}"
    );
    assert!(passed <= 101 * second, "{passed:?}");
    assert!(sent.ends_with(b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
    let (seen, _, sent) = pings(100, &reply.line_ends(crate::distortion::LineEnd::CrLf));
    assert!(
        !seen.is_empty()
            && !String::from_utf8(sent)
                .unwrap()
                .replace("\r\n", "")
                .contains('\n')
    );
}
