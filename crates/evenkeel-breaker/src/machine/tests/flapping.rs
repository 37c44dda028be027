//! A server that comes and goes, at 50 calls a second, each answered at once; the refused do not wait.

use super::*;

/// What ten minutes of it announce.
fn ten_minutes(seed: u64, is_up: impl Fn(u64) -> bool) -> Vec<Transition> {
    let mut machine = Machine::default();
    let (mut dice, mut announced) = (seed | 1, Vec::new());
    for n in 0..600 * 50 {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let now = Moment::ORIGIN + s(1_000) + ms(20 * n);
        let (admission, transition) = machine.admit(now, dice);
        announced.extend(transition);
        if let Admission::Admitted(ticket) = admission {
            let outcome = if is_up(20 * n / 1_000) {
                Outcome::Success
            } else {
                OVERLOADED
            };
            announced.extend(machine.record(ticket, outcome, now, dice));
        }
    }
    announced
}

/// How often calls began to be refused or to be let through again.
fn changes_of_service(announced: &[Transition]) -> usize {
    let serves = |state| matches!(state, State::Closed | State::Recovering);
    let changes = |it: &&Transition| serves(it.from) != serves(it.to);
    announced.iter().filter(changes).count()
}

const fn seed(n: u64) -> u64 {
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The mean of 40 seeds, a minute.
fn mean(of: impl Fn(u64) -> usize) -> f64 {
    let total: usize = (1..=40).map(|n| of(seed(n))).sum();
    f64::from(u32::try_from(total).expect("small")) / 400.0
}

#[test]
fn flapping_every_five_seconds_changes_the_service_six_times_a_minute_at_most() {
    let flapping = |second: u64| second % 10 < 5;
    let most = (1..=200_u64)
        .map(|n| changes_of_service(&ten_minutes(seed(n), flapping)))
        .max();
    assert!(most <= Some(60), "{most:?} in ten minutes");
}

/// Why the bound is on changes of service: each failed probe is two transitions, and the probes that
/// a dead server gets, one in 15 s, alone make eight a minute.
#[test]
fn an_outage_without_end_is_eight_transitions_a_minute_and_no_change_of_service() {
    let announced = mean(|seed| ten_minutes(seed, |_| false).len());
    assert!((7.0..=9.5).contains(&announced), "{announced}");
    let changes = mean(|seed| changes_of_service(&ten_minutes(seed, |_| false)));
    assert!(
        (changes - 0.1).abs() < 1e-9,
        "one in ten minutes: {changes}"
    );
}
