use proptest::prelude::*;

use super::*;
use crate::{Dice, Ratio};

const SECOND: Duration = Duration::from_secs(1);

fn ceilings<const N: usize>(curve: Curve, retries: [u32; N]) -> [u64; N] {
    retries.map(|retry| curve.ceiling(retry).as_secs())
}

#[test]
fn ceilings_double_up_to_the_cap() {
    let curve = Curve::exponential(SECOND).cap(8 * SECOND);
    assert_eq!(ceilings(curve, [1, 2, 3, 4, 5, 100]), [1, 2, 4, 8, 8, 8]);
}

#[test]
fn a_small_base_goes_on_doubling_past_thirty_two() {
    let curve = Curve::exponential(Duration::from_nanos(1));
    assert_eq!(curve.ceiling(34), Duration::from_nanos(1 << 33));
    assert_eq!(curve.ceiling(64), Duration::from_nanos(1 << 63));
    assert_eq!(curve.ceiling(65), Duration::from_nanos(u64::MAX));
}

#[test]
fn a_constant_curve_does_not_grow() {
    let curve = Curve::constant(SECOND).jitter(Jitter::None);
    assert_eq!(curve.delay(1, Roll::LOWEST), SECOND);
    assert_eq!(curve.delay(u32::MAX, Roll::LOWEST), SECOND);
}

#[test]
fn linear_and_fibonacci_ceilings_grow_as_their_names_say() {
    let retries = [0, 1, 2, 3, 4, 5, 6];
    assert_eq!(
        ceilings(Curve::linear(SECOND), retries),
        [1, 1, 2, 3, 4, 5, 6]
    );
    assert_eq!(
        ceilings(Curve::fibonacci(SECOND), retries),
        [1, 1, 1, 2, 3, 5, 8]
    );
}

#[test]
fn a_factor_of_one_and_a_half_grows_by_halves() {
    let curve = Curve::builder().base(SECOND).factor(1.5).build().unwrap();
    let millis = [1, 2, 3, 4].map(|retry| curve.ceiling(retry).as_millis());
    assert_eq!(millis, [1_000, 1_500, 2_250, 3_375]);
}

#[test]
fn build_names_the_field_and_the_rule() {
    let message = |builder: CurveBuilder| builder.build().unwrap_err().to_string();
    assert_eq!(
        message(Curve::builder().base(Duration::ZERO)),
        "base must be longer than zero"
    );
    assert_eq!(
        message(Curve::builder().cap(Duration::from_millis(1))),
        "cap must not be below the base"
    );
    for factor in [f64::NAN, f64::INFINITY, 0.5, -2.0, 1_000.5] {
        assert_eq!(
            message(Curve::builder().factor(factor)),
            "factor must be 1 to 1000"
        );
    }
}

#[test]
fn decorrelated_waits_stay_between_the_base_and_three_times_the_wait_before() {
    let curve = Curve::decorrelated(SECOND).cap(60 * SECOND);
    for seed in 0..200 {
        let mut before = SECOND;
        for wait in curve.delays(Dice::seeded(seed)).take(30) {
            assert!(
                wait >= SECOND && wait <= (before * 3).min(60 * SECOND),
                "{wait:?}"
            );
            before = wait;
        }
    }
}

#[test]
fn decorrelated_waits_do_not_pile_up_at_the_cap() {
    let curve = Curve::decorrelated(SECOND).cap(10 * SECOND);
    let waits = curve.delays(Dice::seeded(1)).skip(10).take(10_000);
    let near = waits.filter(|wait| *wait > Duration::from_millis(9_900));
    assert!(near.count() < 500);
}

fn any_growth() -> impl Strategy<Value = Growth> {
    prop_oneof![
        Just(Growth::None),
        Just(Growth::Linear),
        Just(Growth::Doubling(0)),
        Just(Growth::Tripling),
        Just(Growth::Fibonacci),
        (1.0..=1_000.0).prop_map(|factor| Growth::by(Factor::new(factor).unwrap())),
    ]
}

fn any_jitter() -> impl Strategy<Value = Jitter> {
    prop_oneof![
        Just(Jitter::Full),
        Just(Jitter::None),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated),
        (0.0..=1.0).prop_map(|share| Jitter::Bounded(Ratio::new(share).unwrap())),
    ]
}

fn any_curve() -> impl Strategy<Value = Curve> {
    let durations = (any::<Duration>(), any::<Duration>());
    (durations, any_growth(), any_jitter()).prop_map(|((base, cap), growth, jitter)| {
        Curve::growing(base, growth).cap(cap).jitter(jitter)
    })
}

/// As likely small as large.
fn any_nanos() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..=64_u32).prop_map(|(bits, zeros)| bits.checked_shr(zeros).unwrap_or(0))
}

proptest! {
    #[test]
    fn doubled_ceilings_are_the_base_times_a_power_of_two_or_the_cap(
        base in any_nanos(), cap in any_nanos(), retry in 0..140_u32,
    ) {
        let curve = Curve::exponential(Duration::from_nanos(base)).cap(Duration::from_nanos(cap));
        let doubled = u128::from(base) << retry.saturating_sub(1).min(64);
        let expected = u64::try_from(doubled.min(cap.into())).unwrap();
        prop_assert_eq!(curve.ceiling(retry), Duration::from_nanos(expected));
    }

    #[test]
    fn what_is_drawn_in_passing_is_what_the_range_gives(
        curve in any_curve(), retry in prop_oneof![0..70_u32, any::<u32>()], previous: u64, bits: u64,
    ) {
        let roll = Roll::from_bits(bits);
        prop_assert_eq!(curve.draw(retry, previous, roll), curve.range(retry, previous).draw(roll));
    }

    #[test]
    fn no_delay_is_above_its_ceiling_and_no_ceiling_above_the_cap(
        curve in any_curve(), retry: u32, bits: u64, previous: u64,
    ) {
        let cap = Duration::from_nanos(curve.cap);
        prop_assert!(curve.ceiling(retry) <= cap);
        prop_assert!(curve.delay(retry, Roll::from_bits(bits)) <= curve.ceiling(retry));
        let range = curve.range(retry, previous);
        prop_assert!(range.lowest <= range.highest && range.highest <= curve.cap);
    }

    #[test]
    fn ceilings_never_shrink(curve in any_curve(), retry in prop_oneof![0..200_u32, any::<u32>()]) {
        prop_assert!(curve.ceiling(retry) <= curve.ceiling(retry.saturating_add(1)));
    }

    #[test]
    fn a_delay_below_a_limit_is_below_it(curve in any_curve(), retry: u32, bits: u64, most in any::<Duration>()) {
        prop_assert!(curve.delay_below(retry, most, Roll::from_bits(bits)) <= most);
    }
}
