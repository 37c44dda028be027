use bytes::Bytes;
use hyper::Request;

use super::*;
use crate::entry::Ending;
use crate::{Cut, InProcess, Reply, Scenario, Shortage, Simulator, clock};

fn entry(number: u64, at_ms: u64, status: u16) -> Entry {
    let mut entry = Entry::begun(number, Duration::from_millis(at_ms));
    (entry.path, entry.body_bytes) = ("/v1/messages".into(), 9);
    (entry.body_hash, entry.gist) = (7, 7);
    (entry.status, entry.ending) = (Some(status), Ending::Complete);
    entry.ended_at = Some(entry.at);
    entry
}

fn rules(entries: &[Entry]) -> Vec<(Rule, u64)> {
    let verdict = Verdict::on(entries, &[]);
    verdict
        .findings()
        .iter()
        .map(|finding| (finding.rule, finding.request))
        .collect()
}

#[test]
fn a_client_that_waits_and_stops_in_time_is_clean() {
    let mut limited = entry(1, 0, 429);
    limited.retry_after = Some(Duration::from_secs(1));
    assert_eq!(
        rules(&[limited, entry(2, 1_100, 200), entry(3, 1_101, 200)]),
        []
    );
    assert!(Verdict::on(&[], &[]).json().starts_with(r#"{"clean":true"#));
}

#[test]
fn each_rule_names_the_request_that_broke_it() {
    let mut limited = entry(1, 0, 429);
    limited.retry_after = Some(Duration::from_secs(1));
    assert_eq!(
        rules(&[limited, entry(2, 900, 200)]),
        [(Rule::IgnoredRetryAfter, 2)]
    );
    assert_eq!(
        rules(&[entry(1, 0, 529), entry(2, 10, 200)]),
        [(Rule::RetriedEarly, 2)]
    );
    let mut hopeless = entry(1, 0, 400);
    hopeless.hopeless = true;
    assert_eq!(
        rules(&[hopeless, entry(2, 5_000, 200)]),
        [(Rule::RetriedHopeless, 2)]
    );
    let storm: Vec<_> = (0..15).map(|n| entry(n + 1, n * 100, 529)).collect();
    assert_eq!(rules(&storm), [(Rule::Storm, 11)]);
    let mut fooled = entry(2, 5_000, 200);
    fooled.takes_for_whole = Some(1);
    assert_eq!(
        rules(&[entry(1, 0, 200), fooled]),
        [(Rule::AcceptedTruncated, 2)]
    );
}

#[test]
fn a_key_in_the_trap_is_a_leak() {
    let mut leak = entry(1, 0, 200);
    leak.carried_key = true;
    let verdict = Verdict::on(&[], &[leak, entry(2, 0, 200)]);
    assert_eq!(verdict.findings().len(), 1);
    assert!(
        verdict
            .json()
            .contains(r#""rule":"leaked_key","request":1,"journal":"trap""#)
    );
}

#[test]
fn what_comes_near_to_breaking_a_rule_does_not_break_it() {
    let at = |number, ms, status| entry(number, ms, status);
    let with = |mut entry: Entry, change: fn(&mut Entry)| {
        change(&mut entry);
        entry
    };
    let spread = |gap: u64, status| (0..15).map(|n| entry(n + 1, n * gap, status)).collect();
    for (entries, why) in [
        (
            vec![at(1, 0, 529), at(2, 50, 200)],
            "a retry after the least of waits",
        ),
        (
            vec![at(1, 0, 529), with(at(2, 10, 200), |entry| entry.gist = 8)],
            "another request",
        ),
        (
            vec![
                with(at(1, 0, 529), |entry| entry.body_bytes = 0),
                with(at(2, 1, 200), |entry| entry.body_bytes = 0),
            ],
            "a read may be repeated",
        ),
        (
            vec![
                with(at(1, 0, 529), |entry| {
                    entry.ended_at = Some(Duration::from_millis(30));
                }),
                at(2, 10, 529),
            ],
            "side by side",
        ),
        (
            vec![
                with(at(1, 0, 529), |entry| entry.ended_at = None),
                at(2, 1, 200),
            ],
            "the first is not over yet",
        ),
        (
            vec![
                with(at(1, 0, 200), |entry| entry.ending = Ending::Returned),
                at(2, 1, 200),
            ],
            "what was handed back unread may be sent again at once",
        ),
        (
            vec![at(1, 0, 200), at(2, 1, 200)],
            "the same again after a success",
        ),
        (
            vec![
                with(at(1, 0, 429), |entry| {
                    entry.retry_after = Some(Duration::from_secs(1));
                }),
                at(2, 1_000, 200),
            ],
            "at the moment that was named",
        ),
        (
            vec![
                with(at(1, 0, 400), |entry| entry.hopeless = true),
                with(at(2, 500, 200), |entry| entry.body_hash = 8),
            ],
            "a hopeless request put right",
        ),
        (spread(1_100, 529), "ten failures in more than ten seconds"),
        (spread(100, 200), "ten successes"),
        (
            spread(100, 529).into_iter().take(10).collect(),
            "nine failures before it",
        ),
    ] {
        assert_eq!(rules(&entries), [], "{why}");
    }
}

const SECOND: Duration = Duration::from_secs(1);

async fn say(simulator: &InProcess, messages: &serde_json::Value) -> String {
    let body =
        serde_json::json!({"model": "m", "max_tokens": 500, "stream": true, "messages": messages});
    let request = Request::post("/v1/messages").header("anthropic-version", "2026-10-21");
    let request = request.body(Bytes::from(body.to_string())).unwrap();
    let Ok(response) = simulator.send(request).await else {
        return String::new();
    };
    let (mut body, mut all) = (response.into_body(), Vec::new());
    while let Some(Ok(chunk)) = body.chunk().await {
        all.extend(chunk);
    }
    let events = String::from_utf8(all).unwrap();
    let data = events
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    let texts = data.filter_map(|data| {
        let data: serde_json::Value = serde_json::from_str(data).ok()?;
        Some(data["delta"]["text"].as_str()?.to_owned())
    });
    texts.collect()
}

/// What is found when the same is asked so many times, this far apart.
async fn asked(reply: Reply, times: u32, apart: Duration) -> Vec<Rule> {
    let scenario = Scenario::script(vec![reply]);
    let simulator = Simulator::builder()
        .scenario(scenario)
        .in_process()
        .unwrap();
    let hi = serde_json::json!([{"role": "user", "content": "Hi"}]);
    for _ in 0..times {
        say(&simulator, &hi).await;
        clock::sleep(apart).await;
    }
    let verdict = simulator.verdict();
    verdict
        .findings()
        .iter()
        .map(|finding| finding.rule)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn each_rule_is_broken_by_the_hasty_and_kept_by_the_patient() {
    let overloaded = || Reply::error(529, "overloaded_error", "Overloaded");
    let refused = || Reply::error(400, "invalid_request_error", "No");
    let limited = || Reply::rate_limited(SECOND * 30);
    let told = |told: &str| overloaded().header("x-should-retry", told);
    let minute = SECOND * 60;
    for (reply, times, apart, rules) in [
        (overloaded(), 2, SECOND / 100, vec![Rule::RetriedEarly]),
        (overloaded(), 2, SECOND, vec![]),
        (limited(), 2, SECOND * 29, vec![Rule::IgnoredRetryAfter]),
        (limited(), 2, SECOND * 30, vec![]),
        (refused(), 2, minute, vec![Rule::RetriedHopeless]),
        (refused(), 1, minute, vec![]),
        (
            Reply::out_of(Shortage::SpendCap),
            2,
            minute,
            vec![Rule::RetriedHopeless],
        ),
        (Reply::out_of(Shortage::Ramp), 2, minute, vec![]),
        (told("false"), 2, minute, vec![Rule::RetriedHopeless]),
        (
            refused().header("x-should-retry", "true"),
            2,
            minute,
            vec![],
        ),
        (overloaded(), 11, SECOND / 2, vec![Rule::Storm]),
        (overloaded(), 11, SECOND * 2, vec![]),
        (Reply::refuse_stream(), 2, Duration::ZERO, vec![]),
        (
            Reply::close_without_reply(),
            2,
            Duration::ZERO,
            vec![Rule::RetriedEarly],
        ),
    ] {
        let shown = format!("{reply:?} {times} times, {apart:?} apart");
        assert_eq!(asked(reply, times, apart).await, rules, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn going_on_with_the_beginning_of_a_reply_is_found_and_with_all_of_it_or_as_a_beginning_is_not()
 {
    let text = "A text that is long enough for a stream of more than a few deltas.";
    for (cut, goes_on, found) in [
        (true, true, true),
        (false, true, false),
        (true, false, false),
    ] {
        let reply = Reply::message(text);
        let reply = if cut {
            reply.cut_after_events(8, Cut::Clean)
        } else {
            reply
        };
        let scenario = Scenario::script(vec![reply]);
        let simulator = Simulator::builder()
            .scenario(scenario)
            .in_process()
            .unwrap();
        let user = serde_json::json!({"role": "user", "content": "Hi"});
        let said = say(&simulator, &serde_json::json!([user])).await;
        assert_eq!(said.len() < text.len(), cut, "{said}");
        let answer = serde_json::json!({"role": "assistant", "content": said});
        let messages = if goes_on {
            serde_json::json!([user, answer, user])
        } else {
            // At the end it is the beginning of an answer, which is what it is.
            serde_json::json!([user, answer])
        };
        say(&simulator, &messages).await;
        let rules: Vec<_> = simulator
            .verdict()
            .findings()
            .iter()
            .map(|f| f.rule)
            .collect();
        let expected = if found {
            vec![Rule::AcceptedTruncated]
        } else {
            vec![]
        };
        assert_eq!(rules, expected, "cut {cut}, goes on {goes_on}");
    }
}
