//! Limits on the rate, against their arithmetic.

use super::*;

const DATE: &str = "anthropic-ratelimit";

fn number(headers: &hyper::HeaderMap, name: &str) -> f64 {
    headers[name].to_str().unwrap().parse().unwrap()
}

/// What a header with a date says, in seconds from the date of its own reply.
fn ahead(headers: &hyper::HeaderMap, name: &str) -> f64 {
    let date: jiff::Timestamp = headers[name].to_str().unwrap().parse().unwrap();
    let now = jiff::fmt::rfc2822::parse(headers["date"].to_str().unwrap()).unwrap();
    (date - now.timestamp()).total(jiff::Unit::Second).unwrap()
}

/// Two hundred requests at twice what a limit allows, each of which costs `cost` of it. A bucket of
/// our own says at each whether it is let in, and what the headers have to say.
async fn offered_at_twice_the_limit(limits: RateLimits, name: &str, per_minute: f64, cost: f64) {
    let simulator =
        of(Scenario::script(vec![Reply::message("One, two, six, ten.")]).limits(limits));
    let rate = per_minute / 60.0;
    let gap = cost / rate / 2.0;
    let (mut level, mut accepted) = (per_minute, 0_u32);
    // Output is paid after the fact, so that one token is enough to begin.
    let asked = if name == "output-tokens" { 1.0 } else { cost };
    for offer in 0..200 {
        let (status, headers) = heard(&simulator).await;
        let let_in = level >= asked - 1e-6;
        assert_eq!(status == 200, let_in, "offer {offer} at a level of {level}");
        if let_in {
            accepted += 1;
            level -= cost;
        } else {
            let wait = number(&headers, "retry-after");
            let needed = (asked - level) / rate;
            assert!(
                wait >= needed - 1e-6,
                "{wait} s is too early, {needed} s are needed"
            );
            assert!(
                wait < needed + 1.0 + 1e-6,
                "{wait} s is too late, {needed} s are needed"
            );
        }
        let told = number(&headers, &format!("{DATE}-{name}-remaining"));
        assert!(
            (told - level.max(0.0)).abs() < 1.0 + 1e-6,
            "{told} left, not {level}"
        );
        assert!(
            told <= level.max(0.0) + 1e-6,
            "{told} left is more than {level}"
        );
        let reset = ahead(&headers, &format!("{DATE}-{name}-reset"));
        let full = (per_minute - level) / rate;
        assert!(
            (full - 1e-6..full + 2.0).contains(&reset),
            "{reset} s to {full} s"
        );
        clock::sleep(Duration::from_secs_f64(gap)).await;
        level = (level + gap * rate).min(per_minute);
    }
    let arithmetic = (per_minute + 199.0 * gap * rate) / cost;
    let off = (f64::from(accepted) - arithmetic).abs() / arithmetic;
    assert!(
        off <= 0.01,
        "{accepted} accepted of {arithmetic} by the arithmetic"
    );
    assert!(accepted < 200, "twice the limit is too much");
}

#[tokio::test(start_paused = true)]
async fn two_hundred_requests_at_twice_a_limit_are_let_in_by_its_arithmetic_and_told_the_truth() {
    let none = RateLimits::none();
    // The request has five input tokens, its reply four output tokens.
    offered_at_twice_the_limit(none.requests_per_minute(limit(60)), "requests", 60.0, 1.0).await;
    let input = none.input_tokens_per_minute(limit(250));
    offered_at_twice_the_limit(input, "input-tokens", 250.0, 5.0).await;
    let output = none.output_tokens_per_minute(limit(240));
    offered_at_twice_the_limit(output, "output-tokens", 240.0, 4.0).await;
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_when_told_is_let_in_and_a_second_earlier_is_not() {
    let scenario = Scenario::script(Vec::new());
    let simulator = of(scenario.limits(RateLimits::none().requests_per_minute(limit(3))));
    for _ in 0..3 {
        assert_eq!(heard(&simulator).await.0, 200);
    }
    let (status, headers) = heard(&simulator).await;
    assert_eq!((status, number(&headers, "retry-after")), (429, 20.0));
    clock::sleep(SECOND * 19).await;
    assert_eq!(heard(&simulator).await.0, 429);
    clock::sleep(SECOND).await;
    assert_eq!(heard(&simulator).await.0, 200);
}
