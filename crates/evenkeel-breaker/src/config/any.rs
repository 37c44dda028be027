//! Any configuration that keeps the rules, for tests of what holds for all of them.

use proptest::prelude::*;

use super::*;

/// A nanosecond, or up to five seconds, ten minutes, or ten days.
fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        1 => Just(Duration::from_nanos(1)),
        6 => (1..5_000_u64).prop_map(Duration::from_millis),
        3 => (1..600_u64).prop_map(Duration::from_secs),
        1 => Just(Duration::from_secs(864_000)),
    ]
}

fn time_or_none() -> impl Strategy<Value = Duration> {
    prop_oneof![1 => Just(Duration::ZERO), 4 => time()]
}

fn ratio() -> impl Strategy<Value = Ratio> {
    (1..=100_u32).prop_map(|percent| Ratio::percent(percent).expect("1 to 100"))
}

type Delays = (
    [Duration; 3],
    Option<Vec<Duration>>,
    Ratio,
    Duration,
    Duration,
);

/// How long it stays open.
fn delays() -> impl Strategy<Value = Delays> {
    let doubled = [time(), time(), time()].prop_map(|mut delays| {
        delays.sort();
        delays
    });
    let given = prop::option::weighted(0.3, prop::collection::vec(time_or_none(), 1..5));
    let spread = (1..100_u32).prop_map(|percent| Ratio::percent(percent).expect("1 to 99"));
    (doubled, given, spread, time(), time_or_none())
}

/// One that decides for itself: of the other modes other things hold.
pub(crate) fn any_config() -> impl Strategy<Value = BreakerConfig> {
    let window = prop_oneof![
        time().prop_map(Window::Time),
        (1..200_u32).prop_map(Window::Calls),
        Just(Window::Calls(Window::MOST_CALLS)),
    ];
    let ratios = (prop::option::of(ratio()), prop::option::of(ratio()), time());
    let row = (prop::option::of(1..8_u32), time_or_none());
    let ramp = (1..=31_u32, time(), 1..4_u32);
    (window, 1..30_u32, ratios, row, delays(), ramp).prop_map(
        |(window, samples, (failed, slow, slow_call), (row, span), delays, ramp)| {
            let ([first, cap, limit], given, spread, lease, clean) = delays;
            let (steps, interval, failures) = ramp;
            let samples = match window {
                Window::Calls(calls) => samples.min(calls),
                Window::Time(_) => samples,
            };
            // Some rule there must be.
            let row = row.or((failed.is_none() && slow.is_none()).then_some(3));
            let config = BreakerConfig::builder()
                .window(window)
                .minimum_samples(samples)
                .failure_ratio(failed)
                .slow_ratio(slow)
                .slow_call(slow_call)
                .consecutive_failures(row)
                .consecutive_span(span)
                .open_delay(first)
                .open_delay_cap(cap)
                .open_delay_limit(limit)
                .open_delay_spread(spread)
                .probe_lease(lease)
                .ramp_steps(steps)
                .ramp_interval(interval)
                .ramp_failures(failures)
                .clean_time(clean);
            let config = match given {
                Some(delays) => config.open_delays(delays),
                None => config,
            };
            config.build().expect("keeps the rules")
        },
    )
}
