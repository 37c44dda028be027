use std::num::NonZeroU32;
use std::time::Duration;

use evenkeel_error::InvalidConfig;

use super::*;

fn refused(build: impl FnOnce(BreakerConfigBuilder) -> BreakerConfigBuilder) -> String {
    build(BreakerConfig::builder())
        .build()
        .expect_err("breaks a rule")
        .to_string()
}

#[test]
fn the_defaults_keep_their_own_rules() {
    assert_eq!(
        BreakerConfig::builder().build(),
        Ok(BreakerConfig::default())
    );
}

#[test]
fn each_rule_that_is_broken_is_named_with_its_field() {
    let zero = Duration::ZERO;
    assert_eq!(refused(|it| it.window(zero)), "window must be over zero");
    assert_eq!(
        refused(|it| it.open_delay(zero)),
        "open_delay must be over zero"
    );
    assert_eq!(
        refused(|it| it.probe_lease(zero)),
        "probe_lease must be over zero"
    );
    assert_eq!(
        refused(|it| it.ramp_interval(zero)),
        "ramp_interval must be over zero"
    );
    assert_eq!(
        refused(|it| it.minimum_samples(0)),
        "minimum_samples must be 1 or more"
    );
    assert_eq!(
        refused(|it| it.consecutive_failures(0)),
        "consecutive_failures must be 1 or more"
    );
    assert_eq!(
        refused(|it| it.ramp_steps(0)),
        "ramp_steps must be 1 or more"
    );
    assert_eq!(
        refused(|it| it.ramp_steps(32)),
        "ramp_steps must be 31 or less"
    );
    assert_eq!(
        refused(|it| it.ramp_failures(0)),
        "ramp_failures must be 1 or more"
    );
    assert_eq!(
        refused(|it| it
            .open_delays([Duration::from_secs(1)])
            .open_delay_limit(zero)),
        "open_delay_limit must be over zero"
    );
    assert_eq!(
        refused(|it| it.open_delays([])),
        "open_delays must not be empty"
    );
    assert_eq!(
        refused(|it| it.window(zero).slow_ratio(Ratio::HALF)),
        "window must be over zero"
    );
    assert_eq!(
        refused(|it| it.window(Window::Calls(0))),
        "window must be 1 to 65,536 calls"
    );
    assert_eq!(
        refused(|it| it.window(Window::Calls(4))),
        "minimum_samples must be at most what the window holds"
    );
    assert_eq!(
        refused(|it| it.open_delay_spread(Ratio::ONE)),
        "open_delay_spread must be less than 1"
    );
    assert_eq!(
        refused(|it| it.open_delay(Duration::from_secs(16))),
        "open_delay must be at most open_delay_cap"
    );
    assert_eq!(
        refused(|it| it.open_delay_cap(Duration::from_secs(61))),
        "open_delay_cap must be at most open_delay_limit"
    );
}

#[test]
fn a_minimum_that_no_rule_reads_breaks_none() {
    let config = BreakerConfig::builder().window(Window::Calls(3));
    assert!(config.failure_ratio(None).build().is_ok());
}

#[test]
fn a_ratio_out_of_range_cannot_be_configured_at_all() {
    let config = Ratio::new(1.5).map(|ratio| BreakerConfig::builder().failure_ratio(ratio));
    assert_eq!(
        config.map(|_| ()),
        Err(InvalidConfig::new("ratio", "must be over 0 and at most 1"))
    );
}

#[test]
fn dividing_time_divides_every_duration_and_nothing_else() {
    let factor = NonZeroU32::new(10).expect("ten");
    let divided = BreakerConfig::default().time_divided_by(factor);
    let expected = BreakerConfig::builder()
        .window(Duration::from_secs(3))
        .consecutive_span(Duration::from_millis(200))
        .open_delay(Duration::from_millis(100))
        .open_delay_cap(Duration::from_millis(1_500))
        .open_delay_limit(Duration::from_secs(6))
        .probe_lease(Duration::from_secs(2))
        .ramp_interval(Duration::from_millis(100))
        .clean_time(Duration::from_secs(2))
        .build();
    let expected = expected.expect("valid");
    let expected = Settings {
        slow_call: Duration::from_secs(6),
        ..(*expected.settings).clone()
    };
    assert_eq!(*divided.settings, expected);
}

#[test]
fn what_is_set_after_time_was_divided_is_not_divided() {
    let second = Duration::from_secs(1);
    let factor = NonZeroU32::new(10).expect("ten");
    let given = BreakerConfig::builder().open_delays([second, 3 * second]);
    let divided = given.build().expect("valid").time_divided_by(factor);
    // In the middle of the spread.
    let delay = |config: &BreakerConfig| config.settings.delay(1, None, 1 << 63);
    assert_eq!(delay(&divided), Duration::from_millis(300));
    let rebuilt = BreakerConfigBuilder::from(divided).open_delays([second]);
    assert_eq!(delay(&rebuilt.build().expect("valid")), second);
}

#[test]
fn no_duration_is_divided_away() {
    let divided = BreakerConfig::default()
        .time_divided_by(NonZeroU32::MAX)
        .time_divided_by(NonZeroU32::MAX);
    assert_eq!(
        divided.settings.window,
        Window::Time(Duration::from_nanos(1))
    );
    let rebuilt = BreakerConfigBuilder::from(divided).build();
    assert!(rebuilt.is_ok(), "{rebuilt:?}");
}

#[test]
fn no_number_of_openings_overflows_the_delay() {
    let config = BreakerConfig::default();
    for openings in (0..70).chain([u32::MAX]) {
        for roll in [0, 1 << 63, u64::MAX] {
            let delay = config.settings.delay(openings, None, roll);
            assert!(delay >= Duration::from_millis(500) && delay < Duration::from_millis(22_500));
        }
    }
}
